/* What rides along with an update under noise of its own: votes, and the bit of adaptive
 * clipping. */
#include "private_rig.h"

#include <math.h>
#include <stdio.h>

#define BLOCKS ",\"block\":16,\"vote_bits\":2"
#define TRUST  ",\"epsilon_server\":\"none\""
#define VOTES  ",\"votes\":{\"share\":0.2}"
#define ADAPT  ",\"adaptive\":{\"quantile\":0.5,\"bit_sigma\":4}"

/* n devices' shares, the server's one, or n whole ones. */
static const struct {
    const char *mechanism, *more;
    bool many;
} mechanisms[] = {{"distributed_gaussian", "", true},
                  {"central_gaussian", TRUST, false},
                  {"local_gaussian", "", true}};

static fed_task *voting(int mechanism, double z)
{
    char more[128];
    snprintf(more, sizeof more, "%s" VOTES, mechanisms[mechanism].more);
    wish w = {
        mechanisms[mechanism].mechanism, "voted", "true", "curious", BLOCKS, more, z, 0};
    return rig_task(&w);
}

static fed_task *adapting(int mechanism, double z)
{
    char more[160];
    snprintf(more, sizeof more, "%s" ADAPT, mechanisms[mechanism].more);
    wish w = {
        mechanisms[mechanism].mechanism, "dense", "true", "curious", "", more, z, 0};
    return rig_task(&w);
}

/* The sum with the server's noise, if it has any. */
static void noisy_sum(const fed_task *task, const fed_codec_round *round, uint32_t number,
                      uint32_t n, const float *delta, fed_codec_sum *sum)
{
    fed_error err;
    uint8_t secret[FED_TASK_SECRET_BYTES] = {5};
    fed_store_u32(secret + 4, number);
    rig_sum(task, round, number, n, delta, sum);
    if (fed_task_server_adds_noise(task))
        CHECK_OK(fed_task_add_noise(task, secret, NULL, sum, &err), &err);
}

static size_t entries_of(const fed_codec_sum *sum, const char *name, int64_t *out)
{
    for (size_t i = 0; i < sum->n_vectors; i++) {
        const fed_ring *ring = &sum->vectors[i].ring;
        if (strcmp(sum->vectors[i].name, name) != 0) continue;
        fed_ring_centre(ring, 0, out, ring->n);
        return ring->n;
    }
    return 0;
}

/* ---- votes ------------------------------------------------------------------------------- */

/* Of devices that have nothing to vote for only the noise is left, as much as is accounted. */
static void test_noise_of_votes(void)
{
    static const float zero[PARAMS];
    static int64_t x[PARAMS];
    enum { TRIES = 60, N = 8 };
    for (int k = 0; k < 3; k++) {
        fed_task *task = voting(k, 8);
        fed_codec_round *round = rig_round(task);
        fed_integer_release votes = fed_task_privacy(task)->votes;
        double squares = 0;
        size_t entries = 0;
        CHECK(votes.sigma_local >= 3 && votes.dim > 0);
        for (uint32_t t = 0; t < TRIES; t++) {
            fed_codec_sum sum;
            noisy_sum(task, round, t, N, zero, &sum);
            size_t n = entries_of(&sum, "votes", x);
            CHECK(n > 0 && n <= votes.dim);
            for (size_t i = 0; i < n; i++)
                squares += (double)(x[i] * x[i]);
            entries += n;
            fed_codec_sum_fini(&sum);
        }
        double wanted = votes.sigma_local * votes.sigma_local;
        if (mechanisms[k].many) wanted *= N;
        double ratio = squares / (double)entries / wanted;
        fed_note("%s: %zu votes, %.4f of the variance promised, sigma %.2f",
                 mechanisms[k].mechanism, entries, ratio, votes.sigma_local);
        CHECK_NEAR(ratio, 1, 5 * sqrt(2 / (double)entries));
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

/* However an update lies, its votes are integers within the bound that was accounted. */
static void test_votes_are_bounded(void)
{
    static float delta[PARAMS];
    static int64_t x[PARAMS];
    fed_task *task = voting(1, 8);
    fed_codec_round *round = rig_round(task);
    double delta2 = fed_task_privacy(task)->votes.delta2;
    for (uint32_t t = 0; t < 40; t++) { /* one block, some, all alike, all but one */
        fed_codec_sum sum;
        for (size_t i = 0; i < PARAMS; i++)
            delta[i] = t % 4 == 0   ? i / 16 == t
                       : t % 4 == 1 ? i % 5
                       : t % 4 == 2 ? 1
                                    : i > 15;
        rig_sum(task, round, t, 1, delta, &sum);
        size_t n = entries_of(&sum, "votes", x);
        CHECK(fed_norm_within(x, n, delta2));
        bool any = false;
        for (size_t i = 0; i < n; i++)
            any |= x[i] != 0;
        CHECK(any || t % 4 == 0); /* its one block may not be voted on in this version */
        fed_codec_sum_fini(&sum);
    }
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* Where all of the change lies in few blocks, the noisy votes of many find them. */
static void test_votes_choose_the_blocks(void)
{
    static float delta[PARAMS];
    for (int k = 0; k < 3; k++) {
        fed_error err;
        fed_codec_memory memory;
        fed_task *task = voting(k, 0.5);
        const fed_codec *codec = fed_task_codec(task);
        fed_codec_round *round = rig_round(task), *next = NULL;
        CHECK_OK(fed_codec_memory_init(codec, &memory, &err), &err);
        for (size_t i = 0; i < PARAMS; i++) /* 20 blocks of 256, and a quarter travels */
            delta[i] = i < 320 ? 1 : 0;
        for (uint32_t v = 0; v < 24; v++) {
            fed_codec_sum sum;
            noisy_sum(task, round, v, 8, delta, &sum);
            CHECK_OK(
                fed_codec_round_next(codec, round, &sum, &memory, v + 1, 0, &next, &err),
                &err);
            fed_codec_sum_fini(&sum);
            fed_codec_round_free(round);
            round = next;
        }
        CHECK_EQ(round->support, FED_CODEC_CHOSEN);
        unsigned found = 0;
        for (size_t i = 0; i < round->n_blocks; i++)
            found += round->blocks[i] < 20;
        fed_note("%s: %u of 20 blocks found", mechanisms[k].mechanism, found);
        CHECK(found >= (k == 2 ? 5u : 10u)); /* 5 of 20 by chance alone */
        fed_codec_memory_fini(&memory);
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

/* ---- the bit ----------------------------------------------------------------------------- */

/* Its mean says how many were within the clip, its variance is what is accounted. */
static void test_noise_of_the_bit(void)
{
    static float delta[PARAMS];
    enum { TRIES = 400, N = 8 };
    for (int i = 0; i < 4; i++) {
        int k = i / 2;
        bool within = i % 2;
        fed_task *task = adapting(k, 0.5);
        fed_codec_round *round = rig_round(task);
        const fed_adaptive_clip *clip = fed_task_adaptive_clip(task);
        double sum_of = 0, squares = 0;
        CHECK(clip->unit_sigma >= 3 && clip->z_update > 0.5);
        delta[3] = within ? 1 : 100; /* the clip is 2 */
        for (uint32_t t = 0; t < TRIES; t++) {
            fed_codec_sum sum;
            int64_t bit = 0;
            noisy_sum(task, round, t, N, delta, &sum);
            CHECK_EQ(entries_of(&sum, "bit", &bit), 1);
            double off = (double)bit - (within ? 1 : -1) * (double)(N * clip->unit);
            sum_of += off, squares += off * off;
            fed_codec_sum_fini(&sum);
        }
        double variance = clip->unit_sigma * clip->unit_sigma;
        if (mechanisms[k].many) variance *= N;
        fed_note("%s, %s the clip: off by %.3f sigma, %.3f of the variance",
                 mechanisms[k].mechanism, within ? "within" : "beyond",
                 sum_of / TRIES / sqrt(variance), squares / TRIES / variance);
        CHECK_NEAR(sum_of / TRIES / sqrt(variance), 0, 5 / sqrt(TRIES));
        CHECK_NEAR(squares / TRIES / variance, 1, 5 * sqrt(2.0 / TRIES));
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

/* The clip goes to where half the norms are, and the integers stay what they were. */
static void test_clip_follows_the_median(void)
{
    static float delta[PARAMS];
    fed_error err;
    fed_bytes upload;
    fed_codec_memory memory = {0};
    fed_task *task = adapting(0, 0.5);
    const fed_codec *codec = fed_task_codec(task);
    fed_codec_round *round = rig_round(task), *next;
    double grid = round->clip / round->step;
    fed_bytes_init(&upload, SIZE_MAX);
    for (uint32_t v = 0; v < 80; v++) {
        fed_codec_sum sum;
        CHECK_OK(fed_codec_sum_init(codec, round, &sum, &err), &err);
        for (uint32_t i = 0; i < COHORT; i++) {
            delta[0] = 0.05f * (float)(i + 1); /* the median is 0.275 */
            CHECK_OK(rig_encode(task, round, delta, v, i, &upload, NULL, &err), &err);
            CHECK_OK(fed_codec_sum_add_bytes(codec, round, &sum,
                                             (fed_span){upload.data, upload.len}, &err),
                     &err);
        }
        double clip = fed_task_next_clip(task, round, &sum);
        CHECK_OK(
            fed_codec_round_next(codec, round, &sum, &memory, v + 1, clip, &next, &err),
            &err);
        fed_codec_sum_fini(&sum);
        fed_codec_round_free(round);
        round = next;
        CHECK_NEAR(round->clip / round->step / grid, 1, 1e-12);
    }
    fed_note("from 2 the clip came to %.3f", round->clip);
    CHECK(round->clip > 0.12 && round->clip < 0.5);
    fed_bytes_fini(&upload);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* ---- memory ------------------------------------------------------------------------------ */

static fed_status both_halves(void *ctx)
{
    static const float delta[PARAMS] = {1, 2, 3};
    const fed_task *task = ctx;
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {4};
    fed_codec_round *round;
    fed_codec_sum sum = {0};
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    FED_TRY(fed_codec_round_first(fed_task_codec(task), 0, &round, NULL));
    fed_status status = rig_encode(task, round, delta, 1, 1, &out, NULL, NULL);
    if (!status) status = fed_codec_sum_init(fed_task_codec(task), round, &sum, NULL);
    if (!status && fed_task_server_adds_noise(task))
        status = fed_task_add_noise(task, secret, NULL, &sum, NULL);
    fed_codec_sum_fini(&sum);
    fed_bytes_fini(&out);
    fed_codec_round_free(round);
    return status;
}

static void test_torture(void)
{
    for (int k = 0; k < 2; k++) {
        fed_task *votes = voting(k, 8), *bit = adapting(k, 0.5);
        CHECK(fed_torture(both_halves, votes) > 5);
        CHECK(fed_torture(both_halves, bit) > 5);
        fed_task_free(votes), fed_task_free(bit);
    }
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_noise_of_votes),          CASE(test_votes_are_bounded),
        CASE(test_votes_choose_the_blocks), CASE(test_noise_of_the_bit),
        CASE(test_clip_follows_the_median), CASE(test_torture)};
    return fed_run("ride_along", cases, sizeof cases / sizeof *cases);
}
