/* Files that must survive a crash, for shells only: every write is synced before the call
 * returns, a replacement is seen whole or not at all. Paths are at most FED_PATH_MAX - 1
 * bytes; failures are FED_E_IO with the path and the system's reason. */
#ifndef FED_DURABLE_H
#define FED_DURABLE_H

#include <stddef.h>

#include "bytes.h"
#include "public/fed/status.h"

enum { FED_PATH_MAX = 4096 };

/** Append the contents to `out`. FED_E_NOT_FOUND, FED_E_LIMIT for more than `max` bytes. */
FED_MUST_CHECK fed_status fed_durable_read(const char *path, size_t max, fed_bytes *out,
                                           fed_error *err);
/** Make (mode 0600) or overwrite a file and sync it. The folder is not synced. */
FED_MUST_CHECK fed_status fed_durable_write(const char *path, fed_span bytes,
                                            fed_error *err);
/** Write PATH.new, sync it, rename it to `path`, sync the folder. After a failure the old
 *  contents or the new ones are there, or, before the first success, none. */
FED_MUST_CHECK fed_status fed_durable_replace(const char *path, fed_span bytes,
                                              fed_error *err);
/** Make names that were added to or removed from a folder durable. */
FED_MUST_CHECK fed_status fed_folder_sync(const char *folder, fed_error *err);
/** Make a folder (mode 0700) unless it is there; its name is durable on return. */
FED_MUST_CHECK fed_status fed_folder_create(const char *folder, fed_error *err);
/** Make the folder likewise, and lock its file "lock"; the lock lasts
 *  until `*fd` is closed. FED_E_EXISTS when somebody else holds it. */
FED_MUST_CHECK fed_status fed_folder_lock(const char *folder, int *fd, fed_error *err);

#endif
