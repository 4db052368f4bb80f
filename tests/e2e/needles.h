/* Bytes that must not be found, and looking for them: in every file below a folder, at every
 * offset, as they are and as hexadecimal digits of either case. */
#ifndef FED_NEEDLES_H
#define FED_NEEDLES_H

#include "base.h"

enum {
    FED_NEEDLE_BYTES = 16,
    FED_NEEDLES_EACH = 24 /* pieces of one secret, at most, spread over it */
};

/** Where something must not be. */
typedef enum fed_haystack {
    FED_AT_SERVER = 1,
    FED_AT_DEVICES = 2,
    FED_IN_LOGS = 4,
    FED_ANYWHERE = 7
} fed_haystack;

typedef struct fed_needle {
    uint8_t bytes[FED_NEEDLE_BYTES];
    const char *name;
    unsigned banned_from; /* fed_haystack, or several */
} fed_needle;

/** Zeroed: none yet. */
typedef struct fed_needles {
    fed_needle *items;
    size_t n, cap;
    bool is_ready;
    uint8_t *starts;   /* a bit for each three bytes that a needle begins with */
    uint64_t searched; /* bytes, so far */
    const char *found; /* the name of what was found last */
    char where[512];   /* and the file */
} fed_needles;

void fed_needles_fini(fed_needles *s);
/** Add pieces of a secret; `name` is borrowed. Pieces of few different bytes, which might be
 *  anywhere by chance, are left out. False after a failed check, or when no piece is left. */
bool fed_needles_add(fed_needles *s, const char *name, unsigned banned_from,
                     const void *secret, size_t n);
/** Is a needle there that is banned from this haystack? */
bool fed_needles_are_in(fed_needles *s, fed_span bytes, fed_haystack which);
/** The number of files at or below `path` that hold one. Files that go away meanwhile are
 *  passed over. */
size_t fed_needles_search(fed_needles *s, const char *path, fed_haystack which);

#endif
