/*
 * The readers, one per kind. Each has a pure half (fed_x_parse: bytes in memory to a set;
 * that is what is fuzzed) and a shell (fed_x_open: finds and reads the files). A shell
 * gives a half-filled set back on failure too; the caller frees it.
 */
#ifndef FED_READERS_H
#define FED_READERS_H

#include "csv_table.h"
#include "feature_scale.h"

/** A pair of IDX files. The images stay where they are: `images` is borrowed and must
 *  live as long as `ds`. `classes` 0: one more than the largest label. */
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

/** How a play becomes a set. */
typedef struct fed_text_options {
    uint32_t seq;       /* characters of one sequence */
    uint32_t min_chars; /* who says less is left out */
    bool ascii;         /* the vocabulary: fixed, instead of what occurs in the file */
    double test;        /* the share of each speaker's sequences that is the test part */
} fed_text_options;
fed_status fed_text_parse(fed_data *ds, fed_span text, const fed_text_options *options,
                          fed_data_part part, fed_error *err);
fed_status fed_text_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                         fed_error *err);

typedef struct fed_cmapss_options {
    uint32_t window; /* cycles of one input */
    uint32_t cap;    /* of the remaining life */
    fed_scaling normalize;
} fed_cmapss_options;
/** The training part when `test` has no data; else the test part, which is normalised by
 *  what the training file says. */
typedef struct fed_cmapss_texts {
    fed_span train, test, lives;
} fed_cmapss_texts;
fed_status fed_cmapss_parse(fed_data *ds, const fed_cmapss_texts *texts,
                            const fed_cmapss_options *options, fed_error *err);
fed_status fed_cmapss_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                           fed_error *err);

/** A LEAF set while its files are read, one after another. */
typedef struct fed_leaf {
    fed_name_table users;
    fed_bytes inputs;  /* native float, or bytes when the inputs are texts */
    fed_bytes labels;  /* native int32 */
    fed_bytes user_of; /* native uint32 */
    uint32_t rows, input_len, classes;
    bool text;
} fed_leaf;
void fed_leaf_init(fed_leaf *l);
void fed_leaf_fini(fed_leaf *l);
/** Add what one file says. */
fed_status fed_leaf_add(fed_leaf *l, fed_span text, fed_error *err);
/** Hand everything over to `ds`. `classes` 0: as many as there are. */
fed_status fed_leaf_finish(fed_leaf *l, fed_data *ds, uint32_t classes, fed_error *err);
fed_status fed_leaf_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                         fed_error *err);

enum { FED_ASCII_TOKENS = 96 };
/** The token of a line end (0) or of a printable ASCII character (1..95): a vocabulary
 *  that devices agree on without having seen each other's text. False for anything
 *  else. */
bool fed_ascii_token(uint8_t c, uint8_t *token);

/** The spec's `test`, a share in [0, 1], 0 when it is not given. Refuses `part` TEST of
 *  a set that has none. */
fed_status fed_test_share_from_spec(const fed_data_spec *spec, fed_data_part part,
                                    double *share, fed_error *err);

#endif
