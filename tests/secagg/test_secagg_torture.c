/* Every allocation fails once: each run says FED_E_NOMEM, and nothing leaks. */
#include "harness.h"
#include "secagg.h"

enum { N = 3 };

typedef struct party {
    fed_secagg_params params;
    fed_secagg_floor floor;
    fed_secagg_device_config configs[N];
    fed_secagg_device *devices[N];
    fed_secagg_server *server;
    fed_ring input;
    fed_bytes body, journal;
    fed_random random;
} party;

static uint64_t seed = 3;

static void make_configs(party *p, fed_secagg_adversary adversary)
{
    fed_error err;
    uint8_t enrolment[32] = {1};
    memset(p, 0, sizeof *p);
    p->params = (fed_secagg_params){.threat = {adversary, 0, 0, false},
                                    .stream = FED_KEYSTREAM_AES256_CTR,
                                    .n_min = 3,
                                    .n_max = N,
                                    .s_min = 2,
                                    .n_vectors = 1,
                                    .vectors = {{"update", 8, 16}}};
    p->floor.adversary = FED_SECAGG_CURIOUS;
    p->random = fed_test_random(&seed);
    CHECK_OK(fed_ed25519_public(enrolment, p->params.enrolment_key, &err), &err);
    for (uint32_t i = 0; i < N; i++) {
        fed_secagg_device_config *d = &p->configs[i];
        d->params = &p->params, d->floor = &p->floor;
        d->identity_seed[0] = (uint8_t)(i + 1);
        CHECK_OK(fed_ed25519_public(d->identity_seed, d->certificate.device_key, &err),
                 &err);
        d->certificate.expires_s = 100;
        CHECK_OK(fed_certificate_sign(&d->certificate, enrolment, &err), &err);
    }
}

static fed_status send_one(party *p, uint32_t i, fed_secagg_phase phase)
{
    uint32_t member;
    fed_bytes_clear(&p->body);
    FED_TRY(phase == FED_SECAGG_INPUT
                ? fed_secagg_device_input(p->devices[i], &p->input, NULL, &p->body, NULL)
                : fed_secagg_device_message(p->devices[i], &p->body, NULL));
    fed_span body = {p->body.data, p->body.len};
    if (phase == FED_SECAGG_JOIN)
        return fed_secagg_server_join(p->server, body, 1, &member, &p->journal, NULL);
    return fed_secagg_server_receive(p->server, i, body, &p->journal, NULL);
}

static fed_status answer_one(party *p, uint32_t i, fed_secagg_phase phase)
{
    fed_bytes_clear(&p->body);
    FED_TRY(fed_secagg_server_answer(p->server, i, phase, &p->body, NULL));
    return fed_secagg_device_receive(p->devices[i], (fed_span){p->body.data, p->body.len},
                                     NULL);
}

static fed_status restore_one(party *p, uint32_t i)
{
    fed_secagg_device *d = NULL;
    fed_bytes_clear(&p->body);
    FED_TRY(fed_secagg_device_encode(p->devices[i], &p->body, NULL));
    FED_TRY(fed_secagg_device_restore(&d, &p->configs[i],
                                      (fed_span){p->body.data, p->body.len}, NULL));
    fed_secagg_device_free(p->devices[i]);
    p->devices[i] = d;
    return FED_OK;
}

static fed_status run_phases(party *p)
{
    for (fed_secagg_phase phase; (phase = fed_secagg_server_phase(p->server)) < 7;) {
        for (uint32_t i = 0; i < N; i++)
            FED_TRY(send_one(p, i, phase));
        FED_TRY(fed_secagg_server_close(p->server, &p->journal, NULL));
        for (uint32_t i = 0; i < N; i++)
            FED_TRY(answer_one(p, i, phase));
        FED_TRY(restore_one(p, 0));
    }
    fed_secagg_server_free(p->server);
    p->server = NULL;
    fed_secagg_server_config config = {&p->params, &p->random, NULL};
    FED_TRY(fed_secagg_server_new(&p->server, &config, NULL));
    return fed_secagg_server_replay(p->server,
                                    (fed_span){p->journal.data, p->journal.len}, NULL);
}

static fed_status scenario(void *ctx)
{
    party *p = ctx;
    fed_status status;
    fed_secagg_server_config config = {&p->params, &p->random, NULL};
    p->server = NULL;
    memset(p->devices, 0, sizeof p->devices);
    fed_bytes_init(&p->body, 1 << 20);
    fed_bytes_init(&p->journal, 1 << 20);
    FED_GO(fed_ring_init(&p->input, 16, 8, NULL));
    FED_GO(fed_secagg_server_new(&p->server, &config, NULL));
    for (uint32_t i = 0; i < N; i++)
        FED_GO(
            fed_secagg_device_new(&p->devices[i], &p->configs[i], &p->random, i, NULL));
    status = run_phases(p);
out:
    for (uint32_t i = 0; i < N; i++)
        fed_secagg_device_free(p->devices[i]);
    fed_secagg_server_free(p->server);
    fed_ring_fini(&p->input);
    fed_bytes_fini(&p->body);
    fed_bytes_fini(&p->journal);
    return status;
}

static void check(fed_secagg_adversary adversary)
{
    party p;
    make_configs(&p, adversary);
    fed_error err = {0};
    CHECK_OK(scenario(&p), &err);
    fed_note("%zu allocations", fed_torture(scenario, &p));
}

static void test_active(void)
{
    check(FED_SECAGG_ACTIVE);
}

static void test_curious(void)
{
    check(FED_SECAGG_CURIOUS);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_active), CASE(test_curious)};
    return fed_run("secagg_torture", cases, sizeof cases / sizeof *cases);
}
