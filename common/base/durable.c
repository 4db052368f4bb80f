#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

static fed_status io_error(const char *path, const char *what, fed_error *err)
{
    return fed_fail(err, FED_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

static fed_status read_all(int fd, const char *path, fed_bytes *out, size_t left,
                           fed_error *err)
{
    uint8_t *to = fed_bytes_extend(out, left);
    if (!to && out->status)
        return fed_fail(err, out->status, "%s: %zu bytes: %s", path, left,
                        fed_status_name(out->status));
    while (left) {
        ssize_t n = read(fd, to, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "could not be read", err);
        if (n == 0) return fed_fail(err, FED_E_IO, "%s: shrank while read", path);
        to += n, left -= (size_t)n;
    }
    return FED_OK;
}

fed_status fed_durable_read(const char *path, size_t max, fed_bytes *out, fed_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return fed_fail(err, FED_E_NOT_FOUND, "%s: no such file", path);
    if (fd < 0) return io_error(path, "could not be opened", err);
    size_t before = out->len;
    fed_status status = FED_OK;
    if (fstat(fd, &info))
        status = io_error(path, "could not be asked for its size", err);
    else if (!S_ISREG(info.st_mode))
        status = fed_fail(err, FED_E_IO, "%s: not a file", path);
    else if ((uintmax_t)info.st_size > max)
        status = fed_fail(err, FED_E_LIMIT, "%s: %jd bytes, at most %zu", path,
                          (intmax_t)info.st_size, max);
    else
        status = read_all(fd, path, out, (size_t)info.st_size, err);
    if (status) out->len = before;
    close(fd);
    return status;
}

static fed_status write_all(int fd, const char *path, fed_span bytes, fed_error *err)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "could not be written", err);
        bytes.data += n, bytes.len -= (size_t)n;
    }
    return fsync(fd) ? io_error(path, "could not be synced", err) : FED_OK;
}

fed_status fed_durable_write(const char *path, fed_span bytes, fed_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return io_error(path, "could not be made", err);
    fed_status status = write_all(fd, path, bytes, err);
    if (close(fd) && !status) status = io_error(path, "could not be closed", err);
    return status;
}

/* The folder of `path`, "." when it names none. */
static void folder_of(const char *path, char folder[FED_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(folder, FED_PATH_MAX, ".");
    else
        snprintf(folder, FED_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path),
                 path);
}

fed_status fed_durable_replace(const char *path, fed_span bytes, fed_error *err)
{
    char folder[FED_PATH_MAX], fresh[FED_PATH_MAX + 4];
    if (strlen(path) >= FED_PATH_MAX)
        return fed_fail(err, FED_E_LIMIT, "path: %zu bytes, at most %d", strlen(path),
                        FED_PATH_MAX - 1);
    folder_of(path, folder);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    fed_status status = fed_durable_write(fresh, bytes, err);
    if (!status && rename(fresh, path))
        status = io_error(path, "could not be put in place", err);
    if (!status) return fed_folder_sync(folder, err);
    unlink(fresh);
    return status;
}

fed_status fed_folder_sync(const char *folder, fed_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return io_error(folder, "could not be opened", err);
    fed_status status = fsync(fd) ? io_error(folder, "could not be synced", err) : FED_OK;
    close(fd);
    return status;
}

fed_status fed_folder_create(const char *folder, fed_error *err)
{
    char parent[FED_PATH_MAX];
    if (strlen(folder) >= FED_PATH_MAX)
        return fed_fail(err, FED_E_LIMIT, "path: %zu bytes, at most %d", strlen(folder),
                        FED_PATH_MAX - 1);
    bool made = mkdir(folder, 0700) == 0;
    if (!made && errno != EEXIST) return io_error(folder, "could not be made", err);
    folder_of(folder, parent);
    /* One that is there may have been made just before a crash; who made it may not let us
     * look at its parent. */
    fed_status status = fed_folder_sync(parent, made ? err : NULL);
    return made ? status : FED_OK;
}

fed_status fed_folder_lock(const char *folder, int *fd, fed_error *err)
{
    char path[FED_PATH_MAX + 8];
    *fd = -1;
    FED_TRY(fed_folder_create(folder, err));
    snprintf(path, sizeof path, "%s/lock", folder);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return io_error(path, "could not be opened", err);
    if (flock(lock, LOCK_EX | LOCK_NB)) {
        close(lock);
        return fed_fail(err, FED_E_EXISTS, "%s: another process has it open", folder);
    }
    *fd = lock;
    return FED_OK;
}
