/*
 * The plan file: one JSON text says everything that a federation does.
 *
 * It exists in two forms. The *author's plan* is what a person writes: only `model` and
 * `train` are required, every other field has a default. The *resolved plan* has every
 * default filled in, in a fixed order, with numbers printed by one rule, so that it is the
 * same bytes on every machine: it is what is hashed, signed and sent, and a device accepts
 * no other form.
 *
 * This room knows the bounds of each field (one table, plan_fields.c) and what is unsound in
 * a plan whatever its numbers come to (plan_rules.c). It knows no operator: layers are
 * checked against the operator table of the autograd room. Derived numbers, prices, and the
 * refusal of what is not built belong to the task room.
 *
 * A plan is plain memory, read-only once parsed: any thread may read it.
 */
#ifndef FED_PLAN_H
#define FED_PLAN_H

#include "autograd.h"
#include "base.h"

enum {
    FED_PLAN_MAX_BYTES = 1 << 20, /* of the text, in either form */
    FED_PLAN_MAX_NESTING = 16,    /* objects and lists inside one another */
    FED_PLAN_MAX_NAME = 63,       /* characters of a name */
    FED_PLAN_MAX_NAMES = 1024,    /* entries of a list of names */
    FED_PLAN_MAX_INVITED = 65535, /* devices in one cohort */
    FED_PLAN_MAX_DIFFERENCES =
        32,                     /* versions back that a model difference may lead from */
    FED_PLAN_ADDRESS_BYTES = 32 /* a SHA-256 */
};

/* Fields that hold "a number, or a word" keep the word as a number that the bounds of the
 * field exclude. */
enum {
    FED_PLAN_NONE = 0,    /* "none": no such limit, target or budget */
    FED_PLAN_AUTO = 0,    /* "auto": derived when the plan is made concrete */
    FED_PLAN_ALL = 0,     /* "all": as long as the federation runs */
    FED_PLAN_SAME = -1,   /* "same": as the field that it stands beside */
    FED_PLAN_SIGN = 0,    /* update.bits "sign" */
    FED_PLAN_FLOAT32 = 32 /* update.bits "float32" */
};

enum { FED_PLAN_INPUT = -1 }; /* in fed_plan_layer.from: the model's input */

typedef enum fed_plan_select {
    FED_SELECT_DENSE,
    FED_SELECT_VOTED,
    FED_SELECT_RAND_K,
    FED_SELECT_TOP_K
} fed_plan_select;

typedef enum fed_plan_rotate { FED_ROTATE_NONE, FED_ROTATE_HADAMARD } fed_plan_rotate;

typedef enum fed_plan_weight { FED_WEIGHT_UNIFORM, FED_WEIGHT_EXAMPLES } fed_plan_weight;

typedef enum fed_plan_adversary {
    FED_ADVERSARY_CURIOUS,
    FED_ADVERSARY_ACTIVE
} fed_plan_adversary;

typedef enum fed_plan_mask_stream {
    FED_MASK_AES_256_CTR,
    FED_MASK_CHACHA20
} fed_plan_mask_stream;

typedef enum fed_plan_mechanism {
    FED_MECHANISM_NONE,
    FED_MECHANISM_DISTRIBUTED_GAUSSIAN,
    FED_MECHANISM_DISTRIBUTED_SKELLAM,
    FED_MECHANISM_CENTRAL_GAUSSIAN,
    FED_MECHANISM_LOCAL_GAUSSIAN,
    FED_MECHANISM_MATRIX,
    FED_MECHANISM_DP_SGD
} fed_plan_mechanism;

typedef enum fed_plan_unit { FED_UNIT_DEVICE, FED_UNIT_EXAMPLE } fed_plan_unit;

typedef enum fed_plan_sampling {
    FED_PLAN_SAMPLING_NONE,
    FED_PLAN_SAMPLING_POISSON,
    FED_PLAN_SAMPLING_FIXED_SIZE
} fed_plan_sampling;

typedef enum fed_plan_accountant {
    FED_PLAN_ACCOUNTANT_PLD,
    FED_PLAN_ACCOUNTANT_RDP
} fed_plan_accountant;

typedef enum fed_plan_matrix_kind {
    FED_PLAN_MATRIX_TREE,
    FED_PLAN_MATRIX_SQRT,
    FED_PLAN_MATRIX_BANDED,
    FED_PLAN_MATRIX_BLT
} fed_plan_matrix_kind;

typedef enum fed_plan_strategy_name {
    FED_STRATEGY_FEDAVG,
    FED_STRATEGY_FEDAVGM,
    FED_STRATEGY_FEDPROX,
    FED_STRATEGY_FEDADAGRAD,
    FED_STRATEGY_FEDADAM,
    FED_STRATEGY_FEDYOGI,
    FED_STRATEGY_SCAFFOLD,
    FED_STRATEGY_FEDNOVA,
    FED_STRATEGY_FEDBUFF,
    FED_STRATEGY_TRIMMED_MEAN,
    FED_STRATEGY_MEDIAN,
    FED_STRATEGY_KRUM,
    FED_STRATEGY_NORM_BOUND
} fed_plan_strategy_name;

typedef enum fed_plan_evaluate_on {
    FED_EVALUATE_NONE,
    FED_EVALUATE_HOLDOUT,
    FED_EVALUATE_DEVICES
} fed_plan_evaluate_on;

typedef struct fed_plan_names {
    char **items;
    size_t n;
} fed_plan_names;

typedef struct fed_plan_model_address {
    bool given; /* false: initial weights come from the task's seed */
    uint8_t sha256[FED_PLAN_ADDRESS_BYTES];
} fed_plan_model_address;

/** An operator of the autograd room with all its attributes. */
typedef struct fed_plan_op {
    const fed_op *op; /* a row of the operator table */
    fed_attr_value
        attrs[FED_ATTRS_MAX]; /* in the order of the table, defaults filled in */
    size_t n_attrs;
} fed_plan_op;

typedef struct fed_plan_layer {
    fed_plan_op op;
    char name[FED_PLAN_MAX_NAME + 1]; /* OP_INDEX where the author gave none */
    int32_t from[FED_INPUTS_MAX];     /* earlier layers, or FED_PLAN_INPUT */
    size_t n_from;
} fed_plan_layer;

typedef struct fed_plan_model {
    struct {
        fed_input_kind type;
        fed_shape shape; /* of one example */
        double scale;
    } input;
    fed_plan_layer *layers;
    size_t n_layers;
    fed_plan_op loss;
    fed_plan_model_address init;
} fed_plan_model;

typedef struct fed_plan_train {
    fed_optimizer_kind optimizer;
    double lr;
    int64_t batch, epochs;
    int64_t max_s; /* FED_PLAN_NONE: until the round's deadline */
    double momentum, beta1, beta2, epsilon;
    double weight_decay;
    double clip_grad; /* FED_PLAN_NONE */
    double prox_mu;
    fed_schedule schedule;
    int64_t warmup_rounds, decay_rounds; /* decay_rounds: FED_PLAN_ALL */
    double lr_end;                       /* LINEAR, COSINE: as a share of lr */
    double lr_decay;                     /* STEP */
    int64_t memory_bytes;                /* FED_PLAN_NONE */
    fed_plan_names freeze;               /* names of layers */
} fed_plan_train;

typedef struct fed_plan_update {
    fed_plan_select select;
    double fraction;
    int64_t block, vote_bits, vote_period;
    double vote_memory;
    fed_plan_rotate rotate;
    int64_t bits; /* 1..16, FED_PLAN_SIGN, FED_PLAN_FLOAT32 */
    double tail;  /* or FED_PLAN_AUTO */
    double clip;  /* L2 norm, or FED_PLAN_AUTO */
    fed_plan_weight weight;
    int64_t max_weight;
    bool residual;
    double residual_decay, residual_cap;
} fed_plan_update;

typedef struct fed_plan_download {
    int64_t fraction_bits; /* 1..24, or FED_PLAN_NONE */
    int64_t differences;   /* versions back; 0: none are made */
} fed_plan_download;

typedef struct fed_plan_secagg {
    bool enabled;
    fed_plan_adversary adversary;
    double corrupt, dropout; /* shares of the cohort */
    fed_plan_mask_stream stream;
} fed_plan_secagg;

typedef struct fed_plan_privacy {
    fed_plan_mechanism mechanism;
    fed_plan_unit unit;
    double epsilon;        /* FED_PLAN_NONE */
    double epsilon_server; /* FED_PLAN_NONE, FED_PLAN_SAME */
    double delta;          /* FED_PLAN_NONE */
    fed_plan_accountant accountant;
    double noise_multiplier; /* FED_PLAN_AUTO */
    int64_t ring_bits;       /* FED_PLAN_AUTO */
    int64_t population;      /* FED_PLAN_NONE */
    fed_plan_sampling sampling;
    int64_t max_participations; /* FED_PLAN_NONE */
    int64_t colluders;          /* FED_PLAN_SAME: see fed_plan_colluders() */
    double example_clip;        /* FED_PLAN_NONE */
    struct {
        double share; /* of the budget; FED_PLAN_NONE */
    } votes;
    struct {
        double quantile; /* FED_PLAN_NONE: off */
        double rate;
        double bit_sigma; /* FED_PLAN_AUTO */
    } adaptive;
    struct {
        fed_plan_matrix_kind kind;
        int64_t bands; /* FED_PLAN_AUTO */
        int64_t buffers;
        int64_t separation; /* rounds; FED_PLAN_NONE */
    } matrix;
} fed_plan_privacy;

typedef struct fed_plan_rounds {
    int64_t count;
    int64_t cohort; /* survivors wanted */
    double over_select;
    int64_t min_survivors; /* or FED_PLAN_AUTO */
    int64_t deadline_s, phase_s;
    int64_t max_staleness; /* in versions */
} fed_plan_rounds;

typedef struct fed_plan_strategy {
    fed_plan_strategy_name name;
    double server_lr, momentum, beta1, beta2, tau;
    double staleness_power;
    double trim;
    int64_t byzantine;
    double norm_bound; /* FED_PLAN_AUTO */
} fed_plan_strategy;

typedef struct fed_plan_eligibility {
    int64_t min_examples;
    bool charging, unmetered, idle;
    double min_battery; /* 0 to 1 */
    int64_t min_separation_s;
    fed_plan_names tags;
} fed_plan_eligibility;

typedef struct fed_plan_evaluate {
    int64_t every; /* rounds */
    fed_plan_evaluate_on on;
} fed_plan_evaluate;

/** A parsed plan: always complete, defaults filled in. */
typedef struct fed_plan {
    int format; /* 1 */
    char *name;
    fed_plan_model model;
    fed_plan_train train;
    fed_plan_update update;
    fed_plan_download download;
    fed_plan_secagg secagg;
    fed_plan_privacy privacy;
    fed_plan_rounds rounds;
    fed_plan_strategy strategy;
    fed_plan_eligibility eligibility;
    fed_plan_evaluate evaluate;
} fed_plan;

typedef enum fed_plan_form {
    FED_PLAN_AUTHOR,  /* defaults are filled in */
    FED_PLAN_RESOLVED /* exactly what fed_plan_write() gives, byte for byte */
} fed_plan_form;

/** Parse and check `n` bytes of JSON (borrowed).
 *  @param out a new plan, for fed_plan_free(); NULL on failure.
 *  @return FED_E_FORMAT (not JSON; line and column), FED_E_INVALID (unknown or missing field,
 *  wrong type, out of range; field, value and bound), FED_E_REFUSED (unsound; the reason),
 *  FED_E_LIMIT (too large), FED_E_NOMEM. Thread-safe. */
FED_MUST_CHECK fed_status fed_plan_parse(fed_plan **out, const void *text, size_t n,
                                         fed_plan_form form, fed_error *err);
/** Release a plan; NULL is fine. */
void fed_plan_free(fed_plan *plan);

/** Append the resolved plan to `out`: JSON without white space or line end. */
FED_MUST_CHECK fed_status fed_plan_write(const fed_plan *plan, fed_bytes *out,
                                         fed_error *err);
/** The plan's content address: SHA-256 of its resolved bytes. */
FED_MUST_CHECK fed_status fed_plan_address(const fed_plan *plan,
                                           uint8_t address[FED_PLAN_ADDRESS_BYTES],
                                           fed_error *err);

/** Change one field of an author's plan: `assignment` is PATH=VALUE as in `train.lr=0.1`,
 *  `update.bits=float32` or `model.layers.0.units=64`. VALUE is JSON, or else plain text.
 *  Appends the changed JSON to `out`. Checks that the field exists, not its value: parsing
 *  does that. */
FED_MUST_CHECK fed_status fed_plan_set(const void *text, size_t n, const char *assignment,
                                       fed_bytes *out, fed_error *err);

/** `n` such changes to the text itself, in their order. A failure names the assignment; then
 *  those before it have been made. */
FED_MUST_CHECK fed_status fed_plan_set_all(fed_bytes *text,
                                           const char *const *assignments, size_t n,
                                           fed_error *err);

/** privacy.mechanism as the plan spells it; static. */
const char *fed_plan_mechanism_word(const fed_plan *plan);

/** Members of a cohort that may tell the server their noise: privacy.colluders, or as many
 *  as the secure aggregation of the plan withstands. */
int64_t fed_plan_colluders(const fed_plan *plan);

/** Devices invited to one cohort: n_max = ⌈rounds.cohort · rounds.over_select⌉. */
int64_t fed_plan_invited(const fed_plan *plan);

/** The name of a layer's input: of an earlier layer, or "input". Borrowed. */
const char *fed_plan_from_name(const fed_plan_model *model, const fed_plan_layer *layer,
                               size_t index);

/** Print a finite number as ECMAScript does (RFC 8785 section 3.2.2.3): the shortest decimal
 *  that reads back as the same double, the same text on every machine. Returns its length. */
enum { FED_PLAN_NUMBER_CHARS = 32 };
size_t fed_plan_print_number(char out[FED_PLAN_NUMBER_CHARS], double value);

#endif
