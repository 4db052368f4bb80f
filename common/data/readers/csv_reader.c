/*
 * From a CSV table to a set: the test part is drawn and taken out (of each user the same
 * share, so that every user keeps training rows), features are normalised by what the
 * training part says, and class names are put in order, so that neither the order of the
 * lines nor the part decides what number a class has.
 */
#include <string.h>

#include "../data_file.h"
#include "readers.h"

/* What is worked on between the table and the set. */
typedef struct csv_job {
    fed_csv_table table;
    uint8_t *is_test; /* per row */
    uint32_t *order, *quota, *rank;
    double *offset, *factor;
} csv_job;

static void fini_job(csv_job *job)
{
    fed_csv_table_fini(&job->table);
    fed_free(job->is_test);
    fed_free(job->order);
    fed_free(job->quota);
    fed_free(job->rank);
    fed_free(job->offset);
    fed_free(job->factor);
}

static uint32_t *cells_u32(fed_bytes *cells)
{
    return (uint32_t *)(void *)cells->data;
}

/* The first share*n rows of each user in a shuffled order are its test part. */
static fed_status draw_test_part(csv_job *job, double share, uint64_t seed,
                                 fed_error *err)
{
    fed_csv_table *t = &job->table;
    uint32_t users = t->has_user ? t->users.n : 1;
    const uint32_t *user_of = t->has_user ? cells_u32(&t->user_of) : NULL;
    job->is_test = fed_calloc(t->rows, 1);
    job->order = fed_malloc(t->rows * sizeof *job->order);
    job->quota = fed_calloc(users, sizeof *job->quota);
    if (!job->is_test || !job->order || !job->quota)
        return fed_fail_nomem(err, t->rows * sizeof *job->order);
    for (uint32_t r = 0; r < t->rows; r++) {
        job->order[r] = r;
        job->quota[user_of ? user_of[r] : 0]++;
    }
    for (uint32_t u = 0; u < users; u++)
        job->quota[u] = (uint32_t)(job->quota[u] * share);
    uint8_t key[FED_SEED_BYTES];
    fed_stream stream;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&stream, key, FED_PURPOSE_SYNTHETIC, 0);
    fed_stream_shuffle(&stream, job->order, t->rows);
    for (uint32_t i = 0; i < t->rows; i++) {
        uint32_t r = job->order[i], *left = &job->quota[user_of ? user_of[r] : 0];
        if (*left) job->is_test[r] = 1, --*left;
    }
    return FED_OK;
}

/* Keep the rows of one part, in place; `size` bytes each. */
static void keep_part(const csv_job *job, fed_bytes *cells, size_t size,
                      fed_data_part part)
{
    size_t kept = 0;
    for (uint32_t r = 0; cells->len && r < job->table.rows; r++)
        if (job->is_test[r] == (part == FED_DATA_TEST))
            memmove(cells->data + size * kept++, cells->data + size * r, size);
    cells->len = size * kept;
}

static fed_status normalize(csv_job *job, fed_scaling scaling, fed_error *err)
{
    fed_csv_table *t = &job->table;
    float *table = (float *)(void *)t->features.data;
    if (scaling == FED_SCALE_NONE) return FED_OK;
    if (!memchr(job->is_test, 0, t->rows))
        return fed_fail(err, FED_E_INVALID,
                        "normalize= needs training rows, but all %u are the test part",
                        t->rows);
    job->offset = fed_calloc(t->n_features, sizeof *job->offset);
    job->factor = fed_calloc(t->n_features, sizeof *job->factor);
    if (!job->offset || !job->factor)
        return fed_fail_nomem(err, t->n_features * sizeof *job->offset);
    fed_scale_fit(scaling, table, t->rows, t->n_features, job->is_test, job->offset,
                  job->factor);
    return fed_scale_apply(table, t->rows, t->n_features, job->offset, job->factor, err);
}

static fed_status order_classes(csv_job *job, fed_error *err)
{
    fed_csv_table *t = &job->table;
    job->rank = fed_malloc(t->classes.n * sizeof *job->rank);
    if (!job->rank) return fed_fail_nomem(err, t->classes.n * sizeof *job->rank);
    FED_TRY(fed_name_table_sort(&t->classes, job->rank, err));
    for (uint32_t r = 0; r < t->rows; r++)
        cells_u32(&t->labels)[r] = job->rank[cells_u32(&t->labels)[r]];
    return FED_OK;
}

/* Give the cells to the set, without the room that growing left behind them. */
static fed_status give(fed_data *ds, fed_bytes *cells, const void **at, fed_error *err)
{
    void *shrunk = fed_realloc(cells->data, cells->len, 1);
    if (!shrunk) return fed_fail_nomem(err, cells->len);
    cells->data = NULL;
    *at = fed_data_own(ds, shrunk);
    return FED_OK;
}

static fed_status fill_set(fed_data *ds, csv_job *job, fed_data_part part, fed_error *err)
{
    fed_csv_table *t = &job->table;
    FED_TRY(fed_data_set_shape(ds, &t->n_features, 1, err));
    keep_part(job, &t->features, t->n_features * sizeof(float), part);
    keep_part(job, &t->targets, t->n_targets * sizeof(float), part);
    keep_part(job, &t->labels, sizeof(int32_t), part);
    keep_part(job, &t->user_of, sizeof(uint32_t), part);
    ds->info.rows = (uint32_t)(t->features.len / (t->n_features * sizeof(float)));
    if (!ds->info.rows)
        return fed_fail(err, FED_E_FORMAT, "%u rows leave none for the %s part", t->rows,
                        part == FED_DATA_TEST ? "test" : "training");
    ds->info.target = t->has_label ? FED_TARGET_CLASS : FED_TARGET_VECTOR;
    ds->info.target_len = ds->targets.len = t->has_label ? 1 : t->n_targets;
    ds->info.classes = t->classes.n;
    ds->info.users = t->users.n;
    ds->inputs.kind = FED_CELL_F32;
    ds->targets.kind = t->has_label ? FED_CELL_I32 : FED_CELL_F32;
    FED_TRY(give(ds, &t->features, &ds->inputs.at, err));
    FED_TRY(give(ds, t->has_label ? &t->labels : &t->targets, &ds->targets.at, err));
    if (t->has_user) FED_TRY(give(ds, &t->user_of, &ds->user_of, err));
    if (t->has_user) fed_name_table_give(&t->users, ds, &ds->users);
    if (t->has_label) fed_name_table_give(&t->classes, ds, &ds->classes);
    return FED_OK;
}

fed_status fed_csv_parse(fed_data *ds, fed_span text, const fed_csv_options *options,
                         fed_data_part part, fed_error *err)
{
    csv_job job = {.is_test = NULL};
    fed_status status = fed_csv_table_read(&job.table, text, &options->columns, err);
    if (!status) status = draw_test_part(&job, options->test, options->data_seed, err);
    if (!status) status = normalize(&job, options->normalize, err);
    if (!status && job.table.has_label && !options->columns.classes)
        status = order_classes(&job, err);
    if (!status) status = fill_set(ds, &job, part, err);
    fini_job(&job);
    return status;
}

fed_status fed_csv_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                        fed_error *err)
{
    fed_csv_options options = {.columns = {fed_data_spec_option(spec, "user"),
                                           fed_data_spec_option(spec, "label"),
                                           fed_data_spec_option(spec, "target"),
                                           fed_data_spec_option(spec, "drop"),
                                           fed_data_spec_option(spec, "classes")}};
    FED_TRY(fed_test_share_from_spec(spec, part, &options.test, err));
    FED_TRY(fed_scaling_from_spec(spec, &options.normalize, err));
    FED_TRY(fed_data_spec_number(spec, "data_seed", 0, UINT64_MAX, 1, &options.data_seed,
                                 err));
    fed_bytes file;
    fed_bytes_init(&file, FED_DATA_MAX_FILE);
    fed_status status = fed_data_file_read_either(spec->path, &file, err);
    if (!status) {
        status = fed_csv_parse(ds, (fed_span){file.data, file.len}, &options, part, err);
        status = fed_fail_in(err, status, "%s", spec->path);
    }
    fed_bytes_fini(&file);
    return status;
}
