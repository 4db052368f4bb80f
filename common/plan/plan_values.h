/* One value of a plan: from JSON into the struct, and from the struct to resolved text. */
#ifndef FED_PLAN_VALUES_H
#define FED_PLAN_VALUES_H

#include <jansson.h>

#include "plan_table.h"

enum { FED_PLAN_SHOWN = 96 }; /* room for a value shown in an error text */

/** Store `value` (borrowed) in the field's place; `path` names it in errors. */
FED_MUST_CHECK fed_status fed_plan_store(fed_plan *plan, const fed_plan_field *field,
                                         const char *path, const json_t *value,
                                         fed_error *err);
/** Print the field's value as resolved JSON. */
void fed_plan_print_value(fed_bytes *out, const fed_plan *plan,
                          const fed_plan_field *field);

/** A JSON value as people know it ("\"ten\"", "0.5", "a list"), for error texts. */
void fed_plan_show(const json_t *value, char out[FED_PLAN_SHOWN]);
void fed_plan_show_text(const char *text, char out[FED_PLAN_SHOWN]);
/** True when `text` is 1 to FED_PLAN_MAX_NAME letters, digits, `.`, `_`, `-`. */
bool fed_plan_is_name(const char *text);
/** The name (borrowed) that `value` holds. */
FED_MUST_CHECK fed_status fed_plan_read_name(const char **out, const char *path,
                                             const json_t *value, fed_error *err);
/** A whole number, also one written as 3.0. */
bool fed_plan_whole(const json_t *value, int64_t *out);

/** Append a number, and a string of which no character needs an escape. */
void fed_plan_put_number(fed_bytes *out, double value);
void fed_plan_put_string(fed_bytes *out, const char *text);

/* Operators have a source file of their own, plan_layers.c. */
FED_MUST_CHECK fed_status fed_plan_store_layers(fed_plan_model *model, const char *path,
                                                const json_t *value, fed_error *err);
FED_MUST_CHECK fed_status fed_plan_store_loss(fed_plan_op *loss, const char *path,
                                              const json_t *value, fed_error *err);
void fed_plan_print_layers(fed_bytes *out, const fed_plan_model *model);
void fed_plan_print_loss(fed_bytes *out, const fed_plan_op *loss);

/** The JSON object in `text`; within the limits of a plan, no key twice. For json_decref(). */
FED_MUST_CHECK fed_status fed_plan_load_json(json_t **out, const void *text, size_t n,
                                             fed_error *err);
/** Append JSON text; `flags` are jansson's. */
FED_MUST_CHECK fed_status fed_plan_dump_json(fed_bytes *out, const json_t *value,
                                             size_t flags, fed_error *err);
/** "PATH: unknown field; did you mean …?" */
fed_status fed_plan_fail_unknown(const char *path, fed_error *err);

/** What is unsound in a plan whose fields are each within bounds. */
FED_MUST_CHECK fed_status fed_plan_check_rules(const fed_plan *plan, fed_error *err);
/** The same of `privacy` and what goes with it. */
FED_MUST_CHECK fed_status fed_plan_check_privacy_rules(const fed_plan *plan,
                                                       fed_error *err);

#endif
