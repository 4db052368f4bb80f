/*
 * The bodies that the parties exchange: binary, little-endian, of exact length.
 *
 *   header   "FSA1" | version 1 (1) | type (1) | zero (2) | cohort (32)
 *
 * A device's message has the number of its phase as type, the server's answer the same
 * number + 128. What follows the header:
 *
 *   join     parameters hash | update id | certificate | two X25519 keys | commitment |
 *            signature by the device over all before it: together the member's *bundle*
 *   joined   n | index | k | t | in_max | root | proof of the own bundle; then, active: the
 *            roster, 16 bytes of each member's device key; else the k neighbours' indices
 *            (4 each), ascending, and their entries
 *   pick     k indices (2 bytes each), ascending
 *   picked   entries of the k picked | number of pickers (4) | their indices (4 each),
 *            ascending | entries of those that were not picked
 *   share    for each of the k picked, ascending: its sealed pair of shares (84)
 *   shared   U2 (map) | the sealed pairs for this member, senders ascending, all of U2 that
 *            picked it
 *   input    each vector, packed
 *   submitted U3 (map)
 *   confirm  signature over the session hash, U2, U3
 *   confirmed map of the k picked, by position | their signatures
 *   reveal   map of the senders in `shared`, by position: whose share follows | shares (34)
 *   done     1, committed
 *
 * An entry is index (4) | bundle | Merkle proof, whose length n and index give.
 */
#ifndef FED_SECAGG_MESSAGE_H
#define FED_SECAGG_MESSAGE_H

#include "base.h"
#include "certificate.h"
#include "keys.h"
#include "protocol.h"
#include "shamir.h"

enum {
    FED_SECAGG_HEADER = 8 + FED_SECAGG_ID,
    FED_SECAGG_ANSWER = 128, /* added to the phase: the server's answer */
    FED_SECAGG_REASON = 200, /* bytes of text in an abort, at most */
    FED_SECAGG_ROSTER = 16,  /* bytes of a device key in the roster */
    FED_SECAGG_BUNDLE = FED_SECAGG_HEADER + FED_SHA256_BYTES + FED_SECAGG_UPDATE_ID +
                        FED_CERTIFICATE_BYTES + 2 * FED_X25519_BYTES + FED_COMMITMENT +
                        FED_ED25519_SIGNATURE,
    FED_SECAGG_SHARES = 2 * FED_SHAMIR_SHARE,
    FED_SECAGG_SEALED = FED_SECAGG_SHARES + FED_AEAD_TAG
};

/** A member's bundle, taken apart. */
typedef struct fed_secagg_bundle {
    uint8_t params_hash[FED_SHA256_BYTES];
    uint8_t update_id[FED_SECAGG_UPDATE_ID];
    fed_certificate certificate;
    uint8_t share_key[FED_X25519_BYTES];
    uint8_t mask_key[FED_X25519_BYTES];
    uint8_t commitment[FED_COMMITMENT];
} fed_secagg_bundle;

/** Write the header. */
void fed_secagg_put_header(fed_bytes *b, const uint8_t cohort[FED_SECAGG_ID],
                           unsigned type);
/** Read it; FED_E_FORMAT when it is none, of another version or type; FED_E_REFUSED when it
 *  is of another cohort. `r` is left behind it. */
FED_MUST_CHECK fed_status fed_secagg_take_header(fed_reader *r,
                                                 const uint8_t cohort[FED_SECAGG_ID],
                                                 unsigned type, fed_error *err);
/** The type of a body, or 0. */
unsigned fed_secagg_message_type(fed_span body);
/** FED_E_FORMAT with the phase's name unless all was read and nothing failed. */
FED_MUST_CHECK fed_status fed_secagg_finish(const fed_reader *r, unsigned type,
                                            fed_error *err);

/** Append the bundle, signed with `identity_seed`; bytes, so also the join message. */
FED_MUST_CHECK fed_status fed_secagg_bundle_write(fed_bytes *b,
                                                  const uint8_t cohort[FED_SECAGG_ID],
                                                  const fed_secagg_bundle *bundle,
                                                  const uint8_t identity_seed[32],
                                                  fed_error *err);
/** Take apart and check: cohort, parameters, certificate, signature. */
FED_MUST_CHECK fed_status fed_secagg_bundle_read(
    const fed_secagg_params *params, const uint8_t params_hash[FED_SHA256_BYTES],
    int64_t now_s, fed_span bytes, fed_secagg_bundle *out, fed_error *err);

/** What a confirmation signs: SHA-256 of the session hash and both maps. */
FED_MUST_CHECK fed_status fed_secagg_confirm_hash(const fed_secagg_session *session,
                                                  const uint8_t *u2, const uint8_t *u3,
                                                  uint8_t hash[FED_SHA256_BYTES],
                                                  fed_error *err);

/** From whom to whom a pair of shares goes; either end fills it in. All borrowed. */
typedef struct fed_secagg_channel {
    const fed_secagg_session *session;
    const uint8_t *secret; /* X25519: this end's */
    const uint8_t *peer;   /* the other end's public key */
    uint32_t sender, receiver;
} fed_secagg_channel;

/** Seal a pair of shares; the sender's end. */
FED_MUST_CHECK fed_status fed_secagg_seal_shares(const fed_secagg_channel *channel,
                                                 const uint8_t shares[FED_SECAGG_SHARES],
                                                 uint8_t out[FED_SECAGG_SEALED],
                                                 fed_error *err);
/** The reverse. FED_E_AUTH when they were not sealed by the sender for the receiver here;
 *  then `out` is zeroed. */
FED_MUST_CHECK fed_status fed_secagg_open_shares(const fed_secagg_channel *channel,
                                                 const uint8_t sealed[FED_SECAGG_SEALED],
                                                 uint8_t out[FED_SECAGG_SHARES],
                                                 fed_error *err);

#endif
