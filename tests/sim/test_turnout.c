/* Draws, fates, faults. */
#include "harness.h"

#include <stdio.h>

#include "turnout.h"

enum { CLIENTS = 60 };

static const char plan_text[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[6]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":3}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":1},"
    "\"update\":{\"bits\":8,\"clip\":1},\"secagg\":{\"enabled\":false},"
    "\"eligibility\":{%s},%s"
    "\"rounds\":{\"count\":6,\"cohort\":10,\"over_select\":1.0}}";

typedef struct world {
    fed_task *task;
    fed_population *population;
} world;

static fed_status open_private_world(world *w, uint32_t clients, const char *eligibility,
                                     const char *privacy, fed_error *err)
{
    char text[1024];
    snprintf(text, sizeof text, plan_text, eligibility, privacy);

    const uint8_t seed[FED_SEED_BYTES] = {1};
    fed_population_config config = {.data =
                                        "synthetic:gaussian?dims=6&classes=3&rows=600",
                                    .clients = clients,
                                    .seed = 1};
    *w = (world){0};
    FED_TRY(fed_task_parse(&w->task, (fed_span){(const uint8_t *)text, strlen(text)},
                           FED_PLAN_AUTHOR, seed, err));
    return fed_population_new(&w->population, &config, err);
}

static fed_status open_changed_world(world *w, uint32_t clients, const char *eligibility,
                                     fed_error *err)
{
    return open_private_world(w, clients, eligibility, "", err);
}

static fed_status open_world(world *w, uint32_t clients, fed_error *err)
{
    return open_changed_world(w, clients, "\"min_examples\":8", err);
}

static void close_world(world *w)
{
    fed_population_free(w->population);
    fed_task_free(w->task);
}

static fed_turnout *make(const world *w, uint64_t seed, const fed_faults *faults)
{
    fed_error err;
    fed_turnout *t = NULL;
    CHECK_OK(fed_turnout_new(&t, w->population, w->task, seed, faults, &err), &err);
    return t;
}

/* ---- draws ----------------------------------------------------------------------------- */

static void test_draws(void)
{
    world w;
    fed_error err;
    fed_attendee a[CLIENTS], b[CLIENTS];
    uint32_t n, m;
    CHECK_OK(open_world(&w, CLIENTS, &err), &err);
    fed_turnout *t = make(&w, 1, NULL), *same = make(&w, 1, NULL);
    fed_turnout *other = make(&w, 2, NULL);
    unsigned differs = 0;
    for (int round = 0; round < 20; round++) {
        bool seen[CLIENTS] = {false};
        CHECK_OK(fed_turnout_draw(t, 10, a, &n, &err), &err);
        CHECK_OK(fed_turnout_draw(same, 10, b, &m, &err), &err);
        CHECK_EQ(n, 10);
        CHECK_MEM(a, b, n * sizeof *a);
        for (uint32_t i = 0; i < n; i++) {
            CHECK(a[i].client < CLIENTS && !seen[a[i].client]);
            CHECK_EQ(a[i].fate, FED_FATE_NONE);
            seen[a[i].client] = true;
        }
        CHECK_OK(fed_turnout_draw(other, 10, b, &m, &err), &err);
        differs += memcmp(a, b, n * sizeof *a) != 0;
    }
    CHECK(differs >= 19);
    CHECK_EQ(fed_turnout_rounds(t), 20);
    fed_turnout_free(t), fed_turnout_free(same), fed_turnout_free(other);
    close_world(&w);
}

static void test_engaged_and_spent(void)
{
    world w;
    fed_error err;
    fed_attendee a[CLIENTS];
    uint32_t n;
    CHECK_OK(open_world(&w, CLIENTS, &err), &err);
    fed_turnout *t = make(&w, 1, NULL);
    for (uint32_t i = 0; i < 20; i++)
        fed_turnout_engage(t, i);
    for (uint32_t i = 10; i < 30; i++)
        fed_turnout_spend(t, i);
    CHECK_OK(fed_turnout_draw(t, CLIENTS, a, &n, &err), &err);
    CHECK_EQ(n, 30);
    for (uint32_t i = 0; i < n; i++)
        CHECK(a[i].client >= 30);
    fed_turnout_reopen(t);
    CHECK_OK(fed_turnout_draw(t, CLIENTS, a, &n, &err), &err);
    CHECK_EQ(n, 40);
    for (uint32_t i = 0; i < CLIENTS; i++)
        fed_turnout_spend(t, i);
    CHECK_FAILS(fed_turnout_draw(t, 1, a, &n, &err), FED_E_STATE, &err, "no eligible");
    fed_turnout_next(t);
    CHECK_OK(fed_turnout_draw(t, CLIENTS, a, &n, &err), &err);
    CHECK_EQ(n, CLIENTS);
    fed_turnout_free(t);
    close_world(&w);
}

static void test_eligibility(void)
{
    world w;
    fed_error err;
    fed_turnout *t = NULL;
    CHECK_OK(open_world(&w, 100, &err), &err); /* 6 rows each, which is said as 4 */
    CHECK_FAILS(fed_turnout_new(&t, w.population, w.task, 1, NULL, &err), FED_E_INVALID,
                &err, "min_examples");
    CHECK(!t);
    close_world(&w);
}

/* Who has taken part rests for as many rounds as the time between two participations fills. */
static void test_rests(void)
{
    fed_error err;
    fed_attendee a[CLIENTS];
    uint32_t n;
    uint64_t last[CLIENTS] = {0};
    world w;
    CHECK_OK(open_changed_world(&w, CLIENTS, "\"min_separation_s\":1200", &err), &err);
    fed_turnout *t = make(&w, 1, NULL); /* deadline_s is 600: two rounds between two */
    for (uint64_t round = 1; round <= 60; round++) {
        CHECK_OK(fed_turnout_draw(t, 10, a, &n, &err), &err);
        CHECK_EQ(n, 10);
        for (uint32_t i = 0; i < n; i++) {
            CHECK(!last[a[i].client] || round >= last[a[i].client] + 3);
            last[a[i].client] = round;
            fed_turnout_spend(t, a[i].client);
        }
        fed_turnout_next(t);
    }
    fed_turnout_free(t);
    CHECK_OK((close_world(&w),
              open_changed_world(&w, CLIENTS, "\"min_separation_s\":3601", &err)),
             &err);
    CHECK_FAILS(fed_turnout_new(&t, w.population, w.task, 1, NULL, &err), FED_E_INVALID,
                &err, "80 that take turns");
    close_world(&w);
}

/* Where the distance between versions counts: rounds that make none do not bring it nearer. */
static void test_separation_in_versions(void)
{
    static const char matrix[] =
        "\"privacy\":{\"mechanism\":\"matrix\",\"noise_multiplier\":1,"
        "\"epsilon_server\":\"none\",\"delta\":1e-4,\"population\":60,"
        "\"max_participations\":%d,\"matrix\":{\"separation\":%d}},";
    char privacy[320];
    fed_error err;
    fed_attendee a[CLIENTS];
    uint32_t n;
    unsigned taken[CLIENTS] = {0};
    uint64_t last[CLIENTS] = {0}, version = 1;
    world w;
    snprintf(privacy, sizeof privacy, matrix, 2, 3);
    CHECK_OK(open_private_world(&w, CLIENTS, "\"min_examples\":8", privacy, &err), &err);
    fed_turnout *t = make(&w, 1, NULL);
    for (unsigned round = 0; !fed_turnout_is_exhausted(t) && CHECK(round < 60); round++) {
        CHECK_OK(fed_turnout_draw(t, 10, a, &n, &err), &err);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t client = a[i].client;
            CHECK(!last[client] || version >= last[client] + 3);
            CHECK(++taken[client] <= 2);
            last[client] = version;
            fed_turnout_spend(t, client);
        }
        if (round % 3 == 2) continue; /* aborted: the same version once more */
        fed_turnout_next(t);
        version++;
    }
    CHECK(version > 5);
    fed_turnout_free(t);
    close_world(&w);
    snprintf(privacy, sizeof privacy, matrix, 2, 7); /* 6, in a run of 6 rounds */
    CHECK_OK(open_private_world(&w, 59, "\"min_examples\":8", privacy, &err), &err);
    CHECK_FAILS(fed_turnout_new(&t, w.population, w.task, 1, NULL, &err), FED_E_INVALID,
                &err, "privacy.matrix.separation: 7, so 10 devices a round need 60 that");
    close_world(&w);
}

/* ---- fates ----------------------------------------------------------------------------- */

static void test_fates(void)
{
    world w;
    fed_error err;
    enum { ROUNDS = 400 };
    const fed_faults faults = {.drop = {0.1, 0.05, 0.2, 0.15, 0.25}};
    unsigned count[FED_FATES + 1] = {0};
    fed_attendee a[CLIENTS];
    uint32_t n;
    CHECK_OK(open_world(&w, CLIENTS, &err), &err);
    fed_turnout *t = make(&w, 1, &faults);
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(fed_turnout_draw(t, CLIENTS, a, &n, &err), &err);
        for (uint32_t i = 0; i < n; i++)
            count[a[i].fate]++;
    }
    double all = (double)ROUNDS * CLIENTS;
    for (int i = 0; i < FED_FATES; i++) /* five standard deviations at most */
        CHECK_NEAR(count[i] / all, faults.drop[i], 5 * sqrt(0.25 / all));
    CHECK_NEAR(count[FED_FATE_NONE] / all, 0.25, 5 * sqrt(0.25 / all));
    fed_turnout_free(t);
    close_world(&w);
}

static void test_health(void)
{
    world w;
    fed_error err;
    const fed_faults faults = {.not_finite = 0.3, .garbage = 0.3};
    unsigned count[3] = {0};
    CHECK_OK(open_world(&w, CLIENTS, &err), &err);
    fed_turnout *t = make(&w, 5, &faults);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        float input[6];
        int32_t target;
        uint32_t row = 0;
        fed_client_view view;
        fed_examples examples;
        fed_health health = fed_turnout_health(t, i);
        CHECK_EQ(health, fed_turnout_health(t, i));
        count[health]++;
        fed_population_client(w.population, i, &view);
        fed_turnout_examples(t, i, &view, &examples);
        CHECK_OK(examples.fetch(examples.ctx, &row, 1, input, &target), NULL);
        CHECK_EQ(isnan(input[0]) != 0, health == FED_NOT_FINITE);
    }
    for (int i = 0; i < 3; i++)
        CHECK(count[i] > 5);
    fed_turnout_free(t);
    close_world(&w);
}

/* ---- the file of faults ---------------------------------------------------------------- */

static fed_status parse(const char *json, fed_faults *out, fed_error *err)
{
    return fed_faults_parse(out, (fed_span){(const uint8_t *)json, strlen(json)}, err);
}

static void test_faults_file(void)
{
    fed_error err;
    fed_faults f;
    CHECK_OK(parse("{\"format\":\"fed-faults/1\",\"drop\":{\"before_training\":0.1,"
                   "\"after_input\":1e-2},\"not_finite\":0.25,\"garbage\":0,"
                   "\"server_crash\":0.5}",
                   &f, &err),
             &err);
    CHECK_EQ(f.drop[FED_FATE_BEFORE_TRAINING] * 1000, 100);
    CHECK_EQ(f.drop[FED_FATE_BEFORE_JOIN], 0);
    CHECK_NEAR(f.drop[FED_FATE_AFTER_INPUT], 0.01, 1e-12);
    CHECK_NEAR(f.not_finite, 0.25, 0);
    CHECK_NEAR(f.server_crash, 0.5, 0);
    CHECK_OK(parse("{\"format\":\"fed-faults/1\"}", &f, &err), &err);
    CHECK_NEAR(f.not_finite, 0, 0);
}

#define HEAD "{\"format\":\"fed-faults/1\","
static void test_malformed_faults(void)
{
    static const struct {
        const char *json;
        fed_status status;
        const char *part;
    } bad[] = {
        {"", FED_E_FORMAT, "line 1"},
        {"{", FED_E_FORMAT, "line 1"},
        {"[]", FED_E_FORMAT, "not a JSON object"},
        {"7", FED_E_FORMAT, "line 1"},
        {"{}", FED_E_FORMAT, "format"},
        {"{\"format\":\"fed-faults/2\"}", FED_E_FORMAT, "format"},
        {"{\"format\":1}", FED_E_FORMAT, "format"},
        {"{\"format\":\"fed-faults/1\"} x", FED_E_FORMAT, "line 1"},
        {"{\"format\":\"fed-faults/1\",\"format\":\"fed-faults/1\"}", FED_E_FORMAT,
         "duplicate"},
        {HEAD "\"drop\":0.1}", FED_E_INVALID, "drop: not an object"},
        {HEAD "\"drop\":{\"training\":0.1}}", FED_E_INVALID, "drop.training"},
        {HEAD "\"drop\":{\"none\":0.1}}", FED_E_INVALID, "drop.none"},
        {HEAD "\"drop\":{\"before_join\":-0.1}}", FED_E_INVALID, "drop.before_join"},
        {HEAD "\"drop\":{\"before_join\":1.5}}", FED_E_INVALID, "[0, 1]"},
        {HEAD "\"drop\":{\"before_join\":\"1\"}}", FED_E_INVALID, "not a number"},
        {HEAD "\"drop\":{\"before_join\":0.6,\"before_input\":0.6}}", FED_E_INVALID,
         "sum of all phases"},
        {HEAD "\"not_finite\":2}", FED_E_INVALID, "not_finite: 2"},
        {HEAD "\"not_finite\":null}", FED_E_INVALID, "not_finite: not a number"},
        {HEAD "\"not_finite\":0.6,\"garbage\":0.6}", FED_E_INVALID, "at most 1"},
        {HEAD "\"garbage\":-1}", FED_E_INVALID, "garbage: -1"},
        {HEAD "\"server_crash\":0.51}", FED_E_INVALID, "above 0.5"},
        {HEAD "\"server_crash\":[]}", FED_E_INVALID, "server_crash: not a number"},
        {HEAD "\"nan\":0.1}", FED_E_INVALID, "nan: no such field"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_error err;
        fed_faults f;
        CHECK_FAILS(parse(bad[i].json, &f, &err), bad[i].status, &err, bad[i].part);
        CHECK_NEAR(f.drop[0] + f.garbage + f.not_finite, 0, 0);
    }
}

static fed_status scenario(void *ctx)
{
    world *w = ctx;
    fed_turnout *t = NULL;
    fed_status status = fed_turnout_new(&t, w->population, w->task, 1, NULL, NULL);
    fed_turnout_free(t);
    return status;
}

static void test_torture(void)
{
    world w;
    fed_error err;
    CHECK_OK(open_world(&w, CLIENTS, &err), &err);
    CHECK_EQ(fed_torture(scenario, &w), 4);
    close_world(&w);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_draws),
                                     CASE(test_engaged_and_spent),
                                     CASE(test_eligibility),
                                     CASE(test_rests),
                                     CASE(test_separation_in_versions),
                                     CASE(test_fates),
                                     CASE(test_health),
                                     CASE(test_faults_file),
                                     CASE(test_malformed_faults),
                                     CASE(test_torture)};
    return fed_run("turnout", cases, sizeof cases / sizeof *cases);
}
