/*
 * A cohort with secure aggregation: the party does the protocol, the cohort the rest. What
 * the party must find again after a crash collects in `log`, each record behind its length,
 * and is stored by the step that caused it, before any answer.
 */
#include "cohort_secagg.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)FED_PHASE_JOIN == (int)FED_SECAGG_JOIN &&
                   (int)FED_PHASE_INPUT == (int)FED_SECAGG_INPUT &&
                   (int)FED_PHASE_REVEAL == (int)FED_SECAGG_REVEAL &&
                   (int)FED_PHASE_ABORTED == (int)FED_SECAGG_ABORTED,
               "the phases of the wire are those of secure aggregation");

fed_status fed_cohort_use_secagg(fed_cohort *c, const fed_secagg_server_config *config,
                                 fed_error *err)
{
    return fed_secagg_server_new(&c->party, config, err);
}

static void keep_record(fed_cohort *c, fed_bytes *record)
{
    if (record->len) fed_bytes_put_block(&c->log, record->data, record->len);
    if (record->status && !c->log.status) c->log.status = record->status;
    fed_bytes_fini(record);
}

static fed_status log_status(const fed_cohort *c, fed_error *err)
{
    if (!c->log.status) return FED_OK;
    return fed_fail(err, c->log.status, "cohort: no room for the journal's record");
}

/* A party never holds a member that the cohort does not: whose keys they are comes first. */
fed_status fed_cohort_join_party(fed_cohort *c, fed_member *m, fed_span bundle,
                                 int64_t wall_s, fed_error *err)
{
    fed_bytes record;
    uint8_t claimed[FED_ED25519_BYTES];
    FED_TRY(fed_secagg_server_claimed(bundle, claimed, err));
    if (memcmp(claimed, m->device, sizeof claimed) != 0)
        return fed_fail(err, FED_E_AUTH, "join: keys of another identity");
    fed_bytes_init(&record, SIZE_MAX);
    fed_status status =
        fed_secagg_server_join(c->party, bundle, wall_s, &m->number, &record, err);
    keep_record(c, &record);
    return status ? status : log_status(c, err);
}

fed_status fed_cohort_receive(fed_cohort *c, fed_member *m, fed_phase phase,
                              fed_span body, fed_error *err)
{
    fed_bytes record;
    if (c->phase != phase)
        return fed_fail(err, FED_E_STATE, "%s: the cohort is in phase %s",
                        fed_phase_name(phase), fed_phase_name(c->phase));
    bool was_here = fed_secagg_server_has(c->party, m->number);
    fed_bytes_init(&record, SIZE_MAX);
    fed_status status =
        fed_secagg_server_receive(c->party, m->number, body, &record, err);
    keep_record(c, &record);
    if (status) return status;
    if (phase == FED_PHASE_INPUT && !was_here) {
        m->submitted = true;
        c->n_submitted++;
        c->upload_bytes += body.len;
    }
    return log_status(c, err);
}

/* Survivors are final once the input is closed, whoever is lost afterwards. */
static void take_survivors(fed_cohort *c)
{
    uint32_t count;
    const uint8_t *map = fed_secagg_server_survivors(c->party, &count);
    if (!map) return;
    for (uint32_t i = 0; i < c->n; i++)
        c->members[i].submitted = fed_map_has(map, c->members[i].number);
    c->n_submitted = count;
}

static fed_status take_sum(fed_cohort *c, const fed_task *task,
                           const fed_codec_round *round, fed_error *err)
{
    FED_TRY(fed_codec_sum_init(fed_task_codec(task), round, &c->sum, err));
    for (size_t i = 0; i < c->sum.n_vectors; i++)
        FED_TRY(fed_ring_add(&c->sum.vectors[i].ring,
                             fed_secagg_server_sum(c->party, (uint32_t)i), err));
    c->sum.n = c->n_submitted;
    return FED_OK;
}

static fed_status follow_party(fed_cohort *c, const fed_task *task,
                               const fed_codec_round *round, fed_error *err)
{
    c->phase = (fed_phase)fed_secagg_server_phase(c->party);
    take_survivors(c);
    if (c->phase == FED_PHASE_ABORTED)
        snprintf(c->reason, sizeof c->reason, "%.120s",
                 fed_secagg_server_reason(c->party));
    return c->phase == FED_PHASE_DONE ? take_sum(c, task, round, err) : FED_OK;
}

fed_status fed_cohort_close_party(fed_cohort *c, const fed_task *task,
                                  const fed_codec_round *round, fed_error *err)
{
    fed_bytes record;
    fed_bytes_init(&record, SIZE_MAX);
    fed_status status = fed_secagg_server_close(c->party, &record, err);
    keep_record(c, &record);
    if (status) return status;
    FED_TRY(log_status(c, err));
    return follow_party(c, task, round, err);
}

fed_status fed_cohort_replay(fed_cohort *c, fed_span log, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, log.data, log.len);
    while (fed_reader_left(&r)) {
        fed_span record = fed_reader_block(&r, SIZE_MAX);
        if (r.failed) return fed_fail(err, FED_E_FORMAT, "cohort: a broken log");
        FED_TRY(fed_secagg_server_replay(c->party, record, err));
    }
    c->logged++;
    c->phase = (fed_phase)fed_secagg_server_phase(c->party);
    for (uint32_t i = 0; i < c->n; i++)
        c->members[i].submitted = false; /* unless it is among the survivors */
    c->n_submitted = 0;
    take_survivors(c);
    return FED_OK;
}

fed_status fed_cohort_party_answer(const fed_cohort *c, const fed_member *m,
                                   fed_phase after, fed_answer *answer,
                                   fed_bytes *payload, unsigned *status, fed_error *err)
{
    static const char went_on[] = "the cohort went on without this device";
    if (after >= c->phase) {
        if (fed_secagg_server_has(c->party, m->number))
            *status = FED_HTTP_ACCEPTED;
        else if (fed_secagg_server_expects(c->party, m->number))
            *status = FED_HTTP_CONFLICT; /* resend */
        else
            *status = FED_HTTP_GONE;
    } else {
        fed_status result = fed_secagg_server_answer(
            c->party, m->number, (fed_secagg_phase)after, payload, err);
        if (result != FED_OK && result != FED_E_STATE) return result;
        *status = result ? FED_HTTP_GONE : FED_HTTP_OK;
    }
    answer->phase = c->phase;
    if (*status == FED_HTTP_OK) answer->payload = (fed_span){payload->data, payload->len};
    if (*status == FED_HTTP_GONE) {
        answer->phase = FED_PHASE_ABORTED;
        answer->payload = (fed_span){(const uint8_t *)went_on, sizeof went_on - 1};
    }
    return FED_OK;
}
