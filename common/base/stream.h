/*
 * Named, counter-based streams of random numbers: public ones (keyed by the task's seed) and
 * device ones (keyed by 32 bytes that never leave the device). The generator is the ChaCha20
 * block function (RFC 8439 section 2.3) with the nonce (purpose, version), so a stream can be
 * opened anywhere, by anyone who holds the key, and gives the same numbers on every machine.
 * Secret randomness does not come from here: see random.h.
 */
#ifndef FED_STREAM_H
#define FED_STREAM_H

#include <stddef.h>
#include <stdint.h>

/** What a stream is for. Values are part of the trace format: never reuse one. */
typedef enum fed_purpose {
    FED_PURPOSE_WEIGHTS = 1,   /* initial weights */
    FED_PURPOSE_ROTATION = 2,  /* signs of the Hadamard rotation */
    FED_PURPOSE_SUPPORT = 3,   /* first support of a sparse selection */
    FED_PURPOSE_SHUFFLE = 4,   /* order of a device's examples */
    FED_PURPOSE_DROPOUT = 5,   /* dropout layers */
    FED_PURPOSE_PARTITION = 6, /* which client owns which rows */
    FED_PURPOSE_INVITE = 7,    /* who is invited to a simulated round */
    FED_PURPOSE_FATE = 8,      /* in which phase a simulated device drops */
    FED_PURPOSE_SYNTHETIC = 9, /* synthetic data sets */
    FED_PURPOSE_NETWORK = 10,  /* delays and losses of the virtual network */
    FED_PURPOSE_DEVICE = 11,   /* seeds of simulated devices */
    FED_PURPOSE_SECRET = 12,   /* the seeded stand-in for secret randomness */
    FED_PURPOSE_TEST = 13,
    FED_PURPOSE_DRAW = 14 /* the coins of a round's draw, keyed by its secret */
} fed_purpose;

enum { FED_SEED_BYTES = 32 };

/** A stream's state; plain memory, no clean-up. One thread at a time. */
typedef struct fed_stream {
    uint32_t input[16];
    uint8_t block[64];
    unsigned used;
} fed_stream;

/** The 32-byte key that belongs to a numeric seed (little-endian, zero-padded). */
void fed_seed_from_u64(uint8_t key[32], uint64_t seed);
/** Open the stream (key, purpose, version) at its start. */
void fed_stream_init(fed_stream *s, const uint8_t key[32], fed_purpose purpose,
                     uint64_t version);
/** The next `n` bytes. */
void fed_stream_fill(fed_stream *s, void *out, size_t n);
uint32_t fed_stream_u32(fed_stream *s);
uint64_t fed_stream_u64(fed_stream *s);
/** Uniform in [0, bound), without bias; 0 when bound is 0. */
uint32_t fed_stream_below(fed_stream *s, uint32_t bound);
/** Uniform in [0, 1) on a grid of 2^-24. */
float fed_stream_uniform(fed_stream *s);
/** Uniform in [0, 1) on a grid of 2^-53. */
double fed_stream_uniform_double(fed_stream *s);
/** Standard normal by the polar method (Marsaglia, Bray 1964). Its logarithm comes from the
 *  C library: for simulated data only, never where bits must agree between machines. */
double fed_stream_normal(fed_stream *s);
/** Shuffle in place (Fisher, Yates). */
void fed_stream_shuffle(fed_stream *s, uint32_t *items, size_t n);

/** One ChaCha20 block: 16 little-endian words in, 64 bytes out (RFC 8439 section 2.3). */
void fed_chacha20_block(const uint32_t input[16], uint8_t out[64]);

#endif
