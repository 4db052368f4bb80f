/* The cohort of fidelity `sum`: who takes a seat, when it closes, what it commits. */
#include "sumrun_internal.h"

#include <string.h>

#include "seeded.h"

static fed_status reserve(fed_sumrun *r, fed_error *err)
{
    uint32_t cap = fed_task_numbers_of(r->task)->invited;
    r->trainers = fed_calloc(r->threads, sizeof *r->trainers);
    r->seats = fed_calloc(cap, sizeof *r->seats);
    r->drawn = fed_calloc(cap, sizeof *r->drawn);
    r->roster = fed_calloc(cap, sizeof *r->roster);
    if (!r->trainers || !r->seats || !r->drawn || !r->roster)
        return fed_fail_nomem(err, cap * sizeof *r->seats);
    for (uint32_t i = 0; i < cap; i++)
        fed_bytes_init(&r->seats[i].upload, SIZE_MAX);
    for (unsigned i = 0; i < r->threads; i++)
        FED_TRY(fed_trainer_new(&r->trainers[i], r->task, err));
    if (!fed_task_plan(r->task)->update.residual) return FED_OK;
    uint32_t clients = fed_population_clients(r->population);
    r->residuals = fed_calloc(clients, sizeof *r->residuals);
    return r->residuals ? FED_OK : fed_fail_nomem(err, clients * sizeof *r->residuals);
}

/* The server's noise is what the server of fidelity `protocol` would draw. */
static fed_status start_server(fed_sumrun *r, fed_error *err)
{
    fed_seeded secret;
    FED_TRY(fed_version_state_init(&r->state, r->task, err));
    FED_TRY(fed_seeded_server(fed_population_seed(r->population), 0, &secret));
    fed_random random = fed_seeded_random(&secret);
    return fed_version_state_draw_secret(&r->state, &random, 0, err);
}

fed_status fed_sumrun_new(fed_sumrun **out, const fed_task *task,
                          const fed_population *population, const fed_parallel *parallel,
                          fed_error *err)
{
    *out = NULL;
    fed_sumrun *r = fed_calloc(1, sizeof *r);
    if (!r) return fed_fail_nomem(err, sizeof *r);
    r->task = task;
    r->population = population;
    r->parallel = parallel;
    r->threads = fed_parallel_threads(parallel);
    fed_status status = reserve(r, err);
    if (!status) status = start_server(r, err);
    if (!status) status = fed_sumrun_open_ledger(r, err);
    if (!status) status = fed_sum_downloads_init(&r->downloads, r, err);
    if (status)
        fed_sumrun_free(r);
    else
        *out = r;
    return status;
}

void fed_sumrun_free(fed_sumrun *r)
{
    if (!r) return;
    for (unsigned i = 0; r->trainers && i < r->threads; i++)
        fed_trainer_free(r->trainers[i]);
    fed_free(r->trainers);
    for (uint32_t i = 0; r->residuals && i < fed_population_clients(r->population); i++)
        fed_free(r->residuals[i].values);
    fed_free(r->residuals);
    for (uint32_t i = 0; r->seats && i < fed_task_numbers_of(r->task)->invited; i++) {
        fed_bytes_fini(&r->seats[i].upload);
        fed_free(r->seats[i].next_residual);
    }
    fed_free(r->seats);
    fed_free(r->drawn);
    fed_free(r->roster);
    fed_population_ledger_free(r->ledger);
    fed_sum_downloads_fini(&r->downloads);
    fed_version_state_fini(&r->state);
    fed_free(r);
}

const fed_version_state *fed_sumrun_state(const fed_sumrun *r)
{
    return &r->state;
}

/* ---- seats ----------------------------------------------------------------------------- */

static void take_seat(fed_sumrun *r, fed_attendee who, fed_health health)
{
    fed_sum_seat *seat = &r->seats[r->n_seats++];
    fed_bytes upload = seat->upload;
    fed_free(seat->next_residual);
    fed_bytes_clear(&upload);
    *seat =
        (fed_sum_seat){.who = who, .health = health, .upload = upload, .is_new = true};
}

/* Swapping keeps the buffers of both. */
static void keep_seat(fed_sumrun *r, uint32_t from, uint32_t to)
{
    fed_sum_seat seat = r->seats[to];
    r->seats[to] = r->seats[from];
    r->seats[from] = seat;
}

/* What a member that has trained adds to the round's figures. */
static fed_status count_training(fed_sumrun *r, const fed_sum_seat *seat,
                                 fed_round_result *out, fed_error *err)
{
    uint64_t bytes;
    if (!seat->is_new || seat->who.fate == FED_FATE_BEFORE_TRAINING) return FED_OK;
    FED_TRY(fed_sum_downloads_count(&r->downloads, r, seat->who.client, &bytes, err));
    out->download_bytes += bytes;
    if (seat->status) return FED_OK;
    out->trained++;
    out->train_loss += seat->loss;
    out->steps += seat->steps;
    return FED_OK;
}

/* Does the member reach the server with its update? A training that met a NaN ends the
 * member's round; any other failure ends the simulation. */
static fed_status comes(const fed_sum_seat *seat, bool *out, fed_round_result *result,
                        fed_error *err)
{
    *out = false;
    if (seat->who.fate == FED_FATE_BEFORE_TRAINING) return FED_OK;
    if (seat->status == FED_E_NUMERIC) {
        result->not_finite++;
        return FED_OK;
    }
    if (seat->status) {
        if (err) *err = seat->error;
        return fed_fail_in(err, seat->status, "client %u", seat->who.client);
    }
    *out = seat->who.fate > FED_FATE_BEFORE_PLACE;
    return FED_OK;
}

/* Of the seats from `first` on, keep those that the server gives a place. */
static fed_status settle(fed_sumrun *r, uint32_t first, fed_round_result *out,
                         fed_error *err)
{
    uint32_t kept = first;
    for (uint32_t i = first; i < r->n_seats; i++) {
        bool placed;
        const fed_sum_seat *seat = &r->seats[i];
        FED_TRY(count_training(r, seat, out, err));
        FED_TRY(comes(seat, &placed, out, err));
        if (seat->who.fate != FED_FATE_NONE && seat->status == FED_OK)
            out->dropped[seat->who.fate]++;
        if (placed) keep_seat(r, i, kept++);
    }
    r->n_seats = kept;
    if (out->trained) out->train_loss /= out->trained;
    return FED_OK;
}

/* ---- the end of a cohort --------------------------------------------------------------- */

static bool has_joined(const fed_sum_seat *seat)
{
    return seat->who.fate > FED_FATE_BEFORE_JOIN;
}

static bool has_sent(const fed_sum_seat *seat)
{
    return seat->who.fate > FED_FATE_BEFORE_INPUT;
}

/* What a device sends beside the update itself. */
static uint64_t other_bytes(const fed_sumrun *r)
{
    const fed_task_numbers *n = fed_task_numbers_of(r->task);
    return n->upload_bytes - n->update_bytes;
}

/* A member's input leaves: the version is spent, the residual is as if delivered. */
static void spend(fed_sumrun *r, fed_sum_seat *seat, fed_turnout *turnout,
                  fed_round_result *out)
{
    out->uploads++;
    out->upload_bytes += seat->upload.len + other_bytes(r);
    if (turnout) fed_turnout_spend(turnout, seat->who.client);
    if (!r->residuals) return;
    fed_kept_residual *kept = &r->residuals[seat->who.client];
    fed_free(kept->values);
    *kept = (fed_kept_residual){seat->next_residual, r->state.version};
    seat->next_residual = NULL;
}

static fed_status collect(fed_sumrun *r, fed_codec_sum *sum, fed_turnout *turnout,
                          fed_round_result *out, fed_error *err)
{
    for (uint32_t i = 0; i < r->n_seats; i++) {
        fed_sum_seat *seat = &r->seats[i];
        if (!has_joined(seat)) continue;
        bool survives = has_sent(seat) && seat->health != FED_GARBAGE;
        r->roster[out->n_seats++] = (fed_seat){seat->who.client, survives};
        out->survivors += survives;
        if (has_sent(seat)) spend(r, seat, turnout, out);
        out->refused += has_sent(seat) && !survives;
        if (survives)
            FED_TRY(fed_codec_sum_add_bytes(
                fed_task_codec(r->task), r->state.round, sum,
                (fed_span){seat->upload.data, seat->upload.len}, err));
    }
    out->seats = r->roster;
    return FED_OK;
}

static fed_status close_cohort(fed_sumrun *r, fed_turnout *turnout, fed_round_result *out,
                               fed_error *err)
{
    fed_codec_sum sum;
    FED_TRY(fed_codec_sum_init(fed_task_codec(r->task), r->state.round, &sum, err));
    fed_status status = collect(r, &sum, turnout, out, err);
    bool enough = out->survivors == out->n_seats ||
                  out->survivors >= fed_task_numbers_of(r->task)->min_survivors;
    out->outcome = enough ? FED_ROUND_COMMITTED : FED_ROUND_ABORTED;
    if (!status && enough) status = fed_sumrun_charge(r, err);
    if (!status && enough)
        status = fed_version_state_advance(&r->state, &sum, r->parallel, err);
    fed_codec_sum_fini(&sum);
    r->n_seats = 0;
    return status;
}

/* ---- one round ------------------------------------------------------------------------- */

static void name_cohort(const fed_turnout *turnout, fed_round_result *out)
{
    uint8_t key[FED_SEED_BYTES];
    fed_stream stream;
    fed_seed_from_u64(key, fed_turnout_rounds(turnout));
    fed_stream_init(&stream, key, FED_PURPOSE_INVITE, UINT64_MAX);
    fed_stream_fill(&stream, out->cohort, sizeof out->cohort);
}

/* Time is up with too few: those who are there wait for more. */
static void keep_filling(fed_sumrun *r, fed_turnout *turnout)
{
    uint32_t kept = 0;
    fed_turnout_reopen(turnout);
    for (uint32_t i = 0; i < r->n_seats; i++) {
        if (!has_joined(&r->seats[i])) continue;
        fed_turnout_engage(turnout, r->seats[i].who.client);
        keep_seat(r, i, kept++);
    }
    r->n_seats = kept;
}

/* Too few for too long: the cohort is aborted before anybody has sent an input. */
static fed_status give_up(fed_sumrun *r, fed_turnout *turnout, fed_round_result *out)
{
    out->outcome = FED_ROUND_ABORTED;
    r->n_seats = 0;
    fed_turnout_reopen(turnout);
    fed_turnout_redraw(turnout);
    return FED_OK;
}

static fed_status end_round(fed_sumrun *r, fed_turnout *turnout, fed_round_result *out,
                            fed_error *err)
{
    const fed_task_numbers *numbers = fed_task_numbers_of(r->task);
    uint32_t joined = 0;
    for (uint32_t i = 0; i < r->n_seats; i++)
        joined += has_joined(&r->seats[i]);
    if (joined < numbers->min_survivors || !joined) {
        if (!fed_turnout_is_patient(turnout)) return give_up(r, turnout, out);
        out->outcome = FED_ROUND_FILLING;
        keep_filling(r, turnout);
        return FED_OK;
    }
    name_cohort(turnout, out);
    FED_TRY(close_cohort(r, turnout, out, err));
    fed_turnout_reopen(turnout);
    if (out->outcome == FED_ROUND_COMMITTED) {
        fed_turnout_next(turnout);
    } else {
        fed_turnout_redraw(turnout);
        out->survivors = 0; /* nobody's input is in a sum */
        out->n_seats = 0;
    }
    return FED_OK;
}

fed_status fed_sumrun_round(fed_sumrun *r, fed_turnout *turnout, fed_round_result *out,
                            fed_error *err)
{
    uint32_t first = r->n_seats, n;
    *out = (fed_round_result){.version = r->state.version};
    FED_TRY(fed_turnout_draw(turnout, fed_task_numbers_of(r->task)->invited - first,
                             r->drawn, &n, err));
    for (uint32_t i = 0; i < first; i++)
        r->seats[i].is_new = false;
    for (uint32_t i = 0; i < n; i++)
        take_seat(r, r->drawn[i], fed_turnout_health(turnout, r->drawn[i].client));
    r->turnout = turnout;
    fed_sumrun_train(r, first);
    out->invited = n;
    FED_TRY(settle(r, first, out, err));
    FED_TRY(end_round(r, turnout, out, err));
    out->version = r->state.version;
    return FED_OK;
}

fed_status fed_sumrun_replay(fed_sumrun *r, const fed_seat *members, size_t n,
                             fed_round_result *out, fed_error *err)
{
    size_t survivors = 0, cap = fed_task_numbers_of(r->task)->invited;
    *out = (fed_round_result){.invited = (uint32_t)n};
    for (size_t i = 0; i < n; i++)
        survivors += members[i].survived;
    if (!survivors || n > cap)
        return fed_fail(err, FED_E_INVALID,
                        "version %llu: %zu members, %zu survivors; a cohort has at most "
                        "%zu and at least one survives",
                        (unsigned long long)r->state.version + 1, n, survivors, cap);
    r->n_seats = 0;
    r->turnout = NULL;
    for (size_t i = 0; i < n; i++)
        take_seat(r,
                  (fed_attendee){members[i].client, members[i].survived
                                                        ? FED_FATE_NONE
                                                        : FED_FATE_BEFORE_INPUT},
                  FED_HEALTHY);
    fed_sumrun_train(r, 0);
    FED_TRY(settle(r, 0, out, err));
    if (out->not_finite)
        return fed_fail(err, FED_E_NUMERIC,
                        "version %llu: %u members cannot train here: other data?",
                        (unsigned long long)r->state.version + 1, out->not_finite);
    FED_TRY(close_cohort(r, NULL, out, err));
    out->version = r->state.version;
    if (out->outcome == FED_ROUND_COMMITTED) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "version %llu: %u of %zu members survive, the plan wants at least %u",
                    (unsigned long long)r->state.version + 1, out->survivors, n,
                    fed_task_numbers_of(r->task)->min_survivors);
}
