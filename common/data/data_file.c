/* Whole files into memory. gzip (RFC 1952) because data sets are distributed that way;
 * checked to the last byte: a damaged or cut-off file is an error, not a shorter set. */
#include "data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 256 * 1024 };

static voidpf zlib_alloc(voidpf ctx, uInt count, uInt size)
{
    (void)ctx;
    return fed_calloc(count, size);
}

static void zlib_free(voidpf ctx, voidpf block)
{
    (void)ctx;
    fed_free(block);
}

/* Room for the next piece of what comes in: a chunk, or what the maximum still allows.
 * When that is nothing, one byte of `spill`, whose use proves that the maximum is not
 * enough. The room counts as filled; the caller takes back what was not. */
static uint8_t *next_piece(fed_bytes *out, uint8_t *spill, size_t *room)
{
    size_t left = out->max - out->len;
    *room = left < CHUNK ? left : CHUNK;
    return *room ? fed_bytes_extend(out, *room) : spill;
}

static fed_status refuse_gzip(const z_stream *z, int code, const fed_bytes *out,
                              fed_error *err)
{
    if (code == Z_MEM_ERROR) return fed_fail_nomem(err, CHUNK);
    if (code == Z_BUF_ERROR)
        return fed_fail(err, FED_E_FORMAT,
                        "gzip data are cut off after %zu unpacked bytes", out->len);
    return fed_fail(err, FED_E_FORMAT,
                    "gzip data are damaged after %zu unpacked bytes (%s)", out->len,
                    z->msg ? z->msg : "bad data");
}

static fed_status unpack_member(z_stream *z, fed_bytes *out, fed_error *err)
{
    for (;;) {
        uint8_t spill;
        size_t room;
        z->next_out = next_piece(out, &spill, &room);
        if (!z->next_out) return fed_fail_nomem(err, CHUNK);
        uInt offered = room ? (uInt)room : 1;
        z->avail_out = offered;
        int code = inflate(z, Z_NO_FLUSH);
        uInt made = offered - z->avail_out;
        if (!room && made)
            return fed_fail(err, FED_E_LIMIT, "unpacks to more than %zu bytes", out->max);
        out->len -= room - (room ? made : 0);
        if (code == Z_STREAM_END) return FED_OK;
        if (code == Z_OK && !made && !z->avail_in) code = Z_BUF_ERROR;
        if (code != Z_OK) return refuse_gzip(z, code, out, err);
    }
}

fed_status fed_data_gunzip(fed_span packed, fed_bytes *out, fed_error *err)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (packed.len > UINT32_MAX)
        return fed_fail(err, FED_E_LIMIT, "%zu packed bytes exceed 4 GiB", packed.len);
    if (inflateInit2(&z, 15 + 16) != Z_OK) return fed_fail_nomem(err, CHUNK);
    z.next_in = (Bytef *)(uintptr_t)packed.data;
    z.avail_in = (uInt)packed.len;
    fed_status status;
    do {
        status = unpack_member(&z, out, err);
    } while (status == FED_OK && z.avail_in && inflateReset(&z) == Z_OK);
    inflateEnd(&z);
    return status;
}

static fed_status read_descriptor(int fd, fed_bytes *out, fed_error *err)
{
    for (;;) {
        uint8_t spill;
        size_t room;
        uint8_t *place = next_piece(out, &spill, &room);
        if (!place) return fed_fail_nomem(err, CHUNK);
        ssize_t got = read(fd, place, room ? room : 1);
        out->len -= room;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return fed_fail(err, FED_E_IO, "cannot be read: %s", strerror(errno));
        if (got == 0) return FED_OK;
        if (!room)
            return fed_fail(err, FED_E_LIMIT, "holds more than %zu bytes", out->max);
        out->len += (size_t)got;
    }
}

static fed_status read_open_file(int fd, fed_bytes *out, fed_error *err)
{
    FED_TRY(read_descriptor(fd, out, err));
    if (out->len < 2 || out->data[0] != 0x1f || out->data[1] != 0x8b) return FED_OK;
    fed_bytes packed = *out;
    fed_bytes_init(out, packed.max);
    fed_status status = fed_data_gunzip((fed_span){packed.data, packed.len}, out, err);
    fed_bytes_fini(&packed);
    return status;
}

fed_status fed_data_file_read(const char *path, fed_bytes *out, fed_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fed_fail(err, errno == ENOENT ? FED_E_NOT_FOUND : FED_E_IO, "%s: %s", path,
                        strerror(errno));
    fed_status status = read_open_file(fd, out, err);
    close(fd);
    return fed_fail_in(err, status, "%s", path);
}

fed_status fed_data_file_read_either(const char *path, fed_bytes *out, fed_error *err)
{
    char packed[4096];
    if (access(path, F_OK) == 0) return fed_data_file_read(path, out, err);
    int n = snprintf(packed, sizeof packed, "%s.gz", path);
    if (n < 0 || (size_t)n >= sizeof packed)
        return fed_fail(err, FED_E_LIMIT, "a path longer than %zu characters",
                        sizeof packed);
    if (access(packed, F_OK) == 0) return fed_data_file_read(packed, out, err);
    return fed_fail(err, FED_E_NOT_FOUND, "%s: neither this file nor %s.gz is there",
                    path, path);
}
