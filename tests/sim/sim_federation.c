#include "sim_federation.h"

#include <stdio.h>

#include "crypto.h"

typedef struct parts {
    fed_pool *pool;
    fed_task *task;
    fed_population *population;
    fed_turnout *turnout;
    fed_sumrun *sum;
    fed_virtualnet *net;
} parts;

static void open_parts(const federation *f, parts *p)
{
    fed_error err;
    uint8_t seed[FED_SEED_BYTES];
    char text[2048];
    int n = snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[12]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":16,\"activation\":\"relu\"},"
        "{\"op\":\"dropout\",\"rate\":0.2},{\"op\":\"linear\",\"units\":4}],"
        "\"loss\":\"softmax_cross_entropy\"},"
        "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":2},\"update\":{%s},"
        "\"secagg\":{%s},\"privacy\":{%s},\"eligibility\":{%s},\"download\":{%s},"
        "\"rounds\":{%s}}",
        f->update, f->secagg ? f->secagg : "\"enabled\":false",
        f->privacy ? f->privacy : "", f->eligibility ? f->eligibility : "",
        f->download ? f->download : "", f->rounds);
    char data[64];
    snprintf(data, sizeof data, "synthetic:gaussian?dims=12&classes=4&rows=%u",
             f->rows ? f->rows : 900);
    fed_population_config config = {.data = data,
                                    .partition = "dirichlet:0.5",
                                    .clients = f->clients,
                                    .seed = f->seed};
    fed_seed_from_u64(seed, f->seed);
    CHECK_OK(fed_pool_new(&p->pool, f->threads ? f->threads : 1, &err), &err);
    CHECK_OK(fed_task_parse(&p->task, (fed_span){(const uint8_t *)text, (size_t)n},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    CHECK_OK(fed_population_new(&p->population, &config, &err), &err);
    CHECK_OK(
        fed_turnout_new(&p->turnout, p->population, p->task, f->seed, &f->faults, &err),
        &err);
}

static void close_parts(parts *p)
{
    fed_sumrun_free(p->sum);
    fed_virtualnet_free(p->net);
    fed_turnout_free(p->turnout);
    fed_population_free(p->population);
    fed_task_free(p->task);
    fed_pool_free(p->pool);
}

static void note_model(const parts *p, history *out)
{
    const float *params =
        p->net ? fed_virtualnet_params(p->net) : fed_sumrun_state(p->sum)->params;
    size_t n = fed_task_numbers_of(p->task)->params;
    CHECK_OK(fed_sha256(params, n * sizeof *params, out->models[out->n], NULL), NULL);
}

static void add(fed_round_result *sum, const fed_round_result *r)
{
    sum->uploads += r->uploads;
    sum->upload_bytes += r->upload_bytes;
    sum->download_bytes += r->download_bytes;
    sum->survivors += r->survivors;
    sum->not_finite += r->not_finite;
    sum->refused += r->refused;
    sum->crashes += r->crashes;
    for (int i = 0; i < FED_FATES; i++)
        sum->dropped[i] += r->dropped[i];
}

static void note_round(const parts *p, const fed_round_result *r, history *out)
{
    add(&out->total, r);
    out->attempts++;
    out->aborted += r->outcome == FED_ROUND_ABORTED;
    out->filling += r->outcome == FED_ROUND_FILLING;
    if (r->outcome != FED_ROUND_COMMITTED) return;
    out->n_seats[out->n] = r->n_seats;
    if (CHECK(r->n_seats <= FEDERATION_SEATS_MAX))
        memcpy(out->seats[out->n], r->seats, r->n_seats * sizeof *r->seats);
    out->n++;
    CHECK_EQ(r->version, out->n);
    note_model(p, out);
}

static bool do_round(parts *p, history *out)
{
    fed_error err;
    fed_round_result r;
    fed_status status = p->net ? fed_virtualnet_round(p->net, p->turnout, &r, &err)
                               : fed_sumrun_round(p->sum, p->turnout, &r, &err);
    if (!CHECK_OK(status, &err)) return false;
    note_round(p, &r, out);
    return out->attempts < 400;
}

static bool is_over(const parts *p, history *out)
{
    out->is_spent =
        p->net ? fed_virtualnet_is_spent(p->net) : fed_sumrun_is_spent(p->sum);
    out->is_exhausted = fed_turnout_is_exhausted(p->turnout);
    return out->is_spent || out->is_exhausted;
}

void federation_run(const federation *f, history *out)
{
    fed_error err;
    parts p = {0};
    memset(out, 0, sizeof *out);
    open_parts(f, &p);
    const fed_parallel *parallel = fed_pool_parallel(p.pool);
    if (f->is_protocol) {
        fed_virtualnet_config config = {p.task, p.population, parallel, &f->faults,
                                        f->seed};
        CHECK_OK(fed_virtualnet_new(&p.net, &config, &err), &err);
    } else {
        CHECK_OK(fed_sumrun_new(&p.sum, p.task, p.population, parallel, &err), &err);
    }
    note_model(&p, out);
    size_t wanted = (size_t)fed_task_plan(p.task)->rounds.count;
    while (out->n < wanted && !is_over(&p, out) && do_round(&p, out))
        ;
    fed_privacy_spent spent =
        p.net ? fed_virtualnet_privacy(p.net) : fed_sumrun_privacy(p.sum);
    out->epsilon_output = spent.epsilon_output;
    out->epsilon_server = spent.epsilon_server;
    if (!is_over(&p, out)) CHECK_EQ(out->n, wanted);
    if (p.net) out->virtual_ms = fed_virtualnet_now_ms(p.net);
    if (p.net) out->events = fed_virtualnet_events(p.net);
    close_parts(&p);
}

void federation_replay(const federation *f, const history *of, history *out)
{
    fed_error err;
    parts p = {0};
    memset(out, 0, sizeof *out);
    open_parts(f, &p);
    CHECK_OK(
        fed_sumrun_new(&p.sum, p.task, p.population, fed_pool_parallel(p.pool), &err),
        &err);
    note_model(&p, out);
    for (size_t i = 0; i < of->n; i++) {
        fed_round_result r;
        if (!CHECK_OK(fed_sumrun_replay(p.sum, of->seats[i], of->n_seats[i], &r, &err),
                      &err))
            break;
        note_round(&p, &r, out);
    }
    close_parts(&p);
}
