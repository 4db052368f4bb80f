#include "merkle.h"

#include <string.h>

#include "digest.h"

/* All levels in one array: the leaves, then their parents, ... the root last. */
struct fed_merkle {
    size_t n, total;
    uint8_t (*nodes)[FED_MERKLE_HASH];
};

static fed_status hash_node(fed_digest *d, const uint8_t *left, const uint8_t *right,
                            uint8_t out[FED_MERKLE_HASH], fed_error *err)
{
    fed_digest_update(d, "\x01", 1);
    fed_digest_update(d, left, FED_MERKLE_HASH);
    fed_digest_update(d, right, FED_MERKLE_HASH);
    return fed_digest_final(d, out, err);
}

fed_status fed_merkle_leaf(const void *data, size_t n, uint8_t leaf[FED_MERKLE_HASH],
                           fed_error *err)
{
    fed_digest d;
    FED_TRY(fed_digest_init(&d, err));
    fed_digest_update(&d, "\x00", 1);
    fed_digest_update(&d, data, n);
    fed_status status = fed_digest_final(&d, leaf, err);
    fed_digest_fini(&d);
    return status;
}

static size_t count_nodes(size_t n)
{
    size_t total = n;
    while (n > 1) {
        n = (n + 1) / 2;
        total += n;
    }
    return total;
}

static fed_status hash_levels(fed_merkle *t, fed_error *err)
{
    fed_digest d;
    FED_TRY(fed_digest_init(&d, err));
    fed_status status = FED_OK;
    uint8_t(*level)[FED_MERKLE_HASH] = t->nodes, (*next)[FED_MERKLE_HASH];
    for (size_t n = t->n; n > 1; n = (n + 1) / 2, level = next) {
        next = level + n;
        for (size_t i = 0; i < n / 2; i++)
            FED_GO(hash_node(&d, level[2 * i], level[2 * i + 1], next[i], err));
        if (n % 2) memcpy(next[n / 2], level[n - 1], FED_MERKLE_HASH);
    }
out:
    fed_digest_fini(&d);
    return status;
}

fed_status fed_merkle_new(fed_merkle **out, const uint8_t (*leaves)[FED_MERKLE_HASH],
                          size_t n, fed_error *err)
{
    *out = NULL;
    if (n < 1 || n > UINT32_MAX)
        return fed_fail(err, FED_E_INVALID, "Merkle tree: %zu leaves, must be 1 to %lu",
                        n, (unsigned long)UINT32_MAX);
    fed_status status;
    size_t total = count_nodes(n);
    fed_merkle *t = fed_calloc(1, sizeof *t);
    if (t) t->nodes = fed_calloc(total, FED_MERKLE_HASH);
    if (!t || !t->nodes) FED_GO(fed_fail_nomem(err, total * FED_MERKLE_HASH));
    t->n = n;
    t->total = total;
    memcpy(t->nodes, leaves, n * FED_MERKLE_HASH);
    FED_GO(hash_levels(t, err));
    *out = t;
    return FED_OK;
out:
    fed_merkle_free(t);
    return status;
}

void fed_merkle_free(fed_merkle *t)
{
    if (!t) return;
    fed_free(t->nodes);
    fed_free(t);
}

const uint8_t *fed_merkle_root(const fed_merkle *t)
{
    return t->nodes[t->total - 1];
}

/* The last node of an odd level goes up alone; every other one has a sibling. */
static bool has_sibling(uint32_t index, uint32_t n)
{
    return index % 2 || index + 1 < n;
}

uint32_t fed_merkle_proof_length(uint32_t index, uint32_t n)
{
    uint32_t length = 0;
    if (index >= n) return 0;
    for (; n > 1; index /= 2, n = n / 2 + n % 2)
        length += has_sibling(index, n);
    return length;
}

fed_status fed_merkle_prove(const fed_merkle *t, uint32_t index, fed_merkle_proof *proof,
                            fed_error *err)
{
    memset(proof, 0, sizeof *proof);
    if (index >= t->n)
        return fed_fail(err, FED_E_INVALID, "Merkle tree: no leaf %lu of %zu",
                        (unsigned long)index, t->n);
    const uint8_t(*level)[FED_MERKLE_HASH] = (const uint8_t(*)[FED_MERKLE_HASH])t->nodes;
    for (uint32_t n = (uint32_t)t->n; n > 1; index /= 2, level += n, n = n / 2 + n % 2)
        if (has_sibling(index, n))
            memcpy(proof->siblings[proof->length++], level[index ^ 1], FED_MERKLE_HASH);
    return FED_OK;
}

/* Climb from the leaf to what would be the root. */
static fed_status climb(fed_digest *d, uint32_t index, uint32_t n,
                        const fed_merkle_proof *proof, uint8_t node[FED_MERKLE_HASH],
                        fed_error *err)
{
    const uint8_t(*sibling)[FED_MERKLE_HASH] = proof->siblings;
    for (; n > 1; index /= 2, n = n / 2 + n % 2) {
        if (!has_sibling(index, n)) continue;
        const uint8_t *left = index % 2 ? *sibling : node;
        const uint8_t *right = index % 2 ? node : *sibling;
        FED_TRY(hash_node(d, left, right, node, err));
        sibling++;
    }
    return FED_OK;
}

fed_status fed_merkle_verify(const uint8_t leaf[FED_MERKLE_HASH], uint32_t index,
                             uint32_t n, const fed_merkle_proof *proof,
                             const uint8_t root[FED_MERKLE_HASH], fed_error *err)
{
    if (index >= n)
        return fed_fail(err, FED_E_AUTH, "Merkle proof: leaf %lu of %lu",
                        (unsigned long)index, (unsigned long)n);
    if (proof->length != fed_merkle_proof_length(index, n))
        return fed_fail(err, FED_E_FORMAT, "Merkle proof: %lu hashes, wanted %lu",
                        (unsigned long)proof->length,
                        (unsigned long)fed_merkle_proof_length(index, n));
    uint8_t node[FED_MERKLE_HASH];
    fed_digest d;
    FED_TRY(fed_digest_init(&d, err));
    memcpy(node, leaf, sizeof node);
    fed_status status = climb(&d, index, n, proof, node, err);
    fed_digest_fini(&d);
    if (!status && memcmp(node, root, sizeof node) != 0)
        status =
            fed_fail(err, FED_E_AUTH, "Merkle proof: leaf %lu is not under this root",
                     (unsigned long)index);
    return status;
}
