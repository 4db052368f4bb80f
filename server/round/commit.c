/* Time passes, cohorts close, versions are made. Everything that a commit changes (model,
 * document, state, head, trace, the cohort's end) is in one step, so in one transaction. */
#include "coordinator_internal.h"

#include <string.h>

static fed_status store_blob(fed_step *s, fed_bytes *taken, fed_address *address)
{
    char key[FED_KEY_MAX];
    fed_status status = taken->status;
    if (!status) status = fed_address_of(taken->data, taken->len, address, s->err);
    if (status) {
        fed_bytes_fini(taken);
        return status;
    }
    fed_key_blob(key, address);
    return fed_outbox_store_taken(s->outbox, key, taken);
}

static fed_status store_model(fed_step *s, fed_served_task *t)
{
    fed_bytes file;
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_task_write_model(t->task, t->state.params, &file, s->err);
    if (status) {
        fed_bytes_fini(&file);
        return status;
    }
    return store_blob(s, &file, &t->head.model);
}

/* The differences from the versions before, as far as they are known, newest first. What
 * cannot be made (a weight left the grid) ends the list: devices then load the model. */
static fed_status store_differences(fed_step *s, fed_served_task *t,
                                    fed_version_document *doc)
{
    for (uint32_t back = 1; back <= FED_DIFFERENCES_MAX; back++) {
        fed_bytes bytes;
        fed_version_difference *made = &doc->differences[back - 1];
        fed_bytes_init(&bytes, SIZE_MAX);
        fed_status status = fed_version_state_difference(&t->state, back, &bytes, s->err);
        if (status) {
            fed_bytes_fini(&bytes);
            return status == FED_E_NOT_FOUND || status == FED_E_NUMERIC ? FED_OK : status;
        }
        made->length = bytes.len;
        FED_TRY(store_blob(s, &bytes, &made->address));
        doc->n_differences = back;
    }
    return FED_OK;
}

/* What is public in the round stands in the document, or is a blob when it is long. */
static fed_status store_round(fed_step *s, fed_served_task *t, fed_bytes *round,
                              fed_version_document *doc)
{
    fed_bytes_init(round, SIZE_MAX);
    FED_TRY(fed_task_write_round(t->task, t->state.round, round, s->err));
    doc->round_length = round->len;
    if (round->len > FED_ROUND_INLINE_MAX)
        return store_blob(s, round, &doc->round_address);
    doc->round = (fed_span){round->data, round->len};
    return FED_OK;
}

static fed_status store_document(fed_step *s, fed_served_task *t,
                                 fed_version_document *doc)
{
    fed_bytes round, signed_bytes;
    fed_bytes_init(&signed_bytes, FED_VERSION_DOCUMENT_MAX);
    fed_status status = store_round(s, t, &round, doc);
    if (!status)
        status = fed_version_document_sign(doc, s->c->config.server_seed, &signed_bytes,
                                           s->err);
    if (!status) status = store_blob(s, &signed_bytes, &t->head.version_blob);
    t->round_address = t->head.version_blob;
    fed_bytes_fini(&round);
    fed_bytes_fini(&signed_bytes);
    return status;
}

/* Tasks with one plan and one seed begin with the same model. */
static bool is_kept_by_any(const fed_step *s, const fed_address *address)
{
    for (size_t i = 0; i < s->c->n_tasks; i++) {
        const fed_head *head = &s->c->tasks[i]->head;
        for (size_t v = 0; v < FED_VERSIONS_KEPT; v++)
            for (size_t k = 0; k < FED_KEPT_BLOBS; k++)
                if (fed_address_equal(&head->kept[v][k], address)) return true;
    }
    return false;
}

/* A blob of the new version takes the place of one of the oldest, which goes, unless it is
 * still named. */
static fed_status replace_kept(fed_step *s, fed_address *kept, const fed_address *newest)
{
    char key[FED_KEY_MAX];
    fed_address oldest = *kept;
    *kept = *newest;
    if (fed_address_is_zero(&oldest) || is_kept_by_any(s, &oldest)) return FED_OK;
    fed_key_blob(key, &oldest);
    return fed_outbox_erase(s->outbox, key);
}

static fed_status rotate_kept(fed_step *s, fed_served_task *t,
                              const fed_version_document *doc)
{
    fed_address *kept = t->head.kept[t->head.version % FED_VERSIONS_KEPT];
    FED_TRY(replace_kept(s, &kept[FED_KEPT_MODEL], &doc->model));
    FED_TRY(replace_kept(s, &kept[FED_KEPT_DOCUMENT], &t->head.version_blob));
    FED_TRY(replace_kept(s, &kept[FED_KEPT_ROUND], &doc->round_address));
    for (size_t k = 0; k < FED_DIFFERENCES_MAX; k++)
        FED_TRY(replace_kept(s, &kept[FED_KEPT_DIFFERENCES + k],
                             &doc->differences[k].address));
    return FED_OK;
}

static fed_status store_head(fed_step *s, const fed_served_task *t)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_bytes_init(&value, FED_HEAD_BYTES_MAX);
    fed_head_put(&value, &t->head);
    fed_key_task(key, &t->id, "head");
    return fed_outbox_store_taken(s->outbox, key, &value);
}

fed_status fed_store_version(fed_step *s, fed_served_task *t, const fed_address *parent)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_version_document doc = {.task = t->id, .version = t->state.version};
    t->head.version = t->state.version;
    if (parent) doc.parent = *parent;
    FED_TRY(store_model(s, t));
    doc.model = t->head.model;
    FED_TRY(store_differences(s, t, &doc));
    FED_TRY(store_document(s, t, &doc));
    FED_TRY(rotate_kept(s, t, &doc));
    fed_bytes_init(&value, SIZE_MAX);
    fed_status status = fed_version_state_encode(&t->state, &value, s->err);
    fed_key_task(key, &t->id, "state");
    if (status)
        fed_bytes_fini(&value);
    else
        status = fed_outbox_store_taken(s->outbox, key, &value);
    if (!status && t->head.state == FED_TASK_RUNNING) status = fed_store_past_noise(s, t);
    if (!status && t->head.state != FED_TASK_RUNNING) status = fed_erase_past_noise(s, t);
    return status ? status : store_head(s, t);
}

static fed_status store_trace(fed_step *s, fed_served_task *t)
{
    char key[FED_KEY_MAX];
    fed_roster roster;
    fed_bytes value;
    FED_TRY(fed_cohort_record(t->cohort, &roster, s->err));
    fed_bytes_init(&value, SIZE_MAX);
    fed_roster_put(&value, &roster);
    fed_roster_fini(&roster);
    fed_key_trace(key, &t->id, t->cohort->version + 1);
    return fed_outbox_store_taken(s->outbox, key, &value);
}

fed_status fed_coordinator_retire(fed_step *s, fed_served_task *t)
{
    char key[FED_KEY_MAX];
    fed_cohort **slot = &s->c->ended[s->c->next_ended++ % FED_COORDINATOR_ENDED_KEPT];
    FED_TRY(fed_cohort_announce(s, t->cohort));
    for (uint32_t i = 0; i < t->cohort->logged; i++) {
        fed_key_cohort_log(key, t->cohort->id, i);
        FED_TRY(fed_outbox_erase(s->outbox, key));
    }
    if (*slot) {
        fed_key_cohort(key, (*slot)->id);
        fed_cohort_fini(*slot);
        fed_free(*slot);
        *slot = NULL;
        FED_TRY(fed_outbox_erase(s->outbox, key));
    }
    fed_codec_sum_fini(&t->cohort->sum);
    fed_secagg_server_free(t->cohort->party);
    t->cohort->party = NULL;
    *slot = t->cohort;
    t->cohort = NULL;
    t->fill_end_ms = FED_NEVER;
    return fed_served_task_undraw(s, t);
}

/* Those whose input had come have spent this version; the others may be asked again. */
static fed_status abort_cohort(fed_step *s, fed_served_task *t)
{
    fed_cohort *c = t->cohort;
    fed_log(FED_LOG_WARN, "cohort_aborted", "task=%s version=%llu reason=\"%s\"",
            t->document.name, (unsigned long long)c->version, c->reason);
    fed_invitations_clear(&t->invitations);
    if (t->ledger) t->ledger->is_changed = true; /* was it charged for nothing? */
    for (uint32_t i = 0; i < c->n; i++) {
        if (!c->members[i].submitted) continue;
        fed_invitation *spent =
            fed_invitations_add(&t->invitations, c->members[i].device);
        if (!spent) return fed_fail_nomem(s->err, sizeof *spent);
        spent->placed = true;
    }
    return fed_coordinator_retire(s, t);
}

/* Members with masks can lie about what is under them; the next cohort may do better. */
static fed_status refuse_sum(fed_step *s, fed_served_task *t)
{
    fed_cohort_abort(t->cohort, "%.120s", s->err->text);
    return abort_cohort(s, t);
}

static bool is_over_budget(fed_status status)
{
    return status == FED_E_BUDGET || status == FED_E_REFUSED;
}

/* What the new version gives away is checked before it is made, and charged once it is. */
static fed_status make_version(fed_step *s, fed_served_task *t)
{
    if (t->ledger)
        FED_TRY(
            fed_population_ledger_check_output(t->ledger, t->task, t->id.bytes, s->err));
    FED_TRY(fed_version_state_advance(&t->state, &t->cohort->sum, s->c->config.parallel,
                                      s->err));
    return fed_charge_cohort(s, t, FED_LEDGER_OUTPUT);
}

fed_status fed_commit(fed_step *s, fed_served_task *t)
{
    fed_cohort *c = t->cohort;
    fed_address parent = t->head.model;
    fed_status status = make_version(s, t);
    if (is_over_budget(status)) return fed_task_end(s, t, FED_TASK_SPENT);
    if (status == FED_E_INVALID) return refuse_sum(s, t);
    FED_TRY(status);
    t->head.upload_bytes += c->upload_bytes;
    t->last_members = c->n;
    t->last_survivors = c->n_submitted;
    if (t->state.version >= (uint64_t)fed_task_plan(t->task)->rounds.count)
        t->head.state = FED_TASK_DONE;
    FED_TRY(store_trace(s, t));
    FED_TRY(fed_store_version(s, t, &parent));
    FED_TRY(fed_coordinator_retire(s, t));
    fed_invitations_clear(&t->invitations);
    return FED_OK;
}

fed_status fed_task_end(fed_step *s, fed_served_task *t, fed_task_state state)
{
    t->head.state = state;
    fed_log(FED_LOG_INFO, "task_ended", "task=%s state=%s version=%llu", t->document.name,
            fed_task_state_name(state), (unsigned long long)t->head.version);
    if (t->cohort) {
        fed_cohort_abort(t->cohort, "the task is %s", fed_task_state_name(state));
        FED_TRY(abort_cohort(s, t));
    }
    FED_TRY(fed_served_task_undraw(s, t));
    FED_TRY(fed_erase_past_noise(s, t));
    return store_head(s, t);
}

static fed_status close_roster(fed_step *s, fed_served_task *t)
{
    FED_TRY(fed_cohort_close_roster(t->cohort, t->task, t->state.round, s->now, s->err));
    return fed_cohort_announce(s, t->cohort);
}

/* Filling: full, or time is up. With too few when time is up, others are invited. */
static fed_status advance_join(fed_step *s, fed_served_task *t)
{
    fed_cohort *c = t->cohort;
    uint32_t enough = fed_task_numbers_of(t->task)->min_survivors;
    if (c->n_joined == fed_served_task_places(t)) return close_roster(s, t);
    if (s->now < t->fill_end_ms) return FED_OK;
    if (c->n_joined >= enough) return close_roster(s, t);
    fed_cohort_drop_absent(c); /* their places go to others */
    t->fill_end_ms = s->now + fed_task_plan(t->task)->rounds.deadline_s * 1000;
    if (!fed_served_task_loses_patience(t)) return FED_OK;
    fed_cohort_abort(c, "%u of the devices drawn came, at least %u are needed", c->n,
                     enough);
    return abort_cohort(s, t);
}

/* After filling: phase by phase, for as long as nobody is waited for or time is up. */
static fed_status advance_phases(fed_step *s, fed_served_task *t)
{
    fed_cohort *c = t->cohort;
    uint32_t enough = fed_task_numbers_of(t->task)->min_survivors;
    while (c->phase < FED_PHASE_DONE) {
        if (!fed_cohort_is_complete(c) && s->now < c->phase_end_ms) return FED_OK;
        bool is_input = c->phase == FED_PHASE_INPUT;
        FED_TRY(
            fed_cohort_close_phase(c, t->task, t->state.round, enough, s->now, s->err));
        if (is_input && c->phase != FED_PHASE_ABORTED) {
            /* The survivors are fixed: from here on the server may see their sum. */
            fed_status status = fed_charge_cohort(s, t, FED_LEDGER_SEEN);
            if (is_over_budget(status)) return fed_task_end(s, t, FED_TASK_SPENT);
            FED_TRY(status);
        }
        if (c->phase < FED_PHASE_DONE) FED_TRY(fed_cohort_announce(s, c));
    }
    return c->phase == FED_PHASE_DONE ? fed_commit(s, t) : abort_cohort(s, t);
}

static fed_status advance_task(fed_step *s, fed_served_task *t)
{
    if (t->head.state != FED_TASK_RUNNING) return FED_OK;
    if (s->now + s->c->config.wall_offset_ms >= t->document.expires_ms)
        return fed_task_end(s, t, FED_TASK_EXPIRED);
    if (t->cohort && t->cohort->phase == FED_PHASE_JOIN) FED_TRY(advance_join(s, t));
    if (t->cohort && t->cohort->phase != FED_PHASE_JOIN) FED_TRY(advance_phases(s, t));
    FED_TRY(fed_served_task_draw(s, t));
    fed_outbox_wake(s->outbox, t->document.expires_ms - s->c->config.wall_offset_ms);
    if (!t->cohort) return FED_OK;
    fed_outbox_wake(s->outbox, t->cohort->phase == FED_PHASE_JOIN
                                   ? t->fill_end_ms
                                   : t->cohort->phase_end_ms);
    return FED_OK;
}

fed_status fed_coordinator_advance(fed_step *s)
{
    for (size_t i = 0; i < s->c->n_tasks; i++)
        FED_TRY(advance_task(s, s->c->tasks[i]));
    return fed_end_spent_tasks(s);
}
