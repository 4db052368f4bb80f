/*
 * C-MAPSS (Saxena, Goebel, Simon, Eklund 2008): turbofan engines run to failure. A line
 * is an engine, a cycle, 3 settings and 21 sensors, in blanks. A row is a window of the
 * last `window` cycles of the sensors; its target is the remaining useful life in cycles,
 * capped, since a healthy engine does not show its age (Heimes 2008). Training engines
 * fail after their last cycle: a row for each cycle from `window` on. Test engines stop
 * earlier: one row each, the last, whose target stands in a file of its own. The windows
 * overlap in one table.
 */
#include <stdio.h>
#include <string.h>

#include "../data_file.h"
#include "line_reader.h"
#include "readers.h"

enum {
    SENSORS = 21,
    COLUMNS = 5 + SENSORS,
    MAX_LINE = 4096,
    MAX_ENGINES = 1 << 20,
    MAX_CYCLE = 1 << 24
};

typedef struct engine {
    uint32_t unit, first, cycles; /* first: its first line in the table */
} engine;

typedef struct fleet {
    fed_bytes sensors; /* native float, SENSORS per cycle */
    fed_bytes engines; /* engine */
    uint32_t cycles;
} fleet;

static void init_fleet(fleet *f, fed_span text)
{
    f->cycles = 0;
    fed_bytes_init(&f->sensors, 2 * text.len + 4); /* a number takes two bytes of text */
    fed_bytes_init(&f->engines, MAX_ENGINES * sizeof(engine));
}

static void fini_fleet(fleet *f)
{
    fed_bytes_fini(&f->sensors);
    fed_bytes_fini(&f->engines);
}

static engine *engines_of(const fleet *f, uint32_t *n)
{
    *n = (uint32_t)(f->engines.len / sizeof(engine));
    return (engine *)(void *)f->engines.data;
}

/* Take the next word off a line; an empty span at its end. */
static fed_span next_word(fed_span *line)
{
    *line = fed_span_trim(*line);
    size_t n = 0;
    while (n < line->len && line->data[n] != ' ' && line->data[n] != '\t')
        n++;
    fed_span word = {line->data, n};
    line->data += n;
    line->len -= n;
    return word;
}

static fed_status read_values(fed_span line, float *values, unsigned n, fed_error *err)
{
    for (unsigned i = 0; i < n; i++) {
        fed_span word = next_word(&line);
        if (!word.len) return fed_fail(err, FED_E_FORMAT, "%u values, not %u", i, n);
        if (!fed_text_to_float((const char *)word.data, word.len, &values[i]))
            return fed_fail(err, FED_E_NUMERIC, "value %u: \"%s\" is not a finite number",
                            i + 1, fed_show(word).text);
    }
    fed_span left = next_word(&line);
    if (left.len)
        return fed_fail(err, FED_E_FORMAT, "more than %u values: \"%s\"", n,
                        fed_show(left).text);
    return FED_OK;
}

static fed_status whole_number(float value, float max, const char *what, uint32_t *out,
                               fed_error *err)
{
    if (!(value >= 0 && value <= max) || value != (float)(uint32_t)value)
        return fed_fail(err, FED_E_FORMAT, "%s: %g is not a whole number in 0..%g", what,
                        (double)value, (double)max);
    *out = (uint32_t)value;
    return FED_OK;
}

/* Engines count up from 1 and so do the cycles of each: a gap or a step back is
 * damage. */
static fed_status add_cycle(fleet *f, const float *values, fed_error *err)
{
    uint32_t unit = 0, cycle = 0, n;
    FED_TRY(whole_number(values[0], MAX_ENGINES, "engine", &unit, err));
    FED_TRY(whole_number(values[1], MAX_CYCLE, "cycle", &cycle, err));
    engine *last = engines_of(f, &n);
    if (n) last += n - 1;
    if (!n || unit == last->unit + 1) {
        if (unit < 1 || cycle != 1)
            return fed_fail(err, FED_E_FORMAT,
                            "engine %u begins at cycle %u, not 1 (engines "
                            "count from 1)",
                            unit, cycle);
        engine fresh = {unit, f->cycles, 1};
        fed_bytes_put(&f->engines, &fresh, sizeof fresh);
    } else if (unit == last->unit && cycle == last->cycles + 1) {
        last->cycles++;
    } else {
        return fed_fail(err, FED_E_FORMAT,
                        "engine %u, cycle %u follows engine %u, cycle %u", unit, cycle,
                        last->unit, last->cycles);
    }
    fed_bytes_put(&f->sensors, values + COLUMNS - SENSORS, SENSORS * sizeof *values);
    f->cycles++;
    return f->engines.status || f->sensors.status ? fed_fail_nomem(err, f->sensors.len)
                                                  : FED_OK;
}

static fed_status read_fleet(fleet *f, fed_span text, fed_error *err)
{
    fed_lines lines;
    fed_span line;
    float values[COLUMNS];
    fed_lines_init(&lines, text, MAX_LINE);
    while (!fed_lines_done(&lines)) {
        FED_TRY(fed_lines_next(&lines, &line, err));
        fed_status status = read_values(line, values, COLUMNS, err);
        if (!status) status = add_cycle(f, values, err);
        if (status) return fed_fail_in(err, status, "line %u", lines.number);
    }
    return f->cycles ? FED_OK : fed_fail(err, FED_E_FORMAT, "no lines");
}

/* One remaining life per engine and line. */
static fed_status read_lives(fed_span text, float *lives, uint32_t n, fed_error *err)
{
    fed_lines lines;
    fed_span line;
    fed_lines_init(&lines, text, MAX_LINE);
    while (!fed_lines_done(&lines)) {
        uint32_t life;
        FED_TRY(fed_lines_next(&lines, &line, err));
        if (lines.number > n)
            return fed_fail(err, FED_E_FORMAT, "line %u: more lives than the %u engines",
                            lines.number, n);
        float *to = &lives[lines.number - 1];
        fed_status status = read_values(line, to, 1, err);
        if (!status) status = whole_number(*to, MAX_CYCLE, "remaining life", &life, err);
        if (status) return fed_fail_in(err, status, "line %u", lines.number);
    }
    if (lines.number < n)
        return fed_fail(err, FED_E_FORMAT, "%u lives for %u engines", lines.number, n);
    return FED_OK;
}

/* Train: every window; test (`lives` given): the last window of each engine. */
static uint32_t windows_of(const engine *e, uint32_t window, const float *lives)
{
    return lives ? 1 : e->cycles - window + 1;
}

static fed_status check_engines(const fleet *f, uint32_t window, fed_error *err)
{
    uint32_t n;
    const engine *e = engines_of(f, &n);
    for (uint32_t i = 0; i < n; i++)
        if (e[i].cycles < window)
            return fed_fail(err, FED_E_FORMAT,
                            "engine %u has %u cycles, fewer than window=%u", e[i].unit,
                            e[i].cycles, window);
    return FED_OK;
}

typedef struct window_rows {
    uint32_t *start, *user_of;
    float *targets;
} window_rows;

static void fill_rows(const fleet *f, const fed_cmapss_options *o, const float *lives,
                      const window_rows *to)
{
    uint32_t n, row = 0;
    const engine *e = engines_of(f, &n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t count = windows_of(&e[i], o->window, lives);
        for (uint32_t left = count; left-- > 0; row++) { /* cycles after this window */
            uint32_t end = e[i].first + e[i].cycles - left;
            float life = lives ? lives[i] : (float)left;
            to->start[row] = (end - o->window) * SENSORS;
            to->user_of[row] = i;
            to->targets[row] = life < (float)o->cap ? life : (float)o->cap;
        }
    }
}

static fed_status make_rows(fed_data *ds, const fleet *f, const fed_cmapss_options *o,
                            const float *lives, fed_error *err)
{
    uint32_t n, shape[2] = {o->window, SENSORS};
    const engine *e = engines_of(f, &n);
    FED_TRY(check_engines(f, o->window, err));
    FED_TRY(fed_data_set_shape(ds, shape, 2, err));
    for (uint32_t i = 0; i < n; i++)
        ds->info.rows += windows_of(&e[i], o->window, lives);
    window_rows rows = {0};
    size_t bytes = sizeof(uint32_t), count = ds->info.rows;
    rows.start = fed_data_alloc(ds, count, bytes, err);
    rows.user_of = rows.start ? fed_data_alloc(ds, count, bytes, err) : NULL;
    rows.targets = rows.user_of ? fed_data_alloc(ds, count, bytes, err) : NULL;
    if (!rows.targets) return FED_E_NOMEM;
    fill_rows(f, o, lives, &rows);
    ds->info.users = n;
    ds->info.target = FED_TARGET_VECTOR;
    ds->info.target_len = 1;
    ds->inputs.start = rows.start;
    ds->inputs.kind = FED_CELL_F32;
    ds->targets = (fed_cells){rows.targets, NULL, 1, FED_CELL_F32};
    ds->user_of = rows.user_of;
    return FED_OK;
}

static fed_status name_engines(fed_data *ds, const fleet *f, fed_error *err)
{
    fed_name_table names;
    uint32_t n, number;
    fed_status status = FED_OK;
    const engine *e = engines_of(f, &n);
    fed_name_table_init(&names, "engine", MAX_ENGINES);
    for (uint32_t i = 0; !status && i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", e[i].unit);
        status = fed_name_table_add(&names, fed_span_of(text), &number, err);
    }
    if (!status) fed_name_table_give(&names, ds, &ds->users);
    fed_name_table_fini(&names);
    return status;
}

/* Fit to the training fleet, apply to `f` (which may be the same). */
static fed_status normalize(fleet *f, const fleet *train, fed_scaling scaling,
                            fed_error *err)
{
    double offset[SENSORS], factor[SENSORS];
    fed_scale_fit(scaling, (const float *)(const void *)train->sensors.data,
                  train->cycles, SENSORS, NULL, offset, factor);
    return fed_scale_apply((float *)(void *)f->sensors.data, f->cycles, SENSORS, offset,
                           factor, err);
}

static fed_status parse_fleets(fed_data *ds, fleet *f, fleet *train,
                               const fed_cmapss_texts *texts, const fed_cmapss_options *o,
                               float **lives, fed_error *err)
{
    uint32_t n;
    bool test = texts->test.data != NULL;
    FED_TRY(fed_fail_in(err, read_fleet(train, texts->train, err), "training file"));
    if (test) {
        FED_TRY(fed_fail_in(err, read_fleet(f, texts->test, err), "test file"));
        (void)engines_of(f, &n);
        *lives = fed_calloc(n, sizeof **lives);
        if (!*lives) return fed_fail_nomem(err, n * sizeof **lives);
        FED_TRY(fed_fail_in(err, read_lives(texts->lives, *lives, n, err), "RUL file"));
    }
    fleet *used = test ? f : train;
    FED_TRY(normalize(used, train, o->normalize, err));
    FED_TRY(make_rows(ds, used, o, *lives, err));
    FED_TRY(name_engines(ds, used, err));
    ds->inputs.at = fed_data_own(ds, used->sensors.data);
    used->sensors.data = NULL;
    return FED_OK;
}

fed_status fed_cmapss_parse(fed_data *ds, const fed_cmapss_texts *texts,
                            const fed_cmapss_options *options, fed_error *err)
{
    fleet test, train;
    float *lives = NULL;
    init_fleet(&test, texts->test);
    init_fleet(&train, texts->train);
    fed_status status = parse_fleets(ds, &test, &train, texts, options, &lives, err);
    fed_free(lives);
    fini_fleet(&train);
    fini_fleet(&test);
    return status;
}

static fed_status read_one(const fed_data_spec *spec, const char *which, fed_bytes *to,
                           fed_span *text, fed_error *err)
{
    enum { LONGEST_NAME = 300 };
    char path[sizeof spec->path + LONGEST_NAME];
    const char *set = fed_data_spec_option(spec, "set");
    snprintf(path, sizeof path, "%s/%s_%s.txt", spec->path, which, set ? set : "FD001");
    FED_TRY(fed_data_file_read_either(path, to, err));
    *text = (fed_span){to->data, to->len};
    return FED_OK;
}

static fed_status read_options(fed_cmapss_options *o, const fed_data_spec *spec,
                               fed_error *err)
{
    uint64_t window, cap;
    FED_TRY(fed_data_spec_number(spec, "window", 1, 10000, 30, &window, err));
    FED_TRY(fed_data_spec_number(spec, "cap", 1, MAX_CYCLE, 125, &cap, err));
    o->window = (uint32_t)window;
    o->cap = (uint32_t)cap;
    return fed_scaling_from_spec(spec, &o->normalize, err);
}

fed_status fed_cmapss_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                           fed_error *err)
{
    fed_cmapss_options options;
    fed_cmapss_texts texts = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    fed_bytes train, test, lives;
    FED_TRY(read_options(&options, spec, err));
    fed_bytes_init(&train, FED_DATA_MAX_FILE);
    fed_bytes_init(&test, FED_DATA_MAX_FILE);
    fed_bytes_init(&lives, FED_DATA_MAX_FILE);
    fed_status status = read_one(spec, "train", &train, &texts.train, err);
    if (!status && part == FED_DATA_TEST)
        status = read_one(spec, "test", &test, &texts.test, err);
    if (!status && part == FED_DATA_TEST)
        status = read_one(spec, "RUL", &lives, &texts.lives, err);
    if (!status)
        status = fed_fail_in(err, fed_cmapss_parse(ds, &texts, &options, err), "%s",
                             spec->path);
    fed_bytes_fini(&lives);
    fed_bytes_fini(&test);
    fed_bytes_fini(&train);
    return status;
}
