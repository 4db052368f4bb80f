/* Compressed blobs: one zstd frame (RFC 8878), decompressed to a stated maximum. */
#ifndef FED_BLOB_H
#define FED_BLOB_H

#include <stddef.h>

#include "base.h"

enum {
    FED_BLOB_LEVEL = 3, /* the usual level of compression */
    FED_BLOB_LEVEL_MAX = 19,
    FED_BLOB_PACKED_MIN = 512 /* shorter blobs travel as they are */
};

/** Append the compressed form of `plain` to `out`. `level` is 1 (fast) to 19 (small), else
 *  FED_E_INVALID. FED_E_LIMIT when `out` may not grow so far, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_blob_compress(fed_span plain, int level, fed_bytes *out,
                                            fed_error *err);
/** Append the form in which `plain` travels to whoever takes zstd: compressed when that saves
 *  at least a sixteenth, else nothing. FED_E_LIMIT, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_blob_pack(fed_span plain, fed_bytes *out, fed_error *err);
/** The bytes that `plain` takes on its way in that form, or as it is. */
FED_MUST_CHECK fed_status fed_blob_wire_bytes(fed_span plain, uint64_t *bytes,
                                              fed_error *err);
/** Append what `packed`, exactly one frame, decompresses to: at most `max` bytes, else
 *  FED_E_LIMIT. Takes at most 8 MiB besides, whatever the frame asks for. FED_E_FORMAT for
 *  a frame that is damaged, cut short or followed by anything; then nothing is appended. */
FED_MUST_CHECK fed_status fed_blob_decompress(fed_span packed, size_t max, fed_bytes *out,
                                              fed_error *err);

#endif
