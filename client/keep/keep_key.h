/* Internal: the default place of a folder's key. */
#ifndef FED_KEEP_KEY_H
#define FED_KEEP_KEY_H

#include "keep.h"

/** Read FOLDER/key, or make it when `fresh` (nothing is sealed under a key yet). */
FED_MUST_CHECK fed_status fed_keep_key_file(const char *folder, bool fresh,
                                            const fed_random *random,
                                            uint8_t key[FED_SEALED_KEY], fed_error *err);

#endif
