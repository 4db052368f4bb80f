#include "cohort_driver.h"

#include <stdlib.h>

static const int64_t NOW = 1800000000;

/* ---- Making --------------------------------------------------------------------------- */

static void derive(cohort *c, uint64_t what, uint64_t i, uint8_t out[32])
{
    fed_stream s;
    uint8_t key[32];
    fed_seed_from_u64(key, c->seed * 1000003 + what);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, i);
    fed_stream_fill(&s, out, 32);
}

static void make_params(cohort *c, fed_secagg_threat threat)
{
    static const fed_secagg_vector vectors[COHORT_VECTORS] = {
        {"update", 37, 20}, {"weight", 1, 11}, {"votes", 5, 40}};
    fed_secagg_params *p = &c->params;
    derive(c, 1, 0, p->cohort);
    derive(c, 2, 0, p->plan);
    p->model_version = 7;
    p->threat = threat;
    p->stream = FED_KEYSTREAM_AES256_CTR;
    p->n_min = 3, p->n_max = c->n, p->s_min = 2;
    p->n_vectors = COHORT_VECTORS;
    memcpy(p->vectors, vectors, sizeof vectors);
    derive(c, 3, 0, c->enrolment_seed);
    fed_error err;
    CHECK_OK(fed_ed25519_public(c->enrolment_seed, p->enrolment_key, &err), &err);
}

static void make_device(cohort *c, uint32_t i)
{
    fed_error err;
    fed_secagg_device_config *d = &c->configs[i];
    d->params = &c->params, d->floor = &c->floor, d->now_s = NOW;
    derive(c, 4, i, d->identity_seed);
    memset(d->update_id, (int)(i & 0xff), sizeof d->update_id);
    CHECK_OK(fed_ed25519_public(d->identity_seed, d->certificate.device_key, &err), &err);
    d->certificate.expires_s = NOW + 1000;
    CHECK_OK(fed_certificate_sign(&d->certificate, c->enrolment_seed, &err), &err);
}

static void make_input(cohort *c, uint32_t i)
{
    fed_error err;
    uint8_t key[32];
    fed_stream s;
    fed_seed_from_u64(key, c->seed);
    fed_stream_init(&s, key, FED_PURPOSE_SYNTHETIC, i);
    for (uint32_t v = 0; v < COHORT_VECTORS; v++) {
        fed_ring *r = &c->inputs[i][v];
        const fed_secagg_vector *shape = &c->params.vectors[v];
        fed_ring_fini(r);
        CHECK_OK(fed_ring_init(r, shape->bits, shape->length, &err), &err);
        for (size_t e = 0; e < r->n; e++) {
            int64_t x = (int64_t)fed_stream_below(&s, 1000) - 500;
            fed_ring_put_i64(r, e, &x, 1);
        }
    }
}

void cohort_init_with(cohort *c, uint32_t n, fed_secagg_threat threat, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->n = n, c->seed = seed;
    fed_error err;
    CHECK_OK(fed_pool_new(&c->pool, 2, &err), &err);
    make_params(c, threat);
    c->floor.adversary =
        threat.adversary == FED_SECAGG_ACTIVE ? FED_SECAGG_ACTIVE : FED_SECAGG_CURIOUS;
    c->floor.n_min = 3, c->floor.s_min = 2;
    fed_bytes_init(&c->journal, 1 << 30);
    for (uint32_t i = 0; i < n; i++) {
        fed_bytes_init(&c->bodies[i], 1 << 28);
        make_device(c, i);
    }
    cohort_make(c);
}

void cohort_init(cohort *c, uint32_t n, fed_secagg_adversary adversary, uint64_t seed)
{
    cohort_init_with(c, n, (fed_secagg_threat){adversary, 50000, 200000, false}, seed);
}

static fed_random secrets_of(cohort *c)
{
    return fed_test_random(&c->seed);
}

static fed_secagg_server *new_server(cohort *c)
{
    fed_error err;
    static fed_random random;
    random = secrets_of(c);
    fed_secagg_server *s = NULL;
    fed_secagg_server_config config = {&c->params, &random, fed_pool_parallel(c->pool)};
    CHECK_OK(fed_secagg_server_new(&s, &config, &err), &err);
    return s;
}

void cohort_make(cohort *c)
{
    fed_random random = secrets_of(c);
    fed_bytes_clear(&c->journal);
    fed_secagg_server_free(c->server);
    c->server = new_server(c);
    for (uint32_t i = 0; i < c->n; i++) {
        fed_secagg_device_free(c->devices[i]);
        c->last[i] =
            fed_secagg_device_new(&c->devices[i], &c->configs[i], &random, i, &c->why[i]);
        c->member_of[i] = i;
        make_input(c, i);
    }
}

void cohort_fini(cohort *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        fed_secagg_device_free(c->devices[i]);
        fed_bytes_fini(&c->bodies[i]);
        for (uint32_t v = 0; v < COHORT_VECTORS; v++)
            fed_ring_fini(&c->inputs[i][v]);
    }
    fed_secagg_server_free(c->server);
    fed_bytes_fini(&c->journal);
    fed_pool_free(c->pool);
}

/* ---- Restarting ------------------------------------------------------------------------ */

void cohort_restart_server(cohort *c)
{
    fed_error err;
    fed_secagg_server *s = new_server(c);
    fed_span journal = {c->journal.data, c->journal.len};
    CHECK_OK(fed_secagg_server_replay(s, journal, &err), &err);
    CHECK_EQ(fed_secagg_server_phase(s), fed_secagg_server_phase(c->server));
    fed_secagg_server_free(c->server);
    c->server = s;
}

void cohort_restart_device(cohort *c, uint32_t i)
{
    fed_error err;
    fed_bytes state;
    fed_secagg_device *d = NULL;
    fed_bytes_init(&state, 1 << 28);
    CHECK_OK(fed_secagg_device_encode(c->devices[i], &state, &err), &err);
    CHECK_OK(fed_secagg_device_restore(&d, &c->configs[i],
                                       (fed_span){state.data, state.len}, &err),
             &err);
    fed_bytes_wipe(&state);
    if (!d) return;
    CHECK_EQ(fed_secagg_device_phase(d), fed_secagg_device_phase(c->devices[i]));
    fed_secagg_device_free(c->devices[i]);
    c->devices[i] = d;
}

/* ---- Running ---------------------------------------------------------------------------- */

static bool takes_part(const cohort *c, uint32_t i, fed_secagg_phase phase)
{
    return c->devices[i] && fed_secagg_device_phase(c->devices[i]) == phase &&
           !(c->drops[i] && c->drops[i] <= phase);
}

fed_status cohort_message(cohort *c, uint32_t i, fed_bytes *out, fed_error *err)
{
    fed_secagg_device *d = c->devices[i];
    if (fed_secagg_device_phase(d) == FED_SECAGG_INPUT)
        return fed_secagg_device_input(d, c->inputs[i], NULL, out, err);
    return fed_secagg_device_message(d, out, err);
}

static void message_body(void *arg, size_t i, unsigned worker)
{
    cohort *c = arg;
    (void)worker;
    fed_bytes_clear(&c->bodies[i]);
    if (takes_part(c, (uint32_t)i, fed_secagg_server_phase(c->server)))
        c->last[i] = cohort_message(c, (uint32_t)i, &c->bodies[i], &c->why[i]);
}

static void deliver(cohort *c, uint32_t i, fed_secagg_phase phase)
{
    fed_bytes *body = &c->bodies[i];
    if (!body->len || c->last[i]) return;
    if (c->to_server) c->to_server(c, i, phase, body);
    fed_span span = {body->data, body->len};
    if (!span.len) return;
    if (c->on_body) c->on_body(c, span, true);
    if (phase == FED_SECAGG_JOIN)
        c->last[i] = fed_secagg_server_join(c->server, span, NOW, &c->member_of[i],
                                            &c->journal, &c->why[i]);
    else
        c->last[i] = fed_secagg_server_receive(c->server, c->member_of[i], span,
                                               &c->journal, &c->why[i]);
}

/* The answers to those who sent something; a device that drops next time still listens. */
static void fetch(cohort *c, uint32_t i, fed_secagg_phase phase)
{
    fed_bytes *body = &c->bodies[i];
    bool sent = body->len && !c->last[i];
    fed_bytes_clear(body);
    if (!sent) return;
    fed_error err;
    CHECK_OK(fed_secagg_server_answer(c->server, c->member_of[i], phase, body, &err),
             &err);
    if (c->to_device) c->to_device(c, i, phase, body);
    if (body->len && c->on_body) c->on_body(c, (fed_span){body->data, body->len}, false);
}

static void receive_body(void *arg, size_t i, unsigned worker)
{
    cohort *c = arg;
    (void)worker;
    fed_span body = {c->bodies[i].data, c->bodies[i].len};
    if (body.len) c->last[i] = fed_secagg_device_receive(c->devices[i], body, &c->why[i]);
}

bool cohort_step(cohort *c)
{
    fed_error err;
    fed_secagg_phase phase = fed_secagg_server_phase(c->server);
    const fed_parallel *p = fed_pool_parallel(c->pool);
    if (phase >= FED_SECAGG_DONE) return false;
    fed_parallel_for(p, c->n, message_body, c);
    for (uint32_t i = 0; i < c->n; i++)
        deliver(c, i, phase);
    CHECK_OK(fed_secagg_server_close(c->server, &c->journal, &err), &err);
    if (c->restart) cohort_restart_server(c);
    for (uint32_t i = 0; i < c->n; i++)
        fetch(c, i, phase);
    fed_parallel_for(p, c->n, receive_body, c);
    for (uint32_t i = 0; c->restart && i < c->n; i++)
        cohort_restart_device(c, i);
    return true;
}

void cohort_run_to(cohort *c, fed_secagg_phase phase)
{
    while (fed_secagg_server_phase(c->server) < phase && cohort_step(c))
        ;
}

void cohort_run(cohort *c)
{
    while (cohort_step(c))
        ;
}

uint32_t cohort_device_of(const cohort *c, uint32_t member)
{
    uint32_t i = 0;
    while (i < c->n && memcmp(fed_secagg_server_device_key(c->server, member),
                              c->configs[i].certificate.device_key, 32) != 0)
        i++;
    return i;
}

bool cohort_sum_is_right(const cohort *c)
{
    fed_error err;
    uint32_t count;
    bool ok = fed_secagg_server_phase(c->server) == FED_SECAGG_DONE;
    const uint8_t *u3 = fed_secagg_server_survivors(c->server, &count);
    for (uint32_t v = 0; ok && v < COHORT_VECTORS; v++) {
        fed_ring want = {0};
        const fed_ring *got = fed_secagg_server_sum(c->server, v);
        ok = fed_ring_init(&want, got->bits, got->n, &err) == FED_OK;
        for (uint32_t m = 0; ok && m < fed_secagg_server_members(c->server); m++)
            if (fed_map_has(u3, m))
                ok = fed_ring_add(&want, &c->inputs[cohort_device_of(c, m)][v], &err) ==
                     FED_OK;
        for (size_t e = 0; ok && e < got->n; e++)
            ok = fed_ring_get(&want, e) == fed_ring_get(got, e);
        fed_ring_fini(&want);
    }
    return ok;
}
