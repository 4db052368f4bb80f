/* What follows from a plan: the codec's configuration, the sizes, the price of a round. */
#include "task_internal.h"

#include <math.h>
#include <string.h>

#include "wire.h"

static fed_codec_select select_of(fed_plan_select select)
{
    switch (select) {
    case FED_SELECT_VOTED:
        return FED_CODEC_VOTED;
    case FED_SELECT_RAND_K:
        return FED_CODEC_RAND_K;
    case FED_SELECT_TOP_K:
        return FED_CODEC_TOP_K;
    case FED_SELECT_DENSE:
        break;
    }
    return FED_CODEC_DENSE;
}

static void set_quantise(fed_codec_config *c, int64_t bits)
{
    if (bits == FED_PLAN_SIGN) {
        c->quantise = FED_CODEC_SIGN;
    } else if (bits == FED_PLAN_FLOAT32) {
        c->quantise = FED_CODEC_FLOAT32;
    } else {
        c->quantise = FED_CODEC_BITS;
        c->bits = (unsigned)bits;
    }
}

/* Few levels over a wide range are mostly noise: with a step s a value between two levels has
 * a variance of up to s²/4. For normal values (a rotation makes them so) of norms around
 * three quarters of the clip, these ranges have the least mean square error
 * (docs/decisions/019-small-uploads.md). */
static double tail_of(const fed_plan_update *update)
{
    static const double tails[] = {1, 1.5, 1.75, 2};
    if (update->tail != FED_PLAN_AUTO) return update->tail;
    if (update->rotate != FED_ROTATE_HADAMARD || update->bits < 1 || update->bits > 4)
        return 3;
    return tails[update->bits - 1];
}

fed_codec_config fed_task_codec_config(const fed_task *task, uint32_t *boundaries)
{
    const fed_plan_update *update = &task->plan->update;
    fed_codec_config c;
    fed_codec_config_init(&c);
    c.d = task->layout.length;
    for (size_t i = 0; i < task->layout.n; i++)
        boundaries[i] = (uint32_t)task->tensors[i].offset;
    c.boundaries = boundaries;
    c.n_boundaries = task->layout.n;
    c.select = select_of(update->select);
    c.fraction = update->fraction;
    c.block = (uint32_t)update->block;
    c.vote_bits = (unsigned)update->vote_bits;
    c.vote_period = (unsigned)update->vote_period;
    c.vote_memory = update->vote_memory;
    c.tail = tail_of(update);
    c.residual_cap = update->residual_cap;
    c.residual = update->residual;
    c.residual_decay = update->residual_decay;
    c.rotate =
        update->rotate == FED_ROTATE_HADAMARD ? FED_CODEC_HADAMARD : FED_CODEC_PLAIN;
    set_quantise(&c, update->bits);
    c.weight =
        update->weight == FED_WEIGHT_EXAMPLES ? FED_CODEC_EXAMPLES : FED_CODEC_UNIFORM;
    c.max_weight = c.weight == FED_CODEC_EXAMPLES ? (uint32_t)update->max_weight : 1;
    c.clip_auto = update->clip == FED_PLAN_AUTO;
    if (!c.clip_auto) c.clip = update->clip;
    c.n_max = (uint32_t)fed_plan_invited(task->plan);
    memcpy(c.seed, task->seed, sizeof c.seed);
    return c;
}

/* Without secure aggregation and noise a single survivor is enough: nothing is promised that
 * needs more. With them the floor is what the plan tolerates to lose. */
static uint32_t min_survivors(const fed_plan *plan, uint32_t invited)
{
    if (plan->rounds.min_survivors != FED_PLAN_AUTO)
        return (uint32_t)plan->rounds.min_survivors;
    if (!plan->secagg.enabled && plan->privacy.mechanism == FED_MECHANISM_NONE) return 1;
    double floor_n = ceil((1 - plan->secagg.dropout) * invited);
    return floor_n < (double)plan->rounds.cohort ? (uint32_t)floor_n
                                                 : (uint32_t)plan->rounds.cohort;
}

void fed_task_count_members(fed_task *task)
{
    task->numbers.invited = (uint32_t)fed_plan_invited(task->plan);
    task->numbers.min_survivors = min_survivors(task->plan, task->numbers.invited);
}

/* What a device sends beside the update itself: frames, and the bodies of place, join and,
 * with secure aggregation, of each of its phases. */
static fed_status message_bytes(const fed_task *task, size_t *out, fed_error *err)
{
    const fed_plan_secagg *plan = &task->plan->secagg;
    fed_secagg_graph graph;
    size_t frames = 3; /* place, join, input */
    FED_TRY(fed_task_choose_graph(task, &graph, err));
    *out = FED_PLACE_BYTES + FED_UPDATE_ID_BYTES + sizeof(uint32_t);
    if (plan->enabled) {
        bool active = plan->adversary == FED_ADVERSARY_ACTIVE;
        frames += active ? 4 : 2; /* share, reveal; pick, confirm */
        *out += fed_secagg_device_bytes(&graph,
                                        active ? FED_SECAGG_ACTIVE : FED_SECAGG_CURIOUS);
    }
    *out += frames * FED_ENVELOPE_OVERHEAD;
    return FED_OK;
}

/* The version document with its differences named and its signature, round apart. */
static size_t document_bytes(const fed_task *task)
{
    enum { HEAD = 8, FIXED = HEAD + 3 * FED_ADDRESS_BYTES + 8 + 8 + 1, NAMED = 40 };
    return FIXED + NAMED * (size_t)task->plan->download.differences +
           FED_ED25519_SIGNATURE;
}

static void price_download(fed_task *task, size_t round_bytes)
{
    enum { FRAME = 32 /* head of a difference, and of its zstd frame */ };
    fed_task_numbers *n = &task->numbers;
    size_t each = document_bytes(task) + round_bytes;
    n->whole_download_bytes = each + n->model_bytes;
    n->first_download_bytes =
        n->whole_download_bytes + n->resolved.len + FED_TASK_DOCUMENT_MAX;
    n->download_bytes = task->plan->download.differences ? each + FRAME + n->params
                                                         : n->whole_download_bytes;
}

static fed_status price_round(fed_task *task, fed_error *err)
{
    size_t messages;
    FED_TRY(message_bytes(task, &messages, err));
    fed_codec_round *round = NULL;
    fed_bytes blob;
    fed_bytes_init(&blob, SIZE_MAX);
    fed_status status = fed_codec_round_first(task->codec, 0, &round, err);
    if (status == FED_OK) status = fed_codec_round_encode(task->codec, round, &blob, err);
    if (status == FED_OK) {
        task->numbers.update_bytes = fed_codec_upload_bytes(task->codec, round);
        task->numbers.upload_bytes = task->numbers.update_bytes + messages;
        price_download(task, blob.len);
    }
    fed_bytes_fini(&blob);
    fed_codec_round_free(round);
    return status;
}

static fed_status measure_model(fed_task *task, fed_error *err)
{
    fed_bytes file;
    float *params = fed_calloc(task->numbers.params, sizeof *params);
    if (!params) return fed_fail_nomem(err, task->numbers.params * sizeof *params);
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_task_write_model(task, params, &file, err);
    task->numbers.model_bytes = file.len;
    fed_bytes_fini(&file);
    fed_free(params);
    return status;
}

fed_status fed_task_derive(fed_task *task, fed_error *err)
{
    fed_task_numbers *n = &task->numbers;
    n->params = task->layout.length;
    for (size_t i = 0; i < fed_program_layer_count(task->train); i++)
        n->train_flops += 3 * fed_program_layer(task->train, i).flops;
    n->train_arena_bytes = fed_program_memory(task->train).total;
    n->infer_arena_bytes = fed_program_memory(task->infer).total;
    n->resolved = (fed_span){task->resolved.data, task->resolved.len};
    FED_TRY(fed_sha256(task->resolved.data, task->resolved.len, n->plan_address, err));
    FED_TRY(measure_model(task, err));
    return price_round(task, err);
}
