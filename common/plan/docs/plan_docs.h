/* Documents made from the plan's table: docs/plan.schema.json and docs/plan-reference.md. */
#ifndef FED_PLAN_DOCS_H
#define FED_PLAN_DOCS_H

#include "plan_table.h"

/** Append the JSON Schema (2020-12) of an author's plan. */
FED_MUST_CHECK fed_status fed_plan_write_schema(fed_bytes *out, fed_error *err);
/** Append the reference page (Markdown). */
void fed_plan_write_reference(fed_bytes *out);

#endif
