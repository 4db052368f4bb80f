/*
 * IDX, the format of MNIST (LeCun, Cortes, Burges, "THE IDX FILE FORMAT"): two zero
 * bytes, the type of a cell, the number of dimensions, each dimension as a big-endian
 * u32, then the cells, row after row. Unsigned bytes are read; the other types are
 * refused by name.
 */
#include <stdio.h>
#include <string.h>

#include "../data_file.h"
#include "line_reader.h"
#include "readers.h"

enum { IDX_U8 = 0x08, IDX_MAX_RANK = 4, MNIST_CLASSES = 10 };

typedef struct idx_array {
    uint32_t rank, shape[IDX_MAX_RANK];
    const uint8_t *cells;
} idx_array;

static uint32_t load_big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static fed_status check_magic(fed_span file, const char *what, fed_error *err)
{
    if (file.len < 4)
        return fed_fail(err, FED_E_FORMAT, "%s: %zu bytes are too few for an IDX header",
                        what, file.len);
    const uint8_t *p = file.data;
    if (p[0] || p[1])
        return fed_fail(err, FED_E_FORMAT,
                        "%s: magic %02x%02x%02x%02x does not begin with 0000 (not IDX)",
                        what, p[0], p[1], p[2], p[3]);
    if (p[2] != IDX_U8)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "%s: cell type 0x%02x; only unsigned bytes (0x08) are read", what,
                        p[2]);
    if (p[3] < 1 || p[3] > IDX_MAX_RANK)
        return fed_fail(err, FED_E_FORMAT, "%s: %u dimensions, not 1..%d", what, p[3],
                        IDX_MAX_RANK);
    return FED_OK;
}

static fed_status parse_array(idx_array *a, fed_span file, const char *what,
                              fed_error *err)
{
    FED_TRY(check_magic(file, what, err));
    a->rank = file.data[3];
    size_t header = 4 + 4 * (size_t)a->rank;
    if (file.len < header)
        return fed_fail(err, FED_E_FORMAT, "%s: header cut off: %zu of %zu bytes", what,
                        file.len, header);
    uint64_t cells = 1;
    for (uint32_t i = 0; i < a->rank; i++) {
        a->shape[i] = load_big_endian(file.data + 4 + 4 * i);
        if (a->shape[i] && cells > FED_DATA_MAX_FILE / a->shape[i])
            return fed_fail(err, FED_E_LIMIT,
                            "%s: dimension %u = %u makes more than %zu cells", what, i,
                            a->shape[i], FED_DATA_MAX_FILE);
        cells *= a->shape[i];
    }
    if (file.len - header != cells)
        return fed_fail(err, FED_E_FORMAT,
                        "%s: %zu bytes of cells, but the dimensions say %llu", what,
                        file.len - header, (unsigned long long)cells);
    a->cells = file.data + header;
    return FED_OK;
}

static fed_status check_counts(const idx_array *images, const idx_array *labels,
                               fed_error *err)
{
    if (labels->rank != 1)
        return fed_fail(err, FED_E_FORMAT, "labels: %u dimensions, not 1", labels->rank);
    if (images->rank < 2)
        return fed_fail(err, FED_E_FORMAT, "images: 1 dimension, not 2..%d",
                        IDX_MAX_RANK);
    if (images->shape[0] != labels->shape[0])
        return fed_fail(err, FED_E_FORMAT, "%u images, but %u labels", images->shape[0],
                        labels->shape[0]);
    if (images->shape[0] < 1 || images->shape[0] > FED_DATA_MAX_ROWS)
        return fed_fail(err, FED_E_FORMAT, "images: %u rows, not 1..%d", images->shape[0],
                        FED_DATA_MAX_ROWS);
    return FED_OK;
}

static fed_status check_labels(const idx_array *labels, uint32_t *classes, fed_error *err)
{
    uint32_t n = labels->shape[0], largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = labels->cells[i];
        if (*classes && label >= *classes)
            return fed_fail(err, FED_E_FORMAT, "labels: row %u: class %u is not below %u",
                            i, label, *classes);
        if (label > largest) largest = label;
    }
    if (!*classes) *classes = largest + 1;
    return FED_OK;
}

/* A grey image (rows x columns) has one channel; the plan counts channels, last. */
static fed_status set_image_shape(fed_data *ds, const idx_array *images, fed_error *err)
{
    uint32_t shape[4] = {1, 1, 1, 1}, rank = images->rank - 1;
    memcpy(shape, images->shape + 1, rank * sizeof *shape);
    return fed_data_set_shape(ds, shape, rank == 2 ? 3 : rank, err);
}

fed_status fed_idx_parse(fed_data *ds, fed_span images, fed_span labels, uint32_t classes,
                         fed_error *err)
{
    idx_array x = {0}, y = {0};
    FED_TRY(parse_array(&x, images, "images", err));
    FED_TRY(parse_array(&y, labels, "labels", err));
    FED_TRY(check_counts(&x, &y, err));
    FED_TRY(check_labels(&y, &classes, err));
    FED_TRY(set_image_shape(ds, &x, err));
    uint8_t *kept = fed_memdup(y.cells, x.shape[0]);
    if (!kept) return fed_fail_nomem(err, x.shape[0]);
    ds->info.rows = x.shape[0];
    ds->info.input = FED_INPUT_FLOAT;
    ds->info.target = FED_TARGET_CLASS;
    ds->info.target_len = 1;
    ds->info.classes = classes;
    ds->inputs.at = x.cells;
    ds->inputs.kind = FED_CELL_U8;
    ds->targets = (fed_cells){fed_data_own(ds, kept), NULL, 1, FED_CELL_U8};
    return FED_OK;
}

static fed_status open_pair(fed_data *ds, const char *images, const char *labels,
                            uint32_t classes, fed_error *err)
{
    fed_bytes x, y;
    fed_bytes_init(&x, FED_DATA_MAX_FILE);
    fed_bytes_init(&y, FED_DATA_MAX_FILE);
    fed_status status = fed_data_file_read_either(images, &x, err);
    if (!status) status = fed_data_file_read_either(labels, &y, err);
    if (!status) {
        status = fed_idx_parse(ds, (fed_span){x.data, x.len}, (fed_span){y.data, y.len},
                               classes, err);
        status = fed_fail_in(err, status, "%s", images);
    }
    fed_bytes_fini(&y);
    fed_data_own(ds, x.data);
    return status;
}

fed_status fed_mnist_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                          fed_error *err)
{
    enum { LONGEST_NAME = 32 };
    char images[sizeof spec->path + LONGEST_NAME],
        labels[sizeof spec->path + LONGEST_NAME];
    const char *which = part == FED_DATA_TRAIN ? "train" : "t10k";
    snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte", spec->path, which);
    snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte", spec->path, which);
    return open_pair(ds, images, labels, MNIST_CLASSES, err);
}

/* Cut IMAGES,LABELS or IMAGES,LABELS,TEST_IMAGES,TEST_LABELS apart, in place. */
static fed_status cut_paths(char *path, const char *names[4], size_t *n, fed_error *err)
{
    fed_shown shown = fed_show(fed_span_of(path));
    bool empty = false;
    for (*n = 0; *n < 4 && path; ++*n) {
        char *comma = strchr(path, ',');
        names[*n] = path;
        if (comma) *comma = 0;
        empty |= !*path;
        path = comma ? comma + 1 : NULL;
    }
    if (!path && !empty && *n % 2 == 0) return FED_OK;
    return fed_fail(
        err, FED_E_INVALID,
        "data spec: idx:%s is not idx:IMAGES,LABELS[,TEST_IMAGES,TEST_LABELS]",
        shown.text);
}

/* Four files are both parts; two are the training part or, with test=1, the test part. */
static fed_status check_part(const fed_data_spec *spec, fed_data_part part,
                             size_t n_files, fed_error *err)
{
    double share;
    const char *test = fed_data_spec_option(spec, "test");
    if (n_files == 4 && !test) return FED_OK;
    FED_TRY(fed_test_share_from_spec(spec, part, &share, err));
    if (n_files == 4 || (share != 0 && share != 1))
        return fed_fail(
            err, FED_E_UNSUPPORTED,
            "data spec: test=%s: two IDX files are one part (test=0 or 1), four "
            "are both",
            test);
    if (part == FED_DATA_TRAIN && share == 1)
        return fed_fail(err, FED_E_INVALID, "data spec: test=1 leaves no training part");
    return FED_OK;
}

fed_status fed_idx_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                        fed_error *err)
{
    char path[sizeof spec->path];
    const char *names[4];
    size_t n;
    uint64_t classes;
    memcpy(path, spec->path, sizeof path);
    FED_TRY(cut_paths(path, names, &n, err));
    FED_TRY(check_part(spec, part, n, err));
    FED_TRY(fed_data_spec_number(spec, "classes", 1, 256, 0, &classes, err));
    const char **pair = n == 4 && part == FED_DATA_TEST ? names + 2 : names;
    return open_pair(ds, pair[0], pair[1], (uint32_t)classes, err);
}
