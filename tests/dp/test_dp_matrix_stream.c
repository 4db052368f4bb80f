/* Streams of correlated noise: over restarts, from stores, and how much is in a model. */
#include "harness.h"

#include "dp.h"

enum { RUN = 21, RUN_DIM = 48 };

static const fed_matrix_config kinds[] = {
    {.kind = FED_MATRIX_IDENTITY, .grid_bits = 8},
    {.kind = FED_MATRIX_TREE},
    {.kind = FED_MATRIX_SQRT, .grid_bits = 16},
    {.kind = FED_MATRIX_BANDED, .bands = 4, .grid_bits = 16},
    {.kind = FED_MATRIX_BLT, .buffers = 3, .grid_bits = 16},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static fed_matrix *run_of(int kind, uint32_t steps)
{
    fed_error err;
    fed_matrix *m = NULL;
    fed_matrix_config c = kinds[kind];
    c.steps = steps, c.separation = 4, c.participations = 2;
    if (c.kind == FED_MATRIX_BLT) fed_matrix_fit_blt(&c);
    CHECK_OK(fed_matrix_new(&m, &c, &err), &err);
    return m;
}

static fed_matrix_stream *stream_of(const fed_matrix *m, size_t dim)
{
    fed_error err;
    fed_matrix_stream *s = NULL;
    CHECK_OK(fed_matrix_stream_new(&s, m, dim, 300, FED_SAMPLER_GAUSSIAN_FAST, &err),
             &err);
    return s;
}

/* The noise of a round, from a key of its own. */
static void draw(fed_matrix_stream *s, uint32_t round, uint8_t attempt, int64_t *e)
{
    fed_error err;
    fed_noise noise;
    const int64_t *drawn;
    uint8_t key[32] = {attempt};
    fed_store_u32(key + 4, round);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    CHECK_OK(fed_matrix_stream_draw(s, &noise, &drawn, &err), &err);
    memcpy(e, drawn, RUN_DIM * sizeof *e);
    fed_noise_fini(&noise);
}

/* A store to which each round writes its newest place; what is not held any more may be lost. */
typedef struct places {
    fed_bytes place[RUN];
} places;

static void store(places *shelf, const fed_matrix_stream *s)
{
    fed_error err;
    uint32_t newest = fed_matrix_stream_newest(s);
    for (uint32_t p = 0; p < RUN; p++)
        if (p >= fed_matrix_stream_places(s) || p == newest ||
            !fed_matrix_stream_holds(s, p))
            fed_bytes_clear(&shelf->place[p]);
    if (fed_matrix_stream_holds(s, newest))
        CHECK_OK(fed_matrix_stream_write(s, newest, &shelf->place[newest], &err), &err);
}

static fed_matrix_stream *restart(const fed_matrix *m, const places *shelf,
                                  uint32_t round)
{
    fed_error err;
    fed_matrix_stream *s = stream_of(m, RUN_DIM);
    CHECK_OK(fed_matrix_stream_seek(s, round, &err), &err);
    for (uint32_t p = 0; p < fed_matrix_stream_places(s); p++) {
        if (!fed_matrix_stream_holds(s, p)) continue;
        fed_span bytes = {shelf->place[p].data, shelf->place[p].len};
        CHECK_OK(fed_matrix_stream_read(s, p, bytes, &err), &err);
    }
    return s;
}

/* Killed after every round, and before every round after a draw that came to nothing: the same
 * noise as of one that lived. */
static void test_restarts(void)
{
    static int64_t a[RUN_DIM], b[RUN_DIM];
    fed_error err;
    for (int kind = 0; kind < KINDS; kind++) {
        places shelf;
        size_t bytes = 0, most = 0;
        fed_matrix *m = run_of(kind, RUN);
        fed_matrix_stream *lives = stream_of(m, RUN_DIM), *dies = stream_of(m, RUN_DIM);
        for (int p = 0; p < RUN; p++)
            fed_bytes_init(&shelf.place[p], SIZE_MAX);
        CHECK_FAILS(fed_matrix_stream_keep(lives, &err), FED_E_STATE, &err,
                    "round 0 is not drawn yet");
        for (uint32_t t = 0; t < RUN; t++) {
            draw(dies, t, 1, b); /* of a sum that was never released */
            draw(dies, t, 0, b), draw(lives, t, 0, a);
            CHECK_MEM(a, b, sizeof a);
            CHECK_OK(fed_matrix_stream_keep(lives, &err), &err);
            CHECK_OK(fed_matrix_stream_keep(dies, &err), &err);
            store(&shelf, dies);
            fed_matrix_stream_free(dies);
            dies = restart(m, &shelf, t + 1);
            bytes = 0;
            for (int p = 0; p < RUN; p++)
                bytes += shelf.place[p].len;
            most = bytes > most ? bytes : most;
        }
        CHECK_EQ(fed_matrix_stream_round(dies), RUN);
        CHECK_EQ(bytes, 0); /* nothing is left when the last round is out */
        fed_note("kind %d: %u places of %d numbers, at most %zu bytes in the store", kind,
                 fed_matrix_stream_places(lives), RUN_DIM, most);
        CHECK_EQ(fed_matrix_stream_bytes(m, RUN_DIM),
                 (uint64_t)fed_matrix_stream_places(lives) * RUN_DIM * 8);
        CHECK_FAILS(fed_matrix_stream_seek(lives, RUN + 1, &err), FED_E_FORMAT, &err,
                    "round 22 of 21");
        for (int p = 0; p < RUN; p++)
            fed_bytes_fini(&shelf.place[p]);
        fed_matrix_stream_free(lives), fed_matrix_stream_free(dies);
        fed_matrix_free(m);
    }
}

/* Places that were not written so, at this round, are refused. */
static void test_places_from_outside(void)
{
    static int64_t e[RUN_DIM];
    fed_error err;
    for (int kind = 1; kind < KINDS; kind++) {
        fed_bytes good;
        fed_bytes_init(&good, SIZE_MAX);
        fed_matrix *m = run_of(kind, RUN);
        fed_matrix_stream *s = stream_of(m, RUN_DIM);
        for (uint32_t t = 0; t < 7; t++) {
            draw(s, t, 0, e);
            CHECK_OK(fed_matrix_stream_keep(s, &err), &err);
        }
        uint32_t place = fed_matrix_stream_newest(s);
        CHECK_OK(fed_matrix_stream_write(s, place, &good, &err), &err);
        CHECK_FAILS(fed_matrix_stream_write(s, 20, &good, &err), FED_E_INVALID, &err,
                    "holds nothing");
        fed_span bytes = {good.data, good.len};
        CHECK_FAILS(fed_matrix_stream_read(s, 20, bytes, &err), FED_E_FORMAT, &err,
                    "nothing is held");
        for (size_t n = 0; n < good.len; n += 1 + n / 8)
            CHECK_FAILS(fed_matrix_stream_read(s, place, (fed_span){good.data, n}, &err),
                        FED_E_FORMAT, &err, n < 5 ? "too short" : "of another length");
        good.data[0] ^= 1;
        CHECK_FAILS(fed_matrix_stream_read(s, place, bytes, &err), FED_E_FORMAT, &err,
                    "of another round");
        good.data[0] ^= 1;
        CHECK_OK(fed_matrix_stream_seek(s, 8, &err), &err);
        if (fed_matrix_stream_holds(s, place) && kind > 1)
            CHECK_OK(fed_matrix_stream_read(s, place, bytes, &err), &err);
        else if (kind == 1)
            CHECK(!fed_matrix_stream_holds(s, place)); /* 8 is one node */
        CHECK_OK(fed_matrix_stream_seek(s, 7, &err), &err);
        uint8_t wide[5 + 8 * RUN_DIM] = {0};
        memcpy(wide, good.data, 4);
        wide[4] = 8;
        bytes = (fed_span){wide, sizeof wide};
        CHECK_FAILS(fed_matrix_stream_read(s, place, bytes, &err), FED_E_FORMAT, &err,
                    "wider than its numbers");
        wide[sizeof wide - 1] = 0x80;
        CHECK_FAILS(fed_matrix_stream_read(s, place, bytes, &err), FED_E_FORMAT, &err,
                    "numbers too large");
        wide[4] = 0;
        CHECK_FAILS(fed_matrix_stream_read(s, place, bytes, &err), FED_E_FORMAT, &err,
                    "of another length");
        fed_bytes_fini(&good);
        fed_matrix_stream_free(s);
        fed_matrix_free(m);
    }
}

/* What is in a model after t rounds: its variance is that of the worst row, at most, and for
 * square roots the last row is the worst. */
static void test_variance_of_prefixes(void)
{
    enum { STEPS = 16, DIM = 20000 };
    static int64_t e[DIM], prefix[DIM];
    fed_error err;
    for (int kind = 0; kind < KINDS; kind++) {
        uint8_t key[32] = {5, (uint8_t)kind};
        fed_noise noise;
        fed_matrix *m = run_of(kind, STEPS);
        fed_matrix_stream *s = stream_of(m, DIM);
        double worst = 0, bound = fed_matrix_error_squared(m) * 300 * 300;
        memset(prefix, 0, sizeof prefix);
        CHECK_OK(fed_noise_init(&noise, key, &err), &err);
        for (int t = 0; t < STEPS; t++) {
            double variance = 0;
            CHECK_OK(fed_matrix_stream_next(s, &noise, e, &err), &err);
            for (int i = 0; i < DIM; i++) {
                prefix[i] += e[i];
                variance += (double)prefix[i] * (double)prefix[i] / DIM;
            }
            worst = fmax(worst, variance);
        }
        fed_note("kind %d: %.4f of the variance that is promised", kind, worst / bound);
        CHECK_NEAR(worst / bound, 1, 5 * sqrt(2.0 / DIM));
        fed_noise_fini(&noise);
        fed_matrix_stream_free(s);
        fed_matrix_free(m);
    }
}

static fed_status stream_once(void *ctx)
{
    fed_matrix_config c = {.kind = FED_MATRIX_BANDED,
                           .steps = 4,
                           .separation = 1,
                           .participations = 2,
                           .bands = 2,
                           .grid_bits = 8};
    fed_matrix *m = NULL;
    fed_matrix_stream *s = NULL;
    (void)ctx;
    FED_TRY(fed_matrix_new(&m, &c, NULL));
    fed_bytes place;
    fed_bytes_init(&place, SIZE_MAX);
    fed_status status =
        fed_matrix_stream_new(&s, m, 8, 3, FED_SAMPLER_GAUSSIAN_FAST, NULL);
    if (!status) status = fed_matrix_stream_seek(s, 1, NULL);
    if (!status) status = fed_matrix_stream_write(s, 0, &place, NULL);
    if (!status)
        status = fed_matrix_stream_read(s, 0, (fed_span){place.data, place.len}, NULL);
    fed_bytes_fini(&place);
    fed_matrix_stream_free(s);
    fed_matrix_free(m);
    return status;
}

static void test_torture(void)
{
    CHECK(fed_torture(stream_once, NULL) > 4);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_restarts),
        CASE(test_places_from_outside),
        CASE(test_variance_of_prefixes),
        CASE(test_torture),
    };
    return fed_run("dp_matrix_stream", cases, sizeof cases / sizeof *cases);
}
