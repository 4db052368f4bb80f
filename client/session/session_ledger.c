/*
 * The device's own book of what it gave away. It is the device that keeps its promise: it
 * computes from the signed plan what one participation costs against the server and those
 * colluding with it (or, where the server adds the noise, those who see the models), charges that in the step in which the first masked byte may leave, so
 * that both are durable together, and takes no part where it does not fit. Nothing is
 * refunded, whatever becomes of the cohort.
 */
#include "session_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char key_ledger[] = "session/ledger";

fed_status fed_session_check_ledger(const fed_session *s, uint64_t version,
                                    fed_error *err)
{
    if (s->ledger_fault[0])
        return fed_fail(err, FED_E_REFUSED,
                        "this device takes no part in anything, since its ledger cannot "
                        "be believed: %s",
                        s->ledger_fault);
    FED_TRY(fed_session_check_rounds(s, version, err));
    if (!s->ledger) return FED_OK;
    return fed_task_check_charge(s->task, s->ledger, FED_LEDGER_SEEN, s->task_id.bytes,
                                 err);
}

static fed_status make_ledger(fed_session *s, fed_error *err)
{
    fed_ledger_terms terms;
    if (s->ledger) return FED_OK;
    FED_TRY(fed_task_ledger_terms(s->task, FED_LEDGER_DEVICE, s->config.population,
                                  &terms, err));
    return fed_ledger_new(&s->ledger, &terms, &s->ledger_bytes, err);
}

static fed_status tell_spent(fed_session *s, fed_error *err)
{
    double output, server;
    s->info.participations = fed_ledger_count(s->ledger, FED_LEDGER_SEEN) +
                             fed_ledger_count(s->ledger, FED_LEDGER_OUTPUT) +
                             fed_session_uncharged(s);
    FED_TRY(fed_ledger_spent(s->ledger, &output, &server, err));
    s->info.epsilon = fmax(output, server);
    return FED_OK;
}

/* A participation is one update in one cohort. */
static fed_status participation(const fed_session *s, uint8_t id[32], fed_error *err)
{
    uint8_t both[FED_UPDATE_ID_BYTES + FED_COHORT_ID_BYTES];
    memcpy(both, s->update_id, sizeof s->update_id);
    memcpy(both + sizeof s->update_id, s->cohort, sizeof s->cohort);
    return fed_sha256(both, sizeof both, id, err);
}

fed_status fed_turn_charge(fed_turn *t)
{
    fed_session *s = t->s;
    uint8_t id[32];
    if (!fed_task_privacy(s->task)) return FED_OK;
    FED_TRY(fed_session_check_rounds(s, s->accepted_version, t->err));
    FED_TRY(make_ledger(s, t->err));
    FED_TRY(participation(s, id, t->err));
    FED_TRY(fed_task_charge(s->task, s->ledger, FED_LEDGER_SEEN,
                            fed_task_charge_id(s->task, s->task_id.bytes, id),
                            &s->ledger_bytes, t->err));
    FED_TRY(fed_turn_store_rounds(t));
    FED_TRY(tell_spent(s, t->err));
    return fed_outbox_store(t->outbox, key_ledger, s->ledger_bytes.data,
                            s->ledger_bytes.len);
}

void fed_session_ledger_head(const fed_session *s, uint8_t head[32])
{
    memset(head, 0, 32);
    if (s->ledger) memcpy(head, fed_ledger_head(s->ledger), 32);
}

/* ---- putting it back -------------------------------------------------------------------- */

static fed_status open_ledger(fed_session *s, const fed_journal *journal, fed_error *err)
{
    fed_span bytes = {s->ledger_bytes.data, s->ledger_bytes.len};
    FED_TRY(fed_task_open_ledger(&s->ledger, FED_LEDGER_DEVICE, s->config.population,
                                 bytes, err));
    FED_TRY(fed_session_restore_rounds(s, journal, err));
    return tell_spent(s, err);
}

fed_status fed_session_distrust(fed_session *s, const char *why)
{
    snprintf(s->ledger_fault, sizeof s->ledger_fault, "%.150s", why);
    fed_log(FED_LOG_ERROR, "ledger_broken", "reason=\"%s\"", s->ledger_fault);
    return FED_OK;
}

fed_status fed_session_restore_ledger(fed_session *s, const fed_journal *journal,
                                      fed_error *err)
{
    fed_error why;
    fed_bytes_clear(&s->ledger_bytes);
    fed_status status = journal->get(journal->ctx, key_ledger, &s->ledger_bytes, err);
    if (status && status != FED_E_NOT_FOUND) return status;
    if (!status) status = open_ledger(s, journal, &why);
    if (!status || status == FED_E_NOT_FOUND) return FED_OK;
    if (status != FED_E_NOMEM && status != FED_E_CRYPTO)
        return fed_session_distrust(s, why.text);
    if (err) *err = why;
    return status;
}

fed_status fed_session_check_head(fed_session *s, const uint8_t expected[32])
{
    uint8_t head[32];
    fed_session_ledger_head(s, head);
    if (s->ledger_fault[0] || memcmp(head, expected, sizeof head) == 0) return FED_OK;
    return fed_session_distrust(s, "it does not end where this device left it");
}
