/* The file shell: whole files into memory, unpacked, with a stated maximum. */
#ifndef FED_DATA_FILE_H
#define FED_DATA_FILE_H

#include "base.h"

/** Read `path` into `out` (init'd by the caller with its maximum). A file that begins as
 *  gzip is unpacked; the maximum bounds what comes out, so a small file cannot fill the
 *  memory. Errors name the file. */
fed_status fed_data_file_read(const char *path, fed_bytes *out, fed_error *err);
/** The same for `path` or, if that is not there, `path`.gz. */
fed_status fed_data_file_read_either(const char *path, fed_bytes *out, fed_error *err);
/** Unpack gzip members from memory, one after another, until the bytes end. */
fed_status fed_data_gunzip(fed_span packed, fed_bytes *out, fed_error *err);

#endif
