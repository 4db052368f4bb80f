/* Inside the codec: pieces of the device's half that its files share. */
#ifndef FED_CODEC_ENCODE_H
#define FED_CODEC_ENCODE_H

#include "codec_server.h"
#include "codec_tables.h"
#include "rounding.h"

/** Round one vector into its ring, by the caller's rounder if there is one; `norm` is what
 *  that rounder is told. */
FED_MUST_CHECK fed_status fed_encode_vector(const fed_codec_input *in, const char *name,
                                            double norm, const fed_rounding *r,
                                            uint64_t *saturated, fed_error *err);
/** Zeroed ring vectors of a round's shapes. After a failure those made so far remain, to be
 *  released by fed_ring_fini. */
FED_MUST_CHECK fed_status fed_codec_make_vectors(const fed_codec *codec,
                                                 const fed_codec_round *round,
                                                 fed_codec_vector *vectors, size_t *n,
                                                 fed_error *err);
/** The vector with this name, or NULL. */
fed_ring *fed_codec_vector_named(fed_codec_vector *vectors, size_t n, const char *name);
/** The bucket of a norm in the histogram of norms. */
unsigned fed_norm_bucket(double norm, double clip);

#endif
