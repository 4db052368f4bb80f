#include "codec_fixture.h"

fed_codec_config fixture_config(size_t d, uint32_t n_max)
{
    fed_codec_config c;
    fed_codec_config_init(&c);
    c.d = d;
    c.n_max = n_max;
    c.vote_bits = 2;
    c.vote_period = 1;
    c.residual_decay = 0.9;
    fed_seed_from_u64(c.seed, 42);
    return c;
}

void fixture_update(float *x, size_t d, uint64_t seed, double norm)
{
    uint8_t key[FED_SEED_BYTES];
    fed_stream s;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    double energy = 0;
    for (size_t i = 0; i < d; i++) {
        double spread = fed_stream_uniform_double(&s);
        double v = fed_stream_normal(&s) * (0.1 + 3 * spread * spread * spread);
        x[i] = (float)v;
        energy += v * v;
    }
    float factor = (float)(norm / sqrt(energy));
    for (size_t i = 0; i < d; i++)
        x[i] *= factor;
}

const uint8_t *fixture_key(uint64_t seed)
{
    static uint8_t key[32];
    fed_seed_from_u64(key, seed + 1000);
    return key;
}

fed_status fixture_encode(const fed_codec *codec, const fed_codec_round *round,
                          const float *delta, float *residual, uint64_t seed,
                          fed_codec_update *out, fed_error *err)
{
    fed_codec_input in = {.delta = delta,
                          .residual = residual,
                          .residual_out = residual,
                          .weight = 1,
                          .key = fixture_key(seed)};
    return fed_codec_encode(codec, round, &in, out, err);
}

void fixture_open(fixture *f, const fed_codec_config *c, bool secagg, uint64_t version)
{
    memset(f, 0, sizeof *f);
    CHECK_OK(fed_codec_new(&f->codec, c, secagg, &f->err), &f->err);
    CHECK_OK(fed_codec_round_first(f->codec, version, &f->round, &f->err), &f->err);
    CHECK_OK(fed_codec_sum_init(f->codec, f->round, &f->sum, &f->err), &f->err);
}

void fixture_close(fixture *f)
{
    fed_codec_sum_fini(&f->sum);
    fed_codec_round_free(f->round);
    fed_codec_free(f->codec);
}

fed_codec_report fixture_add(fixture *f, const fed_codec_input *in)
{
    fed_codec_update update;
    CHECK_OK(fed_codec_encode(f->codec, f->round, in, &update, &f->err), &f->err);
    fed_codec_report report = update.report;
    CHECK_OK(fed_codec_sum_add(f->codec, &f->sum, &update, &f->err), &f->err);
    fed_codec_update_fini(&update);
    return report;
}

void fixture_decode(fixture *f, float *mean)
{
    CHECK_OK(fed_codec_decode(f->codec, f->round, &f->sum, (fed_codec_divisor){0}, mean,
                              &f->outcome, NULL, &f->err),
             &f->err);
}

double fixture_distance(const float *a, const float *b, size_t n)
{
    double distance = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        distance += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)b[i] * b[i];
    }
    return sqrt(distance / norm);
}
