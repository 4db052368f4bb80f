/* The operator table of a path. */
#ifndef FED_OP_TABLE_H
#define FED_OP_TABLE_H

#include "op.h"

#define fed_op_rows FED_IN_PATH(fed_op_rows)
/** Ends with NULL; in the same order for every path. */
extern const fed_op_row *const fed_op_rows[];

#endif
