/* Each strategy against its formula in float64, and its state across a restart. The formulas
 * are those of the papers that policy.h names. */
#include "harness.h"
#include "policy.h"

enum { PARAMS = 17, ROUNDS = 25 };

typedef struct reference {
    double x[PARAMS], first[PARAMS], second[PARAMS];
} reference;

static fed_plan_strategy strategy_of(fed_plan_strategy_name name)
{
    return (fed_plan_strategy){.name = name,
                               .server_lr = 0.3,
                               .momentum = 0.8,
                               .beta1 = 0.7,
                               .beta2 = 0.95,
                               .tau = 0.01};
}

static double second_moment(const fed_plan_strategy *s, double v, double square)
{
    switch (s->name) {
    case FED_STRATEGY_FEDADAGRAD:
        return v + square;
    case FED_STRATEGY_FEDADAM:
        return s->beta2 * v + (1 - s->beta2) * square;
    default: /* fedyogi */
        return v - (1 - s->beta2) * square * (v > square ? 1 : v < square ? -1 : 0);
    }
}

static void apply_reference(reference *r, const fed_plan_strategy *s, const float *mean)
{
    for (int i = 0; i < PARAMS; i++) {
        double d = (double)mean[i];
        if (s->name == FED_STRATEGY_FEDAVG || s->name == FED_STRATEGY_FEDPROX) {
            r->x[i] += s->server_lr * d;
        } else if (s->name == FED_STRATEGY_FEDAVGM) {
            r->first[i] = s->momentum * r->first[i] + d;
            r->x[i] += s->server_lr * r->first[i];
        } else {
            r->first[i] = s->beta1 * r->first[i] + (1 - s->beta1) * d;
            r->second[i] = second_moment(s, r->second[i], d * d);
            r->x[i] += s->server_lr * r->first[i] / (sqrt(r->second[i]) + s->tau);
        }
    }
}

static void draw(fed_stream *s, float *mean)
{
    for (int i = 0; i < PARAMS; i++)
        mean[i] = fed_stream_uniform(s) - 0.5f;
}

/* Half way the state goes through its encoding into another object. */
static void compare(fed_plan_strategy_name name)
{
    fed_error err;
    fed_stream stream;
    fed_policy *policy = NULL, *other = NULL;
    fed_bytes state;
    float x[PARAMS] = {0}, mean[PARAMS];
    reference r = {0};
    fed_plan_strategy s = strategy_of(name);
    uint8_t key[32] = {1};
    fed_stream_init(&stream, key, FED_PURPOSE_TEST, (uint64_t)name);
    for (int i = 0; i < PARAMS; i++)
        r.second[i] = s.tau * s.tau;
    CHECK_OK(fed_policy_new(&policy, &s, PARAMS, &err), &err);
    CHECK_OK(fed_policy_new(&other, &s, PARAMS, &err), &err);
    for (int round = 0; round < ROUNDS; round++) {
        draw(&stream, mean);
        fed_policy_apply(policy, x, mean);
        apply_reference(&r, &s, mean);
        if (round != ROUNDS / 2) continue;
        fed_bytes_init(&state, 1 << 20);
        CHECK_OK(fed_policy_encode(policy, &state, &err), &err);
        CHECK_OK(fed_policy_restore(other, (fed_span){state.data, state.len}, &err),
                 &err);
        fed_policy *swap = policy;
        policy = other, other = swap;
        fed_bytes_fini(&state);
    }
    for (int i = 0; i < PARAMS; i++)
        CHECK_NEAR(x[i], r.x[i], 2e-5);
    fed_policy_free(policy);
    fed_policy_free(other);
}

static void test_formulas(void)
{
    compare(FED_STRATEGY_FEDAVG);
    compare(FED_STRATEGY_FEDPROX);
    compare(FED_STRATEGY_FEDAVGM);
    compare(FED_STRATEGY_FEDADAGRAD);
    compare(FED_STRATEGY_FEDADAM);
    compare(FED_STRATEGY_FEDYOGI);
}

/* One number through two steps by hand: fedadam, lr 1, β₁ 0.5, β₂ 0.75, τ 1, Δ 2 then 0:
 * v₀ = 1; m = 1, v = 0.75 + 1 = 1.75, x = 1 / (√1.75 + 1); then m = 0.5, v = 1.3125. */
static void test_by_hand(void)
{
    fed_error err;
    fed_policy *policy = NULL;
    float x = 0, mean = 2;
    fed_plan_strategy s = {.name = FED_STRATEGY_FEDADAM,
                           .server_lr = 1,
                           .beta1 = 0.5,
                           .beta2 = 0.75,
                           .tau = 1};
    CHECK_OK(fed_policy_new(&policy, &s, 1, &err), &err);
    fed_policy_apply(policy, &x, &mean);
    CHECK_NEAR(x, 1 / (sqrt(1.75) + 1), 1e-6);
    mean = 0;
    fed_policy_apply(policy, &x, &mean);
    CHECK_NEAR(x, 1 / (sqrt(1.75) + 1) + 0.5 / (sqrt(1.3125) + 1), 1e-6);
    fed_policy_free(policy);
}

static size_t state_bytes(fed_plan_strategy_name name)
{
    fed_error err;
    fed_policy *policy = NULL;
    fed_bytes state;
    fed_plan_strategy s = strategy_of(name);
    CHECK_OK(fed_policy_new(&policy, &s, PARAMS, &err), &err);
    fed_bytes_init(&state, 1 << 20);
    CHECK_OK(fed_policy_encode(policy, &state, &err), &err);
    size_t n = state.len;
    fed_bytes_put_u8(&state, 0);
    CHECK_FAILS(fed_policy_restore(policy, (fed_span){state.data, n + 1}, &err),
                FED_E_FORMAT, &err, "wanted");
    if (n)
        CHECK_FAILS(fed_policy_restore(policy, (fed_span){state.data, n - 1}, &err),
                    FED_E_FORMAT, &err, "wanted");
    fed_bytes_fini(&state);
    fed_bytes_init(&state, 1);
    if (n) CHECK_FAILS(fed_policy_encode(policy, &state, &err), FED_E_LIMIT, &err, "fit");
    fed_bytes_fini(&state);
    fed_policy_free(policy);
    return n;
}

static void test_state(void)
{
    CHECK_EQ(state_bytes(FED_STRATEGY_FEDAVG), 0);
    CHECK_EQ(state_bytes(FED_STRATEGY_FEDAVGM), 4 * PARAMS);
    CHECK_EQ(state_bytes(FED_STRATEGY_FEDYOGI), 8 * PARAMS);
}

static void test_refusals(void)
{
    static const fed_plan_strategy_name not_built[] = {
        FED_STRATEGY_SCAFFOLD,  FED_STRATEGY_FEDNOVA,      FED_STRATEGY_FEDBUFF,
        FED_STRATEGY_MEDIAN,    FED_STRATEGY_TRIMMED_MEAN, FED_STRATEGY_KRUM,
        FED_STRATEGY_NORM_BOUND};
    fed_error err;
    for (size_t i = 0; i < sizeof not_built / sizeof *not_built; i++) {
        fed_policy *policy = (fed_policy *)&err;
        fed_plan_strategy s = strategy_of(not_built[i]);
        CHECK_FAILS(fed_policy_new(&policy, &s, PARAMS, &err), FED_E_UNSUPPORTED, &err,
                    "strategy.name");
        CHECK(!policy);
    }
    fed_policy_free(NULL);
}

static fed_status make_and_encode(void *ctx)
{
    fed_error err;
    fed_policy *policy = NULL;
    fed_bytes state;
    fed_plan_strategy s = strategy_of(FED_STRATEGY_FEDADAM);
    (void)ctx;
    fed_bytes_init(&state, 1 << 20);
    fed_status status = fed_policy_new(&policy, &s, PARAMS, &err);
    if (!status) status = fed_policy_encode(policy, &state, &err);
    fed_bytes_fini(&state);
    fed_policy_free(policy);
    return status;
}

static void test_torture(void)
{
    fed_note("%zu allocations", fed_torture(make_and_encode, NULL));
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_formulas), CASE(test_by_hand),
                                     CASE(test_state), CASE(test_refusals),
                                     CASE(test_torture)};
    return fed_run("policy", cases, sizeof cases / sizeof *cases);
}
