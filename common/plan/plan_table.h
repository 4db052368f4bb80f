/* The table that drives everything: parsing, defaults, printing, schema, reference page. */
#ifndef FED_PLAN_TABLE_H
#define FED_PLAN_TABLE_H

#include "plan.h"

typedef enum fed_plan_kind {
    FED_FIELD_BOOL,   /* bool */
    FED_FIELD_INT,    /* int64_t; or one of `words` */
    FED_FIELD_NUMBER, /* double; or one of `words` */
    FED_FIELD_CHOICE, /* an enum of the size of int: one of `words` */
    FED_FIELD_NAME,   /* char *: letters, digits, . _ - */
    FED_FIELD_NAMES,  /* fed_plan_names */
    FED_FIELD_SHAPE,  /* fed_shape */
    FED_FIELD_ADDRESS, /* fed_plan_model_address: 64 hex digits; or the one word, for none */
    FED_FIELD_LOSS,    /* fed_plan_op: a loss of the autograd room */
    FED_FIELD_LAYERS /* fed_plan_layer *, with its count behind it */
} fed_plan_kind;

/** A word that a field accepts and the value that stands for it in the struct. */
typedef struct fed_plan_word {
    const char *word;
    int value;
} fed_plan_word;

typedef struct fed_plan_field {
    const char *path; /* "train.lr" */
    fed_plan_kind kind;
    size_t offset;        /* in fed_plan */
    const char *fallback; /* default, as JSON; NULL: the field is required */
    double min, max;
    bool above_min, below_max;  /* the bound itself is excluded */
    const fed_plan_word *words; /* ends with a NULL word; may be NULL */
    const char *doc;            /* one sentence */
} fed_plan_field;

/** An object of the plan; its fields stand together in the table. */
typedef struct fed_plan_group {
    const char *path; /* "" is the plan itself */
    bool required;
    const char *doc;
} fed_plan_group;

/** Where the default of a field depends on the choice made in another. */
typedef struct fed_plan_exception {
    const char *path, *when, *is;
    const char *fallback;
} fed_plan_exception;

extern const fed_plan_field fed_plan_fields[];
extern const size_t fed_plan_n_fields;
extern const fed_plan_group fed_plan_groups[];
extern const size_t fed_plan_n_groups;
extern const fed_plan_exception fed_plan_exceptions[];
extern const size_t fed_plan_n_exceptions;

/** The field or group at `path` (not NUL-terminated at `n`), or NULL. */
const fed_plan_field *fed_plan_find_field(const char *path);
const fed_plan_group *fed_plan_find_group(const char *path);
/** The last name of a path, and how many characters stand before it, dot included. */
const char *fed_plan_leaf(const char *path);
/** The word whose value is `value`, or NULL. */
const char *fed_plan_word_of(const fed_plan_field *field, int64_t value);
/** The entry for `word`, or NULL. */
const fed_plan_word *fed_plan_find_word(const fed_plan_field *field, const char *word);

/** The field's place in a plan. */
static inline void *fed_plan_place(fed_plan *plan, const fed_plan_field *field)
{
    return (char *)plan + field->offset;
}
static inline const void *fed_plan_place_const(const fed_plan *plan,
                                               const fed_plan_field *field)
{
    return (const char *)plan + field->offset;
}

#endif
