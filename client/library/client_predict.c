/* Inference on the accepted model. */
#include <string.h>

#include "client_internal.h"

static size_t output_length(const fed_task *task)
{
    fed_shape shape = fed_program_output_shape(fed_task_infer_program(task));
    return fed_shape_count(&shape);
}

static fed_status check_sizes(const fed_task *task, size_t input_bytes, size_t outputs,
                              fed_error *err)
{
    if (input_bytes != fed_task_input_bytes(task))
        return fed_fail(err, FED_E_INVALID, "predict: an input of %zu bytes, not %zu",
                        input_bytes, fed_task_input_bytes(task));
    if (outputs != output_length(task))
        return fed_fail(err, FED_E_INVALID, "predict: room for %zu outputs, not %zu",
                        outputs, output_length(task));
    return FED_OK;
}

static fed_status infer(const fed_task *task, const float *params, const void *input,
                        size_t input_bytes, float *output, fed_error *err)
{
    fed_batch_memory memory = {0};
    fed_runner *runner = NULL;
    fed_status status = fed_batch_memory_init(&memory, task, 1, err);
    if (!status) status = fed_runner_new(&runner, fed_task_infer_program(task), err);
    if (!status) {
        memcpy(memory.inputs, input,
               input_bytes); /* aligned, unlike the app's, perhaps */
        fed_batch batch = {.count = 1};
        if (memory.tokens)
            batch.tokens = memory.inputs;
        else
            batch.features = memory.inputs;
        status = fed_runner_infer(runner, params, &batch, output, err);
    }
    fed_runner_free(runner);
    fed_batch_memory_fini(&memory);
    return status;
}

fed_status fed_client_predict(fed_client *c, const void *input, size_t input_bytes,
                              float *output, size_t outputs, fed_error *err)
{
    const fed_task *task = NULL;
    const float *params = c->session ? fed_session_model(c->session, &task) : NULL;
    if (!params) return fed_fail(err, FED_E_STATE, "predict: there is no model yet");
    FED_TRY(check_sizes(task, input_bytes, outputs, err));
    return infer(task, params, input, input_bytes, output, err);
}
