/* A plan file, with the changes of --set, as a task. */
#include "fedsim.h"

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
                             const uint8_t seed[FED_SEED_BYTES], fed_error *err)
{
    fed_bytes text;
    FED_TRY(fed_sim_read_file(path, FED_PLAN_MAX_BYTES, &text, err));
    fed_status status = apply_changes(&text, set, err);
    if (!status)
        status = fed_task_parse(out, (fed_span){text.data, text.len}, FED_PLAN_AUTHOR,
                                seed, err);
    fed_bytes_fini(&text);
    return fed_fail_in(err, status, "%s", path);
}
