#include "server_key.h"

#include <stdio.h>

#include "crypto.h"
#include "model.h"

static fed_status make_key(const char *path, uint8_t seed[32], fed_error *err)
{
    fed_bytes line;
    fed_random random = fed_random_system();
    FED_TRY(fed_random_fill(&random, "server key", 0, seed, 32));
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_keyfile_put(FED_KEY_PRIVATE, seed, &line, err);
    if (!status) status = fed_durable_replace(path, (fed_span){line.data, line.len}, err);
    fed_bytes_wipe(&line);
    return status;
}

fed_status fed_server_key_load(const char *folder, uint8_t seed[32], fed_error *err)
{
    char path[FED_PATH_MAX];
    fed_bytes line;
    int n = snprintf(path, sizeof path, "%s/server.key", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return fed_fail(err, FED_E_INVALID, "state folder: a path of %d characters", n);
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_durable_read(path, FED_KEYFILE_MAX, &line, err);
    if (status == FED_E_NOT_FOUND)
        status = make_key(path, seed, err);
    else if (!status)
        status = fed_fail_in(
            err,
            fed_keyfile_get(FED_KEY_PRIVATE, (fed_span){line.data, line.len}, seed, err),
            "%s", path);
    fed_bytes_wipe(&line);
    return status;
}
