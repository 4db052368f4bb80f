/*
 * Drop-out at every phase. Exhaustive for up to five members and a curious server, and for
 * up to four with an active one; five active members in every combination of input, confirm
 * and reveal. Each run ends with the right sum or with a reason, as the numbers say it must.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cohort_driver.h"

static cohort c;
static unsigned done, aborted;

/* Who holds on until `phase` has been sent. */
static uint32_t senders(fed_secagg_phase phase)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c.n; i++)
        count += !c.drops[i] || c.drops[i] > phase;
    return count;
}

/* In a complete graph every other member is a holder, so it can be said who must finish: at
 * each step a device wants t of the others, and every secret needs t of its holders. */
static bool must_finish(void)
{
    const fed_secagg_graph *g = fed_secagg_server_graph(c.server);
    uint32_t reveals = senders(FED_SECAGG_REVEAL);
    if (g->k != g->n - 1) return false;
    return senders(FED_SECAGG_JOIN) == g->n && reveals >= g->t + 1;
}

static void run_once(void)
{
    cohort_make(&c);
    cohort_run(&c);
    bool ok = fed_secagg_server_phase(c.server) == FED_SECAGG_DONE;
    char fates[16] = "";
    for (uint32_t i = 0; i < c.n; i++)
        snprintf(fates + i, 2, "%d", (int)c.drops[i]);
    if (ok)
        CHECK_MSG(cohort_sum_is_right(&c), "n %u fates %s: wrong sum", c.n, fates);
    else
        CHECK_MSG(fed_secagg_server_reason(c.server)[0], "n %u fates %s", c.n, fates);
    if (must_finish())
        CHECK_MSG(ok, "n %u fates %s: %s", c.n, fates,
                  fed_secagg_server_reason(c.server));
    ok ? done++ : aborted++;
}

/* Each member's fate is one of `n_fates`, in every combination. */
static void exhaust(uint32_t n, fed_secagg_adversary adversary,
                    const fed_secagg_phase *fates, uint32_t n_fates)
{
    cohort_init_with(&c, n, (fed_secagg_threat){adversary, 0, n > 3 ? 340000 : 0, false},
                     100 + n);
    c.params.vectors[0].length = 3, c.params.vectors[2].length = 1;
    uint32_t runs = 1;
    done = aborted = 0;
    for (uint32_t i = 0; i < n; i++)
        runs *= n_fates;
    for (uint32_t r = 0; r < runs; r++) {
        for (uint32_t i = 0, rest = r; i < n; i++, rest /= n_fates)
            c.drops[i] = fates[rest % n_fates];
        run_once();
    }
    fed_note("n %u %s: %u runs, %u sums, %u aborts with a reason", n,
             fed_secagg_adversary_name(adversary), runs, done, aborted);
    CHECK(done > 0 && aborted > 0);
    cohort_fini(&c);
}

static const fed_secagg_phase curious[] = {0, FED_SECAGG_JOIN, FED_SECAGG_SHARE,
                                           FED_SECAGG_INPUT, FED_SECAGG_REVEAL};
static const fed_secagg_phase active[] = {0,
                                          FED_SECAGG_JOIN,
                                          FED_SECAGG_PICK,
                                          FED_SECAGG_SHARE,
                                          FED_SECAGG_INPUT,
                                          FED_SECAGG_CONFIRM,
                                          FED_SECAGG_REVEAL};
static const fed_secagg_phase late[] = {0, FED_SECAGG_INPUT, FED_SECAGG_CONFIRM,
                                        FED_SECAGG_REVEAL};

static void test_3_members(void)
{
    exhaust(3, FED_SECAGG_CURIOUS, curious, 5);
    exhaust(3, FED_SECAGG_ACTIVE, active, 7);
}

static void test_4_members(void)
{
    exhaust(4, FED_SECAGG_CURIOUS, curious, 5);
    exhaust(4, FED_SECAGG_ACTIVE, active, 7);
}

static void test_5_members_curious(void)
{
    exhaust(5, FED_SECAGG_CURIOUS, curious, 5);
}

static void test_5_members_active_late(void)
{
    exhaust(5, FED_SECAGG_ACTIVE, late, 4);
}

/* All 7^5, when asked for: FED_EXHAUSTIVE=1 (minutes). */
static void test_5_members_active(void)
{
    if (!getenv("FED_EXHAUSTIVE")) {
        fed_skip("16807 whole cohorts; set FED_EXHAUSTIVE=1");
        return;
    }
    exhaust(5, FED_SECAGG_ACTIVE, active, 7);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_3_members), CASE(test_4_members), CASE(test_5_members_curious),
        CASE(test_5_members_active_late), CASE(test_5_members_active)};
    return fed_run("secagg_dropout", cases, sizeof cases / sizeof *cases);
}
