/*
 * Masks: the key stream of each pair, added to a vector. The stream is cut into lanes,
 * little-endian; lane i of a vector is at byte i * lane of its stream, whatever the tile or
 * thread. Additions are modulo 2^(8 lane); whoever packs the vector takes them modulo
 * 2^bits, which is the same there since 2^bits divides it.
 */
#ifndef FED_SECAGG_MASK_H
#define FED_SECAGG_MASK_H

#include "base.h"
#include "crypto.h"

typedef struct fed_mask {
    uint8_t key[FED_KEYSTREAM_KEY]; /* of one vector and one pair: used from block 0 */
    bool subtract;
} fed_mask;

/** Add (or subtract) `count` masks to the `n` lanes of 2, 4 or 8 bytes at `lanes`. All pairs
 *  are expanded tile by tile, so that a tile stays in the cache; tiles are spread over
 *  `parallel` (may be NULL). AES-256 goes through a fused kernel where the processor has
 *  one and FED_KERNEL does not pin another. FED_E_NOMEM, FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_mask_apply(void *lanes, unsigned lane_bytes, size_t n,
                                         const fed_mask *masks, size_t count,
                                         fed_keystream_kind kind,
                                         const fed_parallel *parallel, fed_error *err);
/** The same through OpenSSL, always: the reference, and the way without such a processor. */
FED_MUST_CHECK fed_status fed_mask_apply_evp(void *lanes, unsigned lane_bytes, size_t n,
                                             const fed_mask *masks, size_t count,
                                             fed_keystream_kind kind,
                                             const fed_parallel *parallel,
                                             fed_error *err);
/** True when fed_mask_apply would use the fused kernel for AES-256. */
bool fed_mask_is_fused(void);

/** out[i] = sum of the lanes of stream bytes, for one key, plainly: what the tests and the
 *  published vectors compare with. `out` holds n lanes. */
FED_MUST_CHECK fed_status fed_mask_expand(const uint8_t key[FED_KEYSTREAM_KEY],
                                          unsigned lane_bytes, size_t n,
                                          fed_keystream_kind kind, void *out,
                                          fed_error *err);

#endif
