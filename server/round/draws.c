/*
 * Draws by secret coins: the server's half of a plan's privacy.sampling.
 *
 * Before a round's first invitation the coordinator draws among all devices that have shown
 * their certificate (enrolled.h), and stores whom it drew; the secret is forgotten in the same
 * step. Only those are invited and given a place, and nobody comes in for one who does not. A
 * draw stands until its cohort is over. Too few in time is no reason for another: the same
 * devices are asked again, so that who is in the sum never depends on who came first. Only
 * when patience is at an end, or a cohort was aborted, is there a new draw, with a new secret.
 *
 * What another draw costs. The server saw both sets, and each device that had sent its input
 * was charged for it. Who sees the released models sees nothing of the aborted cohort: given
 * that it was aborted, its devices' data went nowhere. But a version that hinged on one device
 * (one fewer, and its cohort would have been aborted) tells that this one took part, with the
 * chance of an abort or less; docs/threat-model.md says so, and aborts are counted.
 */
#include "coordinator_internal.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)FED_CHECKIN_CERTIFICATE == (int)FED_CERTIFICATE_BYTES,
               "a check-in holds a certificate of enrolment");

/* ---- who is enrolled -------------------------------------------------------------------- */

fed_enrolled *fed_coordinator_enrolled(const fed_coordinator *c, const char *population)
{
    for (size_t i = 0; i < c->n_populations; i++)
        if (!strcmp(c->populations[i]->population, population)) return c->populations[i];
    return NULL;
}

fed_status fed_coordinator_open_enrolled(fed_coordinator *c, const char *population,
                                         fed_enrolled **out, fed_error *err)
{
    *out = fed_coordinator_enrolled(c, population);
    if (*out) return FED_OK;
    if (c->n_populations == FED_COORDINATOR_TASKS_MAX)
        return fed_fail(err, FED_E_LIMIT, "%d populations are here, no more fit",
                        FED_COORDINATOR_TASKS_MAX);
    FED_TRY(fed_enrolled_new(out, population, err));
    c->populations[c->n_populations++] = *out;
    return FED_OK;
}

static int64_t wall_s(const fed_step *s)
{
    return (s->now + s->c->config.wall_offset_ms) / 1000;
}

static fed_status store_enrolled(fed_step *s, const fed_enrolled *e,
                                 const fed_enrolled_device *device)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_bytes_init(&value, SIZE_MAX);
    fed_bytes_put(&value, device->key, sizeof device->key);
    fed_bytes_put_u64(&value, (uint64_t)device->expires_s);
    fed_key_enrolled(key, s->c->config.enrolment_key, e->population, device->number);
    return fed_outbox_store_taken(s->outbox, key, &value);
}

static fed_status enrol(fed_step *s, fed_enrolled *e, const fed_certificate *certificate)
{
    fed_enrolled_device *known = fed_enrolled_find(e, certificate->device_key);
    if (known && known->expires_s >= certificate->expires_s) return FED_OK;
    fed_enrolled_device device = {.expires_s = certificate->expires_s,
                                  .number = known ? known->number : e->next_number};
    memcpy(device.key, certificate->device_key, sizeof device.key);
    if (known)
        *known = device;
    else
        FED_TRY(fed_enrolled_add(e, &device, s->err));
    return store_enrolled(s, e, &device);
}

/* A certificate that was looked at before is not looked at again. The signature always is,
 * drawn or not: the time it takes tells nothing. */
static fed_status check_proof(fed_step *s, const fed_enrolled *e, const fed_checkin *m,
                              fed_certificate *certificate)
{
    FED_TRY(fed_certificate_parse(
        certificate, (fed_span){m->certificate, sizeof m->certificate}, s->err));
    if (memcmp(certificate->device_key, m->device, sizeof m->device) != 0)
        return fed_fail(s->err, FED_E_AUTH, "check-in: certificate: of another device");
    const fed_enrolled_device *known = fed_enrolled_find(e, m->device);
    if (!known || known->expires_s != certificate->expires_s ||
        known->expires_s <= wall_s(s))
        FED_TRY(fed_certificate_verify(certificate, s->c->config.enrolment_key, wall_s(s),
                                       s->err));
    return fed_checkin_verify(m, s->err);
}

static bool is_drawn_from(const fed_coordinator *c, const char *population)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        if (c->tasks[i]->head.state == FED_TASK_RUNNING &&
            fed_task_is_drawn(c->tasks[i]->task) &&
            !strcmp(c->tasks[i]->document.population, population))
            return true;
    return false;
}

/* Whoever proves nothing is an ordinary device, and is never among those drawn. */
fed_status fed_checkin_prove(fed_step *s, const fed_checkin *m, bool *proven)
{
    fed_certificate certificate;
    fed_enrolled *e = fed_coordinator_enrolled(s->c, m->population);
    *proven = false;
    if (!e || !m->is_signed || !is_drawn_from(s->c, m->population)) return FED_OK;
    fed_status status = check_proof(s, e, m, &certificate);
    if (!status) status = enrol(s, e, &certificate);
    *proven = status == FED_OK;
    if (status != FED_E_AUTH && status != FED_E_FORMAT && status != FED_E_LIMIT)
        return status;
    fed_log(FED_LOG_DEBUG, "checkin_not_proven", "reason=\"%s\"", s->err->text);
    return FED_OK;
}

/* ---- a draw ----------------------------------------------------------------------------- */

bool fed_served_task_admits(const fed_served_task *t, const uint8_t device[32])
{
    return !fed_task_is_drawn(t->task) || fed_drawn_has(&t->drawn, device);
}

uint32_t fed_served_task_places(const fed_served_task *t)
{
    return fed_task_is_drawn(t->task) ? t->drawn.n
                                      : fed_task_numbers_of(t->task)->invited;
}

fed_status fed_served_task_undraw(fed_step *s, fed_served_task *t)
{
    char key[FED_KEY_MAX];
    uint64_t version = t->drawn.version;
    uint32_t attempt = t->drawn.attempt;
    if (!t->drawn.n) return FED_OK;
    fed_drawn_fini(&t->drawn);
    t->drawn = (fed_drawn){.version = version, .attempt = attempt};
    t->fillings = 0;
    t->fill_end_ms = FED_NEVER;
    fed_key_task(key, &t->id, "draw");
    return fed_outbox_erase(s->outbox, key);
}

bool fed_served_task_loses_patience(fed_served_task *t)
{
    return fed_task_is_drawn(t->task) && ++t->fillings >= FED_DRAW_PATIENCE;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* From numbers to keys; the order of the table tells nothing about the draw. */
static fed_status take_devices(fed_served_task *t, const fed_enrolled *e,
                               const fed_draw *draw, fed_error *err)
{
    uint8_t(*devices)[32] = fed_calloc(draw->n, sizeof *devices);
    if (!devices) return fed_fail_nomem(err, draw->n * sizeof *devices);
    for (uint32_t i = 0; i < draw->n; i++)
        memcpy(devices[i], e->devices[draw->numbers[i]].key, sizeof *devices);
    qsort(devices, draw->n, sizeof *devices, compare_keys);
    fed_drawn_fini(&t->drawn);
    t->drawn = (fed_drawn){.version = t->head.version,
                           .attempt = draw->attempt,
                           .enrolled = e->n,
                           .n = draw->n,
                           .devices = devices};
    return FED_OK;
}

static fed_status store_draw(fed_step *s, const fed_served_task *t)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_bytes_init(&value, SIZE_MAX);
    fed_drawn_put(&value, &t->drawn);
    fed_key_task(key, &t->id, "draw");
    return fed_outbox_store_taken(s->outbox, key, &value);
}

typedef struct pruning {
    fed_step *s;
    const fed_enrolled *e;
} pruning;

static fed_status forget(void *ctx, const fed_enrolled_device *device)
{
    char key[FED_KEY_MAX];
    const pruning *p = ctx;
    fed_key_enrolled(key, p->s->c->config.enrolment_key, p->e->population,
                     device->number);
    return fed_outbox_erase(p->s->outbox, key);
}

static void say_waiting(fed_served_task *t, uint32_t enrolled)
{
    if (!t->is_waiting)
        fed_log(FED_LOG_INFO, "waiting_for_devices",
                "task=%s population=%s enrolled=%u needed=%lld", t->document.name,
                t->document.population, enrolled,
                (long long)fed_task_plan(t->task)->privacy.population);
    t->is_waiting = true;
}

/* Not before privacy.population devices are there: the price was computed for so many. */
static fed_status draw(fed_step *s, fed_served_task *t)
{
    fed_enrolled *e = fed_coordinator_enrolled(s->c, t->document.population);
    fed_draw drawn = {.attempt =
                          t->drawn.version == t->head.version ? t->drawn.attempt : 0};
    if (e) FED_TRY(fed_enrolled_prune(e, wall_s(s), forget, &(pruning){s, e}));
    if (!e || (int64_t)e->n < fed_task_plan(t->task)->privacy.population) {
        say_waiting(t, e ? e->n : 0);
        return FED_OK;
    }
    fed_status status = fed_draw_make(&drawn, t->task, &s->c->config.random,
                                      t->head.version, e->n, s->err);
    if (!status) status = take_devices(t, e, &drawn, s->err);
    fed_draw_fini(&drawn);
    FED_TRY(status);
    t->is_waiting = false;
    t->fillings = 0;
    t->fill_end_ms = s->now + fed_task_plan(t->task)->rounds.deadline_s * 1000;
    fed_invitations_forget_unplaced(&t->invitations);
    fed_log(FED_LOG_INFO, "round_drawn", "task=%s version=%llu enrolled=%u",
            t->document.name, (unsigned long long)t->head.version, e->n);
    return store_draw(s, t);
}

fed_status fed_served_task_draw(fed_step *s, fed_served_task *t)
{
    if (!fed_task_is_drawn(t->task) || t->head.state != FED_TASK_RUNNING || t->cohort)
        return FED_OK;
    if (t->drawn.n && s->now >= t->fill_end_ms) { /* and nobody came */
        t->fill_end_ms = s->now + fed_task_plan(t->task)->rounds.deadline_s * 1000;
        if (fed_served_task_loses_patience(t)) FED_TRY(fed_served_task_undraw(s, t));
    }
    if (!t->drawn.n) FED_TRY(draw(s, t));
    fed_outbox_wake(s->outbox, t->fill_end_ms);
    return FED_OK;
}
