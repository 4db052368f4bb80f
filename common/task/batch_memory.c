#include "task.h"

size_t fed_task_input_bytes(const fed_task *task)
{
    fed_shape shape = fed_program_input_shape(fed_task_infer_program(task));
    return fed_shape_count(&shape) * sizeof(float);
}

/* Classes are one for each row of the output (all dimensions but the last); values are as
 * many as the output has. */
size_t fed_task_target_bytes(const fed_task *task)
{
    fed_shape shape = fed_program_output_shape(fed_task_infer_program(task));
    size_t count = fed_shape_count(&shape);
    if (fed_task_plan(task)->model.loss.op->target == FED_TARGET_CLASSES)
        count /= shape.dim[shape.rank - 1];
    return count * sizeof(float);
}

fed_status fed_batch_memory_init(fed_batch_memory *m, const fed_task *task, size_t cap,
                                 fed_error *err)
{
    const fed_plan_model *model = &fed_task_plan(task)->model;
    *m = (fed_batch_memory){.cap = cap,
                            .tokens = model->input.type == FED_INPUT_TOKENS,
                            .values = model->loss.op->target == FED_TARGET_VALUES};
    m->inputs = fed_calloc(cap, fed_task_input_bytes(task));
    m->targets = fed_calloc(cap, fed_task_target_bytes(task));
    m->rows = fed_calloc(cap, sizeof *m->rows);
    if (m->inputs && m->targets && m->rows) return FED_OK;
    fed_batch_memory_fini(m);
    return fed_fail_nomem(err, cap * fed_task_input_bytes(task));
}

void fed_batch_memory_fini(fed_batch_memory *m)
{
    fed_free(m->inputs);
    fed_free(m->targets);
    fed_free(m->rows);
    *m = (fed_batch_memory){0};
}

fed_status fed_batch_memory_fill(fed_batch_memory *m, const fed_examples *examples,
                                 const uint32_t *rows, size_t n, fed_batch *batch,
                                 fed_error *err)
{
    fed_status status = examples->fetch(examples->ctx, rows, n, m->inputs, m->targets);
    if (status)
        return fed_fail(err, status, "examples: %zu rows could not be fetched: %s", n,
                        fed_status_name(status));
    *batch = (fed_batch){.count = n};
    if (m->tokens)
        batch->tokens = m->inputs;
    else
        batch->features = m->inputs;
    if (m->values)
        batch->values = m->targets;
    else
        batch->classes = m->targets;
    return FED_OK;
}
