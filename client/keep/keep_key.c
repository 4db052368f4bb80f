#include "keep_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static fed_status make_key(const char *path, const fed_random *random,
                           uint8_t key[FED_SEALED_KEY], fed_error *err)
{
    FED_TRY(fed_random_fill(random, "state key", 0, key, FED_SEALED_KEY));
    return fed_durable_replace(path, (fed_span){key, FED_SEALED_KEY}, err);
}

static fed_status check_mode(const char *path, fed_error *err)
{
    struct stat info;
    if (stat(path, &info)) return FED_OK; /* reading it will say why */
    if ((info.st_mode & 077) == 0) return FED_OK;
    return fed_fail(err, FED_E_REFUSED, "%s: mode %03o, others must have no access (600)",
                    path, (unsigned)(info.st_mode & 0777));
}

fed_status fed_keep_key_file(const char *folder, bool fresh, const fed_random *random,
                             uint8_t key[FED_SEALED_KEY], fed_error *err)
{
    char path[FED_PATH_MAX + 8];
    fed_bytes text;
    snprintf(path, sizeof path, "%s/key", folder);
    FED_TRY(check_mode(path, err));
    fed_bytes_init(&text, FED_SEALED_KEY);
    fed_status status = fed_durable_read(path, FED_SEALED_KEY, &text, err);
    if (status == FED_E_NOT_FOUND && fresh) {
        status = make_key(path, random, key, err);
    } else if (status == FED_E_NOT_FOUND) {
        status = fed_fail(err, FED_E_NOT_FOUND,
                          "%s: missing, and the folder's state is sealed with it", path);
    } else if (!status && text.len != FED_SEALED_KEY) {
        status = fed_fail(err, FED_E_FORMAT, "%s: %zu bytes, a key has %d", path,
                          text.len, FED_SEALED_KEY);
    } else if (!status) {
        memcpy(key, text.data, FED_SEALED_KEY);
    }
    fed_bytes_wipe(&text);
    return status;
}
