/* Sets that need no file: digits (pictures, 10 classes), gaussian (a cloud per class),
 * linear (a number to predict). For tests, for a first look, and where no data can be
 * had. */
#include "synthetic.h"

#include <string.h>

#include "../portable_math.h"

enum {
    DEFAULT_ROWS = 20000,
    DEFAULT_TEST_ROWS = 4000,
    MAX_ROWS = 1 << 22,
    DEFAULT_DIMS = 20,
    MAX_DIMS = 1 << 14,
    MAX_CLASSES = 1000
};

/* A row is drawn from stream (part + 1) * 2^32 + row; what all rows share from stream 1.
 * (The test split of a CSV file draws from stream 0.) */
enum { SHARED_STREAM = 1 };

/* Means lie this many standard deviations from the origin, per dimension; noise of the
 * linear set's targets. */
static const double CLOUD_DISTANCE = 0.6, TARGET_NOISE = 0.1;

typedef struct synthetic_job {
    fed_data *ds;
    fed_data_part part;
    uint8_t seed[FED_SEED_BYTES];
    uint32_t rows, users, classes, dims;
    fed_error *err;
} synthetic_job;

static void open_row(const synthetic_job *job, uint32_t row, fed_stream *s)
{
    uint64_t version = ((uint64_t)job->part + 1) << 32 | row;
    fed_stream_init(s, job->seed, FED_PURPOSE_SYNTHETIC, version);
}

static fed_status make_digits(const synthetic_job *job)
{
    enum { PIXELS = FED_DIGIT_SIDE * FED_DIGIT_SIDE };
    static const uint32_t shape[3] = {FED_DIGIT_SIDE, FED_DIGIT_SIDE, 1};
    fed_data *ds = job->ds;
    FED_TRY(fed_data_set_shape(ds, shape, 3, job->err));
    uint8_t *pixels = fed_data_alloc(ds, job->rows, PIXELS, job->err);
    uint8_t *labels = pixels ? fed_data_alloc(ds, job->rows, 1, job->err) : NULL;
    if (!labels) return FED_E_NOMEM;
    for (uint32_t row = 0; row < job->rows; row++) {
        fed_stream s;
        open_row(job, row, &s);
        labels[row] = (uint8_t)fed_stream_below(&s, 10);
        fed_digit_draw(&s, labels[row], pixels + (size_t)row * PIXELS);
    }
    ds->info.classes = 10;
    ds->inputs.at = pixels;
    ds->inputs.kind = FED_CELL_U8;
    ds->targets = (fed_cells){labels, NULL, 1, FED_CELL_U8};
    return FED_OK;
}

static fed_status alloc_floats(const synthetic_job *job, float **features,
                               uint32_t **targets)
{
    fed_data *ds = job->ds;
    if ((uint64_t)job->rows * job->dims > FED_DATA_MAX_FILE / sizeof(float))
        return fed_fail(job->err, FED_E_LIMIT,
                        "data spec: rows=%u x dims=%u exceed %zu bytes", job->rows,
                        job->dims, FED_DATA_MAX_FILE);
    FED_TRY(fed_data_set_shape(ds, &job->dims, 1, job->err));
    *features =
        fed_data_alloc(ds, (size_t)job->rows * job->dims, sizeof **features, job->err);
    *targets =
        *features ? fed_data_alloc(ds, job->rows, sizeof **targets, job->err) : NULL;
    if (!*targets) return FED_E_NOMEM;
    ds->inputs.at = *features;
    ds->inputs.kind = FED_CELL_F32;
    return FED_OK;
}

/* `n` standard normals from the stream that all rows share. */
static double *draw_shared(const synthetic_job *job, size_t n)
{
    fed_stream s;
    double *values = fed_calloc(n, sizeof *values);
    if (!values) (void)fed_fail_nomem(job->err, n * sizeof *values);
    fed_stream_init(&s, job->seed, FED_PURPOSE_SYNTHETIC, SHARED_STREAM);
    for (size_t i = 0; values && i < n; i++)
        values[i] = fed_portable_normal(&s);
    return values;
}

static fed_status make_gaussian(const synthetic_job *job)
{
    float *features;
    uint32_t *targets;
    FED_TRY(alloc_floats(job, &features, &targets));
    double *means = draw_shared(job, (size_t)job->classes * job->dims);
    if (!means) return FED_E_NOMEM;
    for (uint32_t row = 0; row < job->rows; row++) {
        fed_stream s;
        open_row(job, row, &s);
        targets[row] = fed_stream_below(&s, job->classes);
        for (uint32_t i = 0; i < job->dims; i++)
            *features++ =
                (float)(CLOUD_DISTANCE * means[(size_t)targets[row] * job->dims + i] +
                        fed_portable_normal(&s));
    }
    fed_free(means);
    job->ds->info.classes = job->classes;
    job->ds->targets = (fed_cells){targets, NULL, 1, FED_CELL_I32};
    return FED_OK;
}

/* y = w x + b + noise; w and b are what all rows share. */
static fed_status make_linear(const synthetic_job *job)
{
    float *features;
    uint32_t *targets;
    FED_TRY(alloc_floats(job, &features, &targets));
    double *weights = draw_shared(job, (size_t)job->dims + 1);
    if (!weights) return FED_E_NOMEM;
    float *values = (float *)(void *)targets;
    for (uint32_t row = 0; row < job->rows; row++) {
        fed_stream s;
        open_row(job, row, &s);
        double y = weights[job->dims] + TARGET_NOISE * fed_portable_normal(&s);
        for (uint32_t i = 0; i < job->dims; i++) {
            *features = (float)fed_portable_normal(&s);
            y += weights[i] * *features++;
        }
        values[row] = (float)y;
    }
    fed_free(weights);
    job->ds->info.target = FED_TARGET_VECTOR;
    job->ds->targets = (fed_cells){values, NULL, 1, FED_CELL_F32};
    return FED_OK;
}

typedef struct synthetic_kind {
    const char *name;
    fed_status (*make)(const synthetic_job *job);
    bool takes_classes, takes_dims;
} synthetic_kind;

static const synthetic_kind kinds[] = {{"digits", make_digits, false, false},
                                       {"gaussian", make_gaussian, true, true},
                                       {"linear", make_linear, false, true}};

static fed_status check_keys(const synthetic_kind *kind, const fed_data_spec *spec,
                             fed_error *err)
{
    const char *foreign = NULL;
    if (!kind->takes_classes && fed_data_spec_option(spec, "classes"))
        foreign = "classes";
    if (!kind->takes_dims && fed_data_spec_option(spec, "dims")) foreign = "dims";
    if (!foreign) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "data spec: synthetic:%s takes no key \"%s\"",
                    kind->name, foreign);
}

/* Row i belongs to user i mod N. */
static fed_status deal_users(const synthetic_job *job)
{
    if (!job->users) return FED_OK;
    uint32_t *user_of = fed_data_alloc(job->ds, job->rows, sizeof *user_of, job->err);
    if (!user_of) return FED_E_NOMEM;
    for (uint32_t row = 0; row < job->rows; row++)
        user_of[row] = row % job->users;
    job->ds->user_of = user_of;
    job->ds->info.users = job->users;
    return FED_OK;
}

static fed_status read_options(synthetic_job *job, const fed_data_spec *spec)
{
    bool test = job->part == FED_DATA_TEST;
    uint64_t rows, users, classes, dims, seed;
    FED_TRY(fed_data_spec_number(spec, test ? "test_rows" : "rows", 1, MAX_ROWS,
                                 test ? DEFAULT_TEST_ROWS : DEFAULT_ROWS, &rows,
                                 job->err));
    FED_TRY(fed_data_spec_number(spec, "users", 1, rows, 0, &users, job->err));
    FED_TRY(
        fed_data_spec_number(spec, "classes", 2, MAX_CLASSES, 10, &classes, job->err));
    FED_TRY(
        fed_data_spec_number(spec, "dims", 1, MAX_DIMS, DEFAULT_DIMS, &dims, job->err));
    FED_TRY(fed_data_spec_number(spec, "data_seed", 0, UINT64_MAX, 1, &seed, job->err));
    job->rows = (uint32_t)rows, job->users = (uint32_t)users;
    job->classes = (uint32_t)classes, job->dims = (uint32_t)dims;
    fed_seed_from_u64(job->seed, seed);
    return FED_OK;
}

fed_status fed_synthetic_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                              fed_error *err)
{
    synthetic_job job = {.ds = ds, .part = part, .err = err};
    FED_TRY(read_options(&job, spec));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(spec->path, kinds[i].name) != 0) continue;
        FED_TRY(check_keys(&kinds[i], spec, err));
        FED_TRY(kinds[i].make(&job));
        ds->info.rows = job.rows;
        ds->info.target_len = 1;
        return deal_users(&job);
    }
    return fed_fail(err, FED_E_UNSUPPORTED,
                    "data spec: synthetic:%.64s is none of digits, gaussian, linear",
                    spec->path);
}
