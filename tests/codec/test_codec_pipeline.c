/* The two halves together: what goes in at the devices comes out as the mean. */
#include "codec_fixture.h"

#include <stdlib.h>

enum { D = 5000, N = 7 };

/* Encode N updates, add them, decode; `true_mean` is the mean of what each would decode to
 * alone. Returns the relative distance of the decoded mean from it. */
static double sum_against_sum_of_decodes(const fed_codec_config *config)
{
    static float delta[D], alone[D], expected[D], mean[D];
    fed_error err;
    fed_codec *codec = NULL;
    fed_codec_round *round = NULL;
    fed_codec_sum sum, single;
    fed_codec_outcome outcome;
    memset(expected, 0, sizeof expected);
    if (!CHECK_OK(fed_codec_new(&codec, config, true, &err), &err)) return INFINITY;
    CHECK_OK(fed_codec_round_first(codec, 3, &round, &err), &err);
    CHECK_OK(fed_codec_sum_init(codec, round, &sum, &err), &err);
    for (uint64_t i = 0; i < N; i++) {
        fed_codec_update update;
        fixture_update(delta, D, i, 0.7);
        CHECK_OK(fixture_encode(codec, round, delta, NULL, i, &update, &err), &err);
        CHECK_OK(fed_codec_sum_add(codec, &sum, &update, &err), &err);
        CHECK_OK(fed_codec_sum_init(codec, round, &single, &err), &err);
        CHECK_OK(fed_codec_sum_add(codec, &single, &update, &err), &err);
        CHECK_OK(fed_codec_decode(codec, round, &single, (fed_codec_divisor){0}, alone,
                                  &outcome, NULL, &err),
                 &err);
        for (int j = 0; j < D; j++)
            expected[j] += alone[j] / N;
        fed_codec_sum_fini(&single);
        fed_codec_update_fini(&update);
    }
    CHECK_OK(fed_codec_decode(codec, round, &sum, (fed_codec_divisor){0}, mean, &outcome,
                              NULL, &err),
             &err);
    CHECK_EQ(outcome.n, N);
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
    fed_codec_free(codec);
    return fixture_distance(mean, expected, D);
}

static void test_sum_is_sum_of_decodes(void)
{
    for (int select = FED_CODEC_DENSE; select <= FED_CODEC_RAND_K; select++)
        for (unsigned bits = 1; bits <= 16; bits += 3)
            for (int rotate = 0; rotate < 2; rotate++) {
                fed_codec_config c = fixture_config(D, N);
                c.select = (fed_codec_select)select;
                c.fraction = 0.2;
                c.block = 32;
                c.bits = bits;
                c.rotate = rotate ? FED_CODEC_HADAMARD : FED_CODEC_PLAIN;
                double far = sum_against_sum_of_decodes(&c);
                CHECK_MSG(far < 2e-6, "select %d, %u bits, rotate %d: %g", select, bits,
                          rotate, far);
            }
    fed_codec_config grid = fixture_config(D, N);
    grid.quantise = FED_CODEC_GRID;
    grid.grid = 1000;
    grid.ring_bits = 20;
    CHECK(sum_against_sum_of_decodes(&grid) < 2e-6);
}

static void test_mean_is_near_true_mean(void)
{
    static const struct {
        unsigned bits;
        double most;
    } rows[] = {{16, 1e-3}, {8, 0.03}, {4, 0.3}};
    static float delta[D], truth[D], mean[D];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        fed_codec_config c = fixture_config(D, N);
        c.bits = rows[r].bits;
        c.tail = 5;
        fed_error err;
        fed_codec *codec = NULL;
        fed_codec_round *round = NULL;
        fed_codec_sum sum;
        fed_codec_outcome outcome;
        CHECK_OK(fed_codec_new(&codec, &c, true, &err), &err);
        CHECK_OK(fed_codec_round_first(codec, 0, &round, &err), &err);
        CHECK_OK(fed_codec_sum_init(codec, round, &sum, &err), &err);
        memset(truth, 0, sizeof truth);
        for (uint64_t i = 0; i < N; i++) {
            fed_codec_update update;
            fixture_update(delta, D, 7, 0.9);
            for (int j = 0; j < D; j++)
                truth[j] += delta[j] / N;
            CHECK_OK(fixture_encode(codec, round, delta, NULL, i, &update, &err), &err);
            CHECK_OK(fed_codec_sum_add(codec, &sum, &update, &err), &err);
            CHECK_EQ(update.report.saturated, 0);
            fed_codec_update_fini(&update);
        }
        CHECK_OK(fed_codec_decode(codec, round, &sum, (fed_codec_divisor){0}, mean,
                                  &outcome, NULL, &err),
                 &err);
        double far = fixture_distance(mean, truth, D);
        CHECK_MSG(far < rows[r].most, "%u bits: %g", rows[r].bits, far);
        fed_codec_sum_fini(&sum);
        fed_codec_round_free(round);
        fed_codec_free(codec);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_sum_is_sum_of_decodes),
                                     CASE(test_mean_is_near_true_mean)};
    return fed_run("codec_pipeline", cases, sizeof cases / sizeof *cases);
}
