/*
 * data: data sets, and how their rows are shared out among clients.
 *
 * A data set is opened from a SPEC, the text that people give to `fedsim --data`,
 * `fedserver --holdout` and `fedclient --data`:
 *
 *     kind:PATH?key=value&key=value…
 *
 *     mnist:DIR                         the four MNIST files, plain or .gz
 *     idx:IMAGES,LABELS                 any IDX files, plain or .gz
 *     csv:FILE?label=COL[&user=COL]…    a table with a header line, plain or .gz
 *     text:FILE?by=speaker…             plays: predict the next character; speaker = user
 *     leaf:DIR                          LEAF's JSON (train/ and test/), a user each
 *     cmapss:DIR                        NASA turbofan: windows of sensors, remaining life
 *     synthetic:NAME                    drawn from a seed: digits, gaussian, linear
 *
 * README.md lists every key. Three keys belong to the shells and are allowed everywhere:
 * partition=P, clients=N, seed=S. `seed` feeds the partition alone; what a data set draws
 * itself (a test split, synthetic rows) comes from data_seed=S, so that a device and the
 * server that holds out the test part agree on it whatever the partition.
 *
 * In memory a set stays as compact as its file: bytes stay bytes, overlapping windows
 * share their cells. Rows are converted when they are fetched. An open set never changes,
 * so any number of threads may read it.
 */
#ifndef FED_DATA_H
#define FED_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

/* ---- SPEC -------------------------------------------------------------------------- */

enum { FED_DATA_MAX_OPTIONS = 16 };

/** A SPEC taken apart. Plain memory: may be copied, needs no clean-up. */
typedef struct fed_data_spec {
    char kind[16];
    char path[1024];
    size_t n_options;
    struct {
        char key[24];
        char value[256];
    } options[FED_DATA_MAX_OPTIONS];
} fed_data_spec;

/** Take `text` apart: kind, path, options; `%41` in the path or in a value stands for
 *  "A". Says nothing yet about whether the kind exists. FED_E_FORMAT, FED_E_LIMIT. */
FED_MUST_CHECK fed_status fed_data_spec_parse(fed_data_spec *spec, const char *text,
                                              fed_error *err);
/** The value of `key`, borrowed from `spec`, or NULL. */
const char *fed_data_spec_option(const fed_data_spec *spec, const char *key);
/** The value of `key` as a whole number in [min, max]; `fallback` when it is not given.
 *  FED_E_INVALID names key, value and bounds. */
FED_MUST_CHECK fed_status fed_data_spec_number(const fed_data_spec *spec, const char *key,
                                               uint64_t min, uint64_t max,
                                               uint64_t fallback, uint64_t *out,
                                               fed_error *err);

/* ---- data sets --------------------------------------------------------------------- */

typedef enum fed_data_part { FED_DATA_TRAIN = 0, FED_DATA_TEST = 1 } fed_data_part;

typedef enum fed_data_input {
    FED_INPUT_FLOAT = 0, /* float32 features */
    FED_INPUT_TOKEN = 1  /* int32 token numbers in [0, vocab) */
} fed_data_input;

typedef enum fed_data_target {
    FED_TARGET_CLASS = 0, /* one int32 in [0, classes) */
    FED_TARGET_TOKEN = 1, /* target_len int32 in [0, classes): the next token of each */
    FED_TARGET_VECTOR = 2 /* target_len float32 */
} fed_data_target;

/** What a set holds. A plan may reshape an input: what must agree is `input_len`. */
typedef struct fed_data_info {
    uint32_t rows;
    uint32_t rank;       /* dimensions of one input, 1..4 */
    uint32_t shape[4];   /* channels last; unused dimensions are 1 */
    uint32_t input_len;  /* their product; each input value takes 4 bytes when fetched */
    uint32_t target_len; /* values of one target; 4 bytes each when fetched */
    uint32_t classes;    /* of a class, or of a token, target; 0 for vectors */
    uint32_t vocab;      /* of token inputs; 0 for floats */
    uint32_t users;      /* 0 when the data knows no users */
    fed_data_input input;
    fed_data_target target;
} fed_data_info;

enum {
    FED_DATA_MAX_ROWS = 1 << 28,
    FED_DATA_MAX_VALUES = 1 << 24 /* values of one input or one target */
};
/** No file may hold more, unpacked. */
#define FED_DATA_MAX_FILE ((size_t)1 << 30)

typedef struct fed_data fed_data;

/** Open the training or the test part of what `spec` names and read it into memory.
 *  `*out` is the caller's, for fed_data_free(). FED_E_INVALID: the SPEC; FED_E_NOT_FOUND,
 *  FED_E_IO: the file; FED_E_FORMAT, FED_E_NUMERIC: its contents, with file, line or
 *  field, value and bound; FED_E_LIMIT, FED_E_NOMEM; FED_E_UNSUPPORTED. This is a shell:
 *  it reads files. */
FED_MUST_CHECK fed_status fed_data_open(const char *spec, fed_data_part part,
                                        fed_data **out, fed_error *err);
/** The same for a SPEC that has been taken apart. */
FED_MUST_CHECK fed_status fed_data_open_spec(const fed_data_spec *spec,
                                             fed_data_part part, fed_data **out,
                                             fed_error *err);
void fed_data_free(fed_data *ds);
/** Copy `n` rows, in the order of `rows`, into a set of their own, numbered from 0;
 *  classes, users and their names stay what they are. So a device that owns a few rows of
 *  a big file can free the rest. FED_E_INVALID for no row, or one that is not below
 *  info.rows. */
FED_MUST_CHECK fed_status fed_data_select(const fed_data *ds, const uint32_t *rows,
                                          uint32_t n, fed_data **out, fed_error *err);

/** Borrowed from `ds`. Thread-safe, as all below. */
const fed_data_info *fed_data_describe(const fed_data *ds);

/** Copy `n` rows, in the order of `rows`, converted: inputs n x input_len float32 or
 *  int32, targets n x target_len int32 or float32 (see info). Bytes become floats 0..255;
 *  scaling them is the plan's business (`model.input.scale`). Either buffer may be NULL.
 *  Allocates nothing. FED_E_INVALID when a row is not below info.rows; then nothing is
 *  promised about the buffers. */
FED_MUST_CHECK fed_status fed_data_fetch(const fed_data *ds, const uint32_t *rows,
                                         size_t n, void *inputs, void *targets);

/** The class of a row whose target is a class; else 0. `row` must be below info.rows. */
uint32_t fed_data_class(const fed_data *ds, uint32_t row);
/** The user of a row, below info.users; 0 when the data knows no users. */
uint32_t fed_data_user(const fed_data *ds, uint32_t row);
/** The name of a user or class as the data spells it, borrowed; NULL when it has none. */
const char *fed_data_user_name(const fed_data *ds, uint32_t user);
const char *fed_data_class_name(const fed_data *ds, uint32_t label);

/* ---- partitions -------------------------------------------------------------------- */

/** Which client owns which rows. Every row belongs to at most one client. */
typedef struct fed_partition fed_partition;

/** Share the rows of `ds` (borrowed during the call) out among `clients`. `how`:
 *    iid           shuffled and cut into equal parts
 *    shards:K      sorted by class, cut into clients * K shards, K to each client
 *                  (McMahan et al. 2017, section 3)
 *    dirichlet:A   equal parts, each with its own mix of classes drawn from a Dirichlet
 *                  distribution around the set's own mix, concentration A (Hsu et al.
 *                  2019)
 *    powerlaw:K    K classes each, of very different sizes (Li et al. 2020, FedProx);
 *                  classes that none of few clients holds are left out
 *    user          client i is the data's user i; `clients` 0 means all users
 *    NULL          `user` when the data knows users, else `iid`
 *  The same data, text, clients and seed give the same partition on every machine.
 *  Memory: 4 bytes per row and per client. FED_E_INVALID names the broken bound. */
FED_MUST_CHECK fed_status fed_partition_make(const fed_data *ds, const char *how,
                                             uint32_t clients, uint64_t seed,
                                             fed_partition **out, fed_error *err);
/** As above, from the SPEC's own partition, clients and seed (default 1). */
FED_MUST_CHECK fed_status fed_partition_from_spec(const fed_data *ds,
                                                  const fed_data_spec *spec,
                                                  fed_partition **out, fed_error *err);
void fed_partition_free(fed_partition *p);

uint32_t fed_partition_clients(const fed_partition *p);
/** The rows of a client, borrowed from `p`, ascending; returns how many. A client beyond
 *  the last has none. */
uint32_t fed_partition_rows(const fed_partition *p, uint32_t client,
                            const uint32_t **rows);
/** Count the classes of `n` rows into counts[0..info.classes), which is zeroed first.
 *  Nothing is counted when the target is not a class. */
void fed_data_count_classes(const fed_data *ds, const uint32_t *rows, size_t n,
                            uint32_t *counts);

#endif
