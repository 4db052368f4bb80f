#include "version_state.h"

#include <string.h>

fed_status fed_version_state_init(fed_version_state *s, const fed_task *task,
                                  fed_error *err)
{
    size_t params = fed_task_numbers_of(task)->params;
    *s = (fed_version_state){.task = task};
    s->params = fed_calloc(params, sizeof *s->params);
    s->mean = fed_calloc(params, sizeof *s->mean);
    fed_status status = FED_OK;
    if (!s->params || !s->mean) status = fed_fail_nomem(err, params * sizeof(float));
    const fed_codec *codec = fed_task_codec(task);
    if (!status)
        status = fed_policy_new(&s->policy, &fed_task_plan(task)->strategy, params, err);
    if (!status) status = fed_codec_memory_init(codec, &s->memory, err);
    if (!status) status = fed_codec_round_first(codec, 0, &s->round, err);
    if (status)
        fed_version_state_fini(s);
    else
        fed_task_init_params(task, s->params);
    return status;
}

void fed_version_state_fini(fed_version_state *s)
{
    fed_codec_round_free(s->round);
    fed_codec_memory_fini(&s->memory);
    fed_policy_free(s->policy);
    fed_free(s->params);
    fed_free(s->mean);
    *s = (fed_version_state){0};
}

/* What does not decode is told apart from what goes wrong afterwards. */
fed_status fed_version_state_advance(fed_version_state *s, const fed_codec_sum *sum,
                                     const fed_parallel *parallel, fed_error *err)
{
    fed_codec_round *next = NULL;
    FED_TRY(fed_task_decode(s->task, s->round, sum, s->mean, &s->outcome, parallel, err));
    fed_status status = fed_codec_round_next(fed_task_codec(s->task), s->round, sum,
                                             &s->memory, s->version + 1, 0, &next, err);
    if (status == FED_E_INVALID) return fed_fail_in(err, FED_E_INTERNAL, "next round");
    FED_TRY(status);
    fed_policy_apply(s->policy, s->params, s->mean);
    fed_codec_round_free(s->round);
    s->round = next;
    s->version++;
    return FED_OK;
}

/* A part is written behind its length, which is filled in afterwards. */
static size_t begin_part(fed_bytes *out)
{
    fed_bytes_put_u32(out, 0);
    return out->len;
}

static void end_part(fed_bytes *out, size_t start)
{
    if (!out->status) fed_store_u32(out->data + start - 4, (uint32_t)(out->len - start));
}

fed_status fed_version_state_encode(const fed_version_state *s, fed_bytes *out,
                                    fed_error *err)
{
    fed_bytes_put_u64(out, s->version);
    size_t start = begin_part(out);
    FED_TRY(fed_task_write_round(s->task, s->round, out, err));
    end_part(out, start);
    start = begin_part(out);
    FED_TRY(fed_policy_encode(s->policy, out, err));
    end_part(out, start);
    start = begin_part(out);
    FED_TRY(fed_codec_memory_encode(&s->memory, out, err));
    end_part(out, start);
    return out->status ? fed_fail(err, out->status, "version state: does not fit")
                       : FED_OK;
}

fed_status fed_version_state_restore(fed_version_state *s, fed_span state, fed_span model,
                                     fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, state.data, state.len);
    uint64_t version = fed_reader_u64(&r);
    fed_span round = fed_reader_block(&r, SIZE_MAX);
    fed_span policy = fed_reader_block(&r, SIZE_MAX);
    fed_span memory = fed_reader_block(&r, SIZE_MAX);
    if (fed_reader_finish(&r))
        return fed_fail(err, FED_E_FORMAT, "version state: %zu bytes do not parse",
                        state.len);
    fed_codec_round *next = NULL;
    fed_codec_memory votes = {0};
    FED_TRY(fed_policy_restore(s->policy, policy, err));
    FED_TRY(fed_task_read_model(s->task, model, s->params, err));
    FED_TRY(fed_codec_memory_parse(fed_task_codec(s->task), memory, &votes, err));
    fed_codec_memory_fini(&s->memory);
    s->memory = votes;
    FED_TRY(fed_task_read_round(s->task, round, version, &next, err));
    fed_codec_round_free(s->round);
    s->round = next;
    s->version = version;
    return FED_OK;
}
