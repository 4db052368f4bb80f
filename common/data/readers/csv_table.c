/*
 * CSV (RFC 4180) with a header line. Every line has as many fields as the header; a field
 * may stand in double quotes, but a quote or a line end inside of it is refused by name.
 * Numbers are finite and decimal. A column is a feature unless the SPEC says otherwise.
 */
#include "csv_table.h"

#include <string.h>

#include "line_reader.h"

typedef enum column_role {
    ROLE_FEATURE,
    ROLE_USER,
    ROLE_LABEL,
    ROLE_TARGET,
    ROLE_DROP
} column_role;

static void init_table(fed_csv_table *t, size_t text_len)
{
    /* A number takes two bytes of text (a digit, a separator) and four here. */
    size_t most = text_len > SIZE_MAX / 4 ? SIZE_MAX : 2 * text_len + 4;
    memset(t, 0, sizeof *t);
    fed_name_table_init(&t->columns, "column", FED_CSV_MAX_COLUMNS);
    fed_name_table_init(&t->users, "user", FED_CSV_MAX_USERS);
    fed_name_table_init(&t->classes, "class", FED_CSV_MAX_CLASSES);
    fed_bytes_init(&t->roles, FED_CSV_MAX_COLUMNS);
    fed_bytes_init(&t->features, most);
    fed_bytes_init(&t->targets, most);
    fed_bytes_init(&t->labels, most);
    fed_bytes_init(&t->user_of, most);
}

void fed_csv_table_fini(fed_csv_table *t)
{
    fed_name_table_fini(&t->columns);
    fed_name_table_fini(&t->users);
    fed_name_table_fini(&t->classes);
    fed_bytes_fini(&t->roles);
    fed_bytes_fini(&t->features);
    fed_bytes_fini(&t->targets);
    fed_bytes_fini(&t->labels);
    fed_bytes_fini(&t->user_of);
}

/* Take the next field off `line`; `line->data` becomes NULL behind the last one. */
static fed_status next_field(fed_span *line, fed_span *field, fed_error *err)
{
    fed_span at = *line;
    bool quoted = at.len && at.data[0] == '"';
    if (quoted) at.data++, at.len--;
    const uint8_t *end = at.len ? memchr(at.data, quoted ? '"' : ',', at.len) : NULL;
    if (quoted && !end)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "a quoted field that the line does not close");
    size_t n = end ? (size_t)(end - at.data) : at.len;
    *field = quoted ? (fed_span){at.data, n} : fed_span_trim((fed_span){at.data, n});
    if (quoted) {
        n++; /* the closing quote: a comma or the line's end must follow */
        if (n < at.len && at.data[n] == '"')
            return fed_fail(err, FED_E_UNSUPPORTED, "a quote inside a quoted field");
        if (n < at.len && at.data[n] != ',')
            return fed_fail(err, FED_E_FORMAT, "text behind the quoted field \"%s\"",
                            fed_show(*field).text);
    }
    bool last = n >= at.len;
    *line = last ? (fed_span){NULL, 0} : (fed_span){at.data + n + 1, at.len - n - 1};
    return FED_OK;
}

static fed_status read_header(fed_csv_table *t, fed_span line, fed_error *err)
{
    while (line.data) {
        fed_span name;
        uint32_t number;
        FED_TRY(next_field(&line, &name, err));
        FED_TRY(fed_name_table_add(&t->columns, name, &number, err));
        if (number != t->n_columns)
            return fed_fail(err, FED_E_FORMAT, "two columns are called \"%s\"",
                            fed_show(name).text);
        t->n_columns++;
        fed_bytes_put_u8(&t->roles, ROLE_FEATURE);
        if (t->roles.status) return fed_fail_nomem(err, t->n_columns);
    }
    return FED_OK;
}

/* Give `role` to every column named in `list` (commas between). */
static fed_status set_role(fed_csv_table *t, const char *list, column_role role,
                           const char *key, fed_error *err)
{
    while (list && *list) {
        uint32_t column;
        size_t n = strcspn(list, ",");
        fed_span name = {(const uint8_t *)list, n};
        if (fed_name_table_find(&t->columns, name, &column))
            return fed_fail(err, FED_E_NOT_FOUND, "%s=%s: no such column among the %u",
                            key, fed_show(name).text, t->n_columns);
        if (t->roles.data[column] != ROLE_FEATURE)
            return fed_fail(err, FED_E_INVALID,
                            "%s=%s: this column has another use already", key,
                            fed_show(name).text);
        t->roles.data[column] = (uint8_t)role;
        list += n + (list[n] == ',');
    }
    return FED_OK;
}

static fed_status set_classes(fed_csv_table *t, const char *list, fed_error *err)
{
    while (list && *list) {
        uint32_t number, before = t->classes.n;
        size_t n = strcspn(list, ",");
        fed_span name = {(const uint8_t *)list, n};
        FED_TRY(fed_name_table_add(&t->classes, name, &number, err));
        if (number != before)
            return fed_fail(err, FED_E_INVALID, "classes: \"%s\" is named twice",
                            fed_show(name).text);
        list += n + (list[n] == ',');
    }
    return FED_OK;
}

static fed_status set_roles(fed_csv_table *t, const fed_csv_columns *want, fed_error *err)
{
    bool label = want->label && *want->label, target = want->target && *want->target;
    if (label == target)
        return fed_fail(err, FED_E_INVALID,
                        "data spec: csv needs either label=COL (classes) or target=COL "
                        "(numbers)");
    const char *single = label && strchr(want->label, ',') ? want->label : want->user;
    if (single && strchr(single, ','))
        return fed_fail(err, FED_E_INVALID,
                        "data spec: \"%s\" names several columns, but user "
                        "and label take one",
                        single);
    FED_TRY(set_role(t, want->user, ROLE_USER, "user", err));
    FED_TRY(set_role(t, want->label, ROLE_LABEL, "label", err));
    FED_TRY(set_role(t, want->target, ROLE_TARGET, "target", err));
    FED_TRY(set_role(t, want->drop, ROLE_DROP, "drop", err));
    FED_TRY(set_classes(t, want->classes, err));
    for (uint32_t i = 0; i < t->n_columns; i++) {
        t->n_features += t->roles.data[i] == ROLE_FEATURE;
        t->n_targets += t->roles.data[i] == ROLE_TARGET;
        t->has_user |= t->roles.data[i] == ROLE_USER;
    }
    t->has_label = label;
    if (!t->n_features)
        return fed_fail(err, FED_E_FORMAT, "no column is left as a feature");
    return FED_OK;
}

static fed_status read_number(fed_bytes *to, fed_span field, fed_error *err)
{
    float value;
    if (!fed_text_to_float((const char *)field.data, field.len, &value))
        return fed_fail(err, FED_E_NUMERIC,
                        "\"%s\" is not a finite number in float32's range",
                        fed_show(field).text);
    fed_bytes_put(to, &value, sizeof value);
    return to->status ? fed_fail_nomem(err, to->len) : FED_OK;
}

static fed_status read_name(fed_name_table *names, bool closed, fed_bytes *to,
                            fed_span field, fed_error *err)
{
    uint32_t number;
    if (closed && fed_name_table_find(names, field, &number))
        return fed_fail(err, FED_E_FORMAT,
                        "\"%s\" is not one of the %u that classes= names",
                        fed_show(field).text, names->n);
    FED_TRY(fed_name_table_add(names, field, &number, err));
    fed_bytes_put(to, &number, sizeof number);
    return to->status ? fed_fail_nomem(err, to->len) : FED_OK;
}

static fed_status read_field(fed_csv_table *t, uint32_t column, fed_span field,
                             bool closed, fed_error *err)
{
    switch ((column_role)t->roles.data[column]) {
    case ROLE_FEATURE:
        return read_number(&t->features, field, err);
    case ROLE_TARGET:
        return read_number(&t->targets, field, err);
    case ROLE_USER:
        return read_name(&t->users, false, &t->user_of, field, err);
    case ROLE_LABEL:
        return read_name(&t->classes, closed, &t->labels, field, err);
    case ROLE_DROP:
        break;
    }
    return FED_OK;
}

static fed_status read_row(fed_csv_table *t, fed_span line, bool closed, fed_error *err)
{
    uint32_t column = 0;
    while (line.data) {
        fed_span field;
        FED_TRY(next_field(&line, &field, err));
        if (column == t->n_columns)
            return fed_fail(err, FED_E_FORMAT, "more than the header's %u fields",
                            t->n_columns);
        fed_status status = read_field(t, column, field, closed, err);
        if (status)
            return fed_fail_in(err, status, "column \"%.64s\"",
                               fed_name_table_at(&t->columns, column));
        column++;
    }
    if (column < t->n_columns)
        return fed_fail(err, FED_E_FORMAT, "%u fields, but the header has %u", column,
                        t->n_columns);
    if (t->rows == FED_DATA_MAX_ROWS)
        return fed_fail(err, FED_E_LIMIT, "more than %d rows", FED_DATA_MAX_ROWS);
    t->rows++;
    return FED_OK;
}

fed_status fed_csv_table_read(fed_csv_table *t, fed_span text,
                              const fed_csv_columns *want, fed_error *err)
{
    fed_lines lines;
    fed_span line = {NULL, 0};
    init_table(t, text.len);
    fed_lines_init(&lines, text, FED_CSV_MAX_LINE);
    if (fed_lines_done(&lines)) return fed_fail(err, FED_E_FORMAT, "the file is empty");
    FED_TRY(fed_lines_next(&lines, &line, err));
    FED_TRY(fed_fail_in(err, read_header(t, line, err), "line 1 (header)"));
    FED_TRY(set_roles(t, want, err));
    while (!fed_lines_done(&lines)) {
        FED_TRY(fed_lines_next(&lines, &line, err));
        fed_status status = read_row(t, line, want->classes != NULL, err);
        if (status) return fed_fail_in(err, status, "line %u", lines.number);
    }
    return t->rows ? FED_OK : fed_fail(err, FED_E_FORMAT, "a header, but no rows");
}
