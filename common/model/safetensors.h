/*
 * The safetensors container, float32 only, read from bytes that anybody may have made:
 *
 *   u64 header length | header: JSON | the values, one tensor after the other
 *
 * The header maps each name to {"dtype", "shape", "data_offsets": [from, to)}, the offsets
 * counted from the end of the header. Refused: what is not strict JSON, a name or a field
 * twice, a field that is unknown or missing, shapes that do not match their offsets, gaps,
 * overlaps and bytes that belong to nobody. An optional "__metadata__" must map text to
 * text, and is then ignored.
 */
#ifndef FED_SAFETENSORS_H
#define FED_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_SAFETENSORS_HEADER_MAX = 1 << 20, /* bytes of the header */
    FED_SAFETENSORS_NAME_MAX = 255,       /* characters of a name */
    FED_SAFETENSORS_TENSORS_MAX = 4096,
    FED_SAFETENSORS_RANK_MAX = 8
};

/** One tensor of a file. */
typedef struct fed_safetensors_entry {
    char *name; /* owned by the index */
    uint32_t rank;
    uint32_t shape[FED_SAFETENSORS_RANK_MAX];
    size_t from, to; /* place in `data`, in bytes */
} fed_safetensors_entry;

/** What a file holds, in the order of its bytes. */
typedef struct fed_safetensors {
    fed_safetensors_entry *entries; /* owned */
    size_t n;
    fed_span data; /* borrowed from the file: all values, little-endian float32 */
} fed_safetensors;

/** Read the header and check that the values are exactly where it says. `file` is borrowed
 *  by the index. FED_E_FORMAT, FED_E_LIMIT, FED_E_UNSUPPORTED (another dtype), FED_E_NOMEM,
 *  with a text that names tensor, value and bound; `out` is then empty. */
FED_MUST_CHECK fed_status fed_safetensors_parse(fed_span file, fed_safetensors *out,
                                                fed_error *err);
void fed_safetensors_fini(fed_safetensors *index);
/** The entry of that name, or NULL. */
const fed_safetensors_entry *fed_safetensors_find(const fed_safetensors *index,
                                                  const char *name);

#endif
