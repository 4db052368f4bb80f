/* A plan file, with the changes of --set, as a task. */
#include "fedsim.h"

typedef fed_status task_maker(fed_task **out, fed_plan *plan, const uint8_t seed[32],
                              fed_error *err);

static fed_status load(fed_task **out, const char *path, const fed_list *set,
                       const uint8_t seed[FED_SEED_BYTES], task_maker *make,
                       fed_error *err)
{
    fed_bytes text;
    fed_plan *plan = NULL;
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_status status = fed_file_read(path, &text, err);
    if (status) goto out;
    if (set)
        status =
            fed_fail_in(err, fed_plan_set_all(&text, set->items, set->n, err), "--set");
    if (!status)
        status = fed_plan_parse(&plan, text.data, text.len, FED_PLAN_AUTHOR, err);
    if (!status) status = make(out, plan, seed, err);
    fed_fail_in(err, status, "%s", path);
out:
    fed_bytes_fini(&text);
    return status;
}

fed_status fed_sim_load_task(fed_task **out, const char *path, const fed_list *set,
                             const uint8_t seed[FED_SEED_BYTES], fed_error *err)
{
    return load(out, path, set, seed, fed_task_new, err);
}

fed_status fed_sim_price_task(fed_task **out, const char *path, const fed_list *set,
                              const uint8_t seed[FED_SEED_BYTES], fed_error *err)
{
    return load(out, path, set, seed, fed_task_price, err);
}
