#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, PATH_BYTES = 4096 };

static fed_status failed(const char *path, const char *what, fed_error *err)
{
    return fed_fail(err, errno == EEXIST ? FED_E_EXISTS : FED_E_IO, "%s: %s: %s", path,
                    what, strerror(errno));
}

fed_status fed_file_read(const char *path, fed_bytes *out, fed_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fed_fail(err, FED_E_NOT_FOUND, "%s: %s", path, strerror(errno));
    fed_status status = FED_OK;
    char chunk[CHUNK];
    ssize_t n = 0;
    do {
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n > 0) fed_bytes_put(out, chunk, (size_t)n);
    } while (n != 0 && !(n < 0 && errno != EINTR) && !out->status);
    if (n < 0) status = failed(path, "could not be read", err);
    close(fd);
    fed_wipe(chunk, sizeof chunk); /* it may have been a key */
    if (!status && out->status == FED_E_LIMIT)
        return fed_fail(err, FED_E_LIMIT, "%s: more than %zu bytes", path, out->max);
    if (!status && out->status) return fed_fail_nomem(err, out->len);
    return status;
}

static fed_status write_all(int fd, const char *path, fed_span bytes, fed_error *err)
{
    size_t at = 0;
    while (at < bytes.len) {
        ssize_t n = write(fd, bytes.data + at, bytes.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path, "could not be written", err);
        at += (size_t)n;
    }
    return fsync(fd) ? failed(path, "could not be synced", err) : FED_OK;
}

/* A link fails when the name is taken; where there are no links, a look must do. */
static fed_status take_name(const char *temporary, const char *path,
                            fed_file_overwrite overwrite, fed_error *err)
{
    if (overwrite == FED_FILE_KEEP) {
        if (link(temporary, path) == 0) return FED_OK;
        if (errno != EPERM && errno != ENOTSUP) return failed(path, "not written", err);
        if (access(path, F_OK) == 0) {
            errno = EEXIST;
            return failed(path, "not written", err);
        }
    }
    return rename(temporary, path) ? failed(path, "could not be put in place", err)
                                   : FED_OK;
}

fed_status fed_file_write(const char *path, fed_span bytes, unsigned mode,
                          fed_file_overwrite overwrite, fed_error *err)
{
    char temporary[PATH_BYTES];
    int n = snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary)
        return fed_fail(err, FED_E_INVALID, "%s: a path that is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return failed(path, "could not be made", err);
    fed_status status = write_all(fd, path, bytes, err);
    if (close(fd) && !status) status = failed(path, "could not be closed", err);
    if (!status) status = take_name(temporary, path, overwrite, err);
    if (status || overwrite == FED_FILE_KEEP) unlink(temporary);
    return status;
}
