#include "server_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "model.h"

static fed_status read_key(const char *path, int fd, uint8_t seed[32], fed_error *err)
{
    char text[FED_KEYFILE_MAX];
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0) return fed_fail(err, FED_E_IO, "%s: %s", path, strerror(errno));
    fed_status status = fed_keyfile_get(
        FED_KEY_PRIVATE, (fed_span){(uint8_t *)text, (size_t)n}, seed, err);
    fed_wipe(text, sizeof text);
    return fed_fail_in(err, status, "%s", path);
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* Written in full and synced before it takes its name: a crash leaves no half key, and the
 * key outlives every task that names it. */
static fed_status make_key(const char *folder, const char *path, uint8_t seed[32],
                           fed_error *err)
{
    char temporary[4096];
    fed_bytes line;
    fed_random random = fed_random_system();
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FED_TRY(fed_random_fill(&random, "server key", 0, seed, 32));
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_keyfile_put(FED_KEY_PRIVATE, seed, &line, err);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!status && (fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len ||
                    fsync(fd) || rename(temporary, path) || !sync_folder(folder)))
        status = fed_fail(err, FED_E_IO, "%s: could not be written: %s", path,
                          strerror(errno));
    if (fd >= 0) close(fd);
    fed_bytes_wipe(&line);
    return status;
}

fed_status fed_server_key_load(const char *folder, uint8_t seed[32], fed_error *err)
{
    char path[4000];
    snprintf(path, sizeof path, "%s/server.key", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return make_key(folder, path, seed, err);
    if (fd < 0) return fed_fail(err, FED_E_IO, "%s: %s", path, strerror(errno));
    fed_status status = read_key(path, fd, seed, err);
    close(fd);
    return status;
}
