/*
 * The readers, one per kind. Each has a pure half (fed_x_parse: bytes in memory to a set; that
 * is what is fuzzed) and a shell (fed_x_open: finds and reads the files). A shell gives a
 * half-filled set back on failure too; the caller frees it.
 */
#ifndef FED_READERS_H
#define FED_READERS_H

#include "csv_table.h"
#include "feature_scale.h"

/** A pair of IDX files. The images stay where they are: `images` is borrowed and must live as
 *  long as `ds`. `classes` 0: one more than the largest label. */
fed_status fed_idx_parse(fed_data *ds, fed_span images, fed_span labels, uint32_t classes,
                         fed_error *err);
fed_status fed_idx_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                        fed_error *err);
fed_status fed_mnist_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                          fed_error *err);

/** How a table becomes a set. */
typedef struct fed_csv_options {
    fed_csv_columns columns;
    fed_scaling normalize; /* fitted to the training part alone */
    double test;           /* the share of each user's rows that is the test part */
    uint64_t data_seed;    /* draws the test part */
} fed_csv_options;
fed_status fed_csv_parse(fed_data *ds, fed_span text, const fed_csv_options *options,
                         fed_data_part part, fed_error *err);
fed_status fed_csv_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                        fed_error *err);

/** The spec's `test`, a share in [0, 0.9], 0 when it is not given. Refuses `part` TEST of a
 *  set that has none. */
fed_status fed_test_share_from_spec(const fed_data_spec *spec, fed_data_part part,
                                    double *share, fed_error *err);

#endif
