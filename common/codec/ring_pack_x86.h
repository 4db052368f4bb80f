/* Inside the codec: unpacking with AVX2. */
#ifndef FED_RING_PACK_X86_H
#define FED_RING_PACK_X86_H

#include "ring.h"

/** Add the first entries of `packed` to `r`; how many (0 where the processor or the width is
 *  not served). The rest is the caller's. */
size_t fed_ring_add_packed_x86(fed_ring *r, const uint8_t *packed, size_t len);

#endif
