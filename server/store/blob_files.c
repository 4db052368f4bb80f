#include "blob_files.h"

#include <dirent.h>
#include <errno.h>
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

fed_status fed_blob_files_init(const char *folder, fed_error *err)
{
    char blobs[PATH_BYTES], path[PATH_BYTES + 8];
    snprintf(blobs, sizeof blobs, "%s/blobs", folder);
    FED_TRY(fed_folder_create(blobs, err));
    for (unsigned i = 0; i < 256; i++) {
        snprintf(path, sizeof path, "%s/%02x", blobs, i);
        if (mkdir(path, 0700) && errno != EEXIST)
            return io_error(path, "could not be made", err);
    }
    return fed_folder_sync(blobs, err);
}

fed_status fed_blob_file_write(const char *folder, const char *hex, fed_span bytes,
                               fed_error *err)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, path, sizeof path);
    if (access(path, F_OK) == 0) return FED_OK;
    return fed_durable_replace(path, bytes, err);
}

fed_status fed_blob_file_read(const char *folder, const char *hex, fed_bytes *out,
                              fed_error *err)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, path, sizeof path);
    fed_status status = fed_durable_read(path, SIZE_MAX, out, err);
    if (status != FED_E_NOT_FOUND) return status;
    return fed_fail(err, FED_E_NOT_FOUND, "blob/%s: no such blob", hex);
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
