/* Names and their numbers: users and classes as the data spell them. */
#ifndef FED_NAME_TABLE_H
#define FED_NAME_TABLE_H

#include "dataset.h"

enum { FED_NAME_MAX = 255 /* bytes of one name */ };

typedef struct fed_name_table {
    fed_bytes text;  /* the names, NUL-terminated each */
    fed_bytes start; /* a native uint32_t per name: where it begins */
    uint32_t *slots; /* open addressing; number + 1, 0 is free */
    uint32_t n, n_slots, max;
    const char *what; /* "user", "class": for error texts */
} fed_name_table;

/** An empty table that refuses more than `max` (at most 2^24) names. Allocates
 *  nothing. */
void fed_name_table_init(fed_name_table *t, const char *what, uint32_t max);
void fed_name_table_fini(fed_name_table *t);
/** The number of `name`, given when it is new, in order of appearance. FED_E_FORMAT for
 *  an empty name or one with a NUL, FED_E_LIMIT for one too long or one too many. */
fed_status fed_name_table_add(fed_name_table *t, fed_span name, uint32_t *number,
                              fed_error *err);
/** The same, but FED_E_NOT_FOUND (without a text) for a name that is not there yet. */
fed_status fed_name_table_find(const fed_name_table *t, fed_span name, uint32_t *number);
const char *fed_name_table_at(const fed_name_table *t, uint32_t number);
/** Renumber by name: as whole numbers where all names are, else by their bytes. `rank`
 *  (t->n places) receives the new number of each old one. */
fed_status fed_name_table_sort(fed_name_table *t, uint32_t *rank, fed_error *err);
/** Hand the names over to `ds`; the table is empty afterwards. */
void fed_name_table_give(fed_name_table *t, fed_data *ds, fed_names *names);

#endif
