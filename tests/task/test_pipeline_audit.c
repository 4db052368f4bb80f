/*
 * The audit of the pipeline as it is: devices that encode, the sum in the ring, the server's
 * decode (audit_rig.h). Experiments give lower bounds on epsilon. For the sound pipeline they
 * must stay under what the plan claims; for each of five mutants they must exceed it, or the
 * audit would be worth nothing. Three bounds:
 *
 *   two worlds   Clopper-Pearson on how often a test says "in" with the canary in, and out
 *   one run      many canaries, each in a round of its own, right and wrong guesses counted
 *   one sum      many canaries in the same sum (Steinke, Nasr, Jagielski 2023)
 *
 * A bound holds but for a chance of ALPHA: so often would the sound pipeline raise a false alarm,
 * were the seeds not fixed. How far each bound sees: docs/accountants.md.
 */
#include "audit_rig.h"

#include "dp.h"

#define ALPHA  0.001
#define MARGIN 1.2 /* what a mutant must exceed the claim by, at least */

typedef struct bounds {
    double claimed, two_worlds, one_run, one_sum;
} bounds;

/* What holds of canaries in one sum holds of any; what needs rounds of their own does not. */
static bounds run(const attack *a)
{
    trial t = audit_run(a);
    uint64_t m = t.in + t.out;
    bounds b = {.claimed = t.claimed};
    b.one_sum = fed_audit_one_run(m, t.guesses, t.correct, t.delta, ALPHA);
    if (!a->together) {
        b.two_worlds =
            fed_audit_two_worlds(t.in_said, t.in, t.out_said, t.out, t.delta, ALPHA);
        b.one_run = fed_audit_rounds(m, t.guesses, t.correct, t.delta, ALPHA);
    }
    fed_note("%-14s claimed %.3f at delta %g, %llu of %llu guesses right; at least %.3f "
             "(two worlds), %.3f (one run), %.3f (one sum)",
             a->name, b.claimed, t.delta, (unsigned long long)t.correct,
             (unsigned long long)t.guesses, b.two_worlds, b.one_run, b.one_sum);
    CHECK(a->kind != SOUND || (b.two_worlds <= b.claimed && b.one_run <= b.claimed &&
                               b.one_sum <= b.claimed));
    return b;
}

/* A sound pipeline's bounds are under the claim, and not for want of power. */
static void expect_sound(const attack *a, double least)
{
    bounds b = run(a);
    CHECK(b.two_worlds >= least * b.claimed && b.one_run >= least * b.claimed);
}

static void expect_caught(attack a, mutant kind, const char *name)
{
    a.kind = kind, a.name = name;
    bounds b = run(&a);
    CHECK(b.two_worlds >= MARGIN * b.claimed && b.one_run >= MARGIN * b.claimed);
}

/* Eight devices, one of them a canary ten times as long as the clip, so that a device which
 * does not clip shows it. */
static const attack long_canary = {.name = "sound",
                                   .inputs = 7,
                                   .devices = 8,
                                   .z = 1,
                                   .length = 10,
                                   .delta = 0.05,
                                   .threshold = 1.1,
                                   .rounds = 20000};

static void test_long_canary(void)
{
    attack a = long_canary;
    expect_sound(&a, 0.7);
    expect_caught(a, LESS_NOISE, "noise / sqrt 2");
    expect_caught(a, HALF_SILENT, "half noiseless");
    expect_caught(a, NOT_CLIPPED, "not clipped");
}

/* Noise of another law, or by another party. What a local device promises is of its own
 * vector: the sum of three has three times the noise, and shows less. */
static void test_other_mechanisms(void)
{
    attack a = long_canary;
    a.rounds = 10000;
    a.name = "Skellam", a.mechanism = "distributed_skellam";
    expect_sound(&a, 0.3);
    a.name = "central", a.mechanism = "central_gaussian";
    expect_sound(&a, 0.6);
    a.name = "local", a.mechanism = "local_gaussian", a.devices = 3;
    expect_sound(&a, 0.1);
}

/* With the same noise in both rounds, the difference of what they release has none. */
static void test_two_releases(void)
{
    attack a = long_canary;
    a.name = "sound twice", a.twice = true, a.rounds = 8000;
    expect_sound(&a, 0.2);
    a.threshold = 0.3;
    expect_caught(a, NOISE_REUSED, "noise reused");
}

/* Small integers, and a canary whose every coordinate has one too much. */
static void test_even_canary(void)
{
    attack a = long_canary;
    a.name = "sound, coarse", a.inputs = 31, a.devices = 4, a.ring = 7;
    a.z = 2, a.even = true, a.threshold = 1;
    expect_sound(&a, 0.3);
    expect_caught(a, OFF_BY_ONE, "off by one");
}

/* All devices of a round are canaries. A failure of delta might then give all of them away at
 * once, so it is charged as if it did, and only what is far from sound is seen. */
static void test_canaries_in_one_sum(void)
{
    attack a = long_canary;
    a.inputs = 31, a.devices = 64, a.together = true;
    a.delta = 1e-9, a.threshold = 1.5, a.rounds = 500;
    bounds b = run(&a);
    CHECK(b.one_sum >= 0.2 * b.claimed);
    a.name = "not clipped", a.kind = NOT_CLIPPED, a.threshold = 5;
    b = run(&a);
    CHECK(b.one_sum >= MARGIN * b.claimed);
    /* short enough never to be rounded twice, so that both rounds draw the same words */
    a.name = "sound twice", a.kind = SOUND, a.twice = true;
    a.length = 0.5, a.threshold = 0.1, a.z = 2;
    (void)run(&a);
    a.name = "noise reused", a.kind = NOISE_REUSED;
    b = run(&a);
    CHECK(b.one_sum >= MARGIN * b.claimed);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_long_canary), CASE(test_other_mechanisms),
                                     CASE(test_two_releases), CASE(test_even_canary),
                                     CASE(test_canaries_in_one_sum)};
    return fed_run("pipeline_audit", cases, sizeof cases / sizeof *cases);
}
