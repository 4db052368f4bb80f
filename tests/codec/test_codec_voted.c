/* Votes, residuals, weights, the automatic clip: what lives from version to version. */
#include "codec_fixture.h"

enum { D = 4096, N = 10 };

static fed_codec_config voted_config(void)
{
    fed_codec_config c = fixture_config(D, N);
    c.select = FED_CODEC_VOTED;
    c.fraction = 0.125;
    c.block = 32;
    c.residual = true;
    return c;
}

/* A federation of N devices. */
typedef struct federation {
    fixture f;
    fed_codec_memory memory;
    float delta[D], mean[D], residuals[N][D];
} federation;

static void federation_init(federation *f, const fed_codec_config *c)
{
    fed_error err;
    memset(f, 0, sizeof *f);
    fixture_open(&f->f, c, true, 0);
    CHECK_OK(fed_codec_memory_init(f->f.codec, &f->memory, &err), &err);
}

static void federation_fini(federation *f)
{
    fed_codec_memory_fini(&f->memory);
    fixture_close(&f->f);
}

/* One version: every device sends what `fill` gives it; the mean is decoded; the next round
 * is set up. */
static void federation_step(federation *f, void (*fill)(float *delta, uint64_t device))
{
    fed_error err;
    fed_codec_round *next = NULL;
    const fed_codec *codec = f->f.codec;
    uint64_t version = f->f.round->version;
    bool keeps = fed_codec_config_of(codec)->residual;
    fed_codec_sum_fini(&f->f.sum);
    CHECK_OK(fed_codec_sum_init(codec, f->f.round, &f->f.sum, &err), &err);
    for (uint64_t i = 0; i < N; i++) {
        fill(f->delta, i);
        float *residual = keeps ? f->residuals[i] : NULL;
        fed_codec_input in = {.delta = f->delta,
                              .residual = residual,
                              .residual_out = residual,
                              .weight = 1,
                              .key = fixture_key(100 * version + i)};
        (void)fixture_add(&f->f, &in);
    }
    fixture_decode(&f->f, f->mean);
    CHECK_OK(fed_codec_round_next(codec, f->f.round, &f->f.sum, &f->memory, version + 1,
                                  0, &next, &err),
             &err);
    fed_codec_round_free(f->f.round);
    f->f.round = next;
}

/* Energy in blocks 5, 6 and 77 of 128, the same for all devices. */
static void fill_three_blocks(float *delta, uint64_t device)
{
    (void)device;
    memset(delta, 0, D * sizeof *delta);
    for (int i = 0; i < 32; i++)
        delta[5 * 32 + i] = delta[6 * 32 + i] = 0.05f, delta[77 * 32 + i] = -0.05f;
}

static bool travels(const fed_codec_round *round, uint32_t block)
{
    for (size_t i = 0; i < round->n_blocks; i++)
        if (round->blocks[i] == block) return true;
    return false;
}

static void test_votes_find_the_blocks(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    federation_init(&f, &c);
    CHECK_EQ(f.f.round->support, FED_CODEC_RANDOM);
    federation_step(&f, fill_three_blocks);
    CHECK_EQ(f.f.round->support, FED_CODEC_CHOSEN);
    CHECK(travels(f.f.round, 5) && travels(f.f.round, 6) && travels(f.f.round, 77));
    CHECK_EQ(f.f.round->m, D / 8);
    federation_step(&f, fill_three_blocks);
    CHECK_EQ(f.f.outcome.travelled, D / 8);
    CHECK(f.mean[5 * 32] > 0.01f && f.mean[77 * 32] < -0.01f);
    federation_fini(&f);
}

/* What did not travel in the first version arrives with the second. */
static void test_residual_arrives_later(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    c.bits = 16;
    c.clip = 10;
    c.residual_decay = 1;
    federation_init(&f, &c);
    bool at_once = travels(f.f.round, 5);
    federation_step(&f, fill_three_blocks);
    CHECK_NEAR(f.residuals[0][5 * 32], at_once ? 0 : 0.05, 1e-7);
    federation_step(&f, fill_three_blocks);
    CHECK_NEAR(f.mean[5 * 32], at_once ? 0.05 : 0.1, 1e-2);
    CHECK_EQ(f.residuals[0][5 * 32], 0);
    federation_fini(&f);
}

static void test_residual_decays_and_is_capped(void)
{
    static float delta[D], residual[D], kept[D];
    fixture f;
    fed_codec_config c = fixture_config(D, N);
    c.select = FED_CODEC_RAND_K;
    c.fraction = 0.01;
    c.block = 32;
    c.residual = true;
    c.residual_decay = 0.5;
    c.residual_cap = 3;
    fixture_open(&f, &c, true, 0);
    for (int i = 0; i < D; i++)
        residual[i] = 1;
    memset(delta, 0, sizeof delta);
    fed_codec_input in = {.delta = delta,
                          .residual = residual,
                          .missed = 6,
                          .residual_out = kept,
                          .weight = 1,
                          .key = fixture_key(1)};
    fed_codec_report report = fixture_add(&f, &in);
    uint32_t sent = f.round->blocks[0] * 64, unsent = sent ? 0 : D - 1;
    CHECK_NEAR(kept[unsent], 1 / 64.0, 1e-9);
    CHECK_EQ(kept[sent], 0);
    CHECK(report.residual_norm < 1.001);
    in.missed = 0;
    report = fixture_add(&f, &in);
    CHECK_NEAR(fed_codec_norm(kept, D, NULL), 3, 1e-5);
    CHECK_NEAR(report.residual_norm, 3, 1e-12);
    residual[unsent] = NAN;
    (void)fixture_add(&f, &in);
    CHECK_EQ(fed_codec_norm(kept, D, NULL), 0); /* dropped, not spread */
    fixture_close(&f);
}

/* Of a clipped update, what was cut off stays: sent + kept = corrected update. */
static void test_clipped_part_stays(void)
{
    static float delta[D], kept[D], mean[D];
    fixture f;
    fed_codec_config c = fixture_config(D, N);
    c.residual = true;
    c.residual_cap = 100;
    c.bits = 16;
    c.tail = 6;
    fixture_open(&f, &c, true, 0);
    fixture_update(delta, D, 3, 2.5);
    fed_codec_input in = {
        .delta = delta, .residual_out = kept, .weight = 1, .key = fixture_key(3)};
    CHECK(fixture_add(&f, &in).clipped);
    fixture_decode(&f, mean);
    CHECK_NEAR(f.outcome.mean_norm, 1, 1e-3);
    for (int i = 0; i < D; i++)
        mean[i] += kept[i];
    CHECK(fixture_distance(mean, delta, D) < 1e-3);
    fixture_close(&f);
}

static void fill_zero(float *delta, uint64_t device)
{
    (void)device;
    memset(delta, 0, D * sizeof *delta);
}

static void fill_not_finite(float *delta, uint64_t device)
{
    fill_three_blocks(delta, device);
    delta[device] = device & 1 ? NAN : INFINITY;
}

static void test_nothing_to_vote_on(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    federation_init(&f, &c);
    federation_step(&f, fill_zero);
    CHECK_EQ(f.f.round->support, FED_CODEC_RANDOM);
    federation_step(&f, fill_not_finite);
    CHECK_EQ(f.f.round->support, FED_CODEC_RANDOM);
    CHECK(f.f.outcome.mean_norm < 0.2); /* the rounding of zeros, nothing else */
    federation_fini(&f);
}

static void test_warm_up_is_dense_and_votes(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    c.warm_up = 2;
    federation_init(&f, &c);
    CHECK_EQ(f.f.round->support, FED_CODEC_ALL);
    federation_step(&f, fill_three_blocks);
    CHECK_EQ(f.f.round->support, FED_CODEC_ALL);
    federation_step(&f, fill_three_blocks);
    CHECK_EQ(f.f.round->support, FED_CODEC_CHOSEN);
    CHECK(travels(f.f.round, 77));
    federation_fini(&f);
}

/* With a period of 4 a quarter of the blocks is voted on at a time, and after 4 versions all
 * have been. */
static void test_votes_take_turns(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
    c.vote_period = 4;
    c.residual_decay = 0.5;
    federation_init(&f, &c);
    CHECK_EQ(fed_codec_shapes(f.f.codec, f.f.round, shapes), 2);
    CHECK_STR(shapes[1].name, "votes");
    CHECK_EQ(shapes[1].n, 32);
    for (int v = 0; v < 4; v++)
        federation_step(&f, fill_three_blocks);
    CHECK(travels(f.f.round, 5) && travels(f.f.round, 6) && travels(f.f.round, 77));
    federation_fini(&f);
}

static void test_memory_is_stored_and_restored(void)
{
    static federation f;
    fed_codec_config c = voted_config();
    fed_codec_memory back;
    fed_bytes bytes;
    fed_error err;
    fed_bytes_init(&bytes, 10000);
    federation_init(&f, &c);
    federation_step(&f, fill_three_blocks);
    CHECK_OK(fed_codec_memory_encode(&f.memory, &bytes, &err), &err);
    CHECK_OK(
        fed_codec_memory_parse(f.f.codec, (fed_span){bytes.data, bytes.len}, &back, &err),
        &err);
    CHECK_MEM(back.scores, f.memory.scores, back.n * sizeof *back.scores);
    fed_codec_memory_fini(&back);
    CHECK_FAILS(fed_codec_memory_parse(f.f.codec, (fed_span){bytes.data, bytes.len - 1},
                                       &back, &err),
                FED_E_FORMAT, &err, "511 bytes");
    bytes.data[3] = 0x80;
    CHECK_FAILS(
        fed_codec_memory_parse(f.f.codec, (fed_span){bytes.data, bytes.len}, &back, &err),
        FED_E_FORMAT, &err, "below 2^31");
    fed_bytes_fini(&bytes);
    federation_fini(&f);
}

static uint32_t weight_of(uint64_t device)
{
    return (uint32_t)(1 + device * 3);
}

static fed_codec_config weighted_config(void)
{
    fed_codec_config c = fixture_config(D, N);
    c.weight = FED_CODEC_EXAMPLES;
    c.max_weight = 28;
    c.bits = 16;
    c.tail = 6;
    c.clip = 30;
    return c;
}

/* Weighted mean = sum of w x / sum of w. */
static void test_weights(void)
{
    static float delta[D], truth[D], mean[D];
    fixture f;
    fed_codec_config c = weighted_config();
    uint64_t total = 0;
    fixture_open(&f, &c, true, 0);
    memset(truth, 0, sizeof truth);
    for (uint64_t i = 0; i < N; i++) {
        fixture_update(delta, D, i, 1);
        for (int j = 0; j < D; j++)
            truth[j] += delta[j] * (float)weight_of(i);
        total += weight_of(i);
        fed_codec_input in = {
            .delta = delta, .weight = weight_of(i), .key = fixture_key(i)};
        (void)fixture_add(&f, &in);
    }
    for (int j = 0; j < D; j++)
        truth[j] /= (float)total;
    fixture_decode(&f, mean);
    CHECK_EQ(f.outcome.weight, total);
    CHECK(fixture_distance(mean, truth, D) < 1e-3);
    fed_codec_divisor twice = {2 * (uint32_t)total};
    CHECK_OK(
        fed_codec_decode(f.codec, f.round, &f.sum, twice, mean, &f.outcome, NULL, &f.err),
        &f.err);
    CHECK_NEAR(f.outcome.mean_norm, fed_codec_norm(truth, D, NULL) / 2, 1e-3);
    fixture_close(&f);
}

static void test_impossible_weights_are_refused(void)
{
    static float delta[D], mean[D];
    fixture f;
    fed_codec_update update;
    fed_codec_config c = weighted_config();
    fixture_open(&f, &c, true, 0);
    fixture_update(delta, D, 1, 1);
    fed_codec_input in = {.delta = delta, .weight = 29, .key = fixture_key(0)};
    CHECK_FAILS(fed_codec_encode(f.codec, f.round, &in, &update, &f.err), FED_E_INVALID,
                &f.err, "weight: 29 is not in 1..28");
    in.weight = 0;
    CHECK_FAILS(fed_codec_encode(f.codec, f.round, &in, &update, &f.err), FED_E_INVALID,
                &f.err, "weight: 0");
    static const struct {
        uint32_t n;
        const char *text;
    } rows[] = {
        {0, "0 contributors"}, {1, "weight 0 is not in 1..28"}, {11, "11 contributors"}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        f.sum.n = rows[r].n; /* as if secure aggregation had given zeros */
        CHECK_FAILS(fed_codec_decode(f.codec, f.round, &f.sum, (fed_codec_divisor){0},
                                     mean, &f.outcome, NULL, &f.err),
                    FED_E_INVALID, &f.err, rows[r].text);
    }
    fixture_close(&f);
}

static double norm_of_device;

static void fill_by_norm(float *delta, uint64_t device)
{
    fixture_update(delta, D, device, norm_of_device * (1 + (double)device / N));
}

/* The clip follows the norms, from far above and far below, to about the wanted quantile. */
static void test_clip_follows_norms(void)
{
    static federation f;
    static const double norms[] = {1, 0.02, 60};
    for (int t = 0; t < 3; t++) {
        fed_codec_config c = fixture_config(D, N);
        c.clip_auto = true;
        norm_of_device = norms[t];
        federation_init(&f, &c);
        federation_step(&f, fill_by_norm);
        CHECK_MSG(f.f.round->clip >= 1.6 * norms[t] && f.f.round->clip <= 2.6 * norms[t],
                  "norms %g..%g: clip %g", norms[t], 1.9 * norms[t], f.f.round->clip);
        double first = f.f.round->clip;
        federation_step(&f, fill_by_norm);
        CHECK_NEAR(f.f.round->clip / first, 1, 0.2);
        federation_fini(&f);
    }
}

/* A rounder that checks what it is given and answers with the nearest integers. */
typedef struct rounder_log {
    unsigned calls;
    double norms[2];
    size_t n[2];
} rounder_log;

static fed_status round_nearest(void *ctx, const char *vector, float *reals, size_t n,
                                double norm, const uint8_t *key, int64_t *out,
                                fed_error *err)
{
    rounder_log *log = ctx;
    (void)err;
    CHECK_MEM(key, fixture_key(3), 32);
    unsigned which = strcmp(vector, "votes") == 0;
    log->calls++;
    log->norms[which] = norm;
    log->n[which] = n;
    CHECK(fed_codec_norm(reals, n, NULL) <= norm * (1 + 1e-5));
    for (size_t i = 0; i < n; i++)
        out[i] = (int64_t)floorf(reals[i] + 0.5f) - 1; /* "noise": negative votes too */
    return FED_OK;
}

static void test_rounder_takes_the_place_of_rounding(void)
{
    static float delta[D];
    fixture f;
    fed_codec_config c = voted_config();
    c.residual = false;
    c.quantise = FED_CODEC_GRID;
    c.grid = 500;
    c.ring_bits = 20;
    c.vote_clip = 4;
    c.vote_ring_bits = 12;
    fed_codec_round *next = NULL;
    fed_codec_memory memory;
    rounder_log log = {0};
    const fed_codec_rounder rounder = {round_nearest, &log};
    fixture_open(&f, &c, true, 0);
    CHECK_OK(fed_codec_memory_init(f.codec, &memory, &f.err), &f.err);
    fixture_update(delta, D, 3, 8);
    fed_codec_input in = {
        .delta = delta, .weight = 1, .key = fixture_key(3), .rounder = &rounder};
    (void)fixture_add(&f, &in);
    CHECK_EQ(log.calls, 2);
    CHECK(log.norms[0] == 500 && log.norms[1] == 4);
    CHECK_EQ(log.n[0], f.round->m);
    CHECK_EQ(log.n[1], 128);
    CHECK_OK(
        fed_codec_round_next(f.codec, f.round, &f.sum, &memory, 1, 2.5, &next, &f.err),
        &f.err);
    CHECK(next->clip == 2.5 && next->step == 2.5 / 500);
    for (size_t i = 0; i < memory.n; i++)
        CHECK(memory.scores[i] <= 3 * 4096);
    fed_codec_memory_fini(&memory);
    fed_codec_round_free(next);
    fixture_close(&f);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_votes_find_the_blocks),
                                     CASE(test_residual_arrives_later),
                                     CASE(test_residual_decays_and_is_capped),
                                     CASE(test_clipped_part_stays),
                                     CASE(test_nothing_to_vote_on),
                                     CASE(test_warm_up_is_dense_and_votes),
                                     CASE(test_votes_take_turns),
                                     CASE(test_memory_is_stored_and_restored),
                                     CASE(test_weights),
                                     CASE(test_impossible_weights_are_refused),
                                     CASE(test_clip_follows_norms),
                                     CASE(test_rounder_takes_the_place_of_rounding)};
    return fed_run("codec_voted", cases, sizeof cases / sizeof *cases);
}
