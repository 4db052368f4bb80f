/*
 * A commitment to a list: the Merkle tree of RFC 6962 section 2.1 over SHA-256. A leaf is
 * hashed with 0x00 in front and an inner node with 0x01, so neither passes for the other.
 * With n leaves the left half has the largest power of two below n; level by level this is
 * the same as pairing neighbours and passing a last odd node up unchanged.
 */
#ifndef FED_MERKLE_H
#define FED_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_MERKLE_HASH = 32, FED_MERKLE_DEPTH = 32 /* hashes in a proof, at most */ };

/** A proof that one leaf is in the tree: the siblings on its way up, lowest first. */
typedef struct fed_merkle_proof {
    uint8_t siblings[FED_MERKLE_DEPTH][FED_MERKLE_HASH];
    uint32_t length;
} fed_merkle_proof;

/** Opaque; immutable once made, so threads may share it. */
typedef struct fed_merkle fed_merkle;

/** SHA-256(0x00 | data): what stands for an entry of the list. */
FED_MUST_CHECK fed_status fed_merkle_leaf(const void *data, size_t n,
                                          uint8_t leaf[FED_MERKLE_HASH], fed_error *err);
/** The tree over `n` leaves (copied), n from 1 to 2^32 - 1, else FED_E_INVALID. */
FED_MUST_CHECK fed_status fed_merkle_new(fed_merkle **out,
                                         const uint8_t (*leaves)[FED_MERKLE_HASH],
                                         size_t n, fed_error *err);
void fed_merkle_free(fed_merkle *tree);
/** The 32-byte root; lives as long as the tree. */
const uint8_t *fed_merkle_root(const fed_merkle *tree);
/** The proof for leaf `index`. FED_E_INVALID when there is no such leaf. */
FED_MUST_CHECK fed_status fed_merkle_prove(const fed_merkle *tree, uint32_t index,
                                           fed_merkle_proof *proof, fed_error *err);
/** How many siblings the proof for leaf `index` of `n` has; 0 when there is no such leaf. */
uint32_t fed_merkle_proof_length(uint32_t index, uint32_t n);
/** FED_OK when `leaf` is entry `index` of the `n` that `root` commits to, else FED_E_AUTH;
 *  a proof of another length than fed_merkle_proof_length says is FED_E_FORMAT. */
FED_MUST_CHECK fed_status fed_merkle_verify(const uint8_t leaf[FED_MERKLE_HASH],
                                            uint32_t index, uint32_t n,
                                            const fed_merkle_proof *proof,
                                            const uint8_t root[FED_MERKLE_HASH],
                                            fed_error *err);

#endif
