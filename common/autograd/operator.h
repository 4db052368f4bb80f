/* The operators and losses that a plan may name, and the attributes that each accepts. */
#ifndef FED_OPERATOR_H
#define FED_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_ATTR_ITEMS = 4, /* longest list attribute */
    FED_ATTRS_MAX = 10, /* most attributes of one operator */
    FED_INPUTS_MAX = 8  /* most inputs of one layer */
};

typedef enum fed_attr_kind {
    FED_ATTR_INT,    /* a whole number */
    FED_ATTR_DOUBLE, /* a number */
    FED_ATTR_BOOL,   /* true or false */
    FED_ATTR_ENUM,   /* one of `choices` */
    FED_ATTR_INTS    /* one whole number, or a list of 1 to `max_items` of them */
} fed_attr_kind;

/** One attribute of an operator. All pointers are to constants. */
typedef struct fed_attr {
    const char *name;
    fed_attr_kind kind;
    bool required;
    double min, max; /* bounds of INT, DOUBLE and of each item of INTS, inclusive */
    /** Default: the number; 0 or 1 for BOOL; an index into `choices` for ENUM; for INTS one
     *  item of this value, or the empty list when it lies below `min`. */
    double fallback;
    const char *const *choices; /* ENUM: ends with NULL */
    size_t max_items;           /* INTS */
    const char *help;           /* one line */
} fed_attr;

/** The value of an attribute. Only the member that belongs to the kind counts. */
typedef struct fed_attr_value {
    const char *name;
    double number;    /* INT, DOUBLE, BOOL (0 or 1) */
    const char *text; /* ENUM */
    int64_t items[FED_ATTR_ITEMS];
    size_t n_items; /* INTS */
} fed_attr_value;

typedef enum fed_op_kind { FED_OP_LAYER, FED_OP_LOSS } fed_op_kind;

/** What a loss compares the model's output with. */
typedef enum fed_target_kind {
    FED_TARGET_NONE,    /* a layer, not a loss */
    FED_TARGET_CLASSES, /* int32, one per row of the output; -1 is ignored */
    FED_TARGET_VALUES   /* float32, as many as the output has */
} fed_target_kind;

/** One row of the operator table. */
typedef struct fed_op {
    const char *name;    /* as in a plan */
    const char *summary; /* one line */
    fed_op_kind kind;
    const fed_attr *attrs;
    size_t n_attrs;
    size_t min_inputs, max_inputs;
    fed_target_kind target;
} fed_op;

/** How many rows the table has, and each of them (NULL beyond the end). Thread-safe. */
size_t fed_op_count(void);
const fed_op *fed_op_at(size_t index);
/** The row of a name, or NULL. */
const fed_op *fed_op_find(const char *name);

/**
 * Check the values given for an operator and fill in the defaults: `resolved` receives
 * op->n_attrs values in the order of the table; texts then point into the table.
 * FED_E_INVALID for an unknown, repeated, missing or out-of-bounds attribute, with a text
 * that names it ("kernel: 0 is below 1").
 */
FED_MUST_CHECK fed_status fed_op_resolve(const fed_op *op, const fed_attr_value *given,
                                         size_t n, fed_attr_value *resolved,
                                         fed_error *err);

/* Values, for those who build graphs in C. */
static inline fed_attr_value fed_attr_number(const char *name, double number)
{
    fed_attr_value v = {.name = name, .number = number};
    v.items[0] = (int64_t)number, v.n_items = 1;
    return v;
}
static inline fed_attr_value fed_attr_text(const char *name, const char *text)
{
    fed_attr_value v = {.name = name, .text = text};
    return v;
}
static inline fed_attr_value fed_attr_pair(const char *name, int64_t a, int64_t b)
{
    fed_attr_value v = {.name = name, .items = {a, b}, .n_items = 2};
    return v;
}

#endif
