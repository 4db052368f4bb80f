#include "cohort_secagg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fed_status fed_cohort_init(fed_cohort *c, const uint8_t id[32], const fed_address *task,
                           uint64_t version, uint32_t cap, uint32_t phase_ms,
                           fed_error *err)
{
    *c = (fed_cohort){.task = *task,
                      .version = version,
                      .phase = FED_PHASE_JOIN,
                      .cap = cap,
                      .phase_ms = phase_ms,
                      .phase_end_ms = FED_NEVER};
    memcpy(c->id, id, sizeof c->id);
    fed_bytes_init(&c->log, SIZE_MAX);
    c->members = fed_calloc(cap, sizeof *c->members);
    return c->members ? FED_OK : fed_fail_nomem(err, cap * sizeof *c->members);
}

void fed_cohort_fini(fed_cohort *c)
{
    fed_codec_sum_fini(&c->sum);
    fed_secagg_server_free(c->party);
    fed_bytes_fini(&c->log);
    fed_free(c->members);
    *c = (fed_cohort){0};
}

fed_status fed_cohort_restore(fed_cohort *c, const fed_roster *roster, uint32_t phase_ms,
                              fed_error *err)
{
    FED_TRY(fed_cohort_init(c, roster->cohort, &roster->task, roster->version, roster->n,
                            phase_ms, err));
    c->n = c->n_joined = roster->n;
    c->phase = roster->phase;
    memcpy(c->reason, roster->reason, sizeof c->reason);
    for (uint32_t i = 0; i < roster->n; i++) {
        fed_member *m = &c->members[i];
        memcpy(m->device, roster->members[i].device, sizeof m->device);
        memcpy(m->update_id, roster->members[i].update_id, sizeof m->update_id);
        m->joined = true;
        m->number = i;
        m->submitted = roster->members[i].survived;
        c->n_submitted += m->submitted;
    }
    return FED_OK;
}

fed_status fed_cohort_record(const fed_cohort *c, fed_roster *roster, fed_error *err)
{
    *roster = (fed_roster){
        .task = c->task, .version = c->version, .phase = c->phase, .n = c->n};
    memcpy(roster->cohort, c->id, sizeof roster->cohort);
    memcpy(roster->reason, c->reason, sizeof roster->reason);
    roster->members = fed_calloc(c->n, sizeof *roster->members);
    if (!roster->members) return fed_fail_nomem(err, c->n * sizeof *roster->members);
    for (uint32_t i = 0; i < c->n; i++) {
        fed_roster_member *m = &roster->members[i];
        memcpy(m->device, c->members[i].device, sizeof m->device);
        memcpy(m->update_id, c->members[i].update_id, sizeof m->update_id);
        m->survived = c->phase == FED_PHASE_DONE && c->members[i].submitted;
    }
    return FED_OK;
}

fed_member *fed_cohort_find(fed_cohort *c, const uint8_t device[32])
{
    for (uint32_t i = 0; i < c->n; i++)
        if (memcmp(c->members[i].device, device, 32) == 0) return &c->members[i];
    return NULL;
}

static bool same_update(const fed_member *m, const uint8_t update_id[FED_UPDATE_ID_BYTES])
{
    return memcmp(m->update_id, update_id, FED_UPDATE_ID_BYTES) == 0;
}

fed_status fed_cohort_place(fed_cohort *c, const uint8_t device[32],
                            const uint8_t update_id[FED_UPDATE_ID_BYTES], fed_error *err)
{
    fed_member *m = fed_cohort_find(c, device);
    if (m && same_update(m, update_id)) return FED_OK;
    if (m)
        return fed_fail(err, FED_E_EXISTS,
                        "place: another update of this device is in the cohort");
    if (c->phase != FED_PHASE_JOIN)
        return fed_fail(err, FED_E_STATE, "place: the cohort is in phase %s",
                        fed_phase_name(c->phase));
    if (c->n == c->cap)
        return fed_fail(err, FED_E_LIMIT, "place: all %u places are taken", c->cap);
    m = &c->members[c->n++];
    *m = (fed_member){0};
    memcpy(m->device, device, sizeof m->device);
    memcpy(m->update_id, update_id, sizeof m->update_id);
    return FED_OK;
}

fed_status fed_cohort_join(fed_cohort *c, const uint8_t device[32],
                           const uint8_t update_id[FED_UPDATE_ID_BYTES], fed_span bundle,
                           int64_t wall_s, fed_error *err)
{
    fed_member *m = fed_cohort_find(c, device);
    if (!m) return fed_fail(err, FED_E_NOT_FOUND, "join: no place for this device");
    if (!same_update(m, update_id))
        return fed_fail(err, FED_E_INVALID, "join: the place is for another update");
    if (!m->joined && c->phase != FED_PHASE_JOIN)
        return fed_fail(err, FED_E_STATE, "join: the roster is closed");
    if (c->party)
        FED_TRY(fed_cohort_join_party(c, m, bundle, wall_s, err));
    else if (bundle.len)
        return fed_fail(err, FED_E_INVALID,
                        "join: keys, but this cohort runs without secure aggregation");
    c->n_joined += !m->joined;
    m->joined = true;
    return FED_OK;
}

static int by_number(const void *a, const void *b)
{
    const fed_member *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

void fed_cohort_drop_absent(fed_cohort *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->members[i].joined) c->members[kept++] = c->members[i];
    c->n = kept;
}

/* Those who have not joined lose their place; the others stand in the party's order. */
fed_status fed_cohort_close_roster(fed_cohort *c, const fed_task *task,
                                   const fed_codec_round *round, int64_t now,
                                   fed_error *err)
{
    fed_cohort_drop_absent(c);
    c->phase_end_ms = now + c->phase_ms;
    if (!c->party) {
        FED_TRY(fed_codec_sum_init(fed_task_codec(task), round, &c->sum, err));
        c->phase = FED_PHASE_INPUT;
        return FED_OK;
    }
    qsort(c->members, c->n, sizeof *c->members, by_number);
    return fed_cohort_close_party(c, task, round, err);
}

fed_status fed_cohort_input(fed_cohort *c, const fed_task *task,
                            const fed_codec_round *round, const uint8_t device[32],
                            fed_span body, fed_error *err)
{
    fed_member *m = fed_cohort_find(c, device);
    if (!m) return fed_fail(err, FED_E_NOT_FOUND, "input: this device is not a member");
    if (c->party) return fed_cohort_receive(c, m, FED_PHASE_INPUT, body, err);
    if (m->submitted) return FED_OK;
    if (c->phase != FED_PHASE_INPUT)
        return fed_fail(err, FED_E_STATE, "input: the cohort is in phase %s",
                        fed_phase_name(c->phase));
    FED_TRY(fed_codec_sum_add_bytes(fed_task_codec(task), round, &c->sum, body, err));
    m->submitted = true;
    c->n_submitted++;
    c->upload_bytes += body.len;
    return FED_OK;
}

bool fed_cohort_is_complete(const fed_cohort *c)
{
    if (c->party) return fed_secagg_server_waiting(c->party) == 0;
    return c->n_submitted == c->n;
}

fed_status fed_cohort_close_phase(fed_cohort *c, const fed_task *task,
                                  const fed_codec_round *round, uint32_t min_survivors,
                                  int64_t now, fed_error *err)
{
    c->phase_end_ms = now + c->phase_ms;
    if (c->party) return fed_cohort_close_party(c, task, round, err);
    if (c->n_submitted >= min_survivors)
        c->phase = FED_PHASE_DONE;
    else
        fed_cohort_abort(c, "%u of %u inputs came in time, at least %u are needed",
                         c->n_submitted, c->n, min_survivors);
    return FED_OK;
}

void fed_cohort_abort(fed_cohort *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->reason, sizeof c->reason, format, args);
    va_end(args);
    c->phase = FED_PHASE_ABORTED;
    c->phase_end_ms = FED_NEVER;
}

static void fill_aborted(fed_answer *answer, const char *reason)
{
    answer->phase = FED_PHASE_ABORTED;
    answer->payload = (fed_span){(const uint8_t *)reason, strlen(reason)};
}

static unsigned input_answer(const fed_member *m, fed_phase after, fed_answer *answer)
{
    if (m->submitted) return FED_HTTP_ACCEPTED;
    if (after >= FED_PHASE_INPUT)
        return FED_HTTP_CONFLICT; /* resend: it was not stored */
    answer->phase = FED_PHASE_INPUT;
    return FED_HTTP_OK;
}

static unsigned done_answer(const fed_cohort *c, const fed_member *m, fed_answer *answer)
{
    if (m->submitted) {
        answer->phase = FED_PHASE_DONE;
        answer->version = c->version + 1;
        return FED_HTTP_OK;
    }
    fill_aborted(answer, "the cohort ended without this device's input");
    return FED_HTTP_GONE;
}

fed_status fed_cohort_answer(const fed_cohort *c, const fed_member *m, fed_phase after,
                             int64_t now, fed_answer *answer, fed_bytes *payload,
                             unsigned *status, fed_error *err)
{
    int64_t left = c->phase_end_ms - now;
    *answer =
        (fed_answer){.members = c->n,
                     .index = (uint32_t)(m - c->members),
                     .phase_ms = left > 0 && left < UINT32_MAX ? (uint32_t)left : 0};
    if (c->phase == FED_PHASE_JOIN) {
        *status = FED_HTTP_ACCEPTED;
    } else if (c->phase == FED_PHASE_DONE) {
        *status = done_answer(c, m, answer);
    } else if (c->phase == FED_PHASE_ABORTED) {
        fill_aborted(answer, c->reason);
        *status = FED_HTTP_GONE;
    } else if (c->party) {
        return fed_cohort_party_answer(c, m, after, answer, payload, status, err);
    } else {
        *status = input_answer(m, after, answer);
    }
    return FED_OK;
}
