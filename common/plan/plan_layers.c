/*
 * Layers and losses. This file knows no operator: which there are, and which attributes with
 * which bounds and defaults each has, is read from the operator table of the autograd room.
 * Whether the shapes of neighbouring layers fit is found out when the graph is built.
 */
#include "plan_values.h"

#include <stdio.h>
#include <string.h>

#include "plan_nearest.h"

/* ---- operators and their attributes ---- */

static fed_status fail_no_op(fed_op_kind kind, const char *path, const char *name,
                             fed_error *err)
{
    char shown[FED_PLAN_SHOWN], hint[FED_PLAN_HINT];
    fed_plan_nearest near;
    fed_plan_nearest_init(&near, name);
    for (size_t i = 0; i < fed_op_count(); i++)
        if (fed_op_at(i)->kind == kind)
            fed_plan_nearest_offer(&near, fed_op_at(i)->name, fed_op_at(i)->name, 0);
    fed_plan_nearest_text(&near, hint, sizeof hint);
    fed_plan_show_text(name, shown);
    return fed_fail(err, FED_E_INVALID, "%s: there is no %s %s%s", path,
                    kind == FED_OP_LOSS ? "loss" : "operator", shown, hint);
}

static fed_status find_op(const fed_op **out, fed_op_kind kind, const char *path,
                          const json_t *name, fed_error *err)
{
    char shown[FED_PLAN_SHOWN];
    if (!name) return fed_fail(err, FED_E_INVALID, "%s: missing", path);
    fed_plan_show(name, shown);
    if (!json_is_string(name))
        return fed_fail(err, FED_E_INVALID, "%s: %s is not the name of %s", path, shown,
                        kind == FED_OP_LOSS ? "a loss" : "an operator");
    *out = fed_op_find(json_string_value(name));
    if (*out && (*out)->kind == kind) return FED_OK;
    return fail_no_op(kind, path, json_string_value(name), err);
}

static const fed_attr *find_attr(const fed_op *op, const char *name)
{
    for (size_t i = 0; i < op->n_attrs; i++)
        if (!strcmp(op->attrs[i].name, name)) return &op->attrs[i];
    return NULL;
}

static fed_status fail_attr(const char *path, const char *key, const json_t *value,
                            const char *wanted, fed_error *err)
{
    char shown[FED_PLAN_SHOWN];
    fed_plan_show(value, shown);
    return fed_fail(err, FED_E_INVALID, "%s.%s: %s is not %s", path, key, shown, wanted);
}

static fed_status read_items(fed_attr_value *to, const fed_attr *attr, const char *path,
                             const json_t *value, fed_error *err)
{
    if (fed_plan_whole(value, &to->items[0])) {
        to->n_items = 1;
        return FED_OK;
    }
    size_t n = json_array_size(value);
    if (!json_is_array(value))
        return fail_attr(path, attr->name, value,
                         "a whole number or a list of whole numbers", err);
    if (n > attr->max_items || n > FED_ATTR_ITEMS)
        return fed_fail(err, FED_E_INVALID, "%s.%s: %zu entries are above %zu", path,
                        attr->name, n, attr->max_items);
    for (size_t i = 0; i < n; i++)
        if (!fed_plan_whole(json_array_get(value, i), &to->items[i]))
            return fail_attr(path, attr->name, json_array_get(value, i), "a whole number",
                             err);
    to->n_items = n;
    return FED_OK;
}

static fed_status read_choice(fed_attr_value *to, const fed_attr *attr, const char *path,
                              const json_t *value, fed_error *err)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    fed_plan_nearest near;
    fed_plan_nearest_init(&near, text);
    for (size_t i = 0; attr->choices[i]; i++) {
        fed_plan_nearest_offer(&near, attr->choices[i], attr->choices[i], 0);
        to->text = attr->choices[i];
        if (!strcmp(text, attr->choices[i])) return FED_OK;
    }
    char hint[FED_PLAN_HINT], shown[FED_PLAN_SHOWN];
    fed_plan_nearest_text(&near, hint, sizeof hint);
    fed_plan_show(value, shown);
    return fed_fail(err, FED_E_INVALID, "%s.%s: %s is none of its choices%s", path,
                    attr->name, shown, hint);
}

/* Type and choice are checked here; bounds are fed_op_resolve()'s. */
static fed_status read_attr(fed_attr_value *to, const fed_attr *attr, const char *path,
                            const json_t *value, fed_error *err)
{
    int64_t whole;
    *to = (fed_attr_value){.name = attr->name};
    switch (attr->kind) {
    case FED_ATTR_INT:
        if (!fed_plan_whole(value, &whole))
            return fail_attr(path, attr->name, value, "a whole number", err);
        to->number = (double)whole;
        return FED_OK;
    case FED_ATTR_DOUBLE:
        if (!json_is_number(value))
            return fail_attr(path, attr->name, value, "a number", err);
        to->number = json_number_value(value) + 0.0; /* no minus zero */
        return FED_OK;
    case FED_ATTR_BOOL:
        if (!json_is_boolean(value))
            return fail_attr(path, attr->name, value, "true or false", err);
        to->number = json_is_true(value);
        return FED_OK;
    case FED_ATTR_ENUM:
        return read_choice(to, attr, path, value, err);
    case FED_ATTR_INTS:
        return read_items(to, attr, path, value, err);
    }
    return fed_fail(err, FED_E_INTERNAL, "%s.%s: no such kind", path, attr->name);
}

static fed_status fail_unknown_attr(const fed_op *op, const char *path, const char *key,
                                    fed_error *err)
{
    fed_plan_nearest near;
    char hint[FED_PLAN_HINT];
    fed_plan_nearest_init(&near, key);
    for (size_t i = 0; i < op->n_attrs; i++)
        fed_plan_nearest_offer(&near, op->attrs[i].name, op->attrs[i].name, 0);
    if (op->kind == FED_OP_LAYER) {
        fed_plan_nearest_offer(&near, "name", "name", 0);
        fed_plan_nearest_offer(&near, "from", "from", 0);
    }
    fed_plan_nearest_text(&near, hint, sizeof hint);
    return fed_fail(err, FED_E_INVALID, "%s.%.64s: %s has no such attribute%s", path, key,
                    op->name, hint);
}

static bool is_frame(const fed_op *op, const char *key)
{
    return !strcmp(key, "op") ||
           (op->kind == FED_OP_LAYER && (!strcmp(key, "name") || !strcmp(key, "from")));
}

/* An empty list that is the default anyway. */
static bool is_empty_default(const fed_attr *attr, const json_t *value)
{
    return attr->kind == FED_ATTR_INTS && attr->fallback < attr->min &&
           json_is_array(value) && json_array_size(value) == 0;
}

/* `object` may be NULL: then every attribute takes its default. */
static fed_status store_op(fed_plan_op *to, const fed_op *op, const char *path,
                           const json_t *object, fed_error *err)
{
    fed_attr_value given[FED_ATTRS_MAX];
    size_t n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        const fed_attr *attr = find_attr(op, key);
        if (is_frame(op, key) || (attr && is_empty_default(attr, value))) continue;
        if (!attr || n == FED_ATTRS_MAX) return fail_unknown_attr(op, path, key, err);
        FED_TRY(read_attr(&given[n], attr, path, value, err));
        n++;
    }
    to->op = op;
    to->n_attrs = op->n_attrs;
    fed_status status = fed_op_resolve(op, given, n, to->attrs, err);
    return status == FED_OK ? FED_OK
                            : fed_fail_in(err, status, "%s (%s)", path, op->name);
}

/* ---- layers ---- */

static fed_status fail_no_layer(const fed_plan_model *model, size_t before,
                                const char *path, const char *name, fed_error *err)
{
    char shown[FED_PLAN_SHOWN], hint[FED_PLAN_HINT];
    fed_plan_nearest near;
    fed_plan_nearest_init(&near, name);
    fed_plan_nearest_offer(&near, "input", "input", 0);
    for (size_t i = 0; i < before; i++)
        fed_plan_nearest_offer(&near, model->layers[i].name, model->layers[i].name, 0);
    fed_plan_nearest_text(&near, hint, sizeof hint);
    fed_plan_show_text(name, shown);
    return fed_fail(err, FED_E_INVALID, "%s: no layer before this one is called %s%s",
                    path, shown, hint);
}

static fed_status find_layer(int32_t *out, const fed_plan_model *model, size_t before,
                             const char *path, const json_t *value, fed_error *err)
{
    char shown[FED_PLAN_SHOWN];
    fed_plan_show(value, shown);
    if (!json_is_string(value))
        return fed_fail(err, FED_E_INVALID, "%s: %s is not the name of a layer", path,
                        shown);
    const char *name = json_string_value(value);
    *out = FED_PLAN_INPUT;
    if (!strcmp(name, "input")) return FED_OK;
    for (size_t i = 0; i < before; i++) {
        *out = (int32_t)i;
        if (!strcmp(model->layers[i].name, name)) return FED_OK;
    }
    return fail_no_layer(model, before, path, name, err);
}

/* `from` is a name or a list of names; without it, the layer before. */
static fed_status store_from(fed_plan_model *model, size_t index, const char *path,
                             const json_t *from, fed_error *err)
{
    fed_plan_layer *layer = &model->layers[index];
    char place[96];
    size_t n = json_is_array(from) ? json_array_size(from) : 1;
    size_t least = layer->op.op->min_inputs, most = layer->op.op->max_inputs;
    if (most > FED_INPUTS_MAX) most = FED_INPUTS_MAX;
    if (n < least || n > most)
        return fed_fail(err, FED_E_INVALID, "%s.from: %zu inputs are %s %zu of %s", path,
                        n, n < least ? "below the" : "above the",
                        n < least ? least : most, layer->op.op->name);
    layer->n_from = n;
    layer->from[0] = (int32_t)index - 1;
    if (!from) return FED_OK;
    for (size_t i = 0; i < n; i++) {
        snprintf(place, sizeof place, json_is_array(from) ? "%s.from[%zu]" : "%s.from",
                 path, i);
        const json_t *name = json_is_array(from) ? json_array_get(from, i) : from;
        FED_TRY(find_layer(&layer->from[i], model, index, place, name, err));
    }
    return FED_OK;
}

static fed_status store_layer_name(fed_plan_model *model, size_t index, const char *path,
                                   const json_t *given, fed_error *err)
{
    fed_plan_layer *layer = &model->layers[index];
    char place[96];
    const char *name = NULL;
    if (given) {
        snprintf(place, sizeof place, "%s.name", path);
        FED_TRY(fed_plan_read_name(&name, place, given, err));
        snprintf(layer->name, sizeof layer->name, "%s", name);
    } else {
        snprintf(layer->name, sizeof layer->name, "%.50s_%zu", layer->op.op->name, index);
    }
    bool taken = !strcmp(layer->name, "input");
    for (size_t i = 0; i < index; i++)
        taken |= !strcmp(layer->name, model->layers[i].name);
    if (taken)
        return fed_fail(err, FED_E_INVALID, "%s.name: \"%s\" is there already", path,
                        layer->name);
    return FED_OK;
}

static fed_status store_layer(fed_plan_model *model, size_t index, const char *path,
                              const json_t *value, fed_error *err)
{
    fed_plan_layer *layer = &model->layers[index];
    const fed_op *op = NULL;
    char place[96];
    if (!json_is_object(value)) {
        char shown[FED_PLAN_SHOWN];
        fed_plan_show(value, shown);
        return fed_fail(err, FED_E_INVALID, "%s: %s is not an object", path, shown);
    }
    snprintf(place, sizeof place, "%s.op", path);
    FED_TRY(find_op(&op, FED_OP_LAYER, place, json_object_get(value, "op"), err));
    FED_TRY(store_op(&layer->op, op, path, value, err));
    FED_TRY(store_layer_name(model, index, path, json_object_get(value, "name"), err));
    return store_from(model, index, path, json_object_get(value, "from"), err);
}

fed_status fed_plan_store_layers(fed_plan_model *model, const char *path,
                                 const json_t *value, fed_error *err)
{
    char place[64], shown[FED_PLAN_SHOWN];
    size_t n = json_array_size(value);
    fed_plan_show(value, shown);
    if (!json_is_array(value))
        return fed_fail(err, FED_E_INVALID, "%s: %s is not a list of layers", path,
                        shown);
    if (n < 1 || n > FED_LAYERS_MAX)
        return fed_fail(err, n ? FED_E_LIMIT : FED_E_INVALID, "%s: %zu layers are %s %d",
                        path, n, n ? "above" : "below", n ? FED_LAYERS_MAX : 1);
    model->layers = fed_calloc(n, sizeof *model->layers);
    if (!model->layers) return fed_fail_nomem(err, n * sizeof *model->layers);
    model->n_layers = n;
    for (size_t i = 0; i < n; i++) {
        snprintf(place, sizeof place, "%s[%zu]", path, i);
        FED_TRY(store_layer(model, i, place, json_array_get(value, i), err));
    }
    return FED_OK;
}

/* A loss is named by a text, or by an object {"op": NAME, ...} when it has attributes. */
fed_status fed_plan_store_loss(fed_plan_op *loss, const char *path, const json_t *value,
                               fed_error *err)
{
    const fed_op *op = NULL;
    const json_t *object = json_is_object(value) ? value : NULL;
    char place[64];
    snprintf(place, sizeof place, object ? "%s.op" : "%s", path);
    FED_TRY(find_op(&op, FED_OP_LOSS, place,
                    object ? json_object_get(object, "op") : value, err));
    return store_op(loss, op, path, object, err);
}

const char *fed_plan_from_name(const fed_plan_model *model, const fed_plan_layer *layer,
                               size_t index)
{
    int32_t from = layer->from[index];
    return from == FED_PLAN_INPUT ? "input" : model->layers[from].name;
}

/* ---- printing ---- */

static void put_attr(fed_bytes *out, const fed_attr *attr, const fed_attr_value *value)
{
    fed_bytes_printf(out, ",\"%s\":", attr->name);
    switch (attr->kind) {
    case FED_ATTR_INT:
    case FED_ATTR_DOUBLE:
        fed_plan_put_number(out, value->number);
        return;
    case FED_ATTR_BOOL:
        fed_bytes_put_text(out, value->number != 0 ? "true" : "false");
        return;
    case FED_ATTR_ENUM:
        fed_plan_put_string(out, value->text);
        return;
    case FED_ATTR_INTS:
        fed_bytes_put_text(out, "[");
        for (size_t i = 0; i < value->n_items; i++)
            fed_bytes_printf(out, "%s%lld", i ? "," : "", (long long)value->items[i]);
        fed_bytes_put_text(out, "]");
        return;
    }
}

static void put_attrs(fed_bytes *out, const fed_plan_op *op)
{
    for (size_t i = 0; i < op->n_attrs; i++)
        put_attr(out, &op->op->attrs[i], &op->attrs[i]);
}

void fed_plan_print_layers(fed_bytes *out, const fed_plan_model *model)
{
    for (size_t i = 0; i < model->n_layers; i++) {
        const fed_plan_layer *layer = &model->layers[i];
        fed_bytes_printf(out, "%s{\"op\":\"%s\",\"name\":\"%s\",\"from\":", i ? "," : "[",
                         layer->op.op->name, layer->name);
        for (size_t j = 0; j < layer->n_from; j++)
            fed_bytes_printf(out, "%s\"%s\"", j ? "," : "[",
                             fed_plan_from_name(model, layer, j));
        fed_bytes_put_text(out, "]");
        put_attrs(out, &layer->op);
        fed_bytes_put_text(out, "}");
    }
    fed_bytes_put_text(out, "]");
}

void fed_plan_print_loss(fed_bytes *out, const fed_plan_op *loss)
{
    if (!loss->n_attrs) {
        fed_plan_put_string(out, loss->op->name);
        return;
    }
    fed_bytes_printf(out, "{\"op\":\"%s\"", loss->op->name);
    put_attrs(out, loss);
    fed_bytes_put_text(out, "}");
}
