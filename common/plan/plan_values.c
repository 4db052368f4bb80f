#include "plan_values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan_nearest.h"

/* ---- showing ---- */

void fed_plan_show_text(const char *text, char out[FED_PLAN_SHOWN])
{
    size_t n = 0;
    out[n++] = '"';
    /* cut between characters, not inside one (they are valid UTF-8 here) */
    for (; *text && (n < 44 || ((*text & 0xc0) == 0x80 && n < 48)); text++)
        out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    snprintf(out + n, FED_PLAN_SHOWN - n, "%s\"", *text ? "..." : "");
}

void fed_plan_show(const json_t *value, char out[FED_PLAN_SHOWN])
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        fed_plan_show_text(json_string_value(value), out);
        return;
    case JSON_INTEGER:
        snprintf(out, FED_PLAN_SHOWN, "%lld", (long long)json_integer_value(value));
        return;
    case JSON_REAL:
        fed_plan_print_number(out, json_real_value(value));
        return;
    case JSON_OBJECT:
        snprintf(out, FED_PLAN_SHOWN, "an object");
        return;
    case JSON_ARRAY:
        snprintf(out, FED_PLAN_SHOWN, "a list");
        return;
    default:
        snprintf(out, FED_PLAN_SHOWN, "%s",
                 json_is_true(value)    ? "true"
                 : json_is_false(value) ? "false"
                                        : "null");
    }
}

/* "\"a\", \"b\" or \"c\"" */
static void list_words(const fed_plan_field *field, char *out, size_t room)
{
    size_t n = 0;
    out[0] = 0;
    for (const fed_plan_word *w = field->words; w && w->word && n < room; w++) {
        const char *before = w == field->words ? "" : w[1].word ? ", " : " or ";
        n += (size_t)snprintf(out + n, room - n, "%s\"%s\"", before, w->word);
    }
}

static fed_status fail_type(const fed_plan_field *field, const char *path,
                            const json_t *value, const char *wanted, fed_error *err)
{
    char shown[FED_PLAN_SHOWN], words[320];
    fed_plan_show(value, shown);
    list_words(field, words, sizeof words);
    return fed_fail(err, FED_E_INVALID, "%s: %s is not %s%s%s", path, shown, wanted,
                    *wanted && *words ? " or " : "", words);
}

/* ---- scalars ---- */

bool fed_plan_whole(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    double v = json_is_real(value) ? json_real_value(value) : 0.5;
    if (floor(v) != v || fabs(v) > 9007199254740992.0) return false;
    *out = (int64_t)v;
    return true;
}

static fed_status check_range(const fed_plan_field *field, const char *path, double v,
                              fed_error *err)
{
    bool low = field->above_min ? v <= field->min : v < field->min;
    bool high = field->below_max ? v >= field->max : v > field->max;
    if (!low && !high) return FED_OK;
    char shown[FED_PLAN_NUMBER_CHARS], bound[FED_PLAN_NUMBER_CHARS];
    fed_plan_print_number(shown, v);
    fed_plan_print_number(bound, low ? field->min : field->max);
    const char *relation = low                ? field->above_min ? "not above" : "below"
                           : field->below_max ? "not below"
                                              : "above";
    return fed_fail(err, FED_E_INVALID, "%s: %s is %s %s", path, shown, relation, bound);
}

/* The word of the field that the value is, or NULL. */
static const fed_plan_word *word_in(const fed_plan_field *field, const json_t *value)
{
    return json_is_string(value) ? fed_plan_find_word(field, json_string_value(value))
                                 : NULL;
}

static fed_status store_int(int64_t *to, const fed_plan_field *field, const char *path,
                            const json_t *value, fed_error *err)
{
    const fed_plan_word *word = word_in(field, value);
    int64_t v;
    if (word) {
        *to = word->value;
        return FED_OK;
    }
    if (!fed_plan_whole(value, &v))
        return fail_type(field, path, value, "a whole number", err);
    FED_TRY(check_range(field, path, (double)v, err));
    *to = v;
    return FED_OK;
}

static fed_status store_number(double *to, const fed_plan_field *field, const char *path,
                               const json_t *value, fed_error *err)
{
    const fed_plan_word *word = word_in(field, value);
    if (word) {
        *to = word->value;
        return FED_OK;
    }
    if (!json_is_number(value)) return fail_type(field, path, value, "a number", err);
    double v = json_number_value(value);
    FED_TRY(check_range(field, path, v, err));
    *to = v + 0.0; /* no minus zero: it would print as 0 */
    return FED_OK;
}

static fed_status store_choice(void *to, const fed_plan_field *field, const char *path,
                               const json_t *value, fed_error *err)
{
    const fed_plan_word *word = word_in(field, value);
    if (word) {
        memcpy(to, &word->value, sizeof word->value);
        return FED_OK;
    }
    FED_TRY(json_is_string(value) ? FED_OK : fail_type(field, path, value, "", err));
    char words[320], hint[FED_PLAN_HINT];
    fed_plan_nearest near;
    fed_plan_nearest_init(&near, json_string_value(value));
    for (const fed_plan_word *w = field->words; w->word; w++)
        fed_plan_nearest_offer(&near, w->word, w->word, 0);
    fed_plan_nearest_text(&near, hint, sizeof hint);
    char shown[FED_PLAN_SHOWN];
    fed_plan_show(value, shown);
    list_words(field, words, sizeof words);
    return fed_fail(err, FED_E_INVALID, "%s: %s is not %s%s", path, shown, words, hint);
}

static fed_status store_bool(bool *to, const fed_plan_field *field, const char *path,
                             const json_t *value, fed_error *err)
{
    if (!json_is_boolean(value))
        return fail_type(field, path, value, "true or false", err);
    *to = json_is_true(value);
    return FED_OK;
}

/* ---- names, addresses, lists ---- */

bool fed_plan_is_name(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                            "0123456789._-");
    return n >= 1 && n <= FED_PLAN_MAX_NAME && !text[n];
}

fed_status fed_plan_read_name(const char **out, const char *path, const json_t *value,
                              fed_error *err)
{
    char shown[FED_PLAN_SHOWN];
    fed_plan_show(value, shown);
    *out = json_string_value(value);
    if (*out && fed_plan_is_name(*out)) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "%s: %s is not a name of 1 to %d letters, digits, '.', '_' or '-'",
                    path, shown, FED_PLAN_MAX_NAME);
}

static fed_status store_name(char **to, const char *path, const json_t *value,
                             fed_error *err)
{
    const char *name = NULL;
    FED_TRY(fed_plan_read_name(&name, path, value, err));
    *to = fed_strdup(name);
    return *to ? FED_OK : fed_fail_nomem(err, FED_PLAN_MAX_NAME);
}

static fed_status store_names(fed_plan_names *to, const fed_plan_field *field,
                              const char *path, const json_t *value, fed_error *err)
{
    if (!json_is_array(value))
        return fail_type(field, path, value, "a list of names", err);
    size_t n = json_array_size(value);
    if ((double)n > field->max)
        return fed_fail(err, FED_E_LIMIT, "%s: %zu entries are above %.0f", path, n,
                        field->max);
    if (!n) return FED_OK;
    to->items = fed_calloc(n, sizeof *to->items);
    if (!to->items) return fed_fail_nomem(err, n * sizeof *to->items);
    for (size_t i = 0; i < n; i++) {
        char place[96];
        snprintf(place, sizeof place, "%s[%zu]", path, i);
        FED_TRY(store_name(&to->items[to->n], place, json_array_get(value, i), err));
        to->n++;
        for (size_t j = 0; j < i; j++)
            if (!strcmp(to->items[j], to->items[i]))
                return fed_fail(err, FED_E_INVALID, "%s: \"%s\" is there already", place,
                                to->items[i]);
    }
    return FED_OK;
}

static fed_status store_shape(fed_shape *to, const fed_plan_field *field,
                              const char *path, const json_t *value, fed_error *err)
{
    size_t n = json_array_size(value);
    if (!json_is_array(value))
        return fail_type(field, path, value, "a list of sizes", err);
    if (n < 1 || n > FED_RANK_MAX)
        return fed_fail(err, FED_E_INVALID, "%s: %zu sizes, 1 to %d are allowed", path, n,
                        FED_RANK_MAX);
    double product = 1;
    for (size_t i = 0; i < n; i++) {
        char place[96];
        snprintf(place, sizeof place, "%s[%zu]", path, i);
        int64_t dim = 0;
        FED_TRY(store_int(&dim, field, place, json_array_get(value, i), err));
        to->dim[i] = (size_t)dim;
        product *= (double)dim;
    }
    to->rank = n;
    return check_range(field, path, product, err);
}

static fed_status store_address(fed_plan_model_address *to, const fed_plan_field *field,
                                const char *path, const json_t *value, fed_error *err)
{
    if (word_in(field, value)) return FED_OK;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    to->given = strlen(text) == 2 * sizeof to->sha256 &&
                text[strspn(text, "0123456789abcdef")] == 0 &&
                fed_hex_decode(to->sha256, sizeof to->sha256, text);
    return to->given ? FED_OK
                     : fail_type(field, path, value, "64 lower-case hex digits", err);
}

fed_status fed_plan_store(fed_plan *plan, const fed_plan_field *field, const char *path,
                          const json_t *value, fed_error *err)
{
    void *to = fed_plan_place(plan, field);
    switch (field->kind) {
    case FED_FIELD_BOOL:
        return store_bool(to, field, path, value, err);
    case FED_FIELD_INT:
        return store_int(to, field, path, value, err);
    case FED_FIELD_NUMBER:
        return store_number(to, field, path, value, err);
    case FED_FIELD_CHOICE:
        return store_choice(to, field, path, value, err);
    case FED_FIELD_NAME:
        return store_name(to, path, value, err);
    case FED_FIELD_LOSS:
        return fed_plan_store_loss(to, path, value, err);
    case FED_FIELD_NAMES:
        return store_names(to, field, path, value, err);
    case FED_FIELD_SHAPE:
        return store_shape(to, field, path, value, err);
    case FED_FIELD_ADDRESS:
        return store_address(to, field, path, value, err);
    case FED_FIELD_LAYERS:
        return fed_plan_store_layers(&plan->model, path, value, err);
    }
    return fed_fail(err, FED_E_INTERNAL, "%s: no such kind of field", path);
}

/* ---- printing ---- */

void fed_plan_put_number(fed_bytes *out, double value)
{
    char text[FED_PLAN_NUMBER_CHARS];
    fed_bytes_put(out, text, fed_plan_print_number(text, value));
}

/* Names and words are made of characters that JSON leaves as they are. */
void fed_plan_put_string(fed_bytes *out, const char *text)
{
    fed_bytes_printf(out, "\"%s\"", text);
}

static void put_word_or_number(fed_bytes *out, const fed_plan_field *field, double value)
{
    const char *word = value == floor(value) && fabs(value) < 1e6
                           ? fed_plan_word_of(field, (int64_t)value)
                           : NULL;
    if (word)
        fed_plan_put_string(out, word);
    else
        fed_plan_put_number(out, value);
}

static void put_names(fed_bytes *out, const fed_plan_names *names)
{
    fed_bytes_put_text(out, "[");
    for (size_t i = 0; i < names->n; i++) {
        fed_bytes_put_text(out, i ? "," : "");
        fed_plan_put_string(out, names->items[i]);
    }
    fed_bytes_put_text(out, "]");
}

static void put_shape(fed_bytes *out, const fed_shape *shape)
{
    for (size_t i = 0; i < shape->rank; i++)
        fed_bytes_printf(out, "%s%zu", i ? "," : "[", shape->dim[i]);
    fed_bytes_put_text(out, "]");
}

static void put_address(fed_bytes *out, const fed_plan_field *field,
                        const fed_plan_model_address *address)
{
    char hex[2 * sizeof address->sha256 + 1];
    fed_hex_encode(hex, address->sha256, sizeof address->sha256);
    fed_plan_put_string(out, address->given ? hex : field->words[0].word);
}

void fed_plan_print_value(fed_bytes *out, const fed_plan *plan,
                          const fed_plan_field *field)
{
    const void *from = fed_plan_place_const(plan, field);
    int choice = 0;
    switch (field->kind) {
    case FED_FIELD_BOOL:
        fed_bytes_put_text(out, *(const bool *)from ? "true" : "false");
        return;
    case FED_FIELD_INT:
        put_word_or_number(out, field, (double)*(const int64_t *)from);
        return;
    case FED_FIELD_NUMBER:
        put_word_or_number(out, field, *(const double *)from);
        return;
    case FED_FIELD_CHOICE:
        memcpy(&choice, from, sizeof choice);
        fed_plan_put_string(out, fed_plan_word_of(field, choice));
        return;
    case FED_FIELD_NAME:
        fed_plan_put_string(out, *(char *const *)from);
        return;
    case FED_FIELD_LOSS:
        fed_plan_print_loss(out, from);
        return;
    case FED_FIELD_NAMES:
        put_names(out, from);
        return;
    case FED_FIELD_SHAPE:
        put_shape(out, from);
        return;
    case FED_FIELD_ADDRESS:
        put_address(out, field, from);
        return;
    case FED_FIELD_LAYERS:
        fed_plan_print_layers(out, &plan->model);
        return;
    }
}
