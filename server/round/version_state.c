#include "version_state.h"

#include <string.h>

static fed_status reserve(fed_version_state *s, size_t params, fed_error *err)
{
    const fed_plan_download *download = &fed_task_plan(s->task)->download;
    bool has_grid = download->fraction_bits != FED_PLAN_NONE;
    s->reach = (uint32_t)download->differences;
    s->params = fed_calloc(params, sizeof *s->params);
    s->mean = fed_calloc(params, sizeof *s->mean);
    if (has_grid) s->carry = fed_calloc(params, sizeof *s->carry);
    s->n_past = s->reach ? s->reach : 1;
    if (has_grid) s->past = fed_calloc(s->n_past, sizeof *s->past);
    if (s->params && s->mean && ((s->carry && s->past) || !has_grid)) return FED_OK;
    return fed_fail_nomem(err, params * sizeof(float));
}

fed_status fed_version_state_init(fed_version_state *s, const fed_task *task,
                                  fed_error *err)
{
    size_t params = fed_task_numbers_of(task)->params;
    *s = (fed_version_state){.task = task};
    fed_status status = reserve(s, params, err);
    const fed_codec *codec = fed_task_codec(task);
    if (!status)
        status = fed_policy_new(&s->policy, &fed_task_plan(task)->strategy, params, err);
    if (!status) status = fed_codec_memory_init(codec, &s->memory, err);
    if (!status) status = fed_codec_round_first(codec, 0, &s->round, err);
    if (!status) status = fed_task_open_correlation(task, &s->past_noise, err);
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
    fed_free(s->carry);
    for (uint32_t i = 0; s->past && i < s->n_past; i++)
        fed_free(s->past[i]);
    fed_free(s->past);
    fed_wipe(s->secret, sizeof s->secret);
    fed_matrix_stream_free(s->past_noise);
    *s = (fed_version_state){0};
}

fed_status fed_version_state_draw_secret(fed_version_state *s, const fed_random *random,
                                         uint64_t index, fed_error *err)
{
    if (!fed_task_server_adds_noise(s->task)) return FED_OK;
    s->has_secret = true;
    fed_status status =
        fed_random_fill(random, "server noise", index, s->secret, sizeof s->secret);
    return status ? fed_fail(err, status, "the secret of the server's noise") : FED_OK;
}

static fed_status add_noise(const fed_version_state *s, fed_codec_sum *sum,
                            fed_error *err)
{
    if (!fed_task_server_adds_noise(s->task)) return FED_OK;
    if (!s->has_secret)
        return fed_fail(err, FED_E_INTERNAL, "version state: no secret for the noise");
    return fed_task_add_noise(s->task, s->secret, s->past_noise, sum, err);
}

/* The present parameters stay known while later versions lead back to them. */
static fed_status remember(fed_version_state *s, fed_error *err)
{
    if (!s->past) return FED_OK;
    size_t params = fed_task_numbers_of(s->task)->params;
    float **place = &s->past[s->version % s->n_past];
    if (!*place) *place = fed_malloc(params * sizeof **place);
    if (!*place) return fed_fail_nomem(err, params * sizeof **place);
    memcpy(*place, s->params, params * sizeof **place);
    return FED_OK;
}

/* What does not decode is told apart from what goes wrong afterwards. */
fed_status fed_version_state_advance(fed_version_state *s, fed_codec_sum *sum,
                                     const fed_parallel *parallel, fed_error *err)
{
    fed_codec_round *next = NULL;
    FED_TRY(add_noise(s, sum, err));
    FED_TRY(fed_task_decode(s->task, s->round, sum, s->mean, &s->outcome, parallel, err));
    double clip = fed_task_next_clip(s->task, s->round, sum);
    fed_status status =
        fed_codec_round_next(fed_task_codec(s->task), s->round, sum, &s->memory,
                             s->version + 1, clip, &next, err);
    if (status == FED_E_INVALID) return fed_fail_in(err, FED_E_INTERNAL, "next round");
    FED_TRY(status);
    status = remember(s, err);
    if (!status && s->has_secret) status = fed_task_advance_secret(s->secret, err);
    if (!status && s->past_noise) status = fed_matrix_stream_keep(s->past_noise, err);
    if (status) {
        fed_codec_round_free(next);
        return status;
    }
    fed_policy_apply(s->policy, s->params, s->mean);
    if (s->past)
        fed_task_publish_params(s->task, s->params, s->carry,
                                s->past[s->version % s->n_past]);
    fed_codec_round_free(s->round);
    s->round = next;
    s->version++;
    return FED_OK;
}

fed_status fed_version_state_difference(const fed_version_state *s, uint32_t back,
                                        fed_bytes *out, fed_error *err)
{
    if (!back || back > s->reach || back > s->version - s->oldest)
        return fed_fail(err, FED_E_NOT_FOUND,
                        "model difference: from %u versions before %llu, known are those "
                        "from %llu on, %u back at most",
                        back, (unsigned long long)s->version,
                        (unsigned long long)s->oldest, s->reach);
    const float *from = s->past[(s->version - back) % s->n_past];
    return fed_task_write_difference(s->task, from, s->params, out, err);
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
    start = begin_part(out);
    for (size_t i = 0; s->carry && i < fed_task_numbers_of(s->task)->params; i++)
        fed_bytes_put_f32(out, s->carry[i]);
    end_part(out, start);
    start = begin_part(out);
    if (s->has_secret) fed_bytes_put(out, s->secret, sizeof s->secret);
    end_part(out, start);
    return out->status ? fed_fail(err, out->status, "version state: does not fit")
                       : FED_OK;
}

static fed_status restore_carry(fed_version_state *s, fed_span bytes, fed_error *err)
{
    size_t n = s->carry ? fed_task_numbers_of(s->task)->params : 0;
    if (bytes.len != 4 * n)
        return fed_fail(err, FED_E_FORMAT, "version state: a carry of %zu bytes, not %zu",
                        bytes.len, 4 * n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = fed_load_u32(bytes.data + 4 * i);
        memcpy(s->carry + i, &bits, sizeof bits);
    }
    return FED_OK;
}

static fed_status restore_secret(fed_version_state *s, fed_span bytes, fed_error *err)
{
    size_t n = fed_task_server_adds_noise(s->task) ? sizeof s->secret : 0;
    if (bytes.len != n)
        return fed_fail(err, FED_E_FORMAT,
                        "version state: a secret of %zu bytes, not %zu", bytes.len, n);
    s->has_secret = n > 0;
    if (n) memcpy(s->secret, bytes.data, n);
    return FED_OK;
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
    fed_span carry = fed_reader_block(&r, SIZE_MAX);
    fed_span secret = fed_reader_block(&r, SIZE_MAX);
    if (fed_reader_finish(&r))
        return fed_fail(err, FED_E_FORMAT, "version state: %zu bytes do not parse",
                        state.len);
    fed_codec_round *next = NULL;
    fed_codec_memory votes = {0};
    FED_TRY(restore_carry(s, carry, err));
    FED_TRY(restore_secret(s, secret, err));
    if (s->past_noise) FED_TRY(fed_matrix_stream_seek(s->past_noise, version, err));
    FED_TRY(fed_policy_restore(s->policy, policy, err));
    FED_TRY(fed_task_read_model(s->task, model, s->params, err));
    FED_TRY(fed_codec_memory_parse(fed_task_codec(s->task), memory, &votes, err));
    fed_codec_memory_fini(&s->memory);
    s->memory = votes;
    FED_TRY(fed_task_read_round(s->task, round, version, &next, err));
    fed_codec_round_free(s->round);
    s->round = next;
    s->version = s->oldest = version;
    return FED_OK;
}
