/* For the fuzz targets: a cohort of three, and what it looks like in each phase. Static, so
 * that a target stays one file. */
#ifndef FED_TEST_SECAGG_FIXTURE_H
#define FED_TEST_SECAGG_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "secagg.h"

enum { FIX_N = 3, FIX_PHASES = 6, FIX_LENGTH = 4, FIX_BITS = 16, FIX_NOW = 1 };

typedef struct fixture {
    fed_secagg_params params;
    fed_secagg_floor floor;
    fed_secagg_device_config configs[FIX_N];
    fed_random random;
    fed_ring inputs[FIX_N];
    fed_bytes state[FIX_PHASES + 1];   /* of device 0, before its message of the phase */
    fed_bytes message[FIX_PHASES + 1]; /* of device 0 */
    fed_bytes answer[FIX_PHASES + 1];  /* to device 0 */
    fed_bytes journal;
    size_t journal_at[FIX_PHASES + 1]; /* its length when the phase began */
} fixture;

static inline void fix_must(fed_status status)
{
    if (status) abort();
}

static inline fed_status fix_fill(void *ctx, const char *purpose, uint64_t index,
                                  void *out, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(purpose[0] + 31 * index + 7 * i);
    return FED_OK;
}

static inline fed_secagg_server *fix_server(fixture *f)
{
    fed_secagg_server *s = NULL;
    fed_secagg_server_config config = {&f->params, &f->random, NULL};
    fix_must(fed_secagg_server_new(&s, &config, NULL));
    return s;
}

static inline fed_secagg_device *fix_device(fixture *f, uint32_t i)
{
    fed_secagg_device *d = NULL;
    fix_must(fed_secagg_device_new(&d, &f->configs[i], &f->random, i, NULL));
    return d;
}

static inline fed_span fix_span(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

static inline fed_status fix_message(fixture *f, fed_secagg_device *d, uint32_t i,
                                     fed_bytes *out)
{
    fed_bytes_clear(out);
    return fed_secagg_device_phase(d) == FED_SECAGG_INPUT
               ? fed_secagg_device_input(d, &f->inputs[i], NULL, out, NULL)
               : fed_secagg_device_message(d, out, NULL);
}

static inline void fix_configs(fixture *f)
{
    uint8_t enrolment[32] = {1};
    f->random.fill = fix_fill;
    f->params = (fed_secagg_params){.threat = {FED_SECAGG_ACTIVE, 0, 0},
                                    .stream = FED_KEYSTREAM_AES256_CTR,
                                    .n_min = 3,
                                    .n_max = FIX_N,
                                    .s_min = 2,
                                    .n_vectors = 1,
                                    .vectors = {{"update", FIX_LENGTH, FIX_BITS}}};
    f->floor.adversary = FED_SECAGG_ACTIVE;
    fix_must(fed_ed25519_public(enrolment, f->params.enrolment_key, NULL));
    for (uint32_t i = 0; i < FIX_N; i++) {
        fed_secagg_device_config *d = &f->configs[i];
        d->params = &f->params, d->floor = &f->floor, d->now_s = FIX_NOW;
        d->identity_seed[0] = (uint8_t)(i + 1);
        fix_must(fed_ed25519_public(d->identity_seed, d->certificate.device_key, NULL));
        d->certificate.expires_s = FIX_NOW + 1;
        fix_must(fed_certificate_sign(&d->certificate, enrolment, NULL));
        fix_must(fed_ring_init(&f->inputs[i], FIX_BITS, FIX_LENGTH, NULL));
        for (size_t e = 0; e < FIX_LENGTH; e++) {
            int64_t x = (int64_t)(100 * i + e);
            fed_ring_put_i64(&f->inputs[i], e, &x, 1);
        }
    }
}

/* One honest run, remembered. */
static inline void fix_run(fixture *f)
{
    fed_secagg_device *d[FIX_N];
    fed_secagg_server *s = fix_server(f);
    fed_bytes body;
    fed_bytes_init(&body, 1 << 20);
    fed_bytes_init(&f->journal, 1 << 20);
    for (uint32_t i = 0; i < FIX_N; i++)
        d[i] = fix_device(f, i);
    for (unsigned p = 1; p <= FIX_PHASES; p++) {
        fed_bytes_init(&f->state[p], 1 << 20);
        fed_bytes_init(&f->message[p], 1 << 20);
        fed_bytes_init(&f->answer[p], 1 << 20);
        f->journal_at[p] = f->journal.len;
        fix_must(fed_secagg_device_encode(d[0], &f->state[p], NULL));
        for (uint32_t i = 0, member; i < FIX_N; i++) {
            fix_must(fix_message(f, d[i], i, &body));
            if (i == 0) fed_bytes_put(&f->message[p], body.data, body.len);
            fix_must(p == FED_SECAGG_JOIN
                         ? fed_secagg_server_join(s, fix_span(&body), FIX_NOW, &member,
                                                  &f->journal, NULL)
                         : fed_secagg_server_receive(s, i, fix_span(&body), &f->journal,
                                                     NULL));
        }
        fix_must(fed_secagg_server_close(s, &f->journal, NULL));
        for (uint32_t i = 0; i < FIX_N; i++) {
            fed_bytes_clear(&body);
            fix_must(fed_secagg_server_answer(s, i, (fed_secagg_phase)p, &body, NULL));
            if (i == 0) fed_bytes_put(&f->answer[p], body.data, body.len);
            fix_must(fed_secagg_device_receive(d[i], fix_span(&body), NULL));
        }
    }
    for (uint32_t i = 0; i < FIX_N; i++)
        fed_secagg_device_free(d[i]);
    fed_secagg_server_free(s);
    fed_bytes_fini(&body);
}

/* Made once, kept for the life of the process. */
static inline fixture *fix_get(void)
{
    static fixture *f;
    if (!f) {
        f = calloc(1, sizeof *f);
        if (!f) abort();
        fix_configs(f);
        fix_run(f);
    }
    return f;
}

/* A copy of `from`, changed as the input says: (offset, xor) pairs of 3 bytes; a pair with
 * offset 0xffff cuts the copy, or adds the byte. */
static inline void fix_change(const fed_bytes *from, const uint8_t *data, size_t n,
                              fed_bytes *out)
{
    fed_bytes_init(out, 1 << 20);
    fed_bytes_put(out, from->data, from->len);
    for (; n >= 3; data += 3, n -= 3) {
        unsigned at = fed_load_u16(data);
        if (at == 0xffff && data[2] < 128)
            out->len -= out->len > data[2] ? data[2] : out->len;
        else if (at == 0xffff)
            fed_bytes_put_u8(out, data[2]);
        else if (out->len)
            out->data[at % out->len] ^= data[2];
    }
}

#endif
