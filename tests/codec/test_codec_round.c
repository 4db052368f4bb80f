/* The configuration's bounds and refusals, and the public blob of a version. */
#include "codec_fixture.h"

static fed_codec_config voted_config(void)
{
    fed_codec_config c = fixture_config(1000, 10);
    c.select = FED_CODEC_VOTED;
    c.fraction = 0.2;
    c.block = 16;
    return c;
}

typedef struct refusal {
    void (*spoil)(fed_codec_config *c);
    bool secagg;
    fed_status status;
    const char *text;
} refusal;

static void top_k(fed_codec_config *c)
{
    c->select = FED_CODEC_TOP_K, c->fraction = 0.01;
}
static void sign(fed_codec_config *c)
{
    c->quantise = FED_CODEC_SIGN;
}
static void float32(fed_codec_config *c)
{
    c->quantise = FED_CODEC_FLOAT32;
}
static void voted_sign(fed_codec_config *c)
{
    *c = voted_config(), sign(c);
}
static void top_k_noise(fed_codec_config *c)
{
    top_k(c), c->quantise = FED_CODEC_GRID, c->grid = 10, c->ring_bits = 20;
}
static void top_k_one_bit(fed_codec_config *c)
{
    top_k(c), c->bits = 1;
}
static void no_d(fed_codec_config *c)
{
    c->d = 0;
}
static void huge_d(fed_codec_config *c)
{
    c->d = (size_t)FED_CODEC_D_MAX + 1;
}
static void no_members(fed_codec_config *c)
{
    c->n_max = 0;
}
static void bits_0(fed_codec_config *c)
{
    c->bits = 0;
}
static void bits_17(fed_codec_config *c)
{
    c->bits = 17;
}
static void narrow_ring(fed_codec_config *c)
{
    c->ring_bits = 11;
}
static void wide_ring(fed_codec_config *c)
{
    c->ring_bits = 65;
}
static void fraction_0(fed_codec_config *c)
{
    *c = voted_config(), c->fraction = 0;
}
static void fraction_nan(fed_codec_config *c)
{
    *c = voted_config(), c->fraction = NAN;
}
static void fraction_2(fed_codec_config *c)
{
    *c = voted_config(), c->fraction = 2;
}
static void block_0(fed_codec_config *c)
{
    *c = voted_config(), c->block = 0;
}
static void block_beyond(fed_codec_config *c)
{
    *c = voted_config(), c->block = 101, c->fraction = 0.1;
}
static void votes_9(fed_codec_config *c)
{
    *c = voted_config(), c->vote_bits = 9;
}
static void period_0(fed_codec_config *c)
{
    *c = voted_config(), c->vote_period = 0;
}
static void memory_1(fed_codec_config *c)
{
    *c = voted_config(), c->vote_memory = 1;
}
static void explore_1(fed_codec_config *c)
{
    *c = voted_config(), c->explore = 1;
}
static void clip_0(fed_codec_config *c)
{
    c->clip = 0;
}
static void clip_inf(fed_codec_config *c)
{
    c->clip = INFINITY;
}
static void quantile_1(fed_codec_config *c)
{
    c->clip_auto = true, c->clip_quantile = 1;
}
static void tail_0(fed_codec_config *c)
{
    c->tail = 0;
}
static void decay_2(fed_codec_config *c)
{
    c->residual = true, c->residual_decay = 2;
}
static void weight_7(fed_codec_config *c)
{
    c->max_weight = 7;
}
static void grid(fed_codec_config *c)
{
    c->quantise = FED_CODEC_GRID, c->grid = 100, c->ring_bits = 16;
}
static void grid_0(fed_codec_config *c)
{
    grid(c), c->grid = 0;
}
static void grid_no_ring(fed_codec_config *c)
{
    grid(c), c->ring_bits = 0;
}
static void grid_auto(fed_codec_config *c)
{
    grid(c), c->clip_auto = true;
}
static void grid_weights(fed_codec_config *c)
{
    grid(c), c->weight = FED_CODEC_EXAMPLES, c->max_weight = 5;
}
static void grid_votes(fed_codec_config *c)
{
    *c = voted_config(), grid(c);
}
static void boundary_beyond(fed_codec_config *c)
{
    static const uint32_t offsets[] = {0, 1000};
    *c = voted_config(), c->boundaries = offsets, c->n_boundaries = 2;
}
static void boundary_back(fed_codec_config *c)
{
    static const uint32_t offsets[] = {0, 500, 500};
    *c = voted_config(), c->boundaries = offsets, c->n_boundaries = 3;
}

static void test_refusals(void)
{
    static const refusal rows[] = {
        {top_k, true, FED_E_REFUSED, "top_k with secure aggregation"},
        {sign, true, FED_E_REFUSED, "sign with secure aggregation"},
        {float32, true, FED_E_REFUSED, "float32 with secure aggregation"},
        {voted_sign, false, FED_E_REFUSED, "voted without integers"},
        {top_k_noise, false, FED_E_REFUSED, "top_k with noise"},
        {top_k_one_bit, false, FED_E_INVALID, "update.bits: 1"},
        {no_d, false, FED_E_INVALID, "d: 0 is not in 1..2147483647"},
        {huge_d, false, FED_E_INVALID, "d: 2147483648"},
        {no_members, true, FED_E_INVALID, "rounds.cohort: 0"},
        {bits_0, true, FED_E_INVALID, "update.bits: 0 is not in 1..16"},
        {bits_17, true, FED_E_INVALID, "update.bits: 17 is not in 1..16"},
        {narrow_ring, true, FED_E_INVALID, "update.ring_bits: 11 is not in 12..64"},
        {wide_ring, true, FED_E_INVALID, "update.ring_bits: 65 is not in 12..64"},
        {fraction_0, true, FED_E_INVALID, "update.fraction: 0"},
        {fraction_nan, true, FED_E_INVALID, "update.fraction: nan"},
        {fraction_2, true, FED_E_INVALID, "update.fraction: 2"},
        {block_0, true, FED_E_INVALID, "update.block: 0"},
        {block_beyond, true, FED_E_INVALID,
         "update.block: 101 coordinates are more than the 100 of 1000 that "
         "update.fraction, 0.1, lets travel"},
        {votes_9, true, FED_E_INVALID, "update.vote_bits: 9"},
        {period_0, true, FED_E_INVALID, "update.vote_period: 0"},
        {memory_1, true, FED_E_INVALID, "update.vote_memory: 1"},
        {explore_1, true, FED_E_INVALID, "update.explore: 1"},
        {clip_0, true, FED_E_INVALID, "update.clip: 0"},
        {clip_inf, true, FED_E_INVALID, "update.clip: inf"},
        {quantile_1, true, FED_E_INVALID, "update.clip_quantile: 1"},
        {tail_0, true, FED_E_INVALID, "update.tail: 0"},
        {decay_2, true, FED_E_INVALID, "update.residual_decay: 2"},
        {weight_7, true, FED_E_INVALID, "update.max_weight: 7"},
        {grid_0, true, FED_E_INVALID, "update.grid: 0"},
        {grid_no_ring, true, FED_E_INVALID, "update.ring_bits: 0 is not in 2..64"},
        {grid_auto, true, FED_E_REFUSED, "auto with noise"},
        {grid_weights, true, FED_E_REFUSED, "examples with noise"},
        {grid_votes, true, FED_E_INVALID, "update.vote_clip: 0"},
        {boundary_beyond, true, FED_E_INVALID, "boundaries[1]: 1000"},
        {boundary_back, true, FED_E_INVALID, "boundaries[2]: 500 does not ascend"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_codec_config c = fixture_config(1000, 10);
        fed_codec *codec;
        fed_error err;
        CHECK_OK(fed_codec_check(&c, true, &err), &err);
        rows[i].spoil(&c);
        CHECK_FAILS(fed_codec_check(&c, rows[i].secagg, &err), rows[i].status, &err,
                    rows[i].text);
        CHECK_FAILS(fed_codec_new(&codec, &c, rows[i].secagg, &err), rows[i].status, &err,
                    rows[i].text);
        CHECK(codec == NULL);
    }
}

/* Without secure aggregation the same are fine. */
static void test_allowed_without_secure_aggregation(void)
{
    void (*const fine[])(fed_codec_config *) = {top_k, sign, float32};
    for (int i = 0; i < 3; i++) {
        fed_codec_config c = fixture_config(1000, 10);
        fed_error err;
        fine[i](&c);
        CHECK_OK(fed_codec_check(&c, false, &err), &err);
    }
}

static fed_codec *new_codec(const fed_codec_config *c)
{
    fed_codec *codec = NULL;
    fed_error err;
    CHECK_OK(fed_codec_new(&codec, c, true, &err), &err);
    return codec;
}

static void check_same_round(const fed_codec_round *a, const fed_codec_round *b)
{
    CHECK(a->version == b->version && a->clip == b->clip && a->step == b->step);
    CHECK(a->support == b->support && a->n_blocks == b->n_blocks && a->m == b->m);
    if (a->n_blocks) CHECK_MEM(a->blocks, b->blocks, a->n_blocks * sizeof *a->blocks);
}

static void check_round_trip(const fed_codec *codec, const fed_codec_round *round)
{
    fed_bytes blob, again;
    fed_error err;
    fed_codec_round *back = NULL;
    uint8_t address[2][32];
    fed_bytes_init(&blob, 1 << 20);
    fed_bytes_init(&again, 1 << 20);
    CHECK_OK(fed_codec_round_encode(codec, round, &blob, &err), &err);
    CHECK_OK(fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
             &err);
    check_same_round(round, back);
    CHECK_OK(fed_codec_round_encode(codec, back, &again, &err), &err);
    CHECK_EQ(blob.len, again.len);
    CHECK_MEM(blob.data, again.data, blob.len);
    CHECK_OK(fed_codec_round_address(codec, round, address[0], &err), &err);
    CHECK_OK(fed_codec_round_address(codec, back, address[1], &err), &err);
    CHECK_MEM(address[0], address[1], 32);
    fed_codec_round_free(back);
    back = NULL;
    for (size_t n = 0; n < blob.len; n++)
        CHECK(fed_codec_round_parse(codec, (fed_span){blob.data, n}, &back, &err) ==
              FED_E_FORMAT);
    fed_bytes_put_u8(&blob, 0);
    CHECK_FAILS(
        fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
        FED_E_FORMAT, &err, "left over");
    fed_bytes_fini(&blob);
    fed_bytes_fini(&again);
}

static void test_blob_inverts(void)
{
    static const uint32_t blocks[] = {0, 3, 4, 62};
    fed_error err;
    for (int select = FED_CODEC_DENSE; select <= FED_CODEC_RAND_K; select++) {
        fed_codec_config c = voted_config();
        c.select = (fed_codec_select)select;
        fed_codec *codec = new_codec(&c);
        fed_codec_round *round = NULL;
        CHECK_OK(fed_codec_round_first(codec, 9, &round, &err), &err);
        check_round_trip(codec, round);
        fed_codec_round_free(round);
        if (select == FED_CODEC_VOTED) {
            CHECK_OK(fed_codec_round_make(codec, 10, 0.3, FED_CODEC_CHOSEN, blocks, 4,
                                          &round, &err),
                     &err);
            CHECK_EQ(round->m, 3 * 16 + 8);
            check_round_trip(codec, round);
            fed_codec_round_free(round);
        }
        fed_codec_free(codec);
    }
}

static void test_supports(void)
{
    static const uint32_t offsets[] = {0, 10, 500};
    fed_codec_config c = voted_config();
    c.boundaries = offsets;
    c.n_boundaries = 3;
    c.always_below = 10;
    fed_codec *codec = new_codec(&c);
    fed_error err;
    fed_codec_round *a = NULL, *b = NULL;
    CHECK_OK(fed_codec_round_first(codec, 1, &a, &err), &err);
    CHECK_OK(fed_codec_round_first(codec, 2, &b, &err), &err);
    CHECK_EQ(a->support, FED_CODEC_RANDOM);
    CHECK(a->m <= 200 && a->m > 180);
    CHECK_EQ(a->blocks[0], 0); /* the short stretch always travels */
    CHECK(a->n_blocks != b->n_blocks ||
          memcmp(a->blocks, b->blocks, a->n_blocks * sizeof *a->blocks) != 0);
    fed_codec_round_free(a);
    fed_codec_round_free(b);
    const uint32_t without_first[] = {1, 2};
    fed_bytes blob;
    fed_bytes_init(&blob, 100);
    CHECK_OK(
        fed_codec_round_make(codec, 1, 1, FED_CODEC_CHOSEN, without_first, 2, &a, &err),
        &err);
    CHECK_OK(fed_codec_round_encode(codec, a, &blob, &err), &err);
    CHECK_FAILS(fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &b, &err),
                FED_E_FORMAT, &err, "always travels");
    fed_bytes_fini(&blob);
    fed_codec_round_free(a);
    fed_codec_free(codec);
}

/* Byte `at` of a good blob changed to `to`. */
static void check_spoilt(const fed_codec *codec, size_t at, uint8_t to, const char *text)
{
    fed_codec_round *round = NULL, *back = NULL;
    fed_bytes blob;
    fed_error err;
    fed_bytes_init(&blob, 1000);
    CHECK_OK(fed_codec_round_first(codec, 1, &round, &err), &err);
    CHECK_OK(fed_codec_round_encode(codec, round, &blob, &err), &err);
    blob.data[at] = to;
    CHECK_FAILS(
        fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
        FED_E_FORMAT, &err, text);
    CHECK(back == NULL);
    fed_codec_round_free(round);
    fed_bytes_fini(&blob);
}

static void test_hostile_blobs_are_refused(void)
{
    fed_codec_config dense = fixture_config(1000, 10);
    fed_codec *codec = new_codec(&dense);
    check_spoilt(codec, 0, 'X', "FCR1");
    check_spoilt(codec, 19, 0xff, "clip"); /* NaN or huge: 0xff.. exponent */
    check_spoilt(codec, 19, 0x00, "clip");
    check_spoilt(codec, 20, 3, "support 3");
    check_spoilt(codec, 20, 1, "support: 1");
    fed_codec_free(codec);
}

/* The list of a chosen support: cut anywhere, too long, of no or too many blocks, and with
 * what is not a list of ascending numbers below the number of blocks. */
static void test_hostile_choices_are_refused(void)
{
    static const uint32_t blocks[] = {1, 2, 40, 62};
    enum { COUNT_AT = 21, CODE_AT = 25 };
    static const struct {
        size_t at;
        uint8_t to;
        const char *text;
    } rows[] = {{COUNT_AT, 0, "0 blocks are not in 1..63"},
                {COUNT_AT, 64, "64 blocks are not in 1..63"},
                {COUNT_AT + 3, 0x80, "blocks are not in 1..63"},
                {COUNT_AT, 3, "indices"},
                {COUNT_AT, 5, "indices"},
                {CODE_AT, 0xff, "indices"}};
    fed_codec_config c = voted_config();
    fed_codec *codec = new_codec(&c);
    fed_codec_round *round, *back;
    fed_bytes blob;
    fed_error err;
    fed_bytes_init(&blob, 1000);
    CHECK_OK(fed_codec_round_make(codec, 1, 1, FED_CODEC_CHOSEN, blocks, 4, &round, &err),
             &err);
    CHECK_OK(fed_codec_round_encode(codec, round, &blob, &err), &err);
    CHECK_OK(fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
             &err);
    fed_codec_round_free(back);
    for (size_t n = 0; n < blob.len; n++)
        CHECK_FAILS(fed_codec_round_parse(codec, (fed_span){blob.data, n}, &back, &err),
                    FED_E_FORMAT, &err, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t was = blob.data[rows[i].at];
        blob.data[rows[i].at] = rows[i].to;
        CHECK_FAILS(
            fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
            FED_E_FORMAT, &err, rows[i].text);
        blob.data[rows[i].at] = was;
    }
    fed_bytes_put_u8(&blob, 0);
    CHECK_FAILS(
        fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, &err),
        FED_E_FORMAT, &err, "indices");
    fed_bytes_fini(&blob);
    fed_codec_round_free(round);
    fed_codec_free(codec);
}

static fed_status torture_scenario(void *ctx)
{
    const fed_codec_config *c = ctx;
    static const uint32_t blocks[] = {0, 3, 4};
    fed_codec *codec = NULL;
    fed_codec_round *round = NULL, *back = NULL;
    fed_bytes blob;
    fed_bytes_init(&blob, 1000);
    fed_status status;
    FED_GO(fed_codec_new(&codec, c, true, NULL));
    FED_GO(fed_codec_round_first(codec, 0, &round, NULL));
    fed_codec_round_free(round);
    round = NULL;
    FED_GO(fed_codec_round_make(codec, 1, 1, FED_CODEC_CHOSEN, blocks, 3, &round, NULL));
    FED_GO(fed_codec_round_encode(codec, round, &blob, NULL));
    FED_GO(fed_codec_round_parse(codec, (fed_span){blob.data, blob.len}, &back, NULL));
out:
    fed_bytes_fini(&blob);
    fed_codec_round_free(back);
    fed_codec_round_free(round);
    fed_codec_free(codec);
    return status;
}

static void test_torture(void)
{
    static const uint32_t offsets[] = {0, 100};
    fed_codec_config c = voted_config();
    c.boundaries = offsets;
    c.n_boundaries = 2;
    CHECK(fed_torture(torture_scenario, &c) > 5);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_refusals),
                                     CASE(test_allowed_without_secure_aggregation),
                                     CASE(test_blob_inverts),
                                     CASE(test_supports),
                                     CASE(test_hostile_blobs_are_refused),
                                     CASE(test_hostile_choices_are_refused),
                                     CASE(test_torture)};
    return fed_run("codec_round", cases, sizeof cases / sizeof *cases);
}
