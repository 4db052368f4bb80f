#include "operator.h"

#include <math.h>
#include <string.h>

#include "ops/table.h"

/* Names and attributes are the same on every path; the plain one is always there. */
extern const fed_op_row *const fed_op_rows_scalar[];

size_t fed_op_count(void)
{
    size_t n = 0;
    while (fed_op_rows_scalar[n])
        n++;
    return n;
}

const fed_op *fed_op_at(size_t index)
{
    return index < fed_op_count() ? &fed_op_rows_scalar[index]->op : NULL;
}

const fed_op *fed_op_find(const char *name)
{
    for (size_t i = 0; fed_op_rows_scalar[i]; i++)
        if (strcmp(fed_op_rows_scalar[i]->op.name, name) == 0)
            return &fed_op_rows_scalar[i]->op;
    return NULL;
}

static fed_status check_number(const fed_attr *attr, double x, fed_error *err)
{
    bool whole = attr->kind != FED_ATTR_DOUBLE;
    if (whole && x != floor(x))
        return fed_fail(err, FED_E_INVALID, "%s: %g is not a whole number", attr->name,
                        x);
    if (!(x >= attr->min))
        return fed_fail(err, FED_E_INVALID, "%s: %.9g is below %.9g", attr->name, x,
                        attr->min);
    if (x > attr->max)
        return fed_fail(err, FED_E_INVALID, "%s: %.9g is above %.9g", attr->name, x,
                        attr->max);
    return FED_OK;
}

static fed_status check_choice(const fed_attr *attr, fed_attr_value *value,
                               fed_error *err)
{
    for (size_t i = 0; attr->choices[i]; i++)
        if (value->text && strcmp(attr->choices[i], value->text) == 0) {
            value->text = attr->choices[i];
            return FED_OK;
        }
    return fed_fail(err, FED_E_INVALID, "%s: \"%s\" is none of its choices (\"%s\", ...)",
                    attr->name, value->text ? value->text : "", attr->choices[0]);
}

static fed_status check_value(const fed_attr *attr, fed_attr_value *value, fed_error *err)
{
    value->name = attr->name;
    if (attr->kind == FED_ATTR_ENUM) return check_choice(attr, value, err);
    if (attr->kind == FED_ATTR_BOOL) {
        if (value->number != 0 && value->number != 1)
            return fed_fail(err, FED_E_INVALID, "%s: %g is neither true nor false",
                            attr->name, value->number);
        return FED_OK;
    }
    if (attr->kind != FED_ATTR_INTS) return check_number(attr, value->number, err);
    bool may_be_empty = !attr->required && attr->fallback < attr->min; /* its default */
    if (value->n_items == 0 && may_be_empty) return FED_OK;
    if (value->n_items < 1 || value->n_items > attr->max_items)
        return fed_fail(err, FED_E_INVALID, "%s: %zu items, 1 to %zu are allowed",
                        attr->name, value->n_items, attr->max_items);
    for (size_t i = 0; i < value->n_items; i++)
        FED_TRY(check_number(attr, (double)value->items[i], err));
    return FED_OK;
}

static fed_attr_value default_value(const fed_attr *attr)
{
    fed_attr_value value = {.name = attr->name, .number = attr->fallback};
    if (attr->kind == FED_ATTR_ENUM) value.text = attr->choices[(size_t)attr->fallback];
    if (attr->kind == FED_ATTR_INTS && attr->fallback >= attr->min)
        value.items[0] = (int64_t)attr->fallback, value.n_items = 1;
    return value;
}

static fed_status take_value(const fed_op *op, const fed_attr_value *given, bool *seen,
                             fed_attr_value *resolved, fed_error *err)
{
    for (size_t a = 0; a < op->n_attrs; a++) {
        if (strcmp(op->attrs[a].name, given->name) != 0) continue;
        if (seen[a]) return fed_fail(err, FED_E_INVALID, "%s: given twice", given->name);
        seen[a] = true;
        resolved[a] = *given;
        return check_value(&op->attrs[a], &resolved[a], err);
    }
    return fed_fail(err, FED_E_INVALID, "%s: %s has no such attribute", given->name,
                    op->name);
}

fed_status fed_op_resolve(const fed_op *op, const fed_attr_value *given, size_t n,
                          fed_attr_value *resolved, fed_error *err)
{
    bool seen[FED_ATTRS_MAX] = {false};
    for (size_t i = 0; i < n; i++)
        FED_TRY(take_value(op, &given[i], seen, resolved, err));
    for (size_t a = 0; a < op->n_attrs; a++) {
        if (seen[a]) continue;
        if (op->attrs[a].required)
            return fed_fail(err, FED_E_INVALID, "%s: missing, %s needs it",
                            op->attrs[a].name, op->name);
        resolved[a] = default_value(&op->attrs[a]);
    }
    return FED_OK;
}
