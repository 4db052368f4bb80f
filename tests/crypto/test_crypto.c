/* Properties, and what hostile peers may try. Known answers: test_crypto_vectors.c. */
#include "harness.h"
#include "hex_vector.h"

#include "crypto.h"
#include "seeded.h"

static const fed_span nothing = {NULL, 0};

/* RFC 7748 section 6.1 asks for a check against the all-zero result. These are the encodings
 * of all points of order 1, 2, 4 and 8 on the curve and its twist: 0, 1, two points of order
 * 8, p-1, p and p+1 (listed at https://cr.yp.to/ecdh.html#validate). */
static void test_x25519_refuses_low_order(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    static const uint8_t zeros[32];
    uint8_t secret[32] = {7, 7, 7}, shared[32];
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        fed_error err;
        memset(shared, 1, sizeof shared);
        CHECK_FAILS(fed_x25519_shared(secret, from_hex(points[i]).data, shared, &err),
                    FED_E_CRYPTO, &err, "public key");
        CHECK_MEM(shared, zeros, sizeof shared);
    }
}

/* Every bit of key, message and signature matters. */
static void test_ed25519_refuses_changes(void)
{
    uint8_t seed[32] = {5}, key[32], signature[64], message[5] = "hello";
    fed_error err;
    CHECK_OK(fed_ed25519_public(seed, key, &err), &err);
    CHECK_OK(fed_ed25519_sign(seed, message, sizeof message, signature, &err), &err);
    for (size_t bit = 0; bit < 8 * (sizeof signature + sizeof message + sizeof key);
         bit++) {
        size_t at = bit / 8;
        uint8_t *byte = at < 64   ? &signature[at]
                        : at < 69 ? &message[at - 64]
                                  : &key[at - 69];
        *byte ^= (uint8_t)(1u << bit % 8);
        CHECK_FAILS(fed_ed25519_verify(key, message, sizeof message, signature, &err),
                    FED_E_AUTH, &err, "does not verify");
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    CHECK_FAILS(fed_ed25519_verify(key, message, 4, signature, &err), FED_E_AUTH, &err,
                "");
    CHECK_OK(fed_ed25519_verify(key, message, sizeof message, signature, &err), &err);
}

/* RFC 8032 section 5.1.7: S must be below the group order L, or a signature could be changed
 * into another valid one by adding L. */
static void test_ed25519_is_not_malleable(void)
{
    hex_vector order = from_hex("edd3f55c1a631258d69cf7a2def9de14"
                                "00000000000000000000000000000010");
    uint8_t seed[32] = {5}, key[32], signature[64];
    fed_error err;
    CHECK_OK(fed_ed25519_public(seed, key, &err), &err);
    CHECK_OK(fed_ed25519_sign(seed, "x", 1, signature, &err), &err);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order.data[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    CHECK_FAILS(fed_ed25519_verify(key, "x", 1, signature, &err), FED_E_AUTH, &err, "");
}

static void test_hkdf_bounds(void)
{
    uint8_t prk[32] = {1};
    static uint8_t out[FED_HKDF_MAX + 1];
    fed_error err;
    CHECK_OK(fed_hkdf_expand(prk, nothing, out, FED_HKDF_MAX, &err), &err);
    CHECK_FAILS(fed_hkdf_expand(prk, nothing, out, FED_HKDF_MAX + 1, &err), FED_E_LIMIT,
                &err, "8161 bytes asked for, at most 8160");
    CHECK_OK(fed_hkdf_sha256(nothing, text_span("k"), nothing, out, 0, &err), &err);
}

/* A change of key, nonce, additional data, ciphertext or tag is noticed, and shows nothing. */
static void test_aead_refuses_changes(void)
{
    uint8_t key[32] = {1}, nonce[12] = {2}, sealed[21], back[5], zeros[5] = {0};
    uint8_t aad[3] = "aad";
    fed_error err;
    fed_span a = {aad, sizeof aad}, s = {sealed, sizeof sealed};
    CHECK_OK(fed_aead_seal(key, nonce, a, text_span("plain"), sealed, &err), &err);
    for (size_t bit = 0; bit < 8 * (32 + 12 + 3 + 21); bit++) {
        size_t at = bit / 8;
        uint8_t *byte = at < 32   ? &key[at]
                        : at < 44 ? &nonce[at - 32]
                        : at < 47 ? &aad[at - 44]
                                  : &sealed[at - 47];
        *byte ^= (uint8_t)(1u << bit % 8);
        memset(back, 1, sizeof back);
        CHECK_FAILS(fed_aead_open(key, nonce, a, s, back, &err), FED_E_AUTH, &err, "tag");
        CHECK_MEM(back, zeros, sizeof back);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < sizeof sealed; n++) {
        s.len = n;
        CHECK_FAILS(fed_aead_open(key, nonce, a, s, back, &err),
                    n < FED_AEAD_TAG ? FED_E_FORMAT : FED_E_AUTH, &err, "AES-256-GCM");
    }
}

static void test_aead_in_place(void)
{
    uint8_t key[32] = {1}, nonce[12] = {2}, buffer[21] = "plain", apart[21];
    fed_error err;
    CHECK_OK(fed_aead_seal(key, nonce, nothing, text_span("plain"), apart, &err), &err);
    CHECK_OK(fed_aead_seal(key, nonce, nothing, (fed_span){buffer, 5}, buffer, &err),
             &err);
    CHECK_MEM(buffer, apart, sizeof apart);
    CHECK_OK(fed_aead_open(key, nonce, nothing, (fed_span){buffer, 21}, buffer, &err),
             &err);
    CHECK_MEM(buffer, "plain", 5);
}

static void test_aead_bounds(void)
{
    uint8_t key[32] = {1}, nonce[12] = {2}, byte[1];
    fed_span huge = {byte, (size_t)FED_AEAD_MAX + 1}; /* refused before it is read */
    fed_error err;
    CHECK_FAILS(fed_aead_seal(key, nonce, nothing, huge, byte, &err), FED_E_LIMIT, &err,
                "1073741825");
    CHECK_FAILS(fed_aead_seal(key, nonce, huge, nothing, byte, &err), FED_E_LIMIT, &err,
                "1073741824");
}

/* ---- key streams ------------------------------------------------------------------- */

enum { STREAM = 40000 };
static const fed_keystream_kind kinds[] = {FED_KEYSTREAM_AES256_CTR,
                                           FED_KEYSTREAM_CHACHA20};

static fed_keystream *open_stream(fed_keystream_kind kind, const uint8_t initial[16])
{
    static const uint8_t key[32] = {9, 8, 7};
    fed_keystream *s = NULL;
    fed_error err;
    CHECK_OK(fed_keystream_new(&s, kind, &err), &err);
    if (s) CHECK_OK(fed_keystream_start(s, key, initial, &err), &err);
    return s;
}

static void test_keystream_does_not_depend_on_cuts(void)
{
    static uint8_t whole[STREAM], pieces[STREAM];
    uint8_t seed[32] = {3};
    fed_stream cuts;
    fed_stream_init(&cuts, seed, FED_PURPOSE_TEST, 0);
    for (size_t k = 0; k < 2; k++) {
        fed_keystream *a = open_stream(kinds[k], NULL), *b = open_stream(kinds[k], NULL);
        fed_error err;
        if (!a || !b) return;
        CHECK_OK(fed_keystream_fill(a, whole, STREAM, &err), &err);
        for (size_t at = 0, n; at < STREAM; at += n) {
            n = fed_stream_below(&cuts, 700);
            if (n > STREAM - at) n = STREAM - at;
            CHECK_OK(fed_keystream_fill(b, pieces + at, n, &err), &err);
        }
        CHECK_MEM(pieces, whole, STREAM);
        fed_keystream_free(a);
        fed_keystream_free(b);
    }
}

/* Seeking gives what drawing would have given, also across a carry of AES's counter. */
static void test_keystream_seeks(void)
{
    static const uint8_t edge[16] = {1,    0,    0,    0,    0,    0,    0,    0,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0};
    static uint8_t whole[STREAM], part[STREAM];
    static const uint64_t blocks[] = {0, 1, 2, 3, 4, 15, 16, 17, 63, 1024, 1025, 2499};
    for (size_t k = 0; k < 2; k++) {
        fed_keystream *s =
            open_stream(kinds[k], kinds[k] == FED_KEYSTREAM_AES256_CTR ? edge : NULL);
        fed_error err;
        if (!s) return;
        CHECK_OK(fed_keystream_fill(s, whole, STREAM, &err), &err);
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
            size_t from = blocks[i] * FED_KEYSTREAM_BLOCK;
            size_t n = STREAM - from < 100 ? STREAM - from : 100;
            CHECK_OK(fed_keystream_seek(s, blocks[i], &err), &err);
            CHECK_OK(fed_keystream_fill(s, part, n, &err), &err);
            CHECK_MEM(part, whole + from, n);
        }
        fed_keystream_free(s);
    }
}

/* Re-keying forgets the old stream, and allocates nothing. */
static void test_keystream_is_reusable(void)
{
    static const uint8_t other[32] = {1};
    uint8_t first[64], again[64], different[64], key[32] = {9, 8, 7};
    fed_error err;
    for (size_t k = 0; k < 2; k++) {
        fed_keystream *s = open_stream(kinds[k], NULL);
        if (!s) return;
        fed_count_allocations_start();
        CHECK_OK(fed_keystream_fill(s, first, sizeof first, &err), &err);
        CHECK_OK(fed_keystream_start(s, other, NULL, &err), &err);
        CHECK_OK(fed_keystream_fill(s, different, sizeof different, &err), &err);
        CHECK_OK(fed_keystream_start(s, key, NULL, &err), &err);
        CHECK_OK(fed_keystream_fill(s, again, sizeof again, &err), &err);
        CHECK_EQ(fed_count_allocations_stop(), 0);
        CHECK_MEM(again, first, sizeof first);
        CHECK(memcmp(first, different, sizeof first) != 0);
        fed_keystream_free(s);
    }
}

static void test_keystream_bounds(void)
{
    static const uint8_t near_end[16] = {0xfe, 0xff, 0xff, 0xff}, zeros[129];
    uint8_t out[129];
    fed_keystream *s = NULL;
    fed_error err;
    CHECK_FAILS(fed_keystream_new(&s, (fed_keystream_kind)9, &err), FED_E_INVALID, &err,
                "9");
    CHECK(s == NULL);
    if (!CHECK_OK(fed_keystream_new(&s, FED_KEYSTREAM_CHACHA20, &err), &err)) return;
    CHECK_FAILS(fed_keystream_fill(s, out, 1, &err), FED_E_STATE, &err, "no key");
    CHECK_FAILS(fed_keystream_seek(s, 0, &err), FED_E_STATE, &err, "no key");
    CHECK_OK(fed_keystream_start(s, zeros, near_end, &err),
             &err); /* two blocks are left */
    memset(out, 1, sizeof out);
    CHECK_FAILS(fed_keystream_fill(s, out, 129, &err), FED_E_LIMIT, &err,
                "the stream has 128");
    CHECK_MEM(out, zeros, sizeof out);
    CHECK_OK(fed_keystream_fill(s, out, 128, &err), &err);
    CHECK_FAILS(fed_keystream_fill(s, out, 1, &err), FED_E_LIMIT, &err, "from 128 on");
    CHECK_OK(fed_keystream_seek(s, 7, &err), &err);
    CHECK_FAILS(fed_keystream_seek(s, 8, &err), FED_E_LIMIT, &err, "from 128 on");
    CHECK_FAILS(fed_keystream_seek(s, UINT64_MAX, &err), FED_E_LIMIT, &err, "128");
    fed_keystream_free(s);
    fed_keystream_free(NULL);
}

/* ---- Merkle trees ------------------------------------------------------------------ */

enum { LEAVES = 70 };
static uint8_t leaves[LEAVES][32];

static void make_leaves(void)
{
    for (uint8_t i = 0; i < LEAVES; i++)
        CHECK_OK(fed_merkle_leaf(&i, 1, leaves[i], NULL), NULL);
}

/* RFC 6962 section 2.1, word for word: the left half has the largest power of two below n. */
static void reference_root(const uint8_t (*leaf)[32], size_t n, uint8_t out[32])
{
    uint8_t node[65] = {1};
    size_t k = 1;
    if (n == 1) {
        memcpy(out, leaf[0], 32);
        return;
    }
    while (2 * k < n)
        k *= 2;
    reference_root(leaf, k, node + 1);
    reference_root(leaf + k, n - k, node + 33);
    CHECK_OK(fed_sha256(node, sizeof node, out, NULL), NULL);
}

static void check_proofs(const fed_merkle *tree, uint32_t n)
{
    const uint8_t *root = fed_merkle_root(tree);
    for (uint32_t i = 0; i < n; i++) {
        fed_merkle_proof proof;
        fed_error err;
        CHECK_OK(fed_merkle_prove(tree, i, &proof, &err), &err);
        CHECK_EQ(proof.length, fed_merkle_proof_length(i, n));
        CHECK_OK(fed_merkle_verify(leaves[i], i, n, &proof, root, &err), &err);
        for (uint32_t j = 0; j < n; j++) /* no other leaf, and at no other place */
            if (j != i) {
                CHECK(fed_merkle_verify(leaves[j], i, n, &proof, root, &err) ==
                      FED_E_AUTH);
                CHECK(fed_merkle_verify(leaves[i], j, n, &proof, root, &err) != FED_OK);
            }
        for (uint32_t j = 0; j < proof.length; j++) {
            proof.siblings[j][j] ^= 1;
            CHECK_FAILS(fed_merkle_verify(leaves[i], i, n, &proof, root, &err),
                        FED_E_AUTH, &err, "not under this root");
            proof.siblings[j][j] ^= 1;
        }
    }
}

static void test_merkle_proofs(void)
{
    make_leaves();
    for (uint32_t n = 1; n <= LEAVES; n++) {
        uint8_t root[32];
        fed_merkle *tree = NULL;
        fed_error err;
        if (!CHECK_OK(fed_merkle_new(&tree, (const uint8_t(*)[32])leaves, n, &err), &err))
            return;
        reference_root((const uint8_t(*)[32])leaves, n, root);
        CHECK_MEM(fed_merkle_root(tree), root, sizeof root);
        check_proofs(tree, n);
        fed_merkle_free(tree);
    }
}

static void test_merkle_refuses(void)
{
    fed_merkle *tree = NULL;
    fed_merkle_proof proof;
    fed_error err;
    make_leaves();
    CHECK_FAILS(fed_merkle_new(&tree, (const uint8_t(*)[32])leaves, 0, &err),
                FED_E_INVALID, &err, "0 leaves");
    if (!CHECK_OK(fed_merkle_new(&tree, (const uint8_t(*)[32])leaves, 5, &err), &err))
        return;
    const uint8_t *root = fed_merkle_root(tree);
    CHECK_FAILS(fed_merkle_prove(tree, 5, &proof, &err), FED_E_INVALID, &err,
                "no leaf 5 of 5");
    CHECK_OK(fed_merkle_prove(tree, 4, &proof, &err), &err);
    CHECK_EQ(proof.length, 1); /* the odd one climbs alone until the top */
    CHECK_FAILS(fed_merkle_verify(leaves[4], 5, 5, &proof, root, &err), FED_E_AUTH, &err,
                "leaf 5 of 5");
    proof.length = 2;
    CHECK_FAILS(fed_merkle_verify(leaves[4], 4, 5, &proof, root, &err), FED_E_FORMAT,
                &err, "2 hashes, wanted 1");
    proof.length = 1;
    CHECK_FAILS(fed_merkle_verify(leaves[4], 4, 6, &proof, root, &err), FED_E_FORMAT,
                &err, "wanted 2");
    CHECK_EQ(fed_merkle_proof_length(0, 1), 0);
    CHECK_EQ(fed_merkle_proof_length(9, 9), 0);
    CHECK_EQ(fed_merkle_proof_length(0, UINT32_MAX), FED_MERKLE_DEPTH);
    fed_merkle_free(tree);
    fed_merkle_free(NULL);
}

/* ---- randomness -------------------------------------------------------------------- */

static void test_system_random(void)
{
    static uint8_t a[(1 << 20) + 5], b[32];
    fed_random random = fed_random_system();
    unsigned ones = 0;
    CHECK_OK(fed_random_fill(&random, "test", 0, a, sizeof a), NULL);
    CHECK_OK(fed_random_fill(&random, "test", 0, b, sizeof b), NULL);
    CHECK(memcmp(a, b, sizeof b) != 0);
    for (size_t i = 0; i < sizeof a; i++)
        for (int j = 0; j < 8; j++)
            ones += a[i] >> j & 1;
    CHECK_NEAR(ones, 4.0 * sizeof a, 6 * sqrt(2.0 * sizeof a)); /* six deviations */
}

/* A draw is a function of seed, purpose and index, and a shorter one is a prefix. */
static void test_seeded_draws_are_named(void)
{
    fed_seeded one = {{1}}, two = {{2}};
    fed_random a = fed_seeded_random(&one), b = fed_seeded_random(&two);
    uint8_t base[40], got[40];
    CHECK_OK(fed_random_fill(&a, "keys", 1, base, sizeof base), NULL);
    CHECK_OK(fed_random_fill(&a, "keys", 2, got, sizeof got), NULL);
    CHECK(memcmp(base, got, sizeof got) != 0);
    CHECK_OK(fed_random_fill(&a, "noise", 1, got, sizeof got), NULL);
    CHECK(memcmp(base, got, sizeof got) != 0);
    CHECK_OK(fed_random_fill(&b, "keys", 1, got, sizeof got), NULL);
    CHECK(memcmp(base, got, sizeof got) != 0);
    CHECK_OK(fed_random_fill(&a, "keys", 1, got, 7), NULL);
    CHECK_MEM(got, base, 7);
    fed_seeded_device_seed(1, 0, base);
    fed_seeded_device_seed(1, 1, got);
    CHECK(memcmp(base, got, 32) != 0);
}

/* ---- memory ------------------------------------------------------------------------ */

static fed_status use_memory(void *ctx)
{
    uint8_t out[100];
    fed_merkle *tree = NULL;
    fed_keystream *s = NULL;
    fed_status status;
    (void)ctx;
    FED_GO(
        fed_hkdf_sha256(nothing, text_span("k"), text_span("i"), out, sizeof out, NULL));
    FED_GO(fed_merkle_new(&tree, (const uint8_t(*)[32])leaves, 9, NULL));
    FED_GO(fed_keystream_new(&s, FED_KEYSTREAM_AES256_CTR, NULL));
out:
    fed_keystream_free(s);
    fed_merkle_free(tree);
    return status;
}

static void test_allocation_failures(void)
{
    CHECK_EQ(fed_torture(use_memory, NULL), 3);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_x25519_refuses_low_order),
                                     CASE(test_ed25519_refuses_changes),
                                     CASE(test_ed25519_is_not_malleable),
                                     CASE(test_hkdf_bounds),
                                     CASE(test_aead_refuses_changes),
                                     CASE(test_aead_in_place),
                                     CASE(test_aead_bounds),
                                     CASE(test_keystream_does_not_depend_on_cuts),
                                     CASE(test_keystream_seeks),
                                     CASE(test_keystream_is_reusable),
                                     CASE(test_keystream_bounds),
                                     CASE(test_merkle_proofs),
                                     CASE(test_merkle_refuses),
                                     CASE(test_system_random),
                                     CASE(test_seeded_draws_are_named),
                                     CASE(test_allocation_failures)};
    return fed_run("crypto", cases, sizeof cases / sizeof *cases);
}
