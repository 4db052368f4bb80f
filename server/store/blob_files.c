#include "blob_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

enum { HEX = 64, PATH_BYTES = 4096 };

static const char prefix[] = "blob/", packed_suffix[] = ".zst";

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

void fed_blob_file_path(const char *folder, const char *hex, bool packed, char *path,
                        size_t size)
{
    snprintf(path, size, "%s/blobs/%.2s/%s%s", folder, hex, hex,
             packed ? packed_suffix : "");
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

/* A crash may leave the compressed form alone behind: it goes when nothing names the blob. */
static fed_status write_packed(const char *folder, const char *hex, fed_span bytes,
                               fed_error *err)
{
    char path[PATH_BYTES];
    fed_bytes packed;
    fed_bytes_init(&packed, SIZE_MAX);
    fed_blob_file_path(folder, hex, true, path, sizeof path);
    fed_status status = fed_blob_pack(bytes, &packed, err);
    if (!status && packed.len)
        status = fed_durable_replace(path, (fed_span){packed.data, packed.len}, err);
    fed_bytes_fini(&packed);
    return status;
}

fed_status fed_blob_file_write(const char *folder, const char *hex, fed_span bytes,
                               fed_error *err)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, false, path, sizeof path);
    if (access(path, F_OK) == 0) return FED_OK;
    FED_TRY(write_packed(folder, hex, bytes, err));
    return fed_durable_replace(path, bytes, err);
}

fed_status fed_blob_file_read(const char *folder, const char *hex, fed_bytes *out,
                              fed_error *err)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, false, path, sizeof path);
    fed_status status = fed_durable_read(path, SIZE_MAX, out, err);
    if (status != FED_E_NOT_FOUND) return status;
    return fed_fail(err, FED_E_NOT_FOUND, "blob/%s: no such blob", hex);
}

void fed_blob_file_remove(const char *folder, const char *hex)
{
    char path[PATH_BYTES];
    fed_blob_file_path(folder, hex, false, path, sizeof path);
    unlink(path); /* if one stays, the next opening removes it */
    fed_blob_file_path(folder, hex, true, path, sizeof path);
    unlink(path);
}

/* The name of a file that is a blob in one of its forms; `hex` receives the blob's. */
static bool is_blob_name(const char *name, char hex[HEX + 1])
{
    size_t n = strlen(name);
    if (n != HEX && (n < HEX || strcmp(name + HEX, packed_suffix) != 0)) return false;
    memcpy(hex, name, HEX);
    hex[HEX] = 0;
    return is_hex_name(hex);
}

static fed_status each_in(const char *path,
                          fed_status (*visit)(void *arg, const char *hex, fed_error *err),
                          void *arg, fed_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) return io_error(path, "could not be listed", err);
    fed_status status = FED_OK;
    char hex[HEX + 1];
    for (struct dirent *e; !status && (e = readdir(dir));) {
        if (is_blob_name(e->d_name, hex))
            status = visit(arg, hex, err);
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
