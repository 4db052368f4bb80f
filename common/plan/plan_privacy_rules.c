/*
 * What is unsound in a plan's differential privacy, whatever the noise comes to. A promise that
 * the deployment does not keep is worse than none, so each of these is refused, with the
 * reason. What needs derived numbers (noise shares, survivors) is the task room's to refuse.
 */
#include "plan_values.h"

static bool is_private(const fed_plan *plan)
{
    return plan->privacy.mechanism != FED_MECHANISM_NONE;
}

static bool server_adds_noise(const fed_plan *plan)
{
    return plan->privacy.mechanism == FED_MECHANISM_CENTRAL_GAUSSIAN ||
           plan->privacy.mechanism == FED_MECHANISM_MATRIX;
}

const char *fed_plan_mechanism_word(const fed_plan *plan)
{
    const fed_plan_field *field = fed_plan_find_field("privacy.mechanism");
    return fed_plan_word_of(field, plan->privacy.mechanism);
}

/* ---- fields that some mechanisms need, and others do not know ---- */

#define ONLY(mechanism) (1u << FED_MECHANISM_##mechanism)
#define ANY             (~ONLY(NONE))
#define IN_SHARES       (ONLY(DISTRIBUTED_GAUSSIAN) | ONLY(DISTRIBUTED_SKELLAM))

static fed_status check_fields_known(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    const struct {
        const char *path;
        bool given;
        unsigned known; /* mechanisms for which the field means something */
    } rows[] = {
        {"privacy.epsilon", p->epsilon != FED_PLAN_NONE, ANY},
        {"privacy.epsilon_server", p->epsilon_server > 0, ANY},
        {"privacy.noise_multiplier", p->noise_multiplier != FED_PLAN_AUTO, ANY},
        {"privacy.ring_bits", p->ring_bits != FED_PLAN_AUTO,
         IN_SHARES | ONLY(LOCAL_GAUSSIAN) | ONLY(CENTRAL_GAUSSIAN) | ONLY(MATRIX)},
        {"privacy.example_clip", p->example_clip != FED_PLAN_NONE, ONLY(DP_SGD)},
        {"privacy.votes.share", p->votes.share != FED_PLAN_NONE,
         ONLY(DISTRIBUTED_GAUSSIAN) | ONLY(CENTRAL_GAUSSIAN) | ONLY(LOCAL_GAUSSIAN) |
             ONLY(NONE)},
        {"privacy.adaptive.quantile", p->adaptive.quantile != FED_PLAN_NONE,
         ONLY(DISTRIBUTED_GAUSSIAN) | ONLY(CENTRAL_GAUSSIAN)},
        {"privacy.matrix.separation", p->matrix.separation != FED_PLAN_NONE,
         ONLY(MATRIX)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].given && !(rows[i].known & (1u << p->mechanism)))
            return fed_fail(err, FED_E_REFUSED,
                            "%s: promises nothing with privacy.mechanism \"%s\"",
                            rows[i].path, fed_plan_mechanism_word(plan));
    return FED_OK;
}

static fed_status check_fields_needed(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    const struct {
        const char *path;
        bool given;
        unsigned needed;
        const char *why;
    } rows[] = {
        {"privacy.delta", p->delta != FED_PLAN_NONE, ANY,
         "an epsilon without a delta says nothing"},
        {"privacy.population", p->population != FED_PLAN_NONE, ANY,
         "it bounds delta, and how often one device is drawn"},
        {"privacy.example_clip", p->example_clip != FED_PLAN_NONE, ONLY(DP_SGD),
         "noise is measured by what one example can add"},
        {"privacy.matrix.separation", p->matrix.separation != FED_PLAN_NONE, ONLY(MATRIX),
         "noise that is correlated over rounds is measured by how close together a "
         "device takes part"},
        {"privacy.max_participations", p->max_participations != FED_PLAN_NONE,
         ONLY(MATRIX), "what a device gives in all rounds is one release"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!rows[i].given && (rows[i].needed & (1u << p->mechanism)))
            return fed_fail(err, FED_E_REFUSED,
                            "%s: needed with privacy.mechanism \"%s\": %s", rows[i].path,
                            fed_plan_mechanism_word(plan), rows[i].why);
    return FED_OK;
}

/* ---- what is promised to whom ---- */

static fed_status check_budgets(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    if (!is_private(plan)) return FED_OK;
    if (server_adds_noise(plan) && p->epsilon_server != FED_PLAN_NONE)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.epsilon_server: must be \"none\" with privacy.mechanism \"%s\": the "
            "server adds the noise and sees the sum without it, and the plan has to say "
            "so; \"distributed_gaussian\" also protects against the server",
            fed_plan_mechanism_word(plan));
    if (p->noise_multiplier == FED_PLAN_AUTO && p->epsilon == FED_PLAN_NONE &&
        !(p->epsilon_server > 0))
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.epsilon: needed with privacy.noise_multiplier \"auto\", "
                        "which is the "
                        "least noise that keeps to it");
    return FED_OK;
}

static fed_status check_population(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    if (!is_private(plan)) return FED_OK;
    if (p->delta * (double)p->population >= 1)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.delta: %g is not below 1/privacy.population, 1/%lld: it "
                        "would allow one device to be published",
                        p->delta, (long long)p->population);
    if (p->population < fed_plan_invited(plan))
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.population: %lld is below the %lld devices invited to a "
                        "round",
                        (long long)p->population, (long long)fed_plan_invited(plan));
    if (p->sampling == FED_PLAN_SAMPLING_NONE && p->max_participations == FED_PLAN_NONE)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.max_participations: needed with privacy.sampling \"none\", "
            "where it alone bounds what one device gives");
    return FED_OK;
}

static fed_status check_parties(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    int64_t colluders = fed_plan_colluders(plan);
    if (!is_private(plan)) return FED_OK;
    if ((IN_SHARES & (1u << p->mechanism)) && !plan->secagg.enabled)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.mechanism: distributed noise needs secagg.enabled: one "
                        "device's share of the noise does not hide it");
    if (colluders >= plan->rounds.cohort)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.colluders: %lld is not below rounds.cohort, %lld: nobody "
            "would be left to add noise",
            (long long)colluders, (long long)plan->rounds.cohort);
    if (plan->rounds.min_survivors != FED_PLAN_AUTO &&
        colluders >= plan->rounds.min_survivors)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.colluders: %lld is not below rounds.min_survivors, %lld",
                        (long long)colluders, (long long)plan->rounds.min_survivors);
    if ((p->unit == FED_UNIT_EXAMPLE) != (p->mechanism == FED_MECHANISM_DP_SGD))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.unit: \"example\" goes with privacy.mechanism \"dp_sgd\", "
            "and with no other");
    return FED_OK;
}

/* ---- what is released ---- */

/* Under dp_sgd all that leaves a device is computed from noisy gradients. */
static fed_status check_update(const fed_plan *plan, fed_error *err)
{
    const fed_plan_update *u = &plan->update;
    if (!is_private(plan) || plan->privacy.mechanism == FED_MECHANISM_DP_SGD)
        return FED_OK;
    if (u->clip == FED_PLAN_AUTO)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.clip: \"auto\" with differential privacy: noise is measured "
            "by the clip norm, which must be a number");
    if (u->weight != FED_WEIGHT_UNIFORM)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.weight: \"examples\" with differential privacy: the number "
            "of examples is itself private, and the sum is divided by a fixed number; "
            "choose \"uniform\"");
    if (u->bits == FED_PLAN_SIGN || u->bits == FED_PLAN_FLOAT32)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.bits: \"%s\" with differential privacy: noise is added to "
            "integers; choose 1 to 16",
            u->bits == FED_PLAN_SIGN ? "sign" : "float32");
    if (u->select == FED_SELECT_TOP_K)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: \"top_k\" with differential privacy: no noise covers "
            "a device's choice of coordinates");
    if (u->select == FED_SELECT_VOTED && plan->privacy.mechanism == FED_MECHANISM_MATRIX)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: \"voted\" with privacy.mechanism \"matrix\": votes are a "
            "release of their own in every round, and its noise is for one of all "
            "rounds");
    if (u->select == FED_SELECT_RAND_K && plan->privacy.mechanism == FED_MECHANISM_MATRIX)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: \"rand_k\" with privacy.mechanism \"matrix\": noise of one "
            "round takes back that of another only where both are about the same "
            "coordinates; choose \"dense\"");
    if (u->select != FED_SELECT_VOTED || plan->privacy.votes.share != FED_PLAN_NONE)
        return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "privacy.votes.share: needed with update.select \"voted\" and "
                    "differential privacy: votes need noise of their own");
}

static fed_status check_examples(const fed_plan *plan, fed_error *err)
{
    double least = (double)plan->eligibility.min_examples;
    if (plan->privacy.mechanism != FED_MECHANISM_DP_SGD) return FED_OK;
    if (plan->privacy.delta * least >= 1)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.delta: %g is not below 1/eligibility.min_examples, 1/%g: "
            "it would allow one example to be published",
            plan->privacy.delta, least);
    if (plan->train.batch <= plan->eligibility.min_examples) return FED_OK;
    return fed_fail(
        err, FED_E_REFUSED,
        "train.batch: %lld is above eligibility.min_examples, %lld: with \"dp_sgd\" each "
        "example enters a batch by chance, batch/min_examples, which cannot exceed 1",
        (long long)plan->train.batch, (long long)plan->eligibility.min_examples);
}

fed_status fed_plan_check_privacy_rules(const fed_plan *plan, fed_error *err)
{
    FED_TRY(check_fields_known(plan, err));
    FED_TRY(check_parties(plan, err));
    FED_TRY(check_fields_needed(plan, err));
    FED_TRY(check_budgets(plan, err));
    FED_TRY(check_population(plan, err));
    FED_TRY(check_update(plan, err));
    return check_examples(plan, err);
}
