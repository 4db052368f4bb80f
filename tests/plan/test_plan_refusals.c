/*
 * What a plan may not say, and what the author is told. Texts that are malformed as a whole
 * stand in invalid/, with what is expected of each in invalid/expected.txt; what is wrong with
 * one field, or with two that do not go together, stands in the tables below, as assignments
 * to valid/small.json.
 */
#include "plan_files.h"

#include <stdio.h>

typedef struct refusal {
    const char *assignments, *text;
} refusal;

static void check_one(const char *assignments, fed_status status, const char *text)
{
    fed_bytes json;
    fed_plan *plan = NULL;
    fed_error err = {0};
    fed_bytes_init(&json, FED_PLAN_MAX_BYTES);
    if (plan_with(&json, assignments)) {
        fed_status got =
            fed_plan_parse(&plan, json.data, json.len, FED_PLAN_AUTHOR, &err);
        CHECK_MSG(got == status, "%s: status \"%s\", text \"%s\"", assignments,
                  fed_status_name(got), err.text);
        CHECK_MSG(strstr(err.text, text) != NULL, "%s: \"%s\" lacks \"%s\"", assignments,
                  err.text, text);
    }
    fed_plan_free(plan);
    fed_bytes_fini(&json);
}

static void check_all(const refusal *rows, size_t n, fed_status status)
{
    for (size_t i = 0; i < n; i++)
        check_one(rows[i].assignments, status, rows[i].text);
    fed_note("%zu refusals", n);
}

/* ---- one field ---- */

static void test_types(void)
{
    static const refusal rows[] = {
        {"format=fed-plan/2", "format: \"fed-plan/2\" is not \"fed-plan/1\""},
        {"format=1", "format: 1 is not \"fed-plan/1\""},
        {"name=3", "name: 3 is not a name of 1 to 63 letters"},
        {"name=\"\"", "name: \"\" is not a name"},
        {"name=a/b", "name: \"a/b\" is not a name"},
        {"name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "aaaaaaaa...\" is not a name"},
        {"model.input.type=token", "did you mean tokens?"},
        {"model.input.shape=784", "model.input.shape: 784 is not a list of sizes"},
        {"model.input.shape=[]", "model.input.shape: 0 sizes, 1 to 4 are allowed"},
        {"model.input.shape=[1,1,1,1,1]", "5 sizes, 1 to 4 are allowed"},
        {"model.input.shape=[28,0]", "model.input.shape[1]: 0 is below 1"},
        {"model.input.shape=[28,-1]", "model.input.shape[1]: -1 is below 1"},
        {"model.input.shape=[2.5]", "model.input.shape[0]: 2.5 is not a whole number"},
        {"model.input.shape=[\"a\"]",
         "model.input.shape[0]: \"a\" is not a whole number"},
        {"model.input.shape=[99999999]",
         "model.input.shape[0]: 99999999 is above 16777216"},
        {"model.input.shape=[65536,65536]",
         "model.input.shape: 4294967296 is above 16777216"},
        {"model.input.scale=0", "model.input.scale: 0 is not above 0"},
        {"model.input.scale=true", "model.input.scale: true is not a number"},
        {"model.init=abc",
         "model.init: \"abc\" is not 64 lower-case hex digits or \"seed\""},
        {"model.init=null", "model.init: null is not 64 lower-case hex digits"},
        {"train.optimizer=sdg", "\"adamw\"; did you mean sgd?"},
        {"train.optimizer=7",
         "train.optimizer: 7 is not \"sgd\", \"momentum\", \"nesterov\", \"adam\" or "
         "\"adamw\""},
        {"train.lr=high", "train.lr: \"high\" is not a number"},
        {"train.lr=[0.1]", "train.lr: a list is not a number"},
        {"train.lr={}", "train.lr: an object is not a number"},
        {"train.batch=ten", "train.batch: \"ten\" is not a whole number"},
        {"train.batch=2.5", "train.batch: 2.5 is not a whole number"},
        {"train.batch=1e300", "train.batch: 1e+300 is not a whole number"},
        {"train.max_s=never", "train.max_s: \"never\" is not a whole number or \"none\""},
        {"train.freeze=hidden", "train.freeze: \"hidden\" is not a list of names"},
        {"train.freeze=[1]", "train.freeze[0]: 1 is not a name"},
        {"train.freeze=[\"hidden\",\"hidden\"]",
         "train.freeze[1]: \"hidden\" is there already"},
        {"train.freeze=[\"hiden\"]",
         "train.freeze[0]: no layer is called \"hiden\"; did you mean hidden?"},
        {"update.bits=float",
         "update.bits: \"float\" is not a whole number or \"sign\" or \"float32\""},
        {"update.residual=1", "update.residual: 1 is not true or false"},
        {"secagg.enabled=yes", "secagg.enabled: \"yes\" is not true or false"},
        {"secagg.stream=aes", "\"aes-256-ctr\" or \"chacha20\""},
        {"privacy.accountant=zcdp", "\"zcdp\" is not \"pld\" or \"rdp\""},
        {"privacy.adaptive.quantile=none",
         "privacy.adaptive.quantile: \"none\" is not a number or \"off\""},
        {"privacy.unit=person", "\"person\" is not \"device\" or \"example\""},
        {"evaluate.on=hold-out", "did you mean holdout?"},
    };
    check_all(rows, sizeof rows / sizeof *rows, FED_E_INVALID);
}

static void test_bounds(void)
{
    static const refusal rows[] = {
        {"train.lr=0", "train.lr: 0 is not above 0"},
        {"train.lr=-0.1", "train.lr: -0.1 is not above 0"},
        {"train.lr=1e7", "train.lr: 10000000 is above 1000000"},
        {"train.batch=0", "train.batch: 0 is below 1"},
        {"train.batch=65537", "train.batch: 65537 is above 65536"},
        {"train.epochs=0", "train.epochs: 0 is below 1"},
        {"train.max_s=0", "train.max_s: 0 is below 1"},
        {"train.momentum=1", "train.momentum: 1 is not below 1"},
        {"train.momentum=-0.5", "train.momentum: -0.5 is below 0"},
        {"train.beta1=1", "train.beta1: 1 is not below 1"},
        {"train.beta2=1.5", "train.beta2: 1.5 is not below 1"},
        {"train.epsilon=0", "train.epsilon: 0 is not above 0"},
        {"train.weight_decay=-1", "train.weight_decay: -1 is below 0"},
        {"train.clip_grad=0", "train.clip_grad: 0 is not above 0"},
        {"train.prox_mu=-1", "train.prox_mu: -1 is below 0"},
        {"train.lr_end=1.01", "train.lr_end: 1.01 is above 1"},
        {"train.lr_decay=0", "train.lr_decay: 0 is not above 0"},
        {"train.warmup_rounds=-1", "train.warmup_rounds: -1 is below 0"},
        {"train.decay_rounds=0", "train.decay_rounds: 0 is below 1"},
        {"train.memory_bytes=1", "train.memory_bytes: 1 is below 4096"},
        {"update.fraction=0", "update.fraction: 0 is not above 0"},
        {"update.fraction=1.1", "update.fraction: 1.1 is above 1"},
        {"update.block=0", "update.block: 0 is below 1"},
        {"update.vote_bits=9", "update.vote_bits: 9 is above 8"},
        {"update.vote_period=65", "update.vote_period: 65 is above 64"},
        {"update.vote_memory=1", "update.vote_memory: 1 is not below 1"},
        {"update.tail=0.4", "update.tail: 0.4 is below 0.5"},
        {"update.residual_cap=0", "update.residual_cap: 0 is not above 0"},
        {"update.bits=0", "update.bits: 0 is below 1"},
        {"update.bits=17", "update.bits: 17 is above 16"},
        {"update.bits=32", "update.bits: 32 is above 16"},
        {"update.clip=0", "update.clip: 0 is not above 0"},
        {"update.clip=-1", "update.clip: -1 is not above 0"},
        {"update.max_weight=0", "update.max_weight: 0 is below 1"},
        {"update.residual_decay=1.5", "update.residual_decay: 1.5 is above 1"},
        {"secagg.corrupt=1", "secagg.corrupt: 1 is not below 1"},
        {"secagg.dropout=-0.1", "secagg.dropout: -0.1 is below 0"},
        {"privacy.epsilon=0", "privacy.epsilon: 0 is not above 0"},
        {"privacy.epsilon=1001", "privacy.epsilon: 1001 is above 1000"},
        {"privacy.delta=1", "privacy.delta: 1 is not below 1"},
        {"privacy.population=0", "privacy.population: 0 is below 1"},
        {"privacy.max_participations=0", "privacy.max_participations: 0 is below 1"},
        {"privacy.colluders=-1", "privacy.colluders: -1 is below 0"},
        {"privacy.votes.share=1", "privacy.votes.share: 1 is not below 1"},
        {"privacy.epsilon_server=0", "privacy.epsilon_server: 0 is not above 0"},
        {"privacy.epsilon_server=-1", "privacy.epsilon_server: -1 is not above 0"},
        {"privacy.noise_multiplier=0", "privacy.noise_multiplier: 0 is not above 0"},
        {"privacy.ring_bits=1", "privacy.ring_bits: 1 is below 2"},
        {"privacy.ring_bits=33", "privacy.ring_bits: 33 is above 32"},
        {"privacy.example_clip=0", "privacy.example_clip: 0 is not above 0"},
        {"privacy.adaptive.quantile=1", "privacy.adaptive.quantile: 1 is not below 1"},
        {"privacy.adaptive.rate=0", "privacy.adaptive.rate: 0 is not above 0"},
        {"privacy.adaptive.bit_sigma=0", "privacy.adaptive.bit_sigma: 0 is not above 0"},
        {"privacy.matrix.bands=0", "privacy.matrix.bands: 0 is below 1"},
        {"privacy.matrix.buffers=9", "privacy.matrix.buffers: 9 is above 8"},
        {"privacy.matrix.separation=0", "privacy.matrix.separation: 0 is below 1"},
        {"rounds.count=0", "rounds.count: 0 is below 1"},
        {"rounds.cohort=0", "rounds.cohort: 0 is below 1"},
        {"rounds.cohort=65536", "rounds.cohort: 65536 is above 65535"},
        {"rounds.over_select=0.9", "rounds.over_select: 0.9 is below 1"},
        {"rounds.min_survivors=0", "rounds.min_survivors: 0 is below 1"},
        {"rounds.deadline_s=0", "rounds.deadline_s: 0 is below 1"},
        {"rounds.phase_s=3601", "rounds.phase_s: 3601 is above 3600"},
        {"rounds.max_staleness=-1", "rounds.max_staleness: -1 is below 0"},
        {"strategy.server_lr=0", "strategy.server_lr: 0 is not above 0"},
        {"strategy.momentum=1", "strategy.momentum: 1 is not below 1"},
        {"strategy.tau=0", "strategy.tau: 0 is not above 0"},
        {"strategy.trim=0.5", "strategy.trim: 0.5 is not below 0.5"},
        {"strategy.byzantine=-1", "strategy.byzantine: -1 is below 0"},
        {"eligibility.min_examples=0", "eligibility.min_examples: 0 is below 1"},
        {"eligibility.min_battery=2", "eligibility.min_battery: 2 is above 1"},
        {"eligibility.min_separation_s=-1",
         "eligibility.min_separation_s: -1 is below 0"},
        {"evaluate.every=0", "evaluate.every: 0 is below 1"},
    };
    check_all(rows, sizeof rows / sizeof *rows, FED_E_INVALID);
}

static void test_layers(void)
{
    static const refusal rows[] = {
        {"model.layers={}", "model.layers: an object is not a list of layers"},
        {"model.layers=[]", "model.layers: 0 layers are below 1"},
        {"model.layers.0=linear", "model.layers[0]: \"linear\" is not an object"},
        {"model.layers.0.op=liner",
         "model.layers[0].op: there is no operator \"liner\"; did you mean linear?"},
        {"model.layers.0.op=3", "model.layers[0].op: 3 is not the name of an operator"},
        {"model.layers.0.op=softmax_cross_entropy",
         "there is no operator \"softmax_cross_entropy\""},
        {"model.layers.0.unit=3",
         "model.layers[0].unit: linear has no such attribute; did you mean units?"},
        {"model.layers.0.units=0", "model.layers[0] (linear): units: 0 is below 1"},
        {"model.layers.0.units=1e9", "model.layers[0] (linear): units: 1"},
        {"model.layers.0.units=many",
         "model.layers[0].units: \"many\" is not a whole number"},
        {"model.layers.0.units=1.5", "model.layers[0].units: 1.5 is not a whole number"},
        {"model.layers.0.bias=1", "model.layers[0].bias: 1 is not true or false"},
        {"model.layers.0.activation=relo",
         "\"relo\" is none of its choices; did you mean relu?"},
        {"model.layers.0.activation=1", "1 is none of its choices"},
        {"model.layers.0={\"op\":\"linear\"}",
         "model.layers[0] (linear): units: missing"},
        {"model.layers.1.name=hidden",
         "model.layers[1].name: \"hidden\" is there already"},
        {"model.layers.0.name=linear_1",
         "model.layers[1].name: \"linear_1\" is there already"},
        {"model.layers.0.name=input", "model.layers[0].name: \"input\" is there already"},
        {"model.layers.0.name=a/b", "model.layers[0].name: \"a/b\" is not a name"},
        {"model.layers.1.from=hiden", "is called \"hiden\"; did you mean hidden?"},
        {"model.layers.0.from=hidden", "no layer before this one is called \"hidden\""},
        {"model.layers.1.from=linear_1",
         "no layer before this one is called \"linear_1\""},
        {"model.layers.1.from=7", "model.layers[1].from: 7 is not the name of a layer"},
        {"model.layers.1.from=[\"hidden\",7]",
         "model.layers[1].from: 2 inputs are above the 1 of linear"},
        {"model.layers.1.from=[7]",
         "model.layers[1].from[0]: 7 is not the name of a layer"},
        {"model.layers.1.from=[]", "0 inputs are below the 1 of linear"},
        {"model.loss=cross", "model.loss: there is no loss \"cross\""},
        {"model.loss=linear", "model.loss: there is no loss \"linear\""},
        {"model.loss=3", "model.loss: 3 is not the name of a loss"},
        {"model.loss={}", "model.loss.op: missing"},
        {"model.loss={\"op\":\"softmax_cross_entropy\",\"name\":\"l\"}",
         "model.loss.name: softmax_cross_entropy has no such attribute"},
    };
    check_all(rows, sizeof rows / sizeof *rows, FED_E_INVALID);
}

/* ---- fields that do not go together ---- */

static void test_unsound(void)
{
    static const refusal rows[] = {
        {"update.select=top_k", "update.select: \"top_k\" with secure aggregation"},
        {"update.bits=float32", "update.bits: \"float32\" with secure aggregation"},
        {"update.bits=sign", "update.bits: \"sign\" with secure aggregation"},
        {"rounds.cohort=2", "rounds.cohort: 2 is below 3: with secure aggregation"},
        {"secagg.dropout=0.5", "2·dropout + corrupt must stay below 1"},
        {"secagg.corrupt=0.4 secagg.dropout=0.3",
         "secagg.dropout: 0.3 with secagg.corrupt"},
        {"rounds.cohort=60000", "times rounds.cohort 60000 invites 78000 devices"},
        {"rounds.min_survivors=11",
         "rounds.min_survivors: 11 is above rounds.cohort, 10"},
        {"train.momentum=0.9", "train.momentum: 0.9 has no effect with train.optimizer"},
        {"train.schedule=step", "train.decay_rounds: with train.schedule \"step\""},
        {"train.warmup_rounds=101",
         "train.warmup_rounds: 101 is above rounds.count, 100"},
        {"train.max_s=601", "train.max_s: 601 is above rounds.deadline_s, 600"},
        {"strategy.name=fedprox", "train.prox_mu: 0 with strategy.name \"fedprox\""},
        {"strategy.name=fedbuff", "rounds.max_staleness: 0 with strategy.name"},
        {"download.fraction_bits=none download.differences=1",
         "download.differences: 1 with download.fraction_bits \"none\""},
        {"evaluate.on=holdout evaluate.every=101",
         "evaluate.every: 101 is above rounds.count, 100"},
    };
    check_all(rows, sizeof rows / sizeof *rows, FED_E_REFUSED);
}

#define PRIVATE                                                                          \
    "privacy.mechanism=distributed_gaussian privacy.epsilon=8 privacy.delta=1e-6 "       \
    "privacy.population=100000 privacy.max_participations=4 update.clip=0.5 "

#define MATRIX                                                                           \
    PRIVATE "privacy.mechanism=matrix privacy.epsilon_server=none "                      \
            "privacy.matrix.separation=20 "
#define EXAMPLE                                                                          \
    PRIVATE "privacy.mechanism=dp_sgd privacy.unit=example privacy.example_clip=1 "      \
            "eligibility.min_examples=64 "

static void test_unsound_privacy(void)
{
    static const refusal rows[] = {
        {PRIVATE "privacy.epsilon=none",
         "privacy.epsilon: needed with privacy.noise_multiplier \"auto\""},
        {PRIVATE "privacy.epsilon=none privacy.epsilon_server=none",
         "privacy.epsilon: needed with privacy.noise_multiplier \"auto\""},
        {"privacy.epsilon=8",
         "privacy.epsilon: promises nothing with privacy.mechanism \"none\""},
        {"privacy.epsilon_server=8", "privacy.epsilon_server: promises nothing with"},
        {"privacy.noise_multiplier=1", "privacy.noise_multiplier: promises nothing with"},
        {PRIVATE "privacy.example_clip=1", "privacy.example_clip: promises nothing with"},
        {PRIVATE "privacy.matrix.separation=4",
         "privacy.matrix.separation: promises nothing with"},
        {PRIVATE "privacy.mechanism=local_gaussian privacy.adaptive.quantile=0.5",
         "privacy.adaptive.quantile: promises nothing with"},
        {PRIVATE "privacy.mechanism=central_gaussian",
         "privacy.epsilon_server: must be \"none\" with privacy.mechanism "
         "\"central_gaussian\": the server adds the noise"},
        {MATRIX "privacy.epsilon_server=8",
         "privacy.epsilon_server: must be \"none\" with privacy.mechanism \"matrix\""},
        {MATRIX "privacy.matrix.separation=none",
         "privacy.matrix.separation: needed with privacy.mechanism \"matrix\""},
        {MATRIX "privacy.max_participations=none",
         "privacy.max_participations: needed with privacy.mechanism \"matrix\""},
        {MATRIX "update.select=voted", "update.select: \"voted\" with privacy.mechanism"},
        {MATRIX "update.select=rand_k",
         "update.select: \"rand_k\" with privacy.mechanism"},
        {EXAMPLE "privacy.example_clip=none",
         "privacy.example_clip: needed with privacy.mechanism \"dp_sgd\""},
        {EXAMPLE "train.batch=65",
         "train.batch: 65 is above eligibility.min_examples, 64"},
        {EXAMPLE "eligibility.min_examples=1000000",
         "privacy.delta: 1e-06 is not below 1/eligibility.min_examples"},
        {EXAMPLE "privacy.ring_bits=12", "privacy.ring_bits: promises nothing with"},
        {PRIVATE "privacy.delta=none", "privacy.delta: needed with"},
        {PRIVATE "privacy.population=none", "privacy.population: needed with"},
        {PRIVATE "privacy.delta=1e-5", "is not below 1/privacy.population, 1/100000"},
        {PRIVATE "privacy.population=12",
         "privacy.population: 12 is below the 13 devices"},
        {PRIVATE "privacy.max_participations=none",
         "privacy.max_participations: needed with privacy.sampling \"none\""},
        {PRIVATE "secagg.enabled=false", "distributed noise needs secagg.enabled"},
        {PRIVATE "privacy.mechanism=distributed_skellam secagg.enabled=false",
         "distributed noise needs secagg.enabled"},
        {PRIVATE "privacy.colluders=10",
         "privacy.colluders: 10 is not below rounds.cohort"},
        {PRIVATE "rounds.min_survivors=5 privacy.colluders=5",
         "privacy.colluders: 5 is not below rounds.min_survivors, 5"},
        {PRIVATE "privacy.unit=example", "privacy.unit: \"example\" goes with"},
        {PRIVATE "privacy.mechanism=dp_sgd", "privacy.unit: \"example\" goes with"},
        {PRIVATE "update.clip=auto", "update.clip: \"auto\" with differential privacy"},
        {PRIVATE "update.weight=examples",
         "update.weight: \"examples\" with differential privacy"},
        {PRIVATE "privacy.mechanism=central_gaussian privacy.epsilon_server=none "
                 "secagg.enabled=false update.bits=float32",
         "update.bits: \"float32\" with differential privacy"},
        {PRIVATE "privacy.mechanism=local_gaussian secagg.enabled=false update.bits=sign",
         "update.bits: \"sign\" with differential privacy"},
        {PRIVATE "privacy.mechanism=central_gaussian privacy.epsilon_server=none "
                 "secagg.enabled=false update.select=top_k",
         "update.select: \"top_k\" with differential privacy"},
        {PRIVATE "update.select=voted", "privacy.votes.share: needed with update.select"},
    };
    check_all(rows, sizeof rows / sizeof *rows, FED_E_REFUSED);
    check_one(PRIVATE, FED_OK, "");
    check_one(PRIVATE "privacy.epsilon=none privacy.noise_multiplier=1", FED_OK, "");
    check_one(PRIVATE "privacy.epsilon=none privacy.epsilon_server=8", FED_OK, "");
    check_one(PRIVATE "privacy.mechanism=central_gaussian privacy.epsilon_server=none",
              FED_OK, "");
    check_one(MATRIX, FED_OK, "");
    check_one(EXAMPLE "update.select=voted update.clip=auto", FED_OK, "");
}

/* ---- files ---- */

static char expected[1 << 14];

static fed_status status_of(const char *word, size_t n)
{
    static const fed_status all[] = {FED_E_INVALID, FED_E_FORMAT, FED_E_LIMIT};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strncmp(fed_status_name(all[i]), word, n)) return all[i];
    return FED_E_INTERNAL;
}

/* A line of expected.txt: FILE STATUS TEXT. */
static void test_file(const char *name)
{
    fed_bytes json;
    fed_plan *plan = NULL;
    fed_error err = {0};
    char text[256] = "";
    const char *file = strchr(name, '/') + 1, *line = expected;
    size_t n = strlen(file);
    while (line && (strncmp(line, file, n) || line[n] != ' '))
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!CHECK_MSG(line != NULL, "%s is not in expected.txt", file)) return;
    const char *word = line + n + 1;
    size_t length = strcspn(word, " ");
    snprintf(text, sizeof text, "%.*s", (int)strcspn(word + length + 1, "\n"),
             word + length + 1);
    fed_bytes_init(&json, FED_PLAN_MAX_BYTES);
    if (plan_read(&json, name)) {
        fed_status got =
            fed_plan_parse(&plan, json.data, json.len, FED_PLAN_AUTHOR, &err);
        CHECK_MSG(got == status_of(word, length), "%s: status \"%s\", text \"%s\"", name,
                  fed_status_name(got), err.text);
        CHECK_MSG(strstr(err.text, text) != NULL, "%s: \"%s\" lacks \"%s\"", name,
                  err.text, text);
    }
    fed_plan_free(plan);
    fed_bytes_fini(&json);
}

static void test_files(void)
{
    fed_bytes list;
    fed_bytes_init(&list, sizeof expected - 1);
    if (plan_read(&list, "invalid/expected.txt"))
        snprintf(expected, sizeof expected, "%s", fed_bytes_text(&list));
    fed_bytes_fini(&list);
    size_t n = plan_each("invalid", test_file);
    CHECK(n >= 50);
    fed_note("%zu files", n);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_types),           CASE(test_bounds),
                                     CASE(test_layers),          CASE(test_unsound),
                                     CASE(test_unsound_privacy), CASE(test_files)};
    return fed_run("plan_refusals", cases, sizeof cases / sizeof *cases);
}
