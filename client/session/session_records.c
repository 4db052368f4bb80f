/*
 * What survives a crash, and putting it back.
 *
 *   session/task       signed document and plan of the present task
 *   session/progress   state, version, cohort, what was accepted and spent
 *   session/model      the accepted model, when differences may lead on from it
 *   session/update     the finished update, the residual that will follow it, its round
 *   session/residual   what earlier updates did not carry
 *   session/rounds     in which rounds it took part, where their distance counts (session_rounds.c)
 *   session/ledger     what taking part has cost (session_ledger.c)
 *   session/party      the device's party in a cohort with secure aggregation
 *
 * The shell keeps these encrypted. Only PLACE, JOIN, INPUT and RESULT outlive a crash: before,
 * nothing is finished, and the same training is done again.
 */
#include "session_internal.h"

#include <string.h>

static const char key_task[] = "session/task";
static const char key_progress[] = "session/progress";
static const char key_model[] = FED_SESSION_MODEL_KEY;
static const char key_update[] = "session/update";
static const char key_residual[] = "session/residual";
static const char key_party[] = "session/party";

enum { PROGRESS_VERSION = 4 };

static uint32_t spent_kept(const fed_session *s)
{
    return s->n_spent < FED_SESSION_SPENT_KEPT ? s->n_spent : FED_SESSION_SPENT_KEPT;
}

fed_status fed_turn_store_progress(fed_turn *t)
{
    const fed_session *s = t->s;
    uint8_t head[32];
    fed_bytes b;
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_u8(&b, PROGRESS_VERSION);
    fed_bytes_put_u8(&b, (uint8_t)s->state);
    fed_bytes_put_u8(&b, (uint8_t)s->phase);
    fed_bytes_put_u8(&b, s->spent);
    fed_bytes_put_u8(&b, s->has_accepted);
    fed_bytes_put_u64(&b, s->accepted_version);
    fed_bytes_put(&b, s->version.model.bytes, FED_ADDRESS_BYTES);
    fed_bytes_put(&b, s->round_key, sizeof s->round_key);
    fed_bytes_put(&b, s->update_id, sizeof s->update_id);
    fed_bytes_put(&b, s->cohort, sizeof s->cohort);
    fed_bytes_put_u32(&b, s->attempts);
    fed_bytes_put_u32(&b, s->n_spent);
    fed_bytes_put_u64(&b, (uint64_t)s->spent_ms);
    for (uint32_t i = 0; i < spent_kept(s); i++)
        fed_bytes_put(&b, s->spent_models[i].bytes, FED_ADDRESS_BYTES);
    fed_session_ledger_head(s, head);
    fed_bytes_put(&b, head, sizeof head);
    return fed_outbox_store_taken(t->outbox, key_progress, &b);
}

fed_status fed_turn_store_update(fed_turn *t)
{
    const fed_session *s = t->s;
    fed_bytes b;
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_block(&b, s->update.data, s->update.len);
    fed_bytes_put_block(&b, s->next_residual.data, s->next_residual.len);
    fed_status status = fed_task_write_round(s->task, s->round, &b, t->err);
    if (!status) return fed_outbox_store_taken(t->outbox, key_update, &b);
    fed_bytes_wipe(&b);
    return status;
}

fed_status fed_turn_store_residual(fed_turn *t)
{
    const fed_session *s = t->s;
    fed_bytes b;
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_u64(&b, s->residual_version);
    fed_bytes_put_block(&b, s->residual.data, s->residual.len);
    return fed_outbox_store_taken(t->outbox, key_residual, &b);
}

fed_status fed_turn_store_model(fed_turn *t)
{
    const fed_session *s = t->s;
    fed_bytes b;
    if (!fed_task_plan(s->task)->download.differences) return FED_OK;
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_u64(&b, s->accepted_version);
    fed_bytes_put(&b, s->params_address.bytes, FED_ADDRESS_BYTES);
    for (size_t i = 0; i < fed_task_numbers_of(s->task)->params; i++)
        fed_bytes_put_f32(&b, s->params[i]);
    return fed_outbox_store_taken(t->outbox, key_model, &b);
}

fed_status fed_turn_store_party(fed_turn *t)
{
    fed_bytes b;
    if (!t->s->party) return fed_outbox_erase(t->outbox, key_party);
    fed_bytes_init(&b, SIZE_MAX);
    fed_status status = fed_secagg_device_encode(t->s->party, &b, t->err);
    if (!status) return fed_outbox_store_taken(t->outbox, key_party, &b);
    fed_bytes_wipe(&b);
    return status;
}

fed_status fed_turn_store_task(fed_turn *t, fed_span signed_document, fed_span plan)
{
    fed_bytes b;
    FED_TRY(fed_outbox_erase(t->outbox, key_residual)); /* they were of another task */
    FED_TRY(fed_outbox_erase(t->outbox, key_model));
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_block(&b, signed_document.data, signed_document.len);
    fed_bytes_put_block(&b, plan.data, plan.len);
    return fed_outbox_store_taken(t->outbox, key_task, &b);
}

fed_status fed_turn_erase_update(fed_turn *t)
{
    fed_session *s = t->s;
    fed_bytes_wipe(&s->update);
    fed_bytes_wipe(&s->next_residual);
    s->spent = false;
    s->state = FED_SESSION_WAIT;
    FED_TRY(fed_outbox_erase(t->outbox, key_update));
    return fed_turn_store_progress(t);
}

/* ---- putting it back -------------------------------------------------------------------- */

/* FED_E_NOT_FOUND is no failure: `found` tells. */
static fed_status get(const fed_journal *journal, const char *key, fed_bytes *out,
                      bool *found, fed_error *err)
{
    fed_bytes_init(out, SIZE_MAX);
    fed_status status = journal->get(journal->ctx, key, out, err);
    *found = status == FED_OK;
    return status == FED_E_NOT_FOUND ? FED_OK : status;
}

static fed_status damaged(const char *key, const fed_bytes *b, fed_error *err)
{
    return fed_fail(err, FED_E_FORMAT, "%s: %zu bytes do not parse", key, b->len);
}

static fed_status read_task(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    fed_task_document document;
    fed_address id;
    fed_reader_init(&r, b->data, b->len);
    fed_span signed_bytes = fed_reader_block(&r, FED_TASK_DOCUMENT_MAX);
    fed_span plan = fed_reader_block(&r, FED_PLAN_MAX_BYTES);
    if (fed_reader_finish(&r)) return damaged(key_task, b, err);
    FED_TRY(fed_task_document_open(signed_bytes, s->config.operator_key, &document, &id,
                                   err));
    return fed_session_set_task(s, &document, &id, plan, err);
}

static fed_status read_progress(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    uint8_t head[32];
    fed_reader_init(&r, b->data, b->len);
    unsigned version = fed_reader_u8(&r);
    unsigned state = fed_reader_u8(&r);
    unsigned phase = fed_reader_u8(&r);
    s->spent = fed_reader_u8(&r) != 0;
    s->has_accepted = fed_reader_u8(&r) != 0;
    s->accepted_version = fed_reader_u64(&r);
    fed_reader_copy(&r, s->version.model.bytes, FED_ADDRESS_BYTES);
    fed_reader_copy(&r, s->round_key, sizeof s->round_key);
    fed_reader_copy(&r, s->update_id, sizeof s->update_id);
    fed_reader_copy(&r, s->cohort, sizeof s->cohort);
    s->attempts = fed_reader_u32(&r);
    s->n_spent = fed_reader_u32(&r);
    s->spent_ms = (int64_t)fed_reader_u64(&r);
    for (uint32_t i = 0; i < spent_kept(s); i++)
        fed_reader_copy(&r, s->spent_models[i].bytes, FED_ADDRESS_BYTES);
    fed_reader_copy(&r, head, sizeof head);
    if (fed_reader_finish(&r) || version != PROGRESS_VERSION ||
        state > FED_SESSION_RESULT || phase > FED_PHASE_ABORTED)
        return damaged(key_progress, b, err);
    s->state = (fed_session_state)state;
    s->phase = (fed_phase)phase;
    return fed_session_check_head(s, head);
}

static fed_status read_update(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, b->data, b->len);
    fed_span update = fed_reader_block(&r, SIZE_MAX);
    fed_span residual = fed_reader_block(&r, SIZE_MAX);
    fed_span round = fed_reader_take(&r, fed_reader_left(&r));
    if (fed_reader_finish(&r)) return damaged(key_update, b, err);
    FED_TRY(fed_task_read_round(s->task, round, s->accepted_version, &s->round, err));
    fed_bytes_put(&s->update, update.data, update.len);
    if (!s->spent) fed_bytes_put(&s->next_residual, residual.data, residual.len);
    return s->update.status ? s->update.status : s->next_residual.status;
}

static fed_status read_residual(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, b->data, b->len);
    s->residual_version = fed_reader_u64(&r);
    fed_span residual = fed_reader_block(&r, SIZE_MAX);
    if (fed_reader_finish(&r)) return damaged(key_residual, b, err);
    fed_bytes_put(&s->residual, residual.data, residual.len);
    return s->residual.status;
}

/* It stands with the progress that was written last, or nothing is to be built on it. */
static fed_status read_model(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    size_t n = fed_task_numbers_of(s->task)->params;
    fed_reader_init(&r, b->data, b->len);
    uint64_t version = fed_reader_u64(&r);
    fed_reader_copy(&r, s->params_address.bytes, FED_ADDRESS_BYTES);
    if (r.failed || fed_reader_left(&r) != 4 * n) return damaged(key_model, b, err);
    for (size_t i = 0; i < n; i++)
        s->params[i] = fed_reader_f32(&r);
    s->has_params = s->has_accepted && version == s->accepted_version;
    return FED_OK;
}

typedef fed_status part_reader(fed_session *s, const fed_bytes *b, fed_error *err);

static fed_status restore_part(fed_session *s, const fed_journal *journal,
                               const char *key, part_reader *read, bool *found,
                               fed_error *err)
{
    fed_bytes b;
    fed_status status = get(journal, key, &b, found, err);
    if (!status && *found) status = read(s, &b, err);
    fed_bytes_wipe(&b);
    return status;
}

/* The party needs to know the time, so the first step makes it from the bytes kept here.
 * Without one, a cohort that the update was not spent in is simply left. */
static fed_status restore_party(fed_session *s, const fed_journal *journal,
                                fed_error *err)
{
    bool party;
    if (s->state < FED_SESSION_PLACE) return FED_OK;
    fed_bytes_fini(&s->party_state);
    FED_TRY(get(journal, key_party, &s->party_state, &party, err));
    if (!party && s->state == FED_SESSION_JOIN) s->state = FED_SESSION_PLACE;
    return FED_OK;
}

fed_status fed_session_restore(fed_session *s, const fed_journal *journal, fed_error *err)
{
    bool task, progress, model, update, residual;
    FED_TRY(fed_session_restore_ledger(s, journal, err));
    FED_TRY(restore_part(s, journal, key_task, read_task, &task, err));
    if (!task) return FED_OK;
    FED_TRY(restore_part(s, journal, key_progress, read_progress, &progress, err));
    FED_TRY(restore_part(s, journal, key_model, read_model, &model, err));
    FED_TRY(restore_part(s, journal, key_update, read_update, &update, err));
    FED_TRY(restore_part(s, journal, key_residual, read_residual, &residual, err));
    if (s->state < FED_SESSION_PLACE || !progress || !update) s->state = FED_SESSION_WAIT;
    return restore_party(s, journal, err);
}
