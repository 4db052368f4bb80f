/* Files, whole: read with a maximum, written in place of what was there. */
#include "fedsim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static fed_status read_all(FILE *f, const char *path, fed_bytes *out, fed_error *err)
{
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        fed_bytes_put(out, chunk, n);
    if (ferror(f)) return fed_fail(err, FED_E_IO, "%s: could not be read", path);
    if (out->status)
        return fed_fail(err, out->status, "%s: more than %zu bytes", path, out->max);
    return FED_OK;
}

fed_status fed_sim_read_file(const char *path, size_t max, fed_bytes *out, fed_error *err)
{
    fed_bytes_init(out, max);
    FILE *f = fopen(path, "rb");
    if (!f) return fed_fail(err, FED_E_NOT_FOUND, "%s: %s", path, strerror(errno));
    fed_status status = read_all(f, path, out, err);
    fclose(f);
    if (status) fed_bytes_fini(out);
    return status;
}

fed_status fed_sim_write_file(const char *path, const fed_bytes *bytes, fed_error *err)
{
    FILE *f = fopen(path, "wb");
    bool failed = !f || fwrite(bytes->data, 1, bytes->len, f) != bytes->len;
    if (f && fclose(f)) failed = true;
    return failed ? fed_fail(err, FED_E_IO, "%s: %s", path, strerror(errno)) : FED_OK;
}
