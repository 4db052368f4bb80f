/* The reference page of the plan: one table for each group, one for each operator. */
#include <stdio.h>
#include <string.h>

#include "plan_docs.h"

static void put_bound(fed_bytes *out, double value)
{
    char text[FED_PLAN_NUMBER_CHARS];
    fed_plan_print_number(text, value);
    fed_bytes_put(out, text, strlen(text));
}

static void put_range(fed_bytes *out, const fed_plan_field *field)
{
    fed_bytes_put_text(out, field->above_min ? "above " : "");
    put_bound(out, field->min);
    fed_bytes_put_text(out, field->above_min ? ", " : " ");
    fed_bytes_put_text(out, field->below_max ? "to below " : "to ");
    put_bound(out, field->max);
}

static void put_words(fed_bytes *out, const fed_plan_field *field, const char *before)
{
    for (const fed_plan_word *w = field->words; w && w->word; w++) {
        fed_bytes_printf(out, "%s`%s`", before, w->word);
        before = ", ";
    }
}

static void put_type(fed_bytes *out, const fed_plan_field *field)
{
    switch (field->kind) {
    case FED_FIELD_BOOL:
        fed_bytes_put_text(out, "true or false");
        return;
    case FED_FIELD_INT:
    case FED_FIELD_NUMBER:
        fed_bytes_put_text(out,
                           field->kind == FED_FIELD_INT ? "whole number, " : "number, ");
        put_range(out, field);
        put_words(out, field, "; or ");
        return;
    case FED_FIELD_CHOICE:
        put_words(out, field, "");
        return;
    case FED_FIELD_NAME:
        fed_bytes_printf(out, "name, at most %d characters", FED_PLAN_MAX_NAME);
        return;
    case FED_FIELD_NAMES:
        fed_bytes_printf(out, "list of at most %d names", FED_PLAN_MAX_NAMES);
        return;
    case FED_FIELD_SHAPE:
        fed_bytes_printf(out, "list of 1 to %d whole numbers", FED_RANK_MAX);
        return;
    case FED_FIELD_ADDRESS:
        fed_bytes_put_text(out, "64 hex digits");
        put_words(out, field, "; or ");
        return;
    case FED_FIELD_LOSS:
        fed_bytes_put_text(out, "a [loss](#losses)");
        return;
    case FED_FIELD_LAYERS:
        fed_bytes_printf(out, "list of 1 to %d [layers](#layers)", FED_LAYERS_MAX);
        return;
    }
}

static void put_default(fed_bytes *out, const fed_plan_field *field)
{
    if (!field->fallback) {
        fed_bytes_put_text(out, "required");
        return;
    }
    fed_bytes_printf(out, "`%s`", field->fallback);
    for (size_t i = 0; i < fed_plan_n_exceptions; i++) {
        const fed_plan_exception *e = &fed_plan_exceptions[i];
        if (!strcmp(e->path, field->path))
            fed_bytes_printf(out, "; `%s` with `%s` `\"%s\"`", e->fallback, e->when,
                             e->is);
    }
}

/* True when the field stands in the group itself, not in one of its sub-groups. */
static bool is_in(const fed_plan_field *field, const fed_plan_group *group)
{
    size_t prefix = (size_t)(fed_plan_leaf(field->path) - field->path);
    size_t n = strlen(group->path);
    return prefix == (n ? n + 1 : 0) && !strncmp(field->path, group->path, n);
}

static void put_group(fed_bytes *out, const fed_plan_group *group)
{
    if (*group->path)
        fed_bytes_printf(out, "## `%s`%s\n\n", group->path,
                         group->required ? " (required)" : "");
    else
        fed_bytes_put_text(out, "## Top level\n\n");
    fed_bytes_printf(out, "%s\n\n", group->doc);
    fed_bytes_put_text(out, "| field | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < fed_plan_n_fields; i++) {
        const fed_plan_field *field = &fed_plan_fields[i];
        if (!is_in(field, group)) continue;
        fed_bytes_printf(out, "| `%s` | ", fed_plan_leaf(field->path));
        put_type(out, field);
        fed_bytes_put_text(out, " | ");
        put_default(out, field);
        fed_bytes_printf(out, " | %s |\n", field->doc);
    }
    fed_bytes_put_text(out, "\n");
}

/* ---- operators ---- */

static void put_attr_type(fed_bytes *out, const fed_attr *attr)
{
    static const char *const kinds[] = {
        [FED_ATTR_INT] = "whole number, ",
        [FED_ATTR_DOUBLE] = "number, ",
        [FED_ATTR_INTS] = "whole number or list of them, ",
    };
    if (attr->kind == FED_ATTR_BOOL) {
        fed_bytes_put_text(out, "true or false");
        return;
    }
    for (size_t i = 0; attr->kind == FED_ATTR_ENUM && attr->choices[i]; i++)
        fed_bytes_printf(out, "%s`%s`", i ? ", " : "", attr->choices[i]);
    if (attr->kind == FED_ATTR_ENUM) return;
    fed_bytes_put_text(out, kinds[attr->kind]);
    put_bound(out, attr->min);
    fed_bytes_put_text(out, " to ");
    put_bound(out, attr->max);
}

static void put_attr_default(fed_bytes *out, const fed_attr *attr)
{
    if (attr->required) {
        fed_bytes_put_text(out, "required");
    } else if (attr->kind == FED_ATTR_BOOL) {
        fed_bytes_put_text(out, attr->fallback != 0 ? "`true`" : "`false`");
    } else if (attr->kind == FED_ATTR_ENUM) {
        fed_bytes_printf(out, "`\"%s\"`", attr->choices[(size_t)attr->fallback]);
    } else if (attr->kind == FED_ATTR_INTS && attr->fallback < attr->min) {
        fed_bytes_put_text(out, "`[]`");
    } else {
        fed_bytes_put_text(out, "`");
        put_bound(out, attr->fallback);
        fed_bytes_put_text(out, "`");
    }
}

static void put_op(fed_bytes *out, const fed_op *op)
{
    fed_bytes_printf(out, "### `%s`\n\n%s\n\n", op->name, op->summary);
    if (op->kind == FED_OP_LAYER && op->max_inputs > 1)
        fed_bytes_printf(out, "Inputs: %zu to %zu.\n\n", op->min_inputs, op->max_inputs);
    if (!op->n_attrs) return;
    fed_bytes_put_text(out,
                       "| attribute | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < op->n_attrs; i++) {
        fed_bytes_printf(out, "| `%s` | ", op->attrs[i].name);
        put_attr_type(out, &op->attrs[i]);
        fed_bytes_put_text(out, " | ");
        put_attr_default(out, &op->attrs[i]);
        fed_bytes_printf(out, " | %s |\n", op->attrs[i].help);
    }
    fed_bytes_put_text(out, "\n");
}

static void put_ops(fed_bytes *out, fed_op_kind kind)
{
    for (size_t i = 0; i < fed_op_count(); i++)
        if (fed_op_at(i)->kind == kind) put_op(out, fed_op_at(i));
}

static const char head[] = "# Reference of the plan file\n"
                           "\n"
                           "Made by `plan_docs` from the tables of `common/plan` and "
                           "`common/autograd`: change those, "
                           "not this page.\n"
                           "For editors there is a JSON Schema, `plan.schema.json`; "
                           "ready plans stand in `plans/`.\n"
                           "\n"
                           "A plan is one JSON object. Only `model` and `train` are "
                           "required; a field that is not "
                           "known, or out of bounds, is\n"
                           "refused with its name, value and bound. `fedsim check "
                           "--resolved PLAN` prints the plan "
                           "with every default filled in:\n"
                           "that form is hashed, signed and sent to devices.\n"
                           "\n";

static const char layers[] =
    "## Layers\n"
    "\n"
    "A layer is an object with an operator, `op`, and that operator's attributes. It may "
    "have a "
    "`name`; without one it is\n"
    "called after its operator and its place, as in `linear_2`. It takes what the layer "
    "before "
    "it gives, unless `from` names\n"
    "other earlier layers: one name, or a list. The model's input is called `input`.\n"
    "\n";

static const char losses[] = "## Losses\n"
                             "\n"
                             "`model.loss` is a name, or an object with the name as `op` "
                             "and the loss's attributes.\n"
                             "\n";

void fed_plan_write_reference(fed_bytes *out)
{
    fed_bytes_put_text(out, head);
    for (size_t i = 0; i < fed_plan_n_groups; i++)
        put_group(out, &fed_plan_groups[i]);
    fed_bytes_put_text(out, layers);
    put_ops(out, FED_OP_LAYER);
    fed_bytes_put_text(out, losses);
    put_ops(out, FED_OP_LOSS);
}
