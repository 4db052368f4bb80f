#include "blob.h"

#include <zstd.h>

enum { WINDOW_LOG_MAX = 23, STEP = 1 << 17 };

fed_status fed_blob_compress(fed_span plain, int level, fed_bytes *out, fed_error *err)
{
    if (level < 1 || level > FED_BLOB_LEVEL_MAX)
        return fed_fail(err, FED_E_INVALID, "compression level %d, must be 1 to %d",
                        level, FED_BLOB_LEVEL_MAX);
    size_t before = out->len, bound = ZSTD_compressBound(plain.len);
    uint8_t *to = fed_bytes_extend(out, bound);
    if (!to)
        return fed_fail(err, out->status, "compression: no room for %zu bytes", bound);
    size_t n = ZSTD_compress(to, bound, plain.data, plain.len, level);
    out->len = before + (ZSTD_isError(n) ? 0 : n);
    if (ZSTD_isError(n))
        return fed_fail(err, FED_E_NOMEM, "compression: %s", ZSTD_getErrorName(n));
    return FED_OK;
}

fed_status fed_blob_pack(fed_span plain, fed_bytes *out, fed_error *err)
{
    size_t before = out->len;
    if (plain.len < FED_BLOB_PACKED_MIN) return FED_OK;
    FED_TRY(fed_blob_compress(plain, FED_BLOB_LEVEL, out, err));
    if (out->len - before > plain.len - plain.len / 16) out->len = before;
    return FED_OK;
}

fed_status fed_blob_wire_bytes(fed_span plain, uint64_t *bytes, fed_error *err)
{
    fed_bytes packed;
    fed_bytes_init(&packed, SIZE_MAX);
    fed_status status = fed_blob_pack(plain, &packed, err);
    *bytes = packed.len ? packed.len : plain.len;
    fed_bytes_fini(&packed);
    return status;
}

/* Decompress the next piece into at most `room` bytes at the end of `out`. With no room left
 * it goes into a spare byte, and a frame that fills that is too long. `*more` becomes false
 * when the frame is complete. */
static fed_status next_piece(ZSTD_DCtx *ctx, ZSTD_inBuffer *in, size_t room,
                             fed_bytes *out, bool *more, fed_error *err)
{
    uint8_t spare, *to = room ? fed_bytes_extend(out, room) : &spare;
    if (!to) return fed_fail_nomem(err, room);
    ZSTD_outBuffer piece = {to, room ? room : 1, 0};
    size_t consumed = in->pos;
    size_t left = ZSTD_decompressStream(ctx, &piece, in);
    out->len -= room ? room - piece.pos : 0;
    if (ZSTD_isError(left))
        return fed_fail(err, FED_E_FORMAT, "not a zstd frame: %s",
                        ZSTD_getErrorName(left));
    if (!room && piece.pos)
        return fed_fail(err, FED_E_LIMIT, "it holds more than the bytes allowed");
    *more = left != 0;
    if (*more && in->pos == consumed && piece.pos == 0)
        return fed_fail(err, FED_E_FORMAT, "the zstd frame is cut short after %zu bytes",
                        in->size);
    return FED_OK;
}

static fed_status decompress(ZSTD_DCtx *ctx, fed_span packed, size_t max, fed_bytes *out,
                             fed_error *err)
{
    ZSTD_inBuffer in = {packed.data, packed.len, 0};
    size_t left = max < out->max - out->len ? max : out->max - out->len,
           end = out->len + left;
    for (bool more = true; more;) {
        size_t room = end - out->len < STEP ? end - out->len : STEP;
        fed_status status = next_piece(ctx, &in, room, out, &more, err);
        if (status) return fed_fail_in(err, status, "at most %zu bytes", left);
    }
    if (in.pos < in.size)
        return fed_fail(err, FED_E_FORMAT, "%zu bytes follow the zstd frame",
                        in.size - in.pos);
    return FED_OK;
}

fed_status fed_blob_decompress(fed_span packed, size_t max, fed_bytes *out,
                               fed_error *err)
{
    size_t before = out->len;
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    if (!ctx) return fed_fail_nomem(err, sizeof(void *));
    ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    fed_status status = decompress(ctx, packed, max, out, err);
    ZSTD_freeDCtx(ctx);
    if (status) {
        out->len = before;
        return fed_fail_in(err, status, "compressed blob");
    }
    return FED_OK;
}
