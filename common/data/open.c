/* The kinds of SPEC: which keys each takes, and which reader opens it. */
#include <string.h>

#include "readers/readers.h"
#include "synthetic/synthetic.h"

typedef fed_status open_kind(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                             fed_error *err);

typedef struct data_kind {
    const char *name;
    const char *keys; /* each between spaces */
    open_kind *open;
} data_kind;

static const char shell_keys[] = " partition clients seed data_seed ";

static const data_kind kinds[] = {
    {"mnist", " ", fed_mnist_open},
    {"idx", " classes test ", fed_idx_open},
    {"csv", " label target user drop classes test normalize ", fed_csv_open},
    {"text", " by seq min_chars vocab test ", fed_text_open},
    {"leaf", " classes ", fed_leaf_open},
    {"cmapss", " set window cap normalize ", fed_cmapss_open},
    {"synthetic", " rows test_rows users classes dims ", fed_synthetic_open},
};

static bool has_key(const char *keys, const char *key)
{
    char spaced[sizeof((fed_data_spec *)0)->options[0].key + 2] = " ";
    size_t n = strlen(key);
    memcpy(spaced + 1, key, n);
    spaced[1 + n] = ' ';
    return n && !memchr(key, ' ', n) && strstr(keys, spaced);
}

static fed_status find_kind(const fed_data_spec *spec, const data_kind **out,
                            fed_error *err)
{
    char known[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *out = &kinds[i];
        if (strcmp(spec->kind, kinds[i].name) == 0) return FED_OK;
        size_t len = strlen(kinds[i].name);
        known[n++] = ' ';
        memcpy(known + n, kinds[i].name, len + 1);
        n += len;
    }
    return fed_fail(err, FED_E_UNSUPPORTED, "data spec: no kind \"%s\"; there are:%s",
                    spec->kind, known);
}

static fed_status check_keys(const fed_data_spec *spec, const data_kind *kind,
                             fed_error *err)
{
    for (size_t i = 0; i < spec->n_options; i++) {
        const char *key = spec->options[i].key;
        if (!has_key(kind->keys, key) && !has_key(shell_keys, key))
            return fed_fail(err, FED_E_INVALID,
                            "data spec: %s: takes no key \"%s\"; its own are:%s",
                            spec->kind, key, kind->keys);
    }
    return FED_OK;
}

fed_status fed_test_share_from_spec(const fed_data_spec *spec, fed_data_part part,
                                    double *share, fed_error *err)
{
    const char *text = fed_data_spec_option(spec, "test");
    *share = 0;
    if (text &&
        (!fed_text_to_double(text, strlen(text), share) || *share < 0 || *share > 1))
        return fed_fail(err, FED_E_INVALID, "data spec: test=%s is not a share in 0..1",
                        text);
    if (part == FED_DATA_TEST && *share <= 0)
        return fed_fail(
            err, FED_E_INVALID,
            "data spec: %s:%s has no test part; test=0.2 makes one of a fifth, "
            "test=1 of all",
            spec->kind, spec->path);
    return FED_OK;
}

fed_status fed_data_open_spec(const fed_data_spec *spec, fed_data_part part,
                              fed_data **out, fed_error *err)
{
    const data_kind *kind;
    *out = NULL;
    FED_TRY(find_kind(spec, &kind, err));
    FED_TRY(check_keys(spec, kind, err));
    fed_data *ds;
    FED_TRY(fed_data_new(&ds, err));
    fed_status status = kind->open(ds, spec, part, err);
    if (status)
        fed_data_free(ds);
    else
        *out = ds;
    return status;
}

fed_status fed_data_open(const char *spec, fed_data_part part, fed_data **out,
                         fed_error *err)
{
    fed_data_spec taken_apart;
    *out = NULL;
    FED_TRY(fed_data_spec_parse(&taken_apart, spec, err));
    return fed_data_open_spec(&taken_apart, part, out, err);
}
