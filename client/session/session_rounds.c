/*
 * Rounds that a device takes part in, where their distance counts. Noise that is correlated over
 * rounds (privacy.mechanism "matrix") hides a device that takes part at most k times, at least b
 * versions apart; the whole run is then one charge to its ledger. It is the device that keeps
 * both, from a record of its own, made in the step in which the first byte of an update may
 * leave, so durable before:
 *
 *   taken  grows by one with each update that may have left, whatever became of it
 *   next   v + b after version v; no version, after the k-th
 *
 * A version below `next` is refused, so numbers that a server signs only grow; those from
 * rounds.count on do not exist. The task's id binds plan, seed and server. Entries are never
 * removed: when there are as many as fit, no further task of the kind is carried out.
 */
#include "session_internal.h"

#include <inttypes.h>
#include <string.h>

static const char key_rounds[] = "session/rounds";

enum { ROUNDS_VERSION = 1 };

static const fed_own_rounds *find(const fed_session *s, const fed_address *task)
{
    for (uint32_t i = 0; i < s->n_rounds; i++)
        if (fed_address_equal(&s->rounds[i].task, task)) return &s->rounds[i];
    return NULL;
}

uint64_t fed_session_uncharged(const fed_session *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_rounds; i++)
        n += s->rounds[i].taken - 1;
    return n;
}

/* ---- may it? ---------------------------------------------------------------------------- */

static fed_status check_times(const char *of, uint64_t taken, uint64_t most,
                              fed_error *err)
{
    if (!most || taken < most) return FED_OK;
    return fed_fail(err, FED_E_BUDGET,
                    "privacy.max_participations: this device took part %" PRIu64
                    " times%s, of %" PRIu64,
                    taken, of, most);
}

/* Over all tasks, what the population was promised holds, and what this plan says. */
static fed_status check_all_times(const fed_session *s, fed_error *err)
{
    uint64_t taken = s->info.participations;
    if (!s->n_rounds || !fed_task_privacy(s->task)) return FED_OK;
    FED_TRY(
        check_times("", taken, fed_ledger_get_terms(s->ledger)->max_participations, err));
    return check_times("", taken, fed_task_privacy(s->task)->max_participations, err);
}

static fed_status check_distance(const fed_session *s, const fed_own_rounds *own,
                                 uint64_t version, fed_error *err)
{
    const fed_plan *plan = fed_task_plan(s->task);
    if (version >= (uint64_t)plan->rounds.count)
        return fed_fail(err, FED_E_REFUSED,
                        "version: %" PRIu64 " of a task of %lld rounds", version,
                        (long long)plan->rounds.count);
    if (!own && s->n_rounds == FED_SESSION_ROUNDS_KEPT)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.mechanism: \"matrix\": this device took part in %d tasks "
            "of it, and remembers no more",
            FED_SESSION_ROUNDS_KEPT);
    if (!own) return FED_OK;
    FED_TRY(check_times(" in the task", own->taken,
                        (uint64_t)plan->privacy.max_participations, err));
    if (version >= own->next) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "privacy.matrix.separation: %lld: version %" PRIu64
                    " is too early, this device may take part again from %" PRIu64 " on",
                    (long long)plan->privacy.matrix.separation, version, own->next);
}

fed_status fed_session_check_rounds(const fed_session *s, uint64_t version,
                                    fed_error *err)
{
    const fed_own_rounds *own = find(s, &s->task_id);
    if (fed_task_is_charged_once(s->task)) {
        bool charged =
            s->ledger && fed_ledger_has(s->ledger, FED_LEDGER_OUTPUT, s->task_id.bytes);
        if (charged && !own)
            return fed_fail(err, FED_E_REFUSED,
                            "privacy.matrix: the ledger has this task, but the record of "
                            "its rounds is lost");
        FED_TRY(check_distance(s, own, version, err));
    }
    return check_all_times(s, err);
}

/* ---- the record ------------------------------------------------------------------------- */

static void take_round(fed_session *s)
{
    const fed_plan_privacy *plan = &fed_task_plan(s->task)->privacy;
    fed_own_rounds *own = (fed_own_rounds *)find(s, &s->task_id);
    if (!own) {
        own = &s->rounds[s->n_rounds++];
        *own = (fed_own_rounds){.task = s->task_id};
    }
    own->taken++;
    own->next = s->accepted_version + (uint64_t)plan->matrix.separation;
    if (own->taken >= (uint64_t)plan->max_participations) own->next = FED_NO_ROUND;
}

fed_status fed_turn_store_rounds(fed_turn *t)
{
    fed_session *s = t->s;
    fed_bytes b;
    if (!fed_task_is_charged_once(s->task)) return FED_OK;
    take_round(s);
    fed_bytes_init(&b, SIZE_MAX);
    fed_bytes_put_u8(&b, ROUNDS_VERSION);
    fed_bytes_put_u32(&b, s->n_rounds);
    for (uint32_t i = 0; i < s->n_rounds; i++) {
        fed_bytes_put(&b, s->rounds[i].task.bytes, FED_ADDRESS_BYTES);
        fed_bytes_put_u32(&b, s->rounds[i].taken);
        fed_bytes_put_u64(&b, s->rounds[i].next);
    }
    return fed_outbox_store_taken(t->outbox, key_rounds, &b);
}

/* Each entry is of another task, and the ledger was charged for it. */
static bool is_sound(const fed_session *s, const fed_own_rounds *own)
{
    return own->taken && own->next && own->next <= FED_NO_ROUND &&
           find(s, &own->task) == own &&
           fed_ledger_has(s->ledger, FED_LEDGER_OUTPUT, own->task.bytes);
}

static fed_status read_rounds(fed_session *s, const fed_bytes *b, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, b->data, b->len);
    unsigned version = fed_reader_u8(&r);
    uint32_t n = fed_reader_u32(&r);
    bool sound = version == ROUNDS_VERSION && n && n <= FED_SESSION_ROUNDS_KEPT;
    s->n_rounds = sound ? n : 0;
    for (uint32_t i = 0; i < s->n_rounds; i++) {
        fed_reader_copy(&r, s->rounds[i].task.bytes, FED_ADDRESS_BYTES);
        s->rounds[i].taken = fed_reader_u32(&r);
        s->rounds[i].next = fed_reader_u64(&r);
    }
    for (uint32_t i = 0; i < s->n_rounds; i++)
        sound = sound && is_sound(s, &s->rounds[i]);
    if (!fed_reader_finish(&r) && sound) return FED_OK;
    s->n_rounds = 0;
    return fed_fail(err, FED_E_FORMAT,
                    "%s: %zu bytes do not parse, or not with the ledger", key_rounds,
                    b->len);
}

fed_status fed_session_restore_rounds(fed_session *s, const fed_journal *journal,
                                      fed_error *err)
{
    fed_bytes b;
    fed_bytes_init(&b, SIZE_MAX);
    fed_status status = journal->get(journal->ctx, key_rounds, &b, err);
    if (!status) status = read_rounds(s, &b, err);
    fed_bytes_fini(&b);
    return status == FED_E_NOT_FOUND ? FED_OK : status;
}
