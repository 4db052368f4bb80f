/*
 * The JSON Schema of an author's plan, so that an editor completes and checks while one
 * types. It says what a single field may be; rules across fields stay with the parser.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan_docs.h"
#include "plan_values.h"

/* A failed allocation leaves a NULL that jansson's _new functions pass on as a failure; one
 * flag collects them, and the caller looks at it once. */
static void put(json_t *object, const char *key, json_t *taken, bool *ok)
{
    *ok = json_object_set_new(object, key, taken) == 0 && *ok;
}

static void add(json_t *list, json_t *taken, bool *ok)
{
    *ok = json_array_append_new(list, taken) == 0 && *ok;
}

static json_t *number(double v)
{
    return v == floor(v) ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *typed(const char *type, bool *ok)
{
    json_t *object = json_object();
    put(object, "type", json_string(type), ok);
    return object;
}

static void put_bounds(json_t *to, double min, double max, bool above_min, bool below_max,
                       bool *ok)
{
    put(to, above_min ? "exclusiveMinimum" : "minimum", number(min), ok);
    put(to, below_max ? "exclusiveMaximum" : "maximum", number(max), ok);
}

/* ---- fields ---- */

static json_t *words_of(const fed_plan_field *field, bool *ok)
{
    json_t *object = json_object(), *list = json_array();
    for (const fed_plan_word *w = field->words; w->word; w++)
        add(list, json_string(w->word), ok);
    put(object, "enum", list, ok);
    return object;
}

static json_t *either(json_t *one, json_t *other, bool *ok)
{
    json_t *object = json_object(), *list = json_array();
    add(list, one, ok);
    add(list, other, ok);
    put(object, "anyOf", list, ok);
    return object;
}

static json_t *numeric(const fed_plan_field *field, bool *ok)
{
    json_t *to = typed(field->kind == FED_FIELD_NUMBER ? "number" : "integer", ok);
    put_bounds(to, field->min, field->max, field->above_min, field->below_max, ok);
    return to;
}

static json_t *pattern(const char *regex, bool *ok)
{
    json_t *to = typed("string", ok);
    put(to, "pattern", json_string(regex), ok);
    return to;
}

static json_t *name_type(bool *ok)
{
    char regex[48];
    snprintf(regex, sizeof regex, "^[A-Za-z0-9._-]{1,%d}$", FED_PLAN_MAX_NAME);
    return pattern(regex, ok);
}

static json_t *list_of(json_t *items, double least, double most, bool unique, bool *ok)
{
    json_t *to = typed("array", ok);
    put(to, "items", items, ok);
    put(to, "minItems", number(least), ok);
    put(to, "maxItems", number(most), ok);
    if (unique) put(to, "uniqueItems", json_true(), ok);
    return to;
}

static json_t *reference(const char *name, bool *ok)
{
    char target[64];
    json_t *to = json_object();
    snprintf(target, sizeof target, "#/$defs/%s", name);
    put(to, "$ref", json_string(target), ok);
    return to;
}

static json_t *field_type(const fed_plan_field *field, bool *ok)
{
    switch (field->kind) {
    case FED_FIELD_BOOL:
        return typed("boolean", ok);
    case FED_FIELD_INT:
    case FED_FIELD_NUMBER:
        return field->words ? either(numeric(field, ok), words_of(field, ok), ok)
                            : numeric(field, ok);
    case FED_FIELD_CHOICE:
        return words_of(field, ok);
    case FED_FIELD_NAME:
        return name_type(ok);
    case FED_FIELD_NAMES:
        return list_of(name_type(ok), 0, field->max, true, ok);
    case FED_FIELD_SHAPE:
        return list_of(numeric(field, ok), 1, FED_RANK_MAX, false, ok);
    case FED_FIELD_ADDRESS:
        return either(pattern("^[0-9a-f]{64}$", ok), words_of(field, ok), ok);
    case FED_FIELD_LOSS:
        return reference("loss", ok);
    case FED_FIELD_LAYERS:
        return list_of(reference("layer", ok), field->min, field->max, false, ok);
    }
    return NULL;
}

static json_t *field_schema(const fed_plan_field *field, bool *ok)
{
    json_t *to = field_type(field, ok);
    put(to, "description", json_string(field->doc), ok);
    if (field->fallback)
        put(to, "default", json_loads(field->fallback, JSON_DECODE_ANY, NULL), ok);
    return to;
}

/* ---- operators ---- */

static json_t *attr_type(const fed_attr *attr, bool *ok)
{
    json_t *to, *words;
    switch (attr->kind) {
    case FED_ATTR_INT:
    case FED_ATTR_DOUBLE:
        to = typed(attr->kind == FED_ATTR_INT ? "integer" : "number", ok);
        put_bounds(to, attr->min, attr->max, false, false, ok);
        return to;
    case FED_ATTR_BOOL:
        return typed("boolean", ok);
    case FED_ATTR_ENUM:
        to = json_object(), words = json_array();
        for (size_t i = 0; attr->choices[i]; i++)
            add(words, json_string(attr->choices[i]), ok);
        put(to, "enum", words, ok);
        return to;
    case FED_ATTR_INTS:
        to = typed("integer", ok), words = typed("integer", ok);
        put_bounds(to, attr->min, attr->max, false, false, ok);
        put_bounds(words, attr->min, attr->max, false, false, ok);
        return either(to,
                      list_of(words,
                              attr->fallback < attr->min && !attr->required ? 0 : 1,
                              (double)attr->max_items, false, ok),
                      ok);
    }
    return NULL;
}

static json_t *attr_default(const fed_attr *attr)
{
    switch (attr->kind) {
    case FED_ATTR_BOOL:
        return json_boolean(attr->fallback != 0);
    case FED_ATTR_ENUM:
        return json_string(attr->choices[(size_t)attr->fallback]);
    case FED_ATTR_INTS:
        return attr->fallback < attr->min ? json_array() : number(attr->fallback);
    default:
        return number(attr->fallback);
    }
}

static json_t *from_type(const fed_op *op, bool *ok)
{
    json_t *list =
        list_of(name_type(ok), (double)op->min_inputs, (double)op->max_inputs, false, ok);
    json_t *to = op->min_inputs <= 1 ? either(name_type(ok), list, ok) : list;
    put(to, "description",
        json_string(
            "Names of the layers that feed this one; without it, the layer before."),
        ok);
    return to;
}

static json_t *op_properties(const fed_op *op, json_t *required, bool *ok)
{
    json_t *properties = json_object(), *name = json_object();
    put(name, "const", json_string(op->name), ok);
    put(properties, "op", name, ok);
    if (op->kind == FED_OP_LAYER) {
        put(properties, "name", name_type(ok), ok);
        put(properties, "from", from_type(op, ok), ok);
    }
    for (size_t i = 0; i < op->n_attrs; i++) {
        const fed_attr *attr = &op->attrs[i];
        json_t *type = attr_type(attr, ok);
        put(type, "description", json_string(attr->help), ok);
        if (attr->required)
            add(required, json_string(attr->name), ok);
        else
            put(type, "default", attr_default(attr), ok);
        put(properties, attr->name, type, ok);
    }
    return properties;
}

static json_t *op_schema(const fed_op *op, bool *ok)
{
    json_t *to = typed("object", ok), *required = json_array();
    put(to, "description", json_string(op->summary), ok);
    add(required, json_string("op"), ok);
    if (op->kind == FED_OP_LAYER && op->min_inputs > 1)
        add(required, json_string("from"), ok);
    put(to, "properties", op_properties(op, required, ok), ok);
    put(to, "required", required, ok);
    put(to, "additionalProperties", json_false(), ok);
    return to;
}

static bool all_optional(const fed_op *op)
{
    for (size_t i = 0; i < op->n_attrs; i++)
        if (op->attrs[i].required) return false;
    return true;
}

/* A layer is one of the operators; a loss is one of the losses, or only its name. */
static json_t *one_of(fed_op_kind kind, bool *ok)
{
    json_t *to = json_object(), *list = json_array(), *names = json_array();
    for (size_t i = 0; i < fed_op_count(); i++) {
        const fed_op *op = fed_op_at(i);
        if (op->kind != kind) continue;
        add(list, op_schema(op, ok), ok);
        if (all_optional(op)) add(names, json_string(op->name), ok);
    }
    if (kind == FED_OP_LOSS) {
        json_t *named = json_object();
        put(named, "enum", json_incref(names), ok);
        add(list, named, ok);
    }
    json_decref(names);
    put(to, "oneOf", list, ok);
    return to;
}

/* ---- the whole ---- */

/* The group at `path`; its parent is made before it, because the table lists it before. */
static json_t *find_group(json_t *root, const char *path)
{
    json_t *at = root;
    for (const char *p = path; *p;) {
        char name[FED_PLAN_MAX_NAME + 1];
        size_t n = strcspn(p, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        at = json_object_get(json_object_get(at, "properties"), name);
        p += n + (p[n] == '.');
    }
    return at;
}

static json_t *find_parent(json_t *root, const char *path)
{
    char parent[FED_PLAN_MAX_NAME + 1];
    size_t n = (size_t)(fed_plan_leaf(path) - path);
    snprintf(parent, sizeof parent, "%.*s", (int)(n ? n - 1 : 0), path);
    return find_group(root, parent);
}

static void fill_group(json_t *to, const fed_plan_group *group, bool *ok)
{
    put(to, "type", json_string("object"), ok);
    put(to, "description", json_string(group->doc), ok);
    put(to, "properties", json_object(), ok);
    put(to, "additionalProperties", json_false(), ok);
}

static void add_required(json_t *parent, const char *name, bool *ok)
{
    json_t *list = json_object_get(parent, "required");
    if (!list) put(parent, "required", list = json_array(), ok);
    add(list, json_string(name), ok);
}

static void put_property(json_t *root, const char *path, json_t *taken, bool required,
                         bool *ok)
{
    json_t *parent = find_parent(root, path);
    put(json_object_get(parent, "properties"), fed_plan_leaf(path), taken, ok);
    if (required) add_required(parent, fed_plan_leaf(path), ok);
}

static json_t *schema(bool *ok)
{
    json_t *root = json_object();
    put(root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"), ok);
    put(root, "title", json_string("libfed plan"), ok);
    fill_group(root, &fed_plan_groups[0], ok);
    for (size_t i = 1; i < fed_plan_n_groups; i++) {
        json_t *group = json_object();
        fill_group(group, &fed_plan_groups[i], ok);
        put_property(root, fed_plan_groups[i].path, group, fed_plan_groups[i].required,
                     ok);
    }
    for (size_t i = 0; i < fed_plan_n_fields; i++) {
        const fed_plan_field *field = &fed_plan_fields[i];
        put_property(root, field->path, field_schema(field, ok), !field->fallback, ok);
    }
    json_t *definitions = json_object();
    put(definitions, "layer", one_of(FED_OP_LAYER, ok), ok);
    put(definitions, "loss", one_of(FED_OP_LOSS, ok), ok);
    put(root, "$defs", definitions, ok);
    return root;
}

fed_status fed_plan_write_schema(fed_bytes *out, fed_error *err)
{
    bool ok = true;
    json_t *root = schema(&ok);
    fed_status status = ok ? FED_OK : fed_fail_nomem(err, 0);
    if (ok)
        status =
            fed_plan_dump_json(out, root, JSON_INDENT(2) | JSON_REAL_PRECISION(12), err);
    json_decref(root);
    fed_bytes_put_text(out, "\n");
    return status != FED_OK ? status : out->status;
}
