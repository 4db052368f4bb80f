/* What a plan promises about privacy: derived, calibrated to its budgets, or refused. */
#include "harness.h"

#include <stdio.h>

#include "changed_plan.h"
#include "task.h"

enum { TEXT_MAX = 1 << 16 };

static const uint8_t seed[32] = {7};

static const char private_plan[] =
    "{\"format\":\"fed-plan/"
    "1\",\"name\":\"private\",\"model\":{\"input\":{\"shape\":[60]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":64,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":10}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.5,\"batch\":8,\"epochs\":3},"
    "\"update\":{\"bits\":8,\"clip\":0.5},"
    "\"privacy\":{\"mechanism\":\"distributed_gaussian\",\"epsilon\":8,\"delta\":1e-6,"
    "\"population\":100000,\"max_participations\":4,\"colluders\":5},"
    "\"rounds\":{\"count\":100,\"cohort\":50,\"over_select\":1.3}}";

enum { PARAMS = 60 * 64 + 64 + 64 * 10 + 10 };

/* The private plan with space-separated changes: the caller's. */
static fed_status change(const char *assignments, fed_bytes *text, fed_error *err)
{
    return changed_plan(private_plan, assignments, text, err);
}

static fed_status price_text(fed_span text, fed_plan_form form, fed_task **task,
                             fed_error *err)
{
    fed_plan *plan = NULL;
    *task = NULL;
    FED_TRY(fed_plan_parse(&plan, text.data, text.len, form, err));
    return fed_task_price(task, plan, seed, err);
}

static fed_status try_price(const char *assignments, fed_task **task, fed_error *err)
{
    fed_bytes text;
    *task = NULL;
    fed_status status = change(assignments, &text, err);
    if (!status)
        status = price_text((fed_span){text.data, text.len}, FED_PLAN_AUTHOR, task, err);
    fed_bytes_fini(&text);
    return status;
}

static fed_task *price(const char *assignments)
{
    fed_error err;
    fed_task *task;
    CHECK_OK(try_price(assignments, &task, &err), &err);
    return task;
}

static fed_privacy_views views_of(const fed_task *task)
{
    fed_error err;
    fed_privacy_views views = {NAN, NAN, NAN};
    CHECK_OK(fed_privacy_epsilon(fed_task_privacy(task), &views, &err), &err);
    return views;
}

/* ---- the promise ------------------------------------------------------------------------ */

static void test_none(void)
{
    fed_task *task = price("privacy.mechanism=none privacy.epsilon=none");
    if (!task) return;
    CHECK(fed_task_privacy(task) == NULL);
    CHECK_EQ(fed_codec_config_of(fed_task_codec(task))->quantise, FED_CODEC_BITS);
    fed_task_free(task);
}

/* Every number of the promise comes from the plan or from what follows from it. */
static void test_terms(void)
{
    fed_task *task = price("privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_task_numbers *n = fed_task_numbers_of(task);
    const fed_privacy *p = fed_task_privacy(task);
    const fed_distributed *d = &p->distributed;
    CHECK(p->mechanism == FED_PRIVACY_DISTRIBUTED_GAUSSIAN && p->secagg);
    CHECK(p->accountant == FED_ACCOUNTANT_PLD && p->sampling == FED_SAMPLING_NONE);
    CHECK_EQ(p->cohort, 65);
    CHECK_EQ(p->rounds, 100);
    CHECK_EQ(p->max_participations, 4);
    CHECK_EQ(p->population, 100000);
    CHECK_EQ(d->config.dim, PARAMS);
    CHECK_EQ(d->config.spread, 4096); /* the largest power of two within 4554 */
    CHECK_EQ(d->config.n_max, n->invited);
    CHECK_EQ(d->config.survivors_min, n->min_survivors);
    CHECK_EQ(d->config.colluders, 5);
    CHECK_NEAR(d->config.noise_multiplier, 1.5, 0);
    CHECK_NEAR(d->sigma_device, 1.5 * 0.5 / sqrt(n->min_survivors - 5.0), 1e-12);
    CHECK(d->wrap_probability * PARAMS < 1e-3);
    CHECK_NEAR(fed_sampler_sigma(fed_task_sampler(task, "values")), d->sigma_local,
               1e-8 * d->sigma_local);
    CHECK(p->sampler_distance_log2 < -80);
    fed_task_free(task);
}

/* The integers that travel are those of the promise. */
static void test_codec_follows(void)
{
    fed_task *task = price("privacy.noise_multiplier=1.5");
    fed_error err;
    fed_codec_round *round = NULL;
    fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
    if (!task) return;
    const fed_distributed *d = &fed_task_privacy(task)->distributed;
    CHECK_OK(fed_codec_round_first(fed_task_codec(task), 0, &round, &err), &err);
    CHECK_NEAR(round->step * d->scale, 1, 1e-12);
    CHECK_EQ(fed_codec_shapes(fed_task_codec(task), round, shapes), 1);
    CHECK_STR(shapes[0].name, "values");
    CHECK_EQ(shapes[0].bits, d->config.bits);
    CHECK_EQ(shapes[0].n, d->config.dim);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* The ring of "auto" is the least that does: one bit less is refused, or too coarse. */
static void test_ring_auto(void)
{
    fed_error err;
    fed_task *task = price("privacy.noise_multiplier=1.5"), *other = NULL;
    if (!task) return;
    unsigned bits = fed_task_privacy(task)->distributed.config.bits;
    double scale = fed_task_privacy(task)->distributed.scale;
    /* 8 bits over ±3 standard deviations of a coordinate of norm 0.5 / sqrt(4096) */
    double wanted = 255 / (2 * 3 * 0.5 / 64);
    CHECK_MSG(scale >= wanted && scale < 2 * wanted, "scale %g, wanted %g", scale,
              wanted);
    char one_less[64], same[64];
    snprintf(one_less, sizeof one_less,
             "privacy.noise_multiplier=1.5 privacy.ring_bits=%u", bits - 1);
    snprintf(same, sizeof same, "privacy.noise_multiplier=1.5 privacy.ring_bits=%u",
             bits);
    fed_task_free(task);
    if (CHECK_OK(try_price(one_less, &other, &err), &err))
        CHECK(fed_task_privacy(other)->distributed.scale < wanted);
    fed_task_free(other);
    if (CHECK_OK(try_price(same, &other, &err), &err))
        CHECK_NEAR(fed_task_privacy(other)->distributed.scale, scale, 0);
    fed_task_free(other);
}

static void test_budgets(void)
{
    static const struct {
        const char *change;
        double output, server;
    } rows[] = {
        {"privacy.noise_multiplier=1", 8, 8},
        {"privacy.noise_multiplier=1 privacy.epsilon=none", INFINITY, INFINITY},
        {"privacy.noise_multiplier=1 privacy.epsilon_server=none", 8, INFINITY},
        {"privacy.noise_multiplier=1 privacy.epsilon_server=9.5", 8, 9.5},
        {"privacy.noise_multiplier=1 privacy.epsilon=none privacy.epsilon_server=3",
         INFINITY, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double output, server;
        fed_task *task = price(rows[i].change);
        if (!task) continue;
        fed_task_privacy_budgets(task, &output, &server);
        CHECK_MSG(output == rows[i].output && server == rows[i].server, "%s: %g %g",
                  rows[i].change, output, server);
        fed_task_free(task);
    }
}

/* ---- calibration ------------------------------------------------------------------------ */

/* "auto" keeps to the budgets and wastes little of the one that binds. */
static void check_calibrated(const char *assignments, double output, double server)
{
    fed_task *task = price(assignments);
    if (!task) return;
    fed_privacy_views v = views_of(task);
    double spent = fmax(v.epsilon_output / output, v.epsilon_server / server);
    CHECK_MSG(spent <= 1 && spent > 0.999, "%s: %g of the budget (%g, %g)", assignments,
              spent, v.epsilon_output, v.epsilon_server);
    const fed_plan_privacy *plan = &fed_task_plan(task)->privacy;
    fed_note("z %g in %d bits: output %.4g, server %.4g", plan->noise_multiplier,
             (int)plan->ring_bits, v.epsilon_output, v.epsilon_server);
    fed_task_free(task);
}

static void test_calibrated(void)
{
    check_calibrated("", 8, 8);
    check_calibrated("privacy.epsilon_server=none", 8, INFINITY);
    check_calibrated("privacy.epsilon=0.5", 0.5, 0.5);
    check_calibrated("privacy.epsilon=none privacy.epsilon_server=3", INFINITY, 3);
    check_calibrated("privacy.accountant=rdp", 8, 8);
    check_calibrated("privacy.mechanism=distributed_skellam privacy.accountant=rdp", 8,
                     8);
    check_calibrated("update.bits=4 privacy.max_participations=100", 8, 8);
    check_calibrated("update.rotate=none", 8, 8);
    check_calibrated("update.select=rand_k update.fraction=0.2", 8, 8);
    check_calibrated("privacy.sampling=poisson privacy.population=1000 "
                     "privacy.epsilon_server=none privacy.delta=1e-4 "
                     "rounds.min_survivors=19",
                     8, INFINITY);
}

/* Calibrated noise costs what the accountant says of the mechanism, not of a bare Gaussian. */
static void test_not_a_bare_gaussian(void)
{
    fed_error err;
    double bare;
    fed_task *task = price("update.bits=2 privacy.colluders=0");
    if (!task) return;
    CHECK_OK(fed_dp_noise_for_epsilon(FED_SAMPLING_NONE, 1, 4, FED_ACCOUNTANT_PLD, 8,
                                      1e-6, &bare, &err),
             &err);
    double z = fed_task_plan(task)->privacy.noise_multiplier;
    CHECK_MSG(z > bare * 1.05, "%g, a bare Gaussian %g", z, bare);
    fed_task_free(task);
}

/* The task's resolved plan holds the numbers; as a device reads it, they are obeyed. */
static void test_resolved_holds_numbers(void)
{
    fed_error err;
    fed_task *task = price(""), *device = NULL;
    if (!task) return;
    const fed_task_numbers *n = fed_task_numbers_of(task);
    const fed_plan_privacy *plan = &fed_task_plan(task)->privacy;
    CHECK(plan->noise_multiplier != FED_PLAN_AUTO && plan->ring_bits != FED_PLAN_AUTO);
    if (CHECK_OK(price_text(n->resolved, FED_PLAN_RESOLVED, &device, &err), &err)) {
        CHECK_MEM(fed_task_numbers_of(device)->plan_address, n->plan_address, 32);
        CHECK_MEM(&fed_task_privacy(device)->distributed,
                  &fed_task_privacy(task)->distributed, sizeof(fed_distributed));
    }
    fed_task_free(device);
    fed_task_free(task);
}

/* A version that a server made for other numbers is none that the promise was for. */
static void test_foreign_round(void)
{
    fed_error err;
    fed_bytes blob;
    fed_codec_round *round = NULL, *back = NULL;
    fed_task *task = price("privacy.noise_multiplier=1"),
             *other = price("privacy.noise_multiplier=1 update.clip=0.6");
    fed_bytes_init(&blob, TEXT_MAX);
    if (task && other) {
        CHECK_OK(fed_codec_round_first(fed_task_codec(other), 0, &round, &err), &err);
        CHECK_OK(fed_task_write_round(other, round, &blob, &err), &err);
        CHECK_FAILS(
            fed_task_read_round(task, (fed_span){blob.data, blob.len}, 0, &back, &err),
            FED_E_REFUSED, &err, "round: a clip norm of 0.6");
        CHECK(!back);
        fed_codec_round_free(round);
    }
    fed_bytes_fini(&blob);
    fed_task_free(task);
    fed_task_free(other);
}

/* ---- the other mechanisms --------------------------------------------------------------- */

#define CENTRAL "privacy.mechanism=central_gaussian privacy.epsilon_server=none "
#define LOCAL   "privacy.mechanism=local_gaussian "
#define MATRIX                                                                           \
    "privacy.mechanism=matrix privacy.epsilon_server=none privacy.matrix.separation=20 "
#define EXAMPLE                                                                          \
    "privacy.mechanism=dp_sgd privacy.unit=example privacy.example_clip=1 "              \
    "eligibility.min_examples=20 "
#define VOTED                                                                            \
    "update.select=voted update.fraction=0.25 update.block=8 privacy.votes.share=0.2 "

static void test_central(void)
{
    fed_task *task = price(CENTRAL "privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    const fed_distributed *d = &p->distributed;
    CHECK(p->mechanism == FED_PRIVACY_CENTRAL);
    CHECK_NEAR(p->release.sigma_local, 1.5 * 0.5 * d->scale, 1e-9 * d->scale);
    CHECK_NEAR(p->release.delta2, d->delta2, 0);
    CHECK_EQ(p->release.dim, PARAMS);
    CHECK(fed_task_sampler(task, "values") == NULL);
    CHECK_NEAR(fed_sampler_sigma(fed_task_server_sampler(task, "values")),
               p->release.sigma_local, 1e-8 * p->release.sigma_local);
    CHECK(isinf(views_of(task).epsilon_server));
    fed_task_free(task);
    /* the noise is not in the ring, which is smaller for it */
    fed_task *shared = price("privacy.noise_multiplier=30");
    task = price(CENTRAL "privacy.noise_multiplier=30");
    if (task && shared)
        CHECK(fed_task_plan(task)->privacy.ring_bits <
              fed_task_plan(shared)->privacy.ring_bits);
    fed_task_free(task);
    fed_task_free(shared);
}

static void test_local(void)
{
    fed_task *task = price(LOCAL "privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    CHECK_NEAR(p->release.sigma_local, 1.5 * 0.5 * p->distributed.scale,
               1e-9 * p->distributed.scale);
    CHECK(fed_task_sampler(task, "values") && !fed_task_server_sampler(task, "values"));
    fed_privacy_views v = views_of(task);
    CHECK_NEAR(v.epsilon_output, v.epsilon_server, 0);
    fed_task_free(task);
}

/* One release of all rounds: its price is that of its multiplier, whatever the strategy. */
static void test_matrix(void)
{
    static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};
    for (size_t i = 0; i < 4; i++) {
        char change_text[256];
        snprintf(change_text, sizeof change_text,
                 MATRIX "privacy.noise_multiplier=1.5 privacy.matrix.kind=%s", kinds[i]);
        fed_task *task = price(change_text);
        if (!task) continue;
        const fed_privacy *p = fed_task_privacy(task);
        CHECK(fed_task_matrix(task) != NULL && !fed_task_sampler(task, "values"));
        CHECK(p->release.dim >= 100 * (uint64_t)PARAMS);
        /* rounding to whole steps lengthens an update by well under 1 in 1000 */
        CHECK_NEAR(p->release.sigma_local / p->release.delta2, 1.5, 1.5e-3);
        fed_privacy_views v = views_of(task);
        CHECK_NEAR(v.epsilon_output, fed_gaussian_epsilon(1.5, 1e-6),
                   2e-3 * v.epsilon_output);
        CHECK(isinf(v.epsilon_server));
        fed_task_free(task);
    }
}

static void test_example(void)
{
    fed_task *task = price(EXAMPLE "privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    CHECK(p->mechanism == FED_PRIVACY_EXAMPLE);
    CHECK_NEAR(p->example_rate, 8.0 / 20, 1e-15);
    CHECK_EQ(p->example_steps, 3 * 3); /* ceil(20 / 8) · 3 epochs */
    CHECK_EQ(p->release.dim, PARAMS);
    CHECK_EQ(fed_codec_config_of(fed_task_codec(task))->quantise, FED_CODEC_BITS);
    CHECK(!fed_task_sampler(task, "values") && !fed_task_server_sampler(task, "values"));
    fed_task_free(task);
}

/* Both releases of a participation together are what the multiplier says. */
static void check_joint(const char *assignments, uint32_t shares)
{
    fed_task *task = price(assignments);
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    const fed_integer_release *side = p->votes.dim ? &p->votes : &p->bit;
    double main = p->distributed.sigma_local * sqrt(shares) / p->distributed.delta2;
    double other = side->sigma_local * sqrt(shares) / side->delta2;
    double z = 1 / sqrt(1 / (main * main) + 1 / (other * other));
    CHECK_MSG(fabs(z - 1.5) < 0.02 * 1.5, "%s: %g with %g is %g", assignments, main,
              other, z);
    fed_task_free(task);
}

static void test_votes(void)
{
    fed_task *task = price(VOTED "privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    uint32_t shares = fed_task_numbers_of(task)->min_survivors - 5;
    const fed_codec_config *c = fed_codec_config_of(fed_task_codec(task));
    CHECK(p->votes.dim > 0 && p->votes.sigma_local >= FED_SIGMA_LOCAL_MIN);
    CHECK(p->votes.delta2 >= c->vote_clip && c->vote_ring_bits >= 8);
    CHECK_NEAR(fed_sampler_sigma(fed_task_sampler(task, "votes")), p->votes.sigma_local,
               1e-8 * p->votes.sigma_local);
    /* what is chosen for a version never exceeds what the promise counts */
    CHECK(p->distributed.config.dim < PARAMS);
    fed_task_free(task);
    check_joint(VOTED "privacy.noise_multiplier=1.5 update.bits=12", shares);
}

static void test_adaptive(void)
{
    fed_task *task = price("privacy.adaptive.quantile=0.6 privacy.noise_multiplier=1.5");
    if (!task) return;
    const fed_privacy *p = fed_task_privacy(task);
    const fed_adaptive_clip *a = fed_task_adaptive_clip(task);
    uint32_t shares = fed_task_numbers_of(task)->min_survivors - 5;
    if (CHECK(a != NULL)) {
        CHECK_NEAR(a->quantile, 0.6, 0);
        CHECK_NEAR(a->bit_sigma, 2.5, 0); /* a twentieth of the cohort of 50 */
        CHECK_NEAR(p->bit.sigma_local * sqrt(shares) / p->bit.delta2, 5, 1e-9);
        CHECK(a->z_update > 1.5);
    }
    fed_task_free(task);
    check_joint("privacy.adaptive.quantile=0.6 privacy.noise_multiplier=1.5 "
                "update.bits=12",
                shares);
}

static void test_others_calibrated(void)
{
    check_calibrated(CENTRAL, 8, INFINITY);
    check_calibrated(LOCAL, 8, 8);
    check_calibrated(MATRIX, 8, INFINITY);
    check_calibrated(EXAMPLE, 8, 8);
    check_calibrated(VOTED, 8, 8);
    check_calibrated("privacy.adaptive.quantile=0.5", 8, 8);
    check_calibrated(CENTRAL VOTED "privacy.adaptive.quantile=0.5", 8, INFINITY);
}

/* ---- what a budget allows --------------------------------------------------------------- */

/* One participation fewer than allowed and one more, in the words of another plan. */
static void test_allowance(void)
{
    fed_error err;
    fed_task_allowance a;
    fed_task *task = price("privacy.noise_multiplier=2");
    if (!task) return;
    CHECK_OK(fed_task_allowance_for(task, 8, 8, &a, &err), &err);
    CHECK_EQ(a.rounds,
             UINT64_MAX); /* the plan's four fit, however many rounds there are */
    CHECK(a.participations > 4 && a.participations < 100);
    for (uint64_t more = 0; more < 2; more++) {
        char text[128];
        snprintf(text, sizeof text,
                 "privacy.noise_multiplier=2 privacy.max_participations=%llu",
                 (unsigned long long)(a.participations + more));
        fed_task *other = price(text);
        if (other) CHECK_EQ(views_of(other).epsilon_server <= 8, !more);
        fed_task_free(other);
    }
    CHECK_OK(fed_task_allowance_for(task, 1, INFINITY, &a, &err), &err);
    CHECK_EQ(a.rounds, 0);
    CHECK_EQ(a.participations, 0);
    fed_task_free(task);
    task = price(MATRIX "privacy.noise_multiplier=1");
    if (!task) return;
    CHECK_OK(fed_task_allowance_for(task, 8, INFINITY, &a, &err), &err);
    CHECK_EQ(a.rounds, 100);
    CHECK_EQ(a.participations, 4);
    CHECK_OK(fed_task_allowance_for(task, 1, INFINITY, &a, &err), &err);
    CHECK_EQ(a.rounds, 0);
    fed_task_free(task);
}

static void test_noise_for(void)
{
    fed_error err;
    double z;
    fed_task *task = price("privacy.noise_multiplier=2");
    if (!task) return;
    CHECK_OK(fed_task_noise_for(task, 8, 8, &z, &err), &err);
    fed_task *same = price("");
    if (same) CHECK_NEAR(fed_task_plan(same)->privacy.noise_multiplier, z, 0);
    fed_task_free(same);
    CHECK_FAILS(fed_task_noise_for(task, 1e-3, INFINITY, &z, &err), FED_E_REFUSED, &err,
                "privacy.");
    fed_task_free(task);
}

/* ---- refusals --------------------------------------------------------------------------- */

static void test_refusals(void)
{
    static const struct {
        const char *change;
        fed_status status;
        const char *text;
    } rows[] = {
        {"privacy.noise_multiplier=1 privacy.ring_bits=8", FED_E_REFUSED,
         "below 3 integers"},
        {"privacy.noise_multiplier=1 privacy.ring_bits=3", FED_E_REFUSED,
         "privacy.ring_bits: 3 bits are too few"},
        {"rounds.min_survivors=auto secagg.dropout=0.4 rounds.cohort=60 "
         "rounds.over_select=1 privacy.colluders=36",
         FED_E_REFUSED, "privacy.colluders: 36 leave no noise of the 36 survivors"},
        {"privacy.mechanism=distributed_skellam privacy.accountant=pld",
         FED_E_UNSUPPORTED, "privacy.accountant: pld has no bound for skellam"},
        {"privacy.mechanism=distributed_skellam privacy.noise_multiplier=2 "
         "update.bits=15",
         FED_E_REFUSED, "make a share of Skellam noise"},
        {"privacy.adaptive.quantile=0.5 privacy.noise_multiplier=5", FED_E_REFUSED,
         "privacy.adaptive.bit_sigma: the noise multiplier 5 is not below twice it, 5"},
        {MATRIX "privacy.matrix.bands=101", FED_E_REFUSED,
         "privacy.matrix.bands: 101 is above rounds.count, 100"},
        {MATRIX "rounds.count=65537", FED_E_REFUSED,
         "rounds.count: 65537 is above 65536"},
        {MATRIX "privacy.sampling=poisson", FED_E_REFUSED,
         "privacy.sampling: this mechanism gains nothing"},
        {EXAMPLE "update.weight=examples", FED_E_REFUSED, "update.weight"},
        {VOTED "privacy.mechanism=distributed_skellam privacy.votes.share=none",
         FED_E_REFUSED, "privacy.votes.share"},
        {"privacy.mechanism=central_gaussian privacy.epsilon_server=none "
         "privacy.noise_multiplier=1 privacy.ring_bits=4",
         FED_E_REFUSED, "privacy.ring_bits: 4 bits are too few"},
        {"privacy.epsilon=0.001 privacy.max_participations=100", FED_E_REFUSED,
         "privacy."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_error err = {0};
        fed_task *task = NULL;
        fed_status status = try_price(rows[i].change, &task, &err);
        CHECK_MSG(status == rows[i].status && strstr(err.text, rows[i].text),
                  "%s: %s: %s", rows[i].change, fed_status_name(status), err.text);
        CHECK(!task);
        fed_task_free(task);
    }
}

/* ---- a failing allocation --------------------------------------------------------------- */

static fed_status price_once(void *ctx)
{
    fed_error err;
    fed_task *task = NULL;
    const fed_bytes *text = ctx;
    fed_status status =
        price_text((fed_span){text->data, text->len}, FED_PLAN_AUTHOR, &task, &err);
    fed_task_free(task);
    return status;
}

static void test_torture(void)
{
    fed_error err;
    fed_bytes text;
    CHECK_OK(change("privacy.noise_multiplier=1", &text, &err), &err);
    fed_note("%zu allocations", fed_torture(price_once, &text));
    fed_bytes_fini(&text);
    CHECK_OK(change("privacy.accountant=rdp", &text, &err), &err);
    fed_note("%zu allocations with calibration", fed_torture(price_once, &text));
    fed_bytes_fini(&text);
    CHECK_OK(change(CENTRAL VOTED "privacy.adaptive.quantile=0.5 "
                                  "privacy.noise_multiplier=1",
                    &text, &err),
             &err);
    fed_note("%zu allocations with votes and a bit", fed_torture(price_once, &text));
    fed_bytes_fini(&text);
    CHECK_OK(change(MATRIX "privacy.noise_multiplier=1", &text, &err), &err);
    fed_note("%zu allocations with a matrix", fed_torture(price_once, &text));
    fed_bytes_fini(&text);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_none),
        CASE(test_terms),
        CASE(test_codec_follows),
        CASE(test_ring_auto),
        CASE(test_budgets),
        CASE(test_calibrated),
        CASE(test_not_a_bare_gaussian),
        CASE(test_resolved_holds_numbers),
        CASE(test_foreign_round),
        CASE(test_central),
        CASE(test_local),
        CASE(test_matrix),
        CASE(test_example),
        CASE(test_votes),
        CASE(test_adaptive),
        CASE(test_others_calibrated),
        CASE(test_allowance),
        CASE(test_noise_for),
        CASE(test_refusals),
        CASE(test_torture),
    };
    return fed_run("privacy_of_plan", cases, sizeof cases / sizeof *cases);
}
