#include "blob_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX = 64, PATH_BYTES = 4096 };

static const char prefix[] = "blob/";

static bool is_hex_name(const char *text)
{
    return strlen(text) == HEX && strspn(text, "0123456789abcdef") == HEX;
}

const char *fed_blob_key_hex(const char *key)
{
    if (strncmp(key, prefix, sizeof prefix - 1) != 0) return NULL;
    const char *hex = key + sizeof prefix - 1;
    return is_hex_name(hex) ? hex : NULL;
}

void fed_blob_file_path(const char *folder, const char *hex, char *path, size_t size)
{
    snprintf(path, size, "%s/blobs/%.2s/%s", folder, hex, hex);
}

static fed_status io_error(const char *path, const char *what, fed_error *err)
{
    return fed_fail(err, FED_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

static fed_status make_folder(const char *path, fed_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return FED_OK;
    return io_error(path, "could not be made", err);
}

static fed_status sync_folder(const char *folder, fed_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return io_error(folder, "could not be opened", err);
    fed_status status = fsync(fd) ? io_error(folder, "could not be synced", err) : FED_OK;
    close(fd);
    return status;
}

fed_status fed_blob_files_init(const char *folder, fed_error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/blobs", folder);
    FED_TRY(make_folder(path, err));
    for (unsigned i = 0; i < 256; i++) {
        snprintf(path, sizeof path, "%s/blobs/%02x", folder, i);
        FED_TRY(make_folder(path, err));
    }
    snprintf(path, sizeof path, "%s/blobs", folder);
    FED_TRY(sync_folder(path, err));
    return sync_folder(folder, err);
}

static fed_status write_all(int fd, const char *path, fed_span bytes, fed_error *err)
{
    size_t at = 0;
    while (at < bytes.len) {
        ssize_t n = write(fd, bytes.data + at, bytes.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "could not be written", err);
        at += (size_t)n;
    }
    return fsync(fd) ? io_error(path, "could not be synced", err) : FED_OK;
}

static fed_status sync_folder_of(const char *path, fed_error *err)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    return sync_folder(folder, err);
}

fed_status fed_blob_file_write(const char *folder, const char *hex, fed_span bytes,
                               fed_error *err)
{
    char path[PATH_BYTES], temporary[PATH_BYTES + 8];
    fed_blob_file_path(folder, hex, path, sizeof path);
    if (access(path, F_OK) == 0) return FED_OK;
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return io_error(temporary, "could not be made", err);
    fed_status status = write_all(fd, temporary, bytes, err);
    if (close(fd) && !status) status = io_error(temporary, "could not be closed", err);
    if (!status && rename(temporary, path))
        status = io_error(path, "could not be put in place", err);
    if (!status) return sync_folder_of(path, err);
    unlink(temporary);
    return status;
}

fed_status fed_blob_file_read(const char *folder, const char *hex, fed_bytes *out,
                              fed_error *err)
{
    char path[PATH_BYTES];
    struct stat info;
    fed_blob_file_path(folder, hex, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return fed_fail(err, FED_E_NOT_FOUND, "blob/%s: no such blob", hex);
    if (fd < 0) return io_error(path, "could not be opened", err);
    fed_status status = fstat(fd, &info)
                            ? io_error(path, "could not be asked for its size", err)
                            : FED_OK;
    size_t left = status ? 0 : (size_t)info.st_size;
    uint8_t *to = status ? NULL : fed_bytes_extend(out, left);
    if (!status && left && !to)
        status = fed_fail(err, out->status, "%s: %zu bytes", path, left);
    while (!status && left) {
        ssize_t n = read(fd, to, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) status = io_error(path, "could not be read", err);
        if (n == 0) status = fed_fail(err, FED_E_IO, "%s: %zu bytes short", path, left);
        if (n > 0) to += n, left -= (size_t)n;
    }
    close(fd);
    return status;
}

void fed_blob_file_remove(const char *folder, const char *hex)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, path, sizeof path);
    unlink(path); /* if it stays, the next opening removes it */
}

static fed_status each_in(const char *path,
                          fed_status (*visit)(void *arg, const char *hex, fed_error *err),
                          void *arg, fed_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) return io_error(path, "could not be listed", err);
    fed_status status = FED_OK;
    for (struct dirent *e; !status && (e = readdir(dir));) {
        if (is_hex_name(e->d_name))
            status = visit(arg, e->d_name, err);
        else if (e->d_name[0] != '.')
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    return status;
}

fed_status fed_blob_files_each(const char *folder,
                               fed_status (*visit)(void *arg, const char *hex,
                                                   fed_error *err),
                               void *arg, fed_error *err)
{
    char path[PATH_BYTES];
    for (unsigned i = 0; i < 256; i++) {
        snprintf(path, sizeof path, "%s/blobs/%02x", folder, i);
        FED_TRY(each_in(path, visit, arg, err));
    }
    return FED_OK;
}
