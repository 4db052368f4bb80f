/* Putting back what the journal holds after a start, planned or not. */
#include "coordinator_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct restoring {
    fed_coordinator *c;
    const fed_journal *journal;
    int64_t now;
} restoring;

static fed_status get_part(const restoring *r, const fed_address *task, const char *leaf,
                           fed_bytes *out, fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_key_task(key, task, leaf);
    fed_bytes_init(out, SIZE_MAX);
    return r->journal->get(r->journal->ctx, key, out, err);
}

static fed_status get_blob(const restoring *r, const fed_address *address, fed_bytes *out,
                           fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_key_blob(key, address);
    fed_bytes_init(out, SIZE_MAX);
    FED_TRY(r->journal->get(r->journal->ctx, key, out, err));
    return fed_address_check(address, out->data, out->len, err);
}

static fed_span span_of(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

/* How many made this version: of version 0 nobody did. */
static fed_status restore_last_cohort(const restoring *r, fed_served_task *t,
                                      fed_error *err)
{
    char leaf[32];
    fed_bytes trace;
    fed_roster roster = {.n = 0};
    if (t->head.version == 0) return FED_OK;
    snprintf(leaf, sizeof leaf, "trace/%016" PRIu64, t->head.version);
    fed_status status = get_part(r, &t->id, leaf, &trace, err);
    if (!status) status = fed_roster_get(&roster, span_of(&trace), err);
    t->last_members = roster.n;
    for (uint32_t i = 0; i < roster.n; i++)
        t->last_survivors += roster.members[i].survived;
    fed_roster_fini(&roster);
    fed_bytes_fini(&trace);
    return status;
}

/* It stands, or none had been made: the next step makes one. */
static fed_status restore_draw(const restoring *r, fed_served_task *t, fed_error *err)
{
    fed_bytes draw;
    fed_enrolled *enrolled;
    if (!fed_task_is_drawn(t->task)) return FED_OK;
    FED_TRY(fed_coordinator_open_enrolled(r->c, t->document.population, &enrolled, err));
    fed_status status = get_part(r, &t->id, "draw", &draw, err);
    if (!status) status = fed_drawn_get(&t->drawn, span_of(&draw), err);
    fed_bytes_fini(&draw);
    if (status == FED_E_NOT_FOUND) return FED_OK;
    FED_TRY(status);
    t->fill_end_ms = r->now + fed_task_plan(t->task)->rounds.deadline_s * 1000;
    if (t->drawn.version == t->head.version) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "draw of version %llu under a head of %llu",
                    (unsigned long long)t->drawn.version,
                    (unsigned long long)t->head.version);
}

static fed_status restore_head(const restoring *r, fed_served_task *t, fed_error *err)
{
    fed_bytes head, state, model = {0};
    fed_status status = get_part(r, &t->id, "head", &head, err);
    if (!status) status = fed_head_get(&t->head, span_of(&head), err);
    fed_bytes_fini(&head);
    FED_TRY(status);
    status = get_part(r, &t->id, "state", &state, err);
    if (!status) status = get_blob(r, &t->head.model, &model, err);
    if (!status)
        status =
            fed_version_state_restore(&t->state, span_of(&state), span_of(&model), err);
    if (!status && t->state.version != t->head.version)
        status = fed_fail(err, FED_E_FORMAT, "state of version %llu under a head of %llu",
                          (unsigned long long)t->state.version,
                          (unsigned long long)t->head.version);
    t->round_address = t->head.version_blob;
    if (!status) status = fed_restore_past_noise(r->journal, t, err);
    if (!status) status = restore_draw(r, t, err);
    fed_bytes_fini(&state);
    fed_bytes_fini(&model);
    return status ? status : restore_last_cohort(r, t, err);
}

static fed_status restore_task(restoring *r, fed_span document, fed_error *err)
{
    fed_task_document doc;
    fed_address id;
    fed_served_task *t = NULL;
    fed_bytes plan = {0};
    FED_TRY(fed_task_document_open(document, r->c->config.operator_key, &doc, &id, err));
    if (memcmp(doc.server_key, r->c->server_key, 32) != 0)
        return fed_fail(err, FED_E_REFUSED,
                        "task: signed for the key of another server than this one");
    if (r->c->n_tasks == FED_COORDINATOR_TASKS_MAX)
        return fed_fail(err, FED_E_LIMIT, "more than %d tasks",
                        FED_COORDINATOR_TASKS_MAX);
    fed_status status = get_part(r, &id, "plan", &plan, err);
    if (!status) status = fed_served_task_new(&t, &doc, &id, span_of(&plan), err);
    fed_bytes_fini(&plan);
    if (!status) status = restore_head(r, t, err);
    if (!status) status = fed_find_ledger(r->c, t, err);
    if (status) {
        fed_served_task_free(t);
        return status;
    }
    r->c->tasks[r->c->n_tasks++] = t;
    return FED_OK;
}

static fed_status visit_task(void *arg, const char *key, fed_span value, fed_error *err)
{
    static const char leaf[] = "/document";
    size_t n = strlen(key);
    if (n < sizeof leaf || strcmp(key + n - (sizeof leaf - 1), leaf) != 0) return FED_OK;
    return fed_fail_in(err, restore_task(arg, value, err), "%s", key);
}

/* The inputs of a running cohort were in memory only: its members are asked again. With
 * secure aggregation the logs that follow put the party back. */
static fed_status reopen(restoring *r, fed_served_task *t, fed_cohort *c, fed_error *err)
{
    if (fed_task_plan(t->task)->secagg.enabled) {
        FED_TRY(fed_cohort_start_party(r->c, t, c, err));
        c->phase_end_ms = r->now + c->phase_ms;
    } else {
        FED_TRY(fed_cohort_close_roster(c, t->task, t->state.round, r->now, err));
    }
    t->cohort = c;
    return FED_OK;
}

static bool is_running(const fed_cohort *c)
{
    return c->phase > FED_PHASE_JOIN && c->phase < FED_PHASE_DONE;
}

static fed_status restore_cohort(restoring *r, const fed_roster *roster, fed_error *err)
{
    fed_served_task *t = fed_served_task_find(r->c, &roster->task);
    if (!t) return FED_OK; /* of a task that is gone */
    uint32_t phase_ms = (uint32_t)(fed_task_plan(t->task)->rounds.phase_s * 1000);
    fed_cohort *c = fed_calloc(1, sizeof *c);
    if (!c) return fed_fail_nomem(err, sizeof *c);
    fed_status status = fed_cohort_restore(c, roster, phase_ms, err);
    if (!status && is_running(c) && !t->cohort)
        status = reopen(r, t, c, err);
    else if (!status && r->c->next_ended == FED_COORDINATOR_ENDED_KEPT)
        status = fed_fail(err, FED_E_LIMIT, "more than %d ended cohorts",
                          FED_COORDINATOR_ENDED_KEPT);
    else if (!status)
        r->c->ended[r->c->next_ended++] = c;
    if (status) {
        fed_cohort_fini(c);
        fed_free(c);
    }
    return status;
}

/* A log belongs to the cohort whose record came just before it. */
static fed_status replay_log(restoring *r, const char *key, fed_span log, fed_error *err)
{
    char digits[2 * FED_COHORT_ID_BYTES + 1];
    uint8_t id[FED_COHORT_ID_BYTES];
    snprintf(digits, sizeof digits, "%s", key + sizeof "cohort/" - 1);
    if (!fed_hex_decode(id, sizeof id, digits))
        return fed_fail(err, FED_E_FORMAT, "not the key of a cohort's log");
    fed_cohort *c = fed_coordinator_find_cohort(r->c, id);
    return c && c->party ? fed_cohort_replay(c, log, err) : FED_OK;
}

static fed_status visit_cohort(void *arg, const char *key, fed_span value, fed_error *err)
{
    restoring *r = arg;
    fed_roster roster;
    if (strstr(key, "/log/"))
        return fed_fail_in(err, replay_log(r, key, value, err), "%s", key);
    fed_status status = fed_roster_get(&roster, value, err);
    if (!status) status = restore_cohort(r, &roster, err);
    fed_roster_fini(&roster);
    return fed_fail_in(err, status, "%s", key);
}

/* ledger/POPULATION/NUMBER, in that order. */
static fed_status visit_ledger(void *arg, const char *key, fed_span value, fed_error *err)
{
    fed_coordinator *c = ((restoring *)arg)->c;
    char population[FED_POPULATION_MAX + 1];
    uint64_t number = 0;
    const char *name = key + sizeof "ledger/" - 1, *end = strchr(name, '/');
    if (!end || end - name > FED_POPULATION_MAX ||
        !fed_text_to_u64(end + 1, UINT32_MAX, &number))
        return fed_fail(err, FED_E_FORMAT, "%s: not the key of a ledger's record", key);
    snprintf(population, sizeof population, "%.*s", (int)(end - name), name);
    fed_population_ledger *l = fed_coordinator_ledger(c, population);
    if (!l) {
        if (c->n_ledgers == FED_COORDINATOR_TASKS_MAX)
            return fed_fail(err, FED_E_LIMIT, "more than %d ledgers",
                            FED_COORDINATOR_TASKS_MAX);
        l = fed_calloc(1, sizeof *l);
        if (!l) return fed_fail_nomem(err, sizeof *l);
        c->ledgers[c->n_ledgers++] = l;
        memcpy(l->population, population, sizeof l->population);
        fed_bytes_init(&l->restoring, SIZE_MAX);
    }
    return fed_fail_in(err, fed_population_ledger_take(l, (uint32_t)number, value, err),
                       "%s", key);
}

static fed_status restore_ledgers(restoring *r, fed_error *err)
{
    fed_coordinator *c = r->c;
    FED_TRY(r->journal->scan(r->journal->ctx, "ledger/", visit_ledger, r, err));
    for (size_t i = 0; i < c->n_ledgers; i++)
        FED_TRY(fed_fail_in(err, fed_population_ledger_open(c->ledgers[i], err),
                            "ledger/%s", c->ledgers[i]->population));
    return FED_OK;
}

/* enrolled/KEY/POPULATION/NUMBER. What another enrolment key vouched for is not looked at. */
static fed_status visit_enrolled(void *arg, const char *key, fed_span value,
                                 fed_error *err)
{
    restoring *r = arg;
    fed_enrolled *enrolled;
    fed_reader reader;
    char population[FED_POPULATION_MAX + 1];
    uint64_t number;
    const char *slash = strrchr(key, '/'), *start = slash;
    while (start > key && start[-1] != '/')
        start--;
    fed_reader_init(&reader, value.data, value.len);
    fed_enrolled_device device;
    fed_reader_copy(&reader, device.key, sizeof device.key);
    device.expires_s = (int64_t)fed_reader_u64(&reader);
    if (fed_reader_finish(&reader) || (size_t)(slash - start) >= sizeof population ||
        !fed_text_to_u64(slash + 1, UINT32_MAX, &number))
        return fed_fail(err, FED_E_FORMAT, "%s: not an enrolled device", key);
    memcpy(population, start, (size_t)(slash - start));
    population[slash - start] = 0;
    device.number = (uint32_t)number;
    FED_TRY(fed_coordinator_open_enrolled(r->c, population, &enrolled, err));
    return fed_enrolled_add(enrolled, &device, err);
}

static fed_status restore_enrolled(restoring *r, fed_error *err)
{
    char key[FED_KEY_MAX];
    if (!r->c->config.has_enrolment_key) return FED_OK;
    fed_key_enrolled(key, r->c->config.enrolment_key, "", 0);
    *strchr(strchr(key, '/') + 1, '/') = 0; /* up to the enrolment key */
    return r->journal->scan(r->journal->ctx, key, visit_enrolled, r, err);
}

fed_status fed_coordinator_restore(fed_coordinator *c, const fed_journal *journal,
                                   int64_t now, fed_error *err)
{
    restoring r = {c, journal, now};
    FED_TRY(restore_ledgers(&r, err));
    FED_TRY(journal->scan(journal->ctx, "task/", visit_task, &r, err));
    FED_TRY(restore_enrolled(&r, err));
    return journal->scan(journal->ctx, "cohort/", visit_cohort, &r, err);
}
