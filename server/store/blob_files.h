/* Blob files: names, writing with everything synced, removal. */
#ifndef FED_BLOB_FILES_H
#define FED_BLOB_FILES_H

#include "base.h"

/** The 64 hex digits of a "blob/HEX" key, or NULL for any other key. */
const char *fed_blob_key_hex(const char *key);
/** FOLDER/blobs/ab/abcd… of 64 hex digits; the compressed form is abcd….zst. */
void fed_blob_file_path(const char *folder, const char *hex, bool packed, char *path,
                        size_t size);
/** Write, sync, rename, sync the folder; the compressed form first, where it saves enough. A
 *  blob that is there already is left alone: its name is its contents. */
FED_MUST_CHECK fed_status fed_blob_file_write(const char *folder, const char *hex,
                                              fed_span bytes, fed_error *err);
FED_MUST_CHECK fed_status fed_blob_file_read(const char *folder, const char *hex,
                                             fed_bytes *out, fed_error *err);
/** In both forms. */
void fed_blob_file_remove(const char *folder, const char *hex);
/** Make the folders that are missing. */
FED_MUST_CHECK fed_status fed_blob_files_init(const char *folder, fed_error *err);
/** Call `visit` with the hex name of each blob file, in whichever form; temporary files are removed. */
FED_MUST_CHECK fed_status fed_blob_files_each(
    const char *folder, fed_status (*visit)(void *arg, const char *hex, fed_error *err),
    void *arg, fed_error *err);

#endif
