#include "population.h"

#include <string.h>

#include "crypto.h"

struct fed_population {
    fed_data *data, *holdout;
    fed_data_spec spec;
    fed_partition *partition;
    uint64_t seed;
};

/* What the configuration does not say, the SPEC may. */
static fed_status make_partition(fed_population *p, const fed_population_config *config,
                                 fed_error *err)
{
    uint64_t clients = config->clients, seed = 1;
    const char *how = config->partition;
    if (!how) how = fed_data_spec_option(&p->spec, "partition");
    if (!clients)
        FED_TRY(
            fed_data_spec_number(&p->spec, "clients", 1, UINT32_MAX, 0, &clients, err));
    FED_TRY(
        fed_data_spec_number(&p->spec, "seed", 0, UINT64_MAX, config->seed, &seed, err));
    return fed_partition_make(p->data, how, (uint32_t)clients, seed, &p->partition, err);
}

fed_status fed_population_new(fed_population **out, const fed_population_config *config,
                              fed_error *err)
{
    *out = NULL;
    fed_population *p = fed_calloc(1, sizeof *p);
    if (!p) return fed_fail_nomem(err, sizeof *p);
    p->seed = config->seed;
    fed_status status = fed_data_spec_parse(&p->spec, config->data, err);
    if (!status) status = fed_data_open_spec(&p->spec, FED_DATA_TRAIN, &p->data, err);
    if (!status) status = make_partition(p, config, err);
    if (status)
        fed_population_free(p);
    else
        *out = p;
    return status;
}

void fed_population_free(fed_population *p)
{
    if (!p) return;
    fed_partition_free(p->partition);
    fed_data_free(p->data);
    fed_data_free(p->holdout);
    fed_free(p);
}

uint32_t fed_population_clients(const fed_population *p)
{
    return fed_partition_clients(p->partition);
}

uint64_t fed_population_seed(const fed_population *p)
{
    return p->seed;
}

const fed_data *fed_population_data(const fed_population *p)
{
    return p->data;
}

const fed_partition *fed_population_partition(const fed_population *p)
{
    return p->partition;
}

static fed_status fetch_holdout(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                                void *targets)
{
    return fed_data_fetch(ctx, rows, n, inputs, targets);
}

fed_status fed_population_holdout(fed_population *p, fed_examples *out, fed_error *err)
{
    if (!p->holdout)
        FED_TRY(fed_data_open_spec(&p->spec, FED_DATA_TEST, &p->holdout, err));
    *out = (fed_examples){fed_data_describe(p->holdout)->rows, fetch_holdout, p->holdout};
    return FED_OK;
}

enum { TRANSLATE_AT_ONCE = 256 };

/* A client's row numbers become the data set's, a stretch at a time. */
static fed_status fetch_client(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                               void *targets)
{
    const fed_client_view *view = ctx;
    const fed_data *data = view->population->data;
    const fed_data_info *info = fed_data_describe(data);
    uint32_t real[TRANSLATE_AT_ONCE];
    for (size_t at = 0; at < n; at += TRANSLATE_AT_ONCE) {
        size_t stretch = n - at < TRANSLATE_AT_ONCE ? n - at : TRANSLATE_AT_ONCE;
        for (size_t i = 0; i < stretch; i++) {
            if (rows[at + i] >= view->examples.count) return FED_E_INVALID;
            real[i] = view->rows[rows[at + i]];
        }
        FED_TRY(fed_data_fetch(data, real, stretch,
                               (float *)inputs + at * info->input_len,
                               (float *)targets + at * info->target_len));
    }
    return FED_OK;
}

void fed_population_client(const fed_population *p, uint32_t index, fed_client_view *view)
{
    view->population = p;
    uint32_t n = fed_partition_rows(p->partition, index, &view->rows);
    view->examples = (fed_examples){n, fetch_client, view};
    fed_seeded_device_seed(p->seed, index, view->secret.seed);
}

fed_status fed_population_key(const fed_population *p, uint32_t index, uint8_t key[32],
                              fed_error *err)
{
    uint8_t seed[FED_SEED_BYTES];
    fed_seeded_device_seed(p->seed, index, seed);
    return fed_ed25519_public(seed, key, err);
}

fed_status fed_population_check(const fed_population *p, const fed_task *task,
                                fed_error *err)
{
    const fed_data_info *info = fed_data_describe(p->data);
    const fed_plan_model *model = &fed_task_plan(task)->model;
    bool tokens = info->input == FED_INPUT_TOKEN;
    if (tokens != (model->input.type == FED_INPUT_TOKENS))
        return fed_fail(err, FED_E_INVALID,
                        "model.input: the data hold %s, the model takes %s",
                        tokens ? "tokens" : "numbers", tokens ? "numbers" : "tokens");
    size_t input = fed_task_input_bytes(task) / 4,
           target = fed_task_target_bytes(task) / 4;
    if (input != info->input_len)
        return fed_fail(err, FED_E_INVALID,
                        "model.input.shape: %zu values, the data have %u in a row", input,
                        info->input_len);
    bool values = model->loss.op->target == FED_TARGET_VALUES;
    if (values != (info->target == FED_TARGET_VECTOR) || target != info->target_len)
        return fed_fail(
            err, FED_E_INVALID, "model.loss: %s wants %zu %s a row, the data have %u %s",
            model->loss.op->name, target, values ? "numbers" : "classes",
            info->target_len, info->target == FED_TARGET_VECTOR ? "numbers" : "classes");
    fed_shape output = fed_program_output_shape(fed_task_infer_program(task));
    size_t classes = output.dim[output.rank - 1];
    if (!values && classes < info->classes)
        return fed_fail(err, FED_E_INVALID,
                        "model: %zu outputs for %u classes of the data", classes,
                        info->classes);
    return FED_OK;
}
