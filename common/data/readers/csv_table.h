/* A CSV table in memory: numbers as numbers, users and classes as names. */
#ifndef FED_CSV_TABLE_H
#define FED_CSV_TABLE_H

#include "../name_table.h"

enum {
    FED_CSV_MAX_LINE = 1 << 20,
    FED_CSV_MAX_COLUMNS = 1 << 16,
    FED_CSV_MAX_USERS = 1 << 20,
    FED_CSV_MAX_CLASSES = 1 << 16
};

/** Which column is what; each text is a column's name, or several with commas between,
 *  and may be NULL. Exactly one of `label` and `target` is given. */
typedef struct fed_csv_columns {
    const char *user, *label, *target, *drop;
    const char *classes; /* the class names, in their order; NULL: those that occur */
} fed_csv_columns;

typedef struct fed_csv_table {
    fed_name_table columns, users, classes;
    fed_bytes roles;    /* one byte per column */
    fed_bytes features; /* native float, rows x n_features */
    fed_bytes targets;  /* native float, rows x n_targets */
    fed_bytes labels;   /* native int32, a class per row */
    fed_bytes user_of;  /* native uint32, a user per row */
    uint32_t n_columns, n_features, n_targets, rows;
    bool has_user, has_label;
} fed_csv_table;

/** Read the whole text. On failure, too, `t` is to be given to _fini. */
fed_status fed_csv_table_read(fed_csv_table *t, fed_span text,
                              const fed_csv_columns *want, fed_error *err);
void fed_csv_table_fini(fed_csv_table *t);

#endif
