/*
 * Every field of a plan, once. A field is added by adding a member to plan.h and a row here;
 * the parser, the printer, docs/plan.schema.json and docs/plan-reference.md follow.
 *
 * Rows of one group stand together, groups in the order in which the resolved plan prints
 * them: changing the order changes the address of every plan.
 */
#include "plan_table.h"

#include <string.h>

#define WORDS(...)                                                                       \
    (const fed_plan_word[])                                                              \
    {                                                                                    \
        __VA_ARGS__,                                                                     \
        {                                                                                \
            0                                                                            \
        }                                                                                \
    }

/* The largest whole number that any JSON reader keeps exactly is 2^53; nothing here comes
 * near it, so that products of fields stay far from overflow. */
enum {
    MAX_COUNT = 1000000000,        /* examples, devices, rounds */
    MAX_SECONDS = 10 * 366 * 86400 /* ten years */
};

_Static_assert(sizeof(fed_plan_select) == sizeof(int), "choices are stored as int");

/* A field is called as its member of fed_plan. */
#define FIELD(m, type) .path = #m, .kind = type, .offset = offsetof(fed_plan, m)
#define BOOL(m, d, text)                                                                 \
    {                                                                                    \
        FIELD(m, FED_FIELD_BOOL), .fallback = d, .doc = text                             \
    }
#define INT(m, d, lo, hi, w, text)                                                       \
    {                                                                                    \
        FIELD(m, FED_FIELD_INT), .fallback = d, .min = lo, .max = hi, .words = w,        \
                                 .doc = text                                             \
    }
#define NUMBER(m, d, lo, hi, w, text)                                                    \
    {                                                                                    \
        FIELD(m, FED_FIELD_NUMBER), .fallback = d, .min = lo, .max = hi, .words = w,     \
                                    .doc = text                                          \
    }
#define POSITIVE(m, d, hi, w, text)                                                      \
    {                                                                                    \
        FIELD(m, FED_FIELD_NUMBER), .fallback = d, .max = hi, .above_min = true,         \
                                    .words = w, .doc = text                              \
    }
#define SHARE(m, d, w, text) /* in [0, 1) */                                             \
    {                                                                                    \
        FIELD(m, FED_FIELD_NUMBER), .fallback = d, .max = 1, .below_max = true,          \
                                    .words = w, .doc = text                              \
    }
#define CHOICE(m, d, w, text)                                                            \
    {                                                                                    \
        FIELD(m, FED_FIELD_CHOICE), .fallback = d, .words = w, .doc = text               \
    }

const fed_plan_field fed_plan_fields[] = {
    CHOICE(format, "\"fed-plan/1\"", WORDS({"fed-plan/1", 1}), "Format of this file."),
    {FIELD(name, FED_FIELD_NAME), .fallback = "\"plan\"",
     .doc = "What people call the plan: letters, digits, `.`, `_` and `-`."},

    CHOICE(model.input.type, "\"features\"",
           WORDS({"features", FED_INPUT_FEATURES}, {"tokens", FED_INPUT_TOKENS}),
           "What an example is made of: numbers, or tokens that an embedding layer looks "
           "up."),
    {FIELD(model.input.shape, FED_FIELD_SHAPE), .min = 1, .max = 1 << 24,
     .doc = "Shape of one example without the batch: [features], [steps, features] or "
            "[height, width, channels]."},
    POSITIVE(model.input.scale, "1", 1e9, NULL,
             "Every number of the input is multiplied by this."),
    {FIELD(model.layers, FED_FIELD_LAYERS), .min = 1, .max = FED_LAYERS_MAX,
     .doc = "The layers, in the order in which they run; each feeds the next unless "
            "`from` says otherwise."},
    {FIELD(model.loss, FED_FIELD_LOSS), .doc = "What training minimises."},
    {FIELD(model.init, FED_FIELD_ADDRESS), .fallback = "\"seed\"",
     .words = WORDS({"seed", 0}),
     .doc = "Initial weights: `seed` draws them from the task's seed; 64 hex digits are "
            "the address (SHA-256) of a stored model to start from."},

    CHOICE(
        train.optimizer, "\"sgd\"",
        WORDS({"sgd", FED_SGD}, {"momentum", FED_MOMENTUM}, {"nesterov", FED_NESTEROV},
              {"adam", FED_ADAM}, {"adamw", FED_ADAMW}),
        "The optimiser on the device; its state starts afresh with each task fetched."),
    POSITIVE(train.lr, NULL, 1e6, NULL, "Learning rate on the device."),
    INT(train.batch, "10", 1, 65536, NULL, "Examples per training step."),
    INT(train.epochs, "1", 1, 10000, NULL,
        "Passes over the device's examples per round."),
    INT(train.max_s, "\"none\"", 1, MAX_SECONDS, WORDS({"none", FED_PLAN_NONE}),
        "Training stops after this many seconds, wherever it is, and hands in what it "
        "has."),
    SHARE(train.momentum, "0", NULL, "Momentum of the device's optimiser."),
    SHARE(train.beta1, "0.9", NULL, "Decay of the first moment (`adam`, `adamw`)."),
    SHARE(train.beta2, "0.999", NULL, "Decay of the second moment (`adam`, `adamw`)."),
    POSITIVE(train.epsilon, "1e-8", 1, NULL,
             "Added to the root of the second moment (`adam`, `adamw`)."),
    NUMBER(train.weight_decay, "0", 0, 1e3, NULL,
           "Weight decay per step: L2 for all optimisers but `adamw`, where it is "
           "decoupled."),
    POSITIVE(train.clip_grad, "\"none\"", 1e9, WORDS({"none", FED_PLAN_NONE}),
             "L2 norm to which the gradient of a step is clipped."),
    NUMBER(train.prox_mu, "0", 0, 1e6, NULL,
           "Weight of the proximal term that holds the device near the model it was "
           "given (FedProx)."),
    CHOICE(train.schedule, "\"constant\"",
           WORDS({"constant", FED_SCHEDULE_CONSTANT}, {"linear", FED_SCHEDULE_LINEAR},
                 {"cosine", FED_SCHEDULE_COSINE}, {"step", FED_SCHEDULE_STEP}),
           "How the learning rate falls from round to round."),
    INT(train.warmup_rounds, "0", 0, MAX_COUNT, NULL,
        "Rounds over which the learning rate first rises, linearly."),
    INT(train.decay_rounds, "\"all\"", 1, MAX_COUNT, WORDS({"all", FED_PLAN_ALL}),
        "Rounds over which it falls (`linear`, `cosine`), or after each of which it "
        "falls (`step`)."),
    NUMBER(train.lr_end, "0.01", 0, 1, NULL,
           "The share of `lr` at which the fall ends (`linear`, `cosine`)."),
    {FIELD(train.lr_decay, FED_FIELD_NUMBER), .fallback = "0.1", .min = 0, .max = 1,
     .above_min = true,
     .doc = "What the learning rate is multiplied by at each fall (`step`)."},
    INT(train.memory_bytes, "\"none\"", 4096, 1e15, WORDS({"none", FED_PLAN_NONE}),
        "Memory that training may use; a batch that needs more is cut into accumulated "
        "micro-batches."),
    {FIELD(train.freeze, FED_FIELD_NAMES), .fallback = "[]", .max = FED_PLAN_MAX_NAMES,
     .doc = "Names of layers whose weights stay as they are, and are never sent."},

    CHOICE(update.select, "\"dense\"",
           WORDS({"dense", FED_SELECT_DENSE}, {"voted", FED_SELECT_VOTED},
                 {"rand_k", FED_SELECT_RAND_K}, {"top_k", FED_SELECT_TOP_K}),
           "Which coordinates of an update travel: all, blocks that the devices voted "
           "for, a public random choice, or each device's largest."),
    {FIELD(update.fraction, FED_FIELD_NUMBER), .fallback = "0.1", .min = 0, .max = 1,
     .above_min = true,
     .doc = "The share of the coordinates that travels (`voted`, `rand_k`, `top_k`)."},
    INT(update.block, "64", 1, 65536, NULL,
        "Coordinates per block that is selected or not (`voted`, `rand_k`)."),
    INT(update.vote_bits, "1", 1, 8, NULL, "Bits of one vote (`voted`)."),
    INT(update.vote_period, "4", 1, 64, NULL,
        "A block is voted on in every so many versions (`voted`)."),
    SHARE(update.vote_memory, "0.5", NULL,
          "The share of a block's old score that stays when it is voted on (`voted`)."),
    CHOICE(update.rotate, "\"hadamard\"",
           WORDS({"none", FED_ROTATE_NONE}, {"hadamard", FED_ROTATE_HADAMARD}),
           "Randomised rotation before rounding: it spreads large values, so that fewer "
           "bits suffice."),
    INT(update.bits, "8", 1, 16,
        WORDS({"sign", FED_PLAN_SIGN}, {"float32", FED_PLAN_FLOAT32}),
        "Bits to which each coordinate is rounded, stochastically; `sign` and `float32` "
        "only without secure aggregation."),
    NUMBER(update.tail, "\"auto\"", 0.5, 100, WORDS({"auto", FED_PLAN_AUTO}),
           "Half the range of the levels, in standard deviations of a coordinate of an "
           "update of the norm `clip`; what lies beyond is cut off. `auto`: 1, 1.5, 1.75 "
           "and 2 for 1 to 4 bits that were rotated, else 3."),
    POSITIVE(
        update.clip, "\"auto\"", 1e9, WORDS({"auto", FED_PLAN_AUTO}),
        "L2 norm to which an update is clipped; `auto` derives it, version by version, "
        "from the last released aggregate (not with differential privacy)."),
    CHOICE(update.weight, "\"uniform\"",
           WORDS({"uniform", FED_WEIGHT_UNIFORM}, {"examples", FED_WEIGHT_EXAMPLES}),
           "How much a device counts: all the same, or by its number of examples."),
    INT(update.max_weight, "100", 1, 65535, NULL,
        "The largest weight of one device (`examples`)."),
    BOOL(update.residual, "true",
         "The device keeps what selection and clipping left out, and adds it to its next "
         "update."),
    NUMBER(update.residual_decay, "1", 0, 1, NULL,
           "The residual is multiplied by this for each version that the device missed."),
    POSITIVE(update.residual_cap, "4", 1e6, NULL,
             "The norm that a residual keeps at most, in clip norms."),

    INT(download.fraction_bits, "12", 1, 24, WORDS({"none", FED_PLAN_NONE}),
        "Published weights are multiples of 2 to the power of minus this, which makes "
        "models and differences compress; what rounding takes from a weight is kept, and "
        "added in the next version. `none`: float32 as it is."),
    INT(download.differences, "8", 0, FED_PLAN_MAX_DIFFERENCES, NULL,
        "A device that holds one of so many versions before the newest loads a "
        "difference instead of the model."),

    BOOL(secagg.enabled, "true",
         "Secure aggregation: the server sees the sum over the cohort and nothing else."),
    CHOICE(secagg.adversary, "\"active\"",
           WORDS({"curious", FED_ADVERSARY_CURIOUS}, {"active", FED_ADVERSARY_ACTIVE}),
           "The server that it withstands: one that only looks, or one that also lies."),
    SHARE(secagg.corrupt, "0.05", NULL,
          "The share of a cohort that may collude with the server."),
    SHARE(secagg.dropout, "0.2", NULL, "The share of a cohort that may drop out."),
    CHOICE(secagg.stream, "\"aes-256-ctr\"",
           WORDS({"aes-256-ctr", FED_MASK_AES_256_CTR}, {"chacha20", FED_MASK_CHACHA20}),
           "The cipher that expands mask keys; `chacha20` suits devices without AES "
           "instructions."),

    CHOICE(privacy.mechanism, "\"none\"",
           WORDS({"none", FED_MECHANISM_NONE},
                 {"distributed_gaussian", FED_MECHANISM_DISTRIBUTED_GAUSSIAN},
                 {"distributed_skellam", FED_MECHANISM_DISTRIBUTED_SKELLAM},
                 {"central_gaussian", FED_MECHANISM_CENTRAL_GAUSSIAN},
                 {"local_gaussian", FED_MECHANISM_LOCAL_GAUSSIAN},
                 {"matrix", FED_MECHANISM_MATRIX}, {"dp_sgd", FED_MECHANISM_DP_SGD}),
           "Who adds which noise; `none` promises no differential privacy."),
    CHOICE(privacy.unit, "\"device\"",
           WORDS({"device", FED_UNIT_DEVICE}, {"example", FED_UNIT_EXAMPLE}),
           "Whose contribution is hidden: all that a device ever gives, or one example "
           "(`dp_sgd`)."),
    POSITIVE(privacy.epsilon, "\"none\"", 1000, WORDS({"none", FED_PLAN_NONE}),
             "The budget ε of who sees the released models; when it is spent, training "
             "stops."),
    POSITIVE(privacy.epsilon_server, "\"same\"", 1000,
             WORDS({"same", FED_PLAN_SAME}, {"none", FED_PLAN_NONE}),
             "The budget ε of the server, which sees who takes part, together with the "
             "colluders; `none` promises nothing against it, and must be said where the "
             "server adds the noise (`central_gaussian`, `matrix`)."),
    {FIELD(privacy.delta, FED_FIELD_NUMBER), .fallback = "\"none\"", .min = 0, .max = 1,
     .above_min = true, .below_max = true, .words = WORDS({"none", FED_PLAN_NONE}),
     .doc = "The δ that goes with ε; below one divided by the population. With Poisson "
            "draws a "
            "hundredth of it is theirs, and ε is computed at the rest."},
    CHOICE(privacy.accountant, "\"pld\"",
           WORDS({"pld", FED_PLAN_ACCOUNTANT_PLD}, {"rdp", FED_PLAN_ACCOUNTANT_RDP}),
           "How ε is computed from the noise: by privacy loss distributions, or by Rényi "
           "divergence, which is looser and knows `distributed_skellam`."),
    POSITIVE(privacy.noise_multiplier, "\"auto\"", 1000, WORDS({"auto", FED_PLAN_AUTO}),
             "Standard deviation of the noise over the clip norm: of the noise of the "
             "whole sum that an adversary does not know, or of one device's own "
             "(`local_gaussian`); `auto` is the least with which all rounds stay within "
             "the budgets, and is a number in the resolved plan of a task."),
    INT(privacy.ring_bits, "\"auto\"", 2, 32, WORDS({"auto", FED_PLAN_AUTO}),
        "Bits of each number of a noisy sum; `auto` is the least with which an update "
        "keeps `update.bits` bits, a share of noise is at least 3 integers wide, and not "
        "one round in a thousand wraps around; a number in the resolved plan of a task."),
    INT(privacy.population, "\"none\"", 1, 1e12, WORDS({"none", FED_PLAN_NONE}),
        "A lower bound of the devices enrolled; no round is drawn while there are "
        "fewer."),
    CHOICE(privacy.sampling, "\"none\"",
           WORDS({"none", FED_PLAN_SAMPLING_NONE}, {"poisson", FED_PLAN_SAMPLING_POISSON},
                 {"fixed_size", FED_PLAN_SAMPLING_FIXED_SIZE}),
           "How the coordinator draws devices by secret coins; `none` claims no "
           "amplification by sampling."),
    INT(privacy.max_participations, "\"none\"", 1, MAX_COUNT,
        WORDS({"none", FED_PLAN_NONE}),
        "Rounds in which one device may take part; the device enforces it."),
    INT(privacy.colluders, "\"corrupt\"", 0, FED_PLAN_MAX_INVITED,
        WORDS({"corrupt", FED_PLAN_SAME}),
        "Devices of a cohort that may tell the server their noise; `corrupt` is as many "
        "as "
        "`secagg.corrupt` allows."),
    POSITIVE(privacy.example_clip, "\"none\"", 1e9, WORDS({"none", FED_PLAN_NONE}),
             "L2 norm to which the gradient of each example is clipped (`dp_sgd`)."),
    {FIELD(privacy.votes.share, FED_FIELD_NUMBER), .fallback = "\"none\"", .min = 0,
     .max = 1, .above_min = true, .below_max = true,
     .words = WORDS({"none", FED_PLAN_NONE}),
     .doc = "The share of the budget that goes to the votes (`update.select: voted`)."},
    {FIELD(privacy.adaptive.quantile, FED_FIELD_NUMBER), .fallback = "\"off\"", .min = 0,
     .max = 1, .above_min = true, .below_max = true,
     .words = WORDS({"off", FED_PLAN_NONE}),
     .doc =
         "The share of the updates that the clip norm is to leave whole; it then starts "
         "at `update.clip` and follows a private count."},
    POSITIVE(privacy.adaptive.rate, "0.2", 10, NULL,
             "How fast the clip norm follows: it changes by at most this exponent in a "
             "round."),
    POSITIVE(
        privacy.adaptive.bit_sigma, "\"auto\"", 1e6, WORDS({"auto", FED_PLAN_AUTO}),
        "Standard deviation of the noise on that count; `auto` is a twentieth of the "
        "cohort."),
    CHOICE(
        privacy.matrix.kind, "\"banded\"",
        WORDS({"tree", FED_PLAN_MATRIX_TREE}, {"sqrt", FED_PLAN_MATRIX_SQRT},
              {"banded", FED_PLAN_MATRIX_BANDED}, {"blt", FED_PLAN_MATRIX_BLT}),
        "How the noise of different rounds is correlated (`matrix`): partial sums of a "
        "binary tree, the square root of the prefix sums, that root cut to bands, or "
        "its approximation by decaying buffers."),
    INT(privacy.matrix.bands, "\"auto\"", 1, 65536, WORDS({"auto", FED_PLAN_AUTO}),
        "Rounds over which noise is correlated (`banded`); `auto` is the separation."),
    INT(privacy.matrix.buffers, "4", 1, 8, NULL, "Decaying buffers (`blt`)."),
    INT(privacy.matrix.separation, "\"none\"", 1, MAX_COUNT,
        WORDS({"none", FED_PLAN_NONE}),
        "Rounds from one participation of a device to its next, at least (`matrix`); the "
        "device enforces it."),

    INT(rounds.count, "100", 1, MAX_COUNT, NULL,
        "Rounds; each makes one version of the model."),
    INT(rounds.cohort, "10", 1, FED_PLAN_MAX_INVITED, NULL,
        "Devices wanted in the sum of a round."),
    NUMBER(rounds.over_select, "1.3", 1, 100, NULL,
           "So many times the cohort is invited; all who submit in time count."),
    INT(rounds.min_survivors, "\"auto\"", 1, FED_PLAN_MAX_INVITED,
        WORDS({"auto", FED_PLAN_AUTO}),
        "With fewer devices in the sum nothing is released; `auto` derives it from the "
        "cohort and the drop-out allowed for."),
    INT(rounds.deadline_s, "600", 1, MAX_SECONDS, NULL,
        "Time for training and for filling a cohort."),
    INT(rounds.phase_s, "30", 1, 3600, NULL, "Time for each phase of a cohort."),
    INT(rounds.max_staleness, "0", 0, MAX_COUNT, NULL,
        "An update may have been trained on a model so many versions old."),

    CHOICE(strategy.name, "\"fedavg\"",
           WORDS({"fedavg", FED_STRATEGY_FEDAVG}, {"fedavgm", FED_STRATEGY_FEDAVGM},
                 {"fedprox", FED_STRATEGY_FEDPROX},
                 {"fedadagrad", FED_STRATEGY_FEDADAGRAD},
                 {"fedadam", FED_STRATEGY_FEDADAM}, {"fedyogi", FED_STRATEGY_FEDYOGI},
                 {"scaffold", FED_STRATEGY_SCAFFOLD}, {"fednova", FED_STRATEGY_FEDNOVA},
                 {"fedbuff", FED_STRATEGY_FEDBUFF},
                 {"trimmed_mean", FED_STRATEGY_TRIMMED_MEAN},
                 {"median", FED_STRATEGY_MEDIAN}, {"krum", FED_STRATEGY_KRUM},
                 {"norm_bound", FED_STRATEGY_NORM_BOUND}),
           "How the server turns a round's aggregate into the next model."),
    POSITIVE(strategy.server_lr, "1", 1e6, NULL, "Learning rate of the server."),
    SHARE(strategy.momentum, "0.9", NULL, "Momentum of the server (`fedavgm`)."),
    SHARE(strategy.beta1, "0.9", NULL,
          "Decay of the first moment (`fedadam`, `fedyogi`, `fedadagrad`)."),
    SHARE(strategy.beta2, "0.99", NULL,
          "Decay of the second moment (`fedadam`, `fedyogi`)."),
    POSITIVE(strategy.tau, "0.001", 1e3, NULL,
             "Degree of adaptivity: added to the root of the second moment (`fedadam`, "
             "`fedyogi`, `fedadagrad`)."),
    NUMBER(strategy.staleness_power, "0.5", 0, 10, NULL,
           "An aggregate that is s versions old is multiplied by (1+s) to the power of "
           "minus this (`fedbuff`)."),
    {FIELD(strategy.trim, FED_FIELD_NUMBER), .fallback = "0.1", .min = 0, .max = 0.5,
     .below_max = true, .doc = "The share cut off at either end (`trimmed_mean`)."},
    INT(strategy.byzantine, "0", 0, FED_PLAN_MAX_INVITED, NULL,
        "Hostile aggregates that are survived (`krum`)."),
    POSITIVE(strategy.norm_bound, "\"auto\"", 1e9, WORDS({"auto", FED_PLAN_AUTO}),
             "L2 norm to which an aggregate is held (`norm_bound`)."),

    INT(eligibility.min_examples, "1", 1, MAX_COUNT, NULL,
        "A device with fewer examples does not take part."),
    BOOL(eligibility.charging, "false", "Only while charging."),
    BOOL(eligibility.unmetered, "false",
         "Only on a network that costs nothing by the byte."),
    BOOL(eligibility.idle, "false", "Only while nobody uses the device."),
    NUMBER(eligibility.min_battery, "0", 0, 1, NULL,
           "Only with at least this share of the battery left."),
    INT(eligibility.min_separation_s, "0", 0, MAX_SECONDS, NULL,
        "Time between two participations of one device."),
    {FIELD(eligibility.tags, FED_FIELD_NAMES), .fallback = "[]",
     .max = FED_PLAN_MAX_NAMES, .doc = "Only devices that carry all of these tags."},

    INT(evaluate.every, "1", 1, MAX_COUNT, NULL,
        "Evaluate each so many rounds, and the last."),
    CHOICE(evaluate.on, "\"none\"",
           WORDS({"none", FED_EVALUATE_NONE}, {"holdout", FED_EVALUATE_HOLDOUT},
                 {"devices", FED_EVALUATE_DEVICES}),
           "Where a version is evaluated: nowhere, on the operator's hold-out set, or on "
           "the devices."),
};

const fed_plan_group fed_plan_groups[] = {
    {"", true, "The plan."},
    {"model", true, "What is trained."},
    {"model.input", true, "What one example looks like."},
    {"train", true, "How a device trains."},
    {"update", false, "How an update becomes a small packet of integers."},
    {"download", false, "How a model becomes small on its way to the devices."},
    {"secagg", false, "Secure aggregation."},
    {"privacy", false, "Differential privacy."},
    {"privacy.votes", false, "Noise for the votes of `update.select: voted`."},
    {"privacy.adaptive", false,
     "A clip norm that follows a quantile of the update norms."},
    {"privacy.matrix", false, "Noise that is correlated over rounds (`matrix`)."},
    {"rounds", false, "How many devices, how often, how long."},
    {"strategy", false, "What the server does with an aggregate."},
    {"eligibility", false, "Which devices may take part, and when."},
    {"evaluate", false, "How the model is judged."},
};

const fed_plan_exception fed_plan_exceptions[] = {
    {"train.momentum", "train.optimizer", "momentum", "0.9"},
    {"train.momentum", "train.optimizer", "nesterov", "0.9"},
    {"update.rotate", "update.bits", "float32", "\"none\""},
    {"update.residual", "update.select", "dense", "false"},
    {"update.residual", "update.select", "rand_k", "false"},
    {"privacy.accountant", "privacy.mechanism", "distributed_skellam", "\"rdp\""},
    {"download.differences", "download.fraction_bits", "none", "0"},
};

const size_t fed_plan_n_fields = sizeof fed_plan_fields / sizeof *fed_plan_fields;
const size_t fed_plan_n_groups = sizeof fed_plan_groups / sizeof *fed_plan_groups;
const size_t fed_plan_n_exceptions =
    sizeof fed_plan_exceptions / sizeof *fed_plan_exceptions;

const fed_plan_field *fed_plan_find_field(const char *path)
{
    for (size_t i = 0; i < fed_plan_n_fields; i++)
        if (!strcmp(fed_plan_fields[i].path, path)) return &fed_plan_fields[i];
    return NULL;
}

const fed_plan_group *fed_plan_find_group(const char *path)
{
    for (size_t i = 0; i < fed_plan_n_groups; i++)
        if (!strcmp(fed_plan_groups[i].path, path)) return &fed_plan_groups[i];
    return NULL;
}

const char *fed_plan_leaf(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *fed_plan_word_of(const fed_plan_field *field, int64_t value)
{
    for (const fed_plan_word *w = field->words; w && w->word; w++)
        if (w->value == value) return w->word;
    return NULL;
}

const fed_plan_word *fed_plan_find_word(const fed_plan_field *field, const char *word)
{
    for (const fed_plan_word *w = field->words; w && w->word; w++)
        if (!strcmp(w->word, word)) return w;
    return NULL;
}
