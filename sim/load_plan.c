/* A plan file, with the changes of --set, as a task. */
#include "fedsim.h"

fed_status fed_sim_load_task(fed_task **out, const char *path, const fed_list *set,
                             const uint8_t seed[FED_SEED_BYTES], fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_status status = fed_file_read(path, &text, err);
    if (!status) {
        if (set)
            status = fed_fail_in(err, fed_plan_set_all(&text, set->items, set->n, err),
                                 "--set");
        if (!status)
            status = fed_task_parse(out, (fed_span){text.data, text.len}, FED_PLAN_AUTHOR,
                                    seed, err);
        fed_fail_in(err, status, "%s", path);
    }
    fed_bytes_fini(&text);
    return status;
}
