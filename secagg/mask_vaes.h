/* AES-256-CTR with VAES on 512-bit registers, fused with the addition. Internal. */
#ifndef FED_SECAGG_MASK_VAES_H
#define FED_SECAGG_MASK_VAES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FED_VAES_SCHEDULE = 15 * 16 };

/** Compiled in, and the processor has it. */
bool fed_mask_vaes_available(void);
/** The 15 round keys of AES-256. */
void fed_mask_vaes_schedule(const uint8_t key[32], uint8_t schedule[FED_VAES_SCHEDULE]);
/** Add (subtract) `bytes` of the stream, from 16-byte block `block` on, to the lanes at
 *  `acc`. A last piece that is no multiple of 64 bytes is fine. */
void fed_mask_vaes_add(const uint8_t schedule[FED_VAES_SCHEDULE], uint64_t block,
                       unsigned lane_bytes, bool subtract, uint8_t *acc, size_t bytes);

#endif
