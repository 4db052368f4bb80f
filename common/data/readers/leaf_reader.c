/*
 * LEAF's JSON (Caldas et al. 2018, "LEAF: A Benchmark for Federated Settings"): in
 * DIR/train and DIR/test any number of files, each
 *
 *     {"users": [U…], "num_samples": [N…], "user_data": {U: {"x": […], "y": […]}}}
 *
 * An x is an array of numbers (FEMNIST, synthetic: float inputs) or a text (Shakespeare:
 * token inputs, ASCII); a y is a whole number, or one character where x is a text. All x
 * of a set have one length. The three places that say how many samples a user has must
 * agree.
 */
#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../data_file.h"
#include "line_reader.h"
#include "readers.h"

enum { MAX_USERS = 1 << 20, MAX_CLASSES = 1 << 16, MAX_FILES = 1 << 12 };

void fed_leaf_init(fed_leaf *l)
{
    memset(l, 0, sizeof *l);
    fed_name_table_init(&l->users, "user", MAX_USERS);
    fed_bytes_init(&l->inputs, 2 * FED_DATA_MAX_FILE);
    fed_bytes_init(&l->labels, FED_DATA_MAX_FILE);
    fed_bytes_init(&l->user_of, FED_DATA_MAX_FILE);
}

void fed_leaf_fini(fed_leaf *l)
{
    fed_name_table_fini(&l->users);
    fed_bytes_fini(&l->inputs);
    fed_bytes_fini(&l->labels);
    fed_bytes_fini(&l->user_of);
}

static fed_status put(fed_bytes *to, const void *data, size_t n, fed_error *err)
{
    fed_bytes_put(to, data, n);
    if (to->status == FED_E_LIMIT)
        return fed_fail(err, FED_E_LIMIT, "the set holds more than %zu bytes", to->max);
    return to->status ? fed_fail_nomem(err, n) : FED_OK;
}

/* The first x decides what all are. */
static fed_status check_shape(fed_leaf *l, bool text, size_t len, fed_error *err)
{
    if (len < 1 || len > FED_DATA_MAX_VALUES)
        return fed_fail(err, FED_E_FORMAT, "%zu values, not 1..%d", len,
                        FED_DATA_MAX_VALUES);
    if (!l->input_len) {
        l->text = text;
        l->input_len = (uint32_t)len;
    }
    if (l->text != text)
        return fed_fail(err, FED_E_FORMAT, "%s, but the first x is %s",
                        text ? "a text" : "an array", l->text ? "a text" : "an array");
    if (l->input_len != len)
        return fed_fail(err, FED_E_FORMAT, "%zu values, but the first x has %u", len,
                        l->input_len);
    return FED_OK;
}

static fed_status add_numbers(fed_leaf *l, const json_t *x, fed_error *err)
{
    size_t n = json_array_size(x);
    FED_TRY(check_shape(l, false, n, err));
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(x, i);
        double v = json_number_value(item);
        if (!json_is_number(item) || !(fabs(v) <= FLT_MAX))
            return fed_fail(err, FED_E_NUMERIC,
                            "value %zu is not a number in float32's range", i);
        float value = (float)v;
        FED_TRY(put(&l->inputs, &value, sizeof value, err));
    }
    return FED_OK;
}

static fed_status add_text(fed_leaf *l, const json_t *x, fed_error *err)
{
    const char *text = json_string_value(x);
    size_t n = json_string_length(x);
    FED_TRY(check_shape(l, true, n, err));
    for (size_t i = 0; i < n; i++) {
        uint8_t token;
        if (!fed_ascii_token((uint8_t)text[i], &token))
            return fed_fail(err, FED_E_FORMAT, "byte %zu: 0x%02x is not printable ASCII",
                            i, (uint8_t)text[i]);
        FED_TRY(put(&l->inputs, &token, 1, err));
    }
    return FED_OK;
}

static fed_status add_input(fed_leaf *l, const json_t *x, fed_error *err)
{
    if (json_is_array(x)) return add_numbers(l, x, err);
    if (json_is_string(x)) return add_text(l, x, err);
    return fed_fail(err, FED_E_FORMAT, "neither an array of numbers nor a text");
}

static fed_status add_label(fed_leaf *l, const json_t *y, fed_error *err)
{
    int32_t label;
    uint8_t token;
    double v = json_number_value(y);
    if (l->text && json_is_string(y) && json_string_length(y) == 1 &&
        fed_ascii_token((uint8_t)json_string_value(y)[0], &token))
        label = token;
    else if (!l->text && json_is_number(y) && v >= 0 && v < MAX_CLASSES && v == floor(v))
        label = (int32_t)v;
    else
        return fed_fail(err, FED_E_FORMAT, "%s",
                        l->text ? "not one printable character"
                                : "not a class number (a whole number in 0..65535)");
    if ((uint32_t)label >= l->classes) l->classes = (uint32_t)label + 1;
    return put(&l->labels, &label, sizeof label, err);
}

static fed_status add_samples(fed_leaf *l, const json_t *xs, const json_t *ys,
                              uint32_t user, fed_error *err)
{
    for (size_t i = 0; i < json_array_size(xs); i++) {
        FED_TRY(fed_fail_in(err, add_input(l, json_array_get(xs, i), err), "x[%zu]", i));
        FED_TRY(fed_fail_in(err, add_label(l, json_array_get(ys, i), err), "y[%zu]", i));
        FED_TRY(put(&l->user_of, &user, sizeof user, err));
        if (l->rows == FED_DATA_MAX_ROWS)
            return fed_fail(err, FED_E_LIMIT, "more than %d rows", FED_DATA_MAX_ROWS);
        l->rows++;
    }
    return FED_OK;
}

static fed_status add_user(fed_leaf *l, const json_t *name, const json_t *samples,
                           const json_t *user_data, fed_error *err)
{
    if (!json_is_string(name)) return fed_fail(err, FED_E_FORMAT, "not a text");
    const json_t *data = json_object_get(user_data, json_string_value(name));
    const json_t *xs = json_object_get(data, "x"), *ys = json_object_get(data, "y");
    uint32_t user = 0, before = l->users.n;
    if (!json_is_array(xs) || !json_is_array(ys))
        return fed_fail(err, FED_E_FORMAT, "user_data.%s has no arrays x and y",
                        fed_show(fed_span_of(json_string_value(name))).text);
    if (json_array_size(xs) != json_array_size(ys) || !json_is_integer(samples) ||
        json_integer_value(samples) != (json_int_t)json_array_size(xs))
        return fed_fail(err, FED_E_FORMAT, "%zu x, %zu y, but num_samples says %lld",
                        json_array_size(xs), json_array_size(ys),
                        (long long)json_integer_value(samples));
    FED_TRY(
        fed_name_table_add(&l->users, fed_span_of(json_string_value(name)), &user, err));
    if (user != before)
        return fed_fail(err, FED_E_FORMAT, "\"%s\" is there twice",
                        fed_show(fed_span_of(json_string_value(name))).text);
    return add_samples(l, xs, ys, user, err);
}

static fed_status add_users(fed_leaf *l, const json_t *root, fed_error *err)
{
    const json_t *users = json_object_get(root, "users");
    const json_t *samples = json_object_get(root, "num_samples");
    const json_t *user_data = json_object_get(root, "user_data");
    if (!json_is_array(users) || !json_is_array(samples) || !json_is_object(user_data))
        return fed_fail(err, FED_E_FORMAT,
                        "not an object with users, num_samples and user_data");
    size_t n = json_array_size(users);
    if (json_array_size(samples) != n || json_object_size(user_data) != n)
        return fed_fail(err, FED_E_FORMAT, "%zu users, %zu num_samples, %zu user_data", n,
                        json_array_size(samples), json_object_size(user_data));
    for (size_t i = 0; i < n; i++) {
        fed_status status = add_user(l, json_array_get(users, i),
                                     json_array_get(samples, i), user_data, err);
        if (status) return fed_fail_in(err, status, "users[%zu]", i);
    }
    return FED_OK;
}

fed_status fed_leaf_add(fed_leaf *l, fed_span text, fed_error *err)
{
    json_error_t where;
    json_t *root =
        json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &where);
    if (!root && json_error_code(&where) == json_error_out_of_memory)
        return fed_fail_nomem(err, text.len);
    if (!root)
        return fed_fail(err, FED_E_FORMAT, "line %d, column %d: %s", where.line,
                        where.column, fed_show(fed_span_of(where.text)).text);
    fed_status status = add_users(l, root, err);
    json_decref(root);
    return status;
}

fed_status fed_leaf_finish(fed_leaf *l, fed_data *ds, uint32_t classes, fed_error *err)
{
    if (!l->rows) return fed_fail(err, FED_E_FORMAT, "no samples");
    uint32_t least = l->text ? FED_ASCII_TOKENS : l->classes;
    if (classes && classes < least)
        return fed_fail(err, FED_E_INVALID, "classes=%u, but there are %u", classes,
                        least);
    FED_TRY(fed_data_set_shape(ds, &l->input_len, 1, err));
    ds->info.rows = l->rows;
    ds->info.input = l->text ? FED_INPUT_TOKEN : FED_INPUT_FLOAT;
    ds->info.vocab = l->text ? FED_ASCII_TOKENS : 0;
    ds->info.target_len = 1;
    ds->info.classes = classes ? classes : least;
    ds->info.users = l->users.n;
    ds->inputs.at = fed_data_own(ds, l->inputs.data);
    ds->inputs.kind = l->text ? FED_CELL_U8 : FED_CELL_F32;
    ds->targets = (fed_cells){fed_data_own(ds, l->labels.data), NULL, 1, FED_CELL_I32};
    ds->user_of = fed_data_own(ds, l->user_of.data);
    l->inputs.data = l->labels.data = l->user_of.data = NULL;
    fed_name_table_give(&l->users, ds, &ds->users);
    return FED_OK;
}

static bool is_json(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* The JSON files of a folder, in the order of their names. */
static fed_status list_folder(const char *folder, fed_name_table *names, fed_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return fed_fail(err, errno == ENOENT ? FED_E_NOT_FOUND : FED_E_IO, "%s: %s",
                        folder, strerror(errno));
    fed_status status = FED_OK;
    for (struct dirent *e; !status && (e = readdir(dir));) {
        uint32_t number;
        if (is_json(e->d_name))
            status = fed_name_table_add(names, fed_span_of(e->d_name), &number, err);
    }
    closedir(dir);
    if (!status && !names->n)
        status =
            fed_fail(err, FED_E_NOT_FOUND, "%s: no .json file in this folder", folder);
    if (status) return status;
    uint32_t *rank = fed_malloc(names->n * sizeof *rank);
    if (!rank) return fed_fail_nomem(err, names->n * sizeof *rank);
    status = fed_name_table_sort(names, rank, err);
    fed_free(rank);
    return status;
}

static fed_status add_file(fed_leaf *l, const char *folder, const char *name,
                           fed_error *err)
{
    char path[sizeof((fed_data_spec *)0)->path + FED_NAME_MAX + 16];
    fed_bytes file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fed_bytes_init(&file, FED_DATA_MAX_FILE);
    fed_status status = fed_data_file_read(path, &file, err);
    if (!status) {
        status = fed_leaf_add(l, (fed_span){file.data, file.len}, err);
        status = fed_fail_in(err, status, "%s", path);
    }
    fed_bytes_fini(&file);
    return status;
}

fed_status fed_leaf_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                         fed_error *err)
{
    char folder[sizeof spec->path + 8];
    uint64_t classes;
    FED_TRY(fed_data_spec_number(spec, "classes", 1, MAX_CLASSES, 0, &classes, err));
    snprintf(folder, sizeof folder, "%s/%s", spec->path,
             part == FED_DATA_TRAIN ? "train" : "test");
    fed_leaf leaf;
    fed_name_table names;
    fed_leaf_init(&leaf);
    fed_name_table_init(&names, "file", MAX_FILES);
    fed_status status = list_folder(folder, &names, err);
    for (uint32_t i = 0; !status && i < names.n; i++)
        status = add_file(&leaf, folder, fed_name_table_at(&names, i), err);
    if (!status)
        status = fed_fail_in(err, fed_leaf_finish(&leaf, ds, (uint32_t)classes, err),
                             "%s", folder);
    fed_name_table_fini(&names);
    fed_leaf_fini(&leaf);
    return status;
}
