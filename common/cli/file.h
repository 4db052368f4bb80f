/* What a command line names: read whatever it is (a pipe, /dev/stdin), written for people.
 * What a program keeps for itself goes through base's durable.h. */
#ifndef FED_FILE_H
#define FED_FILE_H

#include "base.h"

/** Append all of a file to `out`, whose maximum bounds it. FED_E_NOT_FOUND when it cannot be
 *  opened, FED_E_LIMIT when it is larger, FED_E_IO; the text names `path`. */
FED_MUST_CHECK fed_status fed_file_read(const char *path, fed_bytes *out, fed_error *err);

typedef enum fed_file_overwrite {
    FED_FILE_KEEP,   /* FED_E_EXISTS when the file is there */
    FED_FILE_REPLACE /* take its place */
} fed_file_overwrite;

/** Write a file that appears whole, synced, or not at all. `mode` as in chmod: 0600. */
FED_MUST_CHECK fed_status fed_file_write(const char *path, fed_span bytes, unsigned mode,
                                         fed_file_overwrite overwrite, fed_error *err);

#endif
