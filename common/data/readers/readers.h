/*
 * The readers, one per kind. Each has a pure half (fed_x_parse: bytes in memory to a set; that
 * is what is fuzzed) and a shell (fed_x_open: finds and reads the files). A shell gives a
 * half-filled set back on failure too; the caller frees it.
 */
#ifndef FED_READERS_H
#define FED_READERS_H

#include "../dataset.h"

/** A pair of IDX files. The images stay where they are: `images` is borrowed and must live as
 *  long as `ds`. `classes` 0: one more than the largest label. */
fed_status fed_idx_parse(fed_data *ds, fed_span images, fed_span labels, uint32_t classes,
                         fed_error *err);
fed_status fed_idx_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                        fed_error *err);
fed_status fed_mnist_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                          fed_error *err);

#endif
