/*
 * Golomb codes for ascending indices (Golomb 1966; Gallager, van Voorhis 1975). The gap
 * between neighbours is written as quotient by M in unary and remainder in truncated binary,
 * with the M that is best for gaps of independent draws. Rice's special case (M a power of
 * two) is up to 2 % longer; this stays within 1 % of the entropy for every k/n up to 0.17. M
 * follows from k and n, so it is not sent.
 */
#ifndef FED_GOLOMB_H
#define FED_GOLOMB_H

#include "base.h"

/** The M for k indices below n. */
uint32_t fed_golomb_parameter(size_t k, size_t n);
/** Append the code of `k` strictly ascending indices below n < 2^31; whole bytes, padded
 *  with zeros. FED_E_INVALID when they do not ascend, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_golomb_encode(const uint32_t *indices, size_t k, size_t n,
                                            fed_bytes *out, fed_error *err);
/** Read exactly `k` indices below n from all of `code`. FED_E_FORMAT for an index of n or
 *  above, bytes that end early or are left over, a padding bit that is set. */
FED_MUST_CHECK fed_status fed_golomb_decode(fed_span code, size_t k, size_t n,
                                            uint32_t *indices, fed_error *err);
/** No code of k indices below n is longer. */
size_t fed_golomb_bytes_max(size_t k, size_t n);

#endif
