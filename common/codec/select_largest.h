/* Inside the codec: the exact k largest of n keys, ties going to the lower index. */
#ifndef FED_SELECT_LARGEST_H
#define FED_SELECT_LARGEST_H

#include "base.h"

enum { FED_KEY_MAGNITUDE = 0x7fffffff }; /* the mask that turns float32 bits into |x| */

/* `keys` are n numbers of 32 bits, or float32 with FED_KEY_MAGNITUDE. */

/** `indices` (room for k <= n) gets the indices of the k largest keys[i] & mask, ascending;
 *  mask is at most 2^31 - 1. FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_select_largest(const void *keys, uint32_t mask, size_t n,
                                             size_t k, uint32_t *indices, fed_error *err);
/** The k-th largest itself (1 <= k <= n). */
FED_MUST_CHECK fed_status fed_select_kth(const void *keys, uint32_t mask, size_t n,
                                         size_t k, uint32_t *kth, fed_error *err);

#endif
