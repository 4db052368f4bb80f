#include "fedsim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

fed_status fed_sim_read_file(const char *path, size_t max, fed_bytes *out, fed_error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f) return fed_fail(err, FED_E_NOT_FOUND, "%s: %s", path, strerror(errno));
    fed_bytes_init(out, max);
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        fed_bytes_put(out, chunk, n);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) return fed_fail(err, FED_E_IO, "%s: could not be read", path);
    if (out->status)
        return fed_fail(err, out->status, "%s: more than %zu bytes", path, max);
    return FED_OK;
}

/* Each change gives a new text, which takes the place of the old one. */
static fed_status apply_changes(fed_bytes *text, const fed_list *set, fed_error *err)
{
    for (size_t i = 0; set && i < set->n; i++) {
        fed_bytes changed;
        fed_bytes_init(&changed, FED_PLAN_MAX_BYTES);
        fed_status status =
            fed_plan_set(text->data, text->len, set->items[i], &changed, err);
        if (status) {
            fed_bytes_fini(&changed);
            return fed_fail_in(err, status, "--set %s", set->items[i]);
        }
        fed_bytes_fini(text);
        *text = changed;
    }
    return FED_OK;
}

fed_status fed_sim_load_task(fed_task **out, const char *path, const fed_list *set,
                             uint64_t seed, fed_error *err)
{
    fed_bytes text;
    uint8_t key[FED_SEED_BYTES];
    FED_TRY(fed_sim_read_file(path, FED_PLAN_MAX_BYTES, &text, err));
    fed_seed_from_u64(key, seed);
    fed_status status = apply_changes(&text, set, err);
    if (!status)
        status = fed_task_parse(out, (fed_span){text.data, text.len}, FED_PLAN_AUTHOR,
                                key, err);
    fed_bytes_fini(&text);
    return fed_fail_in(err, status, "%s", path);
}
