/* One option's value: from text to its target, within its bounds, or an error that names
 * all three. */
#include "arguments.h"

#include <inttypes.h>
#include <string.h>

#include "page.h"

static fed_status store_flag(const fed_option *o, const char *where, const char *value,
                             fed_error *err)
{
    bool yes = !strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "on");
    bool no = !strcmp(value, "no") || !strcmp(value, "false") || !strcmp(value, "off");
    if (!yes && !no)
        return fed_fail(err, FED_E_INVALID, "%s%s: \"%s\" is neither yes nor no", where,
                        o->name, value);
    *o->to.flag = yes;
    return FED_OK;
}

static bool is_choice(const char *words, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = words; *p;) {
        size_t length = strcspn(p, "|");
        if (length == n && memcmp(p, value, n) == 0) return true;
        p += length + (p[length] == '|');
    }
    return false;
}

static fed_status store_choice(const fed_option *o, const char *where, const char *value,
                               fed_error *err)
{
    if (!is_choice(o->argument, value))
        return fed_fail(err, FED_E_INVALID, "%s%s: \"%s\" is not one of %s", where,
                        o->name, value, o->argument);
    *o->to.text = value;
    return FED_OK;
}

static fed_status store_u64(const fed_option *o, const char *where, const char *value,
                            fed_error *err)
{
    uint64_t v;
    if (!fed_text_to_u64(value, o->bound.u64.max, &v) || v < o->bound.u64.min)
        return fed_fail(err, FED_E_INVALID,
                        "%s%s: \"%s\" is not a whole number from %" PRIu64 " to %" PRIu64,
                        where, o->name, value, o->bound.u64.min, o->bound.u64.max);
    *o->to.u64 = v;
    return FED_OK;
}

static fed_status store_i64(const fed_option *o, const char *where, const char *value,
                            fed_error *err)
{
    if (!fed_text_to_i64(value, o->bound.i64.min, o->bound.i64.max, o->to.i64))
        return fed_fail(err, FED_E_INVALID,
                        "%s%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64,
                        where, o->name, value, o->bound.i64.min, o->bound.i64.max);
    return FED_OK;
}

static fed_status store_real(const fed_option *o, const char *where, const char *value,
                             fed_error *err)
{
    double v;
    if (!fed_text_to_double(value, strlen(value), &v) || v < o->bound.real.min ||
        v > o->bound.real.max)
        return fed_fail(err, FED_E_INVALID, "%s%s: \"%s\" is not a number from %g to %g",
                        where, o->name, value, o->bound.real.min, o->bound.real.max);
    *o->to.real = v;
    return FED_OK;
}

static fed_status store_list(const fed_option *o, const char *where, const char *value,
                             fed_error *err)
{
    if (o->to.list->n == FED_LIST_MAX)
        return fed_fail(err, FED_E_INVALID, "%s%s: given more than %d times", where,
                        o->name, FED_LIST_MAX);
    o->to.list->items[o->to.list->n++] = value;
    return FED_OK;
}

fed_status fed_option_store(const fed_option *o, const char *where, const char *value,
                            fed_error *err)
{
    switch (o->kind) {
    case FED_OPTION_FLAG:
        return store_flag(o, where, value, err);
    case FED_OPTION_TEXT:
        *o->to.text = value;
        return FED_OK;
    case FED_OPTION_CHOICE:
        return store_choice(o, where, value, err);
    case FED_OPTION_U64:
        return store_u64(o, where, value, err);
    case FED_OPTION_I64:
        return store_i64(o, where, value, err);
    case FED_OPTION_REAL:
        return store_real(o, where, value, err);
    case FED_OPTION_LIST:
        return store_list(o, where, value, err);
    default:
        return fed_fail(err, FED_E_INTERNAL, "option kind %d", (int)o->kind);
    }
}

static void put_bounds(const fed_option *o, fed_bytes *out)
{
    bool any = o->kind == FED_OPTION_U64 && o->bound.u64.max == UINT64_MAX;
    if (any && o->bound.u64.min)
        fed_bytes_printf(out, "from %" PRIu64, o->bound.u64.min);
    else if (o->kind == FED_OPTION_U64 && !any)
        fed_bytes_printf(out, "%" PRIu64 " to %" PRIu64, o->bound.u64.min,
                         o->bound.u64.max);
    else if (o->kind == FED_OPTION_I64)
        fed_bytes_printf(out, "%" PRId64 " to %" PRId64, o->bound.i64.min,
                         o->bound.i64.max);
    else if (o->kind == FED_OPTION_REAL)
        fed_bytes_printf(out, "%g to %g", o->bound.real.min, o->bound.real.max);
    else if (o->kind == FED_OPTION_LIST)
        fed_bytes_put_text(out, "may be repeated");
    else if (o->required)
        fed_bytes_put_text(out, "required");
}

/* The value that the target holds before parsing; none is shown for zero and NULL. */
static void put_default(const fed_option *o, fed_bytes *out)
{
    if ((o->kind == FED_OPTION_TEXT || o->kind == FED_OPTION_CHOICE) && *o->to.text)
        fed_bytes_put_text(out, *o->to.text);
    else if (o->kind == FED_OPTION_U64 && *o->to.u64)
        fed_bytes_printf(out, "%" PRIu64, *o->to.u64);
    else if (o->kind == FED_OPTION_I64 && *o->to.i64)
        fed_bytes_printf(out, "%" PRId64, *o->to.i64);
    else if (o->kind == FED_OPTION_REAL && *o->to.real != 0)
        fed_bytes_printf(out, "%g", *o->to.real);
}

void fed_option_range(const fed_option *o, fed_bytes *out)
{
    fed_bytes bounds, value;
    fed_bytes_init(&bounds, 256);
    fed_bytes_init(&value, 4096);
    put_bounds(o, &bounds);
    put_default(o, &value);
    if (bounds.len || value.len) {
        fed_bytes_put_text(out, " [");
        fed_bytes_put(out, bounds.data, bounds.len);
        fed_bytes_put_text(out, !value.len ? "" : bounds.len ? ", default " : "default ");
        fed_bytes_put(out, value.data, value.len);
        fed_bytes_put_text(out, "]");
    }
    fed_bytes_fini(&bounds);
    fed_bytes_fini(&value);
}
