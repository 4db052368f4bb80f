/* The invariant: one seed gives one model, bit for bit, in either fidelity, on any number of
 * threads, whoever drops where; and a trace gives it again. */
#include "sim_federation.h"

#include <stdio.h>

#define ROUNDS   "\"count\":8,\"cohort\":6,\"over_select\":1.0"
#define SPARE    "\"count\":8,\"cohort\":6,\"over_select\":1.5"
#define STRICT   "\"count\":8,\"cohort\":6,\"over_select\":1.2,\"min_survivors\":5"
#define DENSE    "\"select\":\"dense\",\"bits\":8"
#define RESIDUAL "\"residual\":true,"

static const fed_faults none = {{0}, 0, 0, 0};
static const fed_faults drops = {{0.05, 0.05, 0.1, 0.1, 0.1}, 0, 0, 0};
static const fed_faults all_faults = {{0.05, 0.05, 0.1, 0.15, 0.1}, 0.1, 0.1, 0};

/* `out` is what fidelity sum gives on one thread; the others must agree with it. */
static void check_agree(const federation *f, history *out)
{
    static history other; /* large, and one at a time */
    federation variant = *f;
    variant.threads = 1;
    federation_run(&variant, out);
    for (unsigned threads = 1; threads <= 2; threads++)
        for (int protocol = 0; protocol <= 1; protocol++) {
            variant.threads = threads;
            variant.is_protocol = protocol;
            federation_run(&variant, &other);
            CHECK_MSG(other.n == out->n && !memcmp(other.models, out->models,
                                                   sizeof other.models[0] * (out->n + 1)),
                      "fidelity %s on %u threads: update {%s}, rounds {%s}",
                      protocol ? "protocol" : "sum", threads, f->update, f->rounds);
            CHECK_EQ(other.attempts, out->attempts);
            CHECK_EQ(other.aborted, out->aborted);
            CHECK_EQ(other.filling, out->filling);
            CHECK_EQ(other.total.survivors, out->total.survivors);
            CHECK_EQ(other.total.refused, out->total.refused);
            CHECK_EQ(other.total.uploads, out->total.uploads);
            CHECK(other.epsilon_output == out->epsilon_output &&
                  other.epsilon_server == out->epsilon_server);
            CHECK(other.is_spent == out->is_spent &&
                  other.is_exhausted == out->is_exhausted);
        }
}

static void test_plain(void)
{
    static const char *const updates[] = {
        DENSE,
        "\"select\":\"dense\",\"bits\":4,\"clip\":0.5,\"rotate\":\"hadamard\"",
        "\"select\":\"dense\",\"bits\":\"float32\"",
        "\"select\":\"dense\",\"bits\":\"sign\"," RESIDUAL "\"clip\":1.0",
        "\"select\":\"dense\",\"bits\":8,\"weight\":\"examples\",\"max_weight\":16",
        "\"select\":\"rand_k\",\"fraction\":0.25,\"bits\":8",
        "\"select\":\"voted\",\"fraction\":0.25,\"block\":8,\"bits\":4",
        "\"select\":\"top_k\",\"fraction\":0.1,\"bits\":8",
    };
    static history h;
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        federation f = {.update = updates[i],
                        .rounds = ROUNDS,
                        .faults = none,
                        .seed = 3,
                        .clients = 20};
        check_agree(&f, &h);
        CHECK(memcmp(h.models[0], h.models[1], 32) != 0);
        CHECK(memcmp(h.models[7], h.models[8], 32) != 0);
        CHECK_EQ(h.attempts, 8);
        CHECK_EQ(h.total.survivors, 48);
    }
}

/* Upload bytes are measured on the wire in one fidelity; in the other they are those of the
 * plan's price. With the complete graph, and where the server names the neighbours, all
 * members send the same; who is picked by more than others holds more shares, and a byte more
 * of map now and then. */
static void test_bytes(void)
{
    static const struct {
        const char *secagg;
        uint32_t members;
        bool is_mean;
    } cohorts[] = {
        {NULL, 8, false},
        {"\"enabled\":true,\"adversary\":\"active\",\"dropout\":0.4", 12, false},
        {"\"enabled\":true,\"adversary\":\"active\"", 20, true},
        {"\"enabled\":true,\"adversary\":\"curious\"", 20, false},
        {"\"enabled\":true,\"adversary\":\"curious\",\"corrupt\":0.01", 100, false},
        {"\"enabled\":true,\"adversary\":\"active\",\"corrupt\":0.01,\"dropout\":0.02",
         250, true},
    };
    static history sum, protocol;
    for (size_t i = 0; i < sizeof cohorts / sizeof *cohorts; i++) {
        char rounds[128];
        snprintf(rounds, sizeof rounds, "\"count\":2,\"cohort\":%u,\"over_select\":1",
                 cohorts[i].members);
        federation f = {.update = DENSE,
                        .rounds = rounds,
                        .secagg = cohorts[i].secagg,
                        .faults = none,
                        .seed = 1,
                        .clients = cohorts[i].members + 10};
        federation_run(&f, &sum);
        f.is_protocol = true;
        federation_run(&f, &protocol);
        uint64_t a = sum.total.upload_bytes, b = protocol.total.upload_bytes;
        CHECK_EQ(sum.total.uploads, 2 * cohorts[i].members);
        CHECK_EQ(protocol.total.uploads, 2 * cohorts[i].members);
        uint64_t slack = cohorts[i].is_mean ? sum.total.uploads : 0;
        CHECK_MSG(a <= b + slack && b <= a + slack, "cohort %zu: %llu, on the wire %llu",
                  i, (unsigned long long)a, (unsigned long long)b);
        CHECK(protocol.virtual_ms > 1000 && protocol.events > sum.total.uploads * 10);
        fed_note("%u members: %.1f bytes each, on the wire %.1f", cohorts[i].members,
                 (double)a / (double)sum.total.uploads,
                 (double)b / (double)protocol.total.uploads);
    }
}

/* What devices fetch: sent in one fidelity, weighed in the other. Addresses and signatures are
 * made up there, so that a compressed document differs by a few bytes. A device that was away
 * loads a difference where there is one, so reach is what makes the download small. */
static void test_downloads(void)
{
    static const char *const downloads[] = {"\"fraction_bits\":\"none\"",
                                            "\"differences\":0", "\"differences\":1",
                                            "\"differences\":4"};
    static history sum, protocol;
    uint64_t before = UINT64_MAX;
    for (size_t i = 0; i < sizeof downloads / sizeof *downloads; i++) {
        federation f = {.update = DENSE,
                        .download = downloads[i],
                        .rounds = SPARE,
                        .faults = drops,
                        .seed = 1,
                        .clients = 20};
        federation_run(&f, &sum);
        f.is_protocol = true;
        federation_run(&f, &protocol);
        double share =
            (double)sum.total.download_bytes / (double)protocol.total.download_bytes;
        fed_note("{%s}: %llu bytes, %llu on the wire", downloads[i],
                 (unsigned long long)sum.total.download_bytes,
                 (unsigned long long)protocol.total.download_bytes);
        CHECK_MSG(share > 0.98 && share < 1.02, "{%s}: %g", downloads[i], share);
        CHECK(sum.total.download_bytes < before);
        before = sum.total.download_bytes;
        CHECK_MEM(sum.models[sum.n], protocol.models[sum.n], 32);
    }
}

static void test_seeds(void)
{
    static history one, two;
    federation f = {
        .update = DENSE, .rounds = ROUNDS, .faults = none, .seed = 1, .clients = 20};
    federation_run(&f, &one);
    f.seed = 2;
    federation_run(&f, &two);
    CHECK(memcmp(one.models[8], two.models[8], 32) != 0);
}

static void test_drop_outs(void)
{
    static const char *const updates[] = {
        DENSE,
        "\"select\":\"voted\",\"fraction\":0.25,\"block\":8,\"bits\":4," RESIDUAL
        "\"residual_decay\":0.9",
        "\"select\":\"top_k\",\"fraction\":0.1,\"bits\":8," RESIDUAL
        "\"residual_decay\":0.5",
    };
    static const char *const rounds[] = {ROUNDS, SPARE, STRICT};
    static history h;
    unsigned dropped = 0, aborted = 0, filling = 0, refused = 0, not_finite = 0;
    for (size_t u = 0; u < sizeof updates / sizeof *updates; u++)
        for (size_t r = 0; r < sizeof rounds / sizeof *rounds; r++)
            for (uint64_t seed = 1; seed <= 3; seed++) {
                federation f = {.update = updates[u],
                                .rounds = rounds[r],
                                .faults = seed == 1 ? drops : all_faults,
                                .seed = seed,
                                .clients = 30};
                check_agree(&f, &h);
                for (int i = 0; i < FED_FATES; i++)
                    dropped += h.total.dropped[i];
                aborted += h.aborted;
                filling += h.filling;
                refused += h.total.refused;
                not_finite += h.total.not_finite;
            }
    CHECK(dropped && aborted && filling && refused && not_finite);
    fed_note("%u dropped, %u cohorts aborted, %u rounds filling, %u uploads refused, "
             "%u could not train",
             dropped, aborted, filling, refused, not_finite);
}

static void test_replay(void)
{
    static history h, again;
    federation f = {.update = DENSE,
                    .rounds = SPARE,
                    .faults = all_faults,
                    .seed = 5,
                    .clients = 30,
                    .is_protocol = true};
    federation_run(&f, &h);
    federation_replay(&f, &h, &again);
    CHECK_EQ(again.n, h.n);
    CHECK_MEM(again.models, h.models, sizeof h.models[0] * (h.n + 1));
    h.seats[2][0].survived = !h.seats[2][0].survived;
    federation_replay(&f, &h, &again);
    CHECK_MEM(again.models[2], h.models[2], 32);
    CHECK(memcmp(again.models[3], h.models[3], 32) != 0);
}

/* With secure aggregation the server sees masked integers, and makes the same model. */
static void test_secagg(void)
{
    static const char *const rounds[] = {
        "\"count\":3,\"cohort\":8,\"over_select\":1.5",
        "\"count\":3,\"cohort\":8,\"over_select\":1.5,\"min_survivors\":6"};
    static const char *const secagg[] = {
        "\"enabled\":true,\"adversary\":\"curious\",\"dropout\":0.4",
        "\"enabled\":true,\"adversary\":\"active\",\"corrupt\":0.05,\"dropout\":0.4"};
    static history h;
    unsigned dropped = 0;
    for (size_t i = 0; i < 4; i++) {
        federation f = {.update = i % 2 ? "\"select\":\"voted\",\"fraction\":0.25,"
                                          "\"block\":8,\"bits\":4," RESIDUAL
                                          "\"residual_decay\":0.9"
                                        : DENSE,
                        .rounds = rounds[i % 2],
                        .secagg = secagg[i / 2],
                        .faults = {{0.02, 0.02, 0.02, 0.04, 0.04}, 0, 0, 0},
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        for (int k = 0; k < FED_FATES; k++)
            dropped += h.total.dropped[k];
    }
    CHECK(dropped > 5);
    fed_note("%u dropped", dropped);
}

/* Noise is drawn from named secrets, so that it too is the same in every run of one seed. */
static void test_private(void)
{
#define PRIVATE                                                                          \
    "\"noise_multiplier\":1,\"epsilon\":500,\"delta\":1e-4,\"population\":40,"           \
    "\"max_participations\":3,"
#define SERVER "\"epsilon_server\":1000,"
#define TRUST  "\"epsilon_server\":\"none\","
    static const char *const privacy[] = {
        PRIVATE SERVER "\"mechanism\":\"distributed_gaussian\"",
        PRIVATE SERVER "\"mechanism\":\"distributed_skellam\",\"colluders\":1",
        PRIVATE TRUST "\"mechanism\":\"central_gaussian\"",
        PRIVATE SERVER "\"mechanism\":\"local_gaussian\""};
    static history h, other;
    for (size_t i = 0; i < 2 * sizeof privacy / sizeof *privacy; i++) {
        federation f = {.update = i % 2 ? "\"select\":\"rand_k\",\"fraction\":0.25,"
                                          "\"block\":8,\"bits\":4," RESIDUAL
                                          "\"residual_decay\":0.9,\"clip\":0.5"
                                        : DENSE ",\"clip\":0.5",
                        .rounds = "\"count\":3,\"cohort\":8,\"over_select\":1.5",
                        .secagg = i % 2 ? "\"enabled\":true,\"dropout\":0.4"
                                        : "\"enabled\":true,\"adversary\":\"curious\","
                                          "\"dropout\":0.4",
                        .privacy = privacy[i / 2],
                        .faults = {{0.02, 0.02, 0.02, 0.04, 0.04}, 0, 0, 0},
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        federation_replay(&f, &h, &other);
        CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
        f.privacy = NULL; /* and noise it is */
        federation_run(&f, &other);
        CHECK(memcmp(other.models[1], h.models[1], 32) != 0);
    }
}

/* Whoever is in the sum of a version was in none of the `apart` - 1 before it, and in at most
 * `most` of all. */
static void check_turns(const history *h, uint32_t clients, size_t apart, unsigned most)
{
    for (uint32_t client = 0; client < clients; client++) {
        unsigned taken = 0;
        size_t last = 0;
        for (size_t v = 0; v < h->n; v++)
            for (size_t i = 0; i < h->n_seats[v]; i++) {
                if (h->seats[v][i].client != client || !h->seats[v][i].survived) continue;
                CHECK_MSG(!taken || v >= last + apart, "client %u: versions %zu and %zu",
                          client, last, v);
                taken++, last = v;
            }
        CHECK(taken <= most);
    }
}

/* Noise that is correlated over versions, in every kind: the same in both fidelities, with masks
 * and without; and a server that dies goes on with the noise that it had. */
static void test_correlated_noise(void)
{
    static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};
    static const char *const secagg[] = {
        "\"enabled\":false", "\"adversary\":\"curious\",\"dropout\":0.4",
        "\"adversary\":\"active\",\"corrupt\":0.05,\"dropout\":0.4"};
    static history h, other;
    unsigned crashes = 0;
    for (unsigned i = 0; i < 6; i++) {
        char privacy[320];
        snprintf(privacy, sizeof privacy,
                 "\"mechanism\":\"matrix\",\"noise_multiplier\":1,\"epsilon\":500,"
                 "\"epsilon_server\":\"none\",\"delta\":1e-4,\"population\":40,"
                 "\"max_participations\":3,\"matrix\":{\"kind\":\"%s\","
                 "\"separation\":3}",
                 kinds[i % 4]);
        federation f = {.update = DENSE ",\"clip\":0.5",
                        .rounds = "\"count\":7,\"cohort\":7,\"over_select\":1.2,"
                                  "\"min_survivors\":5",
                        .secagg = secagg[i % 3],
                        .privacy = privacy,
                        .faults = {{0.02, 0.02, 0.02, 0.04, 0.04}, 0, 0, 0},
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        CHECK_EQ(h.n, 7);
        CHECK(h.epsilon_output > 0 && isinf(h.epsilon_server) && !h.is_spent);
        check_turns(&h, f.clients, 3, 3);
        federation_replay(&f, &h, &other);
        CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
        f.is_protocol = true;
        f.faults.server_crash = 0.02;
        federation_run(&f, &h);
        CHECK_EQ(h.n, 7);
        check_turns(&h, f.clients, 3, 3);
        federation_replay(&f, &h, &other);
        CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
        crashes += h.total.crashes;
    }
    CHECK(crashes > 20);
    fed_note("%u crashes", crashes);
}

/* Votes and the bit of adaptive clipping have noise of their own, from the same secrets. */
static void test_private_riders(void)
{
#define VOTED                                                                            \
    "\"select\":\"voted\",\"fraction\":0.25,\"block\":8,\"bits\":4,\"clip\":0.5,"
#define VOTES ",\"votes\":{\"share\":0.3}"
#define ADAPT ",\"adaptive\":{\"quantile\":0.6,\"bit_sigma\":3}"
    static const struct {
        const char *update, *privacy;
    } all[] = {
        {VOTED RESIDUAL "\"residual_decay\":0.9",
         PRIVATE SERVER "\"mechanism\":\"distributed_gaussian\"" VOTES},
        {VOTED "\"residual\":false",
         PRIVATE TRUST "\"mechanism\":\"central_gaussian\"" VOTES},
        {VOTED "\"residual\":false",
         PRIVATE SERVER "\"mechanism\":\"local_gaussian\"" VOTES},
        {DENSE ",\"clip\":0.5",
         PRIVATE SERVER "\"mechanism\":\"distributed_gaussian\"" ADAPT},
        {VOTED "\"residual\":false",
         PRIVATE TRUST "\"mechanism\":\"central_gaussian\"" VOTES ADAPT},
    };
    static history h, other;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        federation f = {.update = all[i].update,
                        .rounds = "\"count\":4,\"cohort\":8,\"over_select\":1.25",
                        .secagg = "\"adversary\":\"curious\",\"dropout\":0.4",
                        .privacy = all[i].privacy,
                        .faults = {{0.02, 0.02, 0.02, 0.04, 0.04}, 0, 0, 0},
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        CHECK_EQ(h.n, 4);
        federation_replay(&f, &h, &other);
        CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
    }
}

/* Where the unit is an example, the noise is in the gradients. */
static void test_private_examples(void)
{
    static history h, other;
    federation f = {.update = DENSE,
                    .rounds = "\"count\":3,\"cohort\":6,\"over_select\":1.5",
                    .privacy = "\"mechanism\":\"dp_sgd\",\"unit\":\"example\","
                               "\"example_clip\":0.5,\"noise_multiplier\":1,"
                               "\"epsilon\":500,\"delta\":1e-4,\"population\":40,"
                               "\"max_participations\":2",
                    .eligibility = "\"min_examples\":8",
                    .faults = drops,
                    .seed = 3,
                    .clients = 40};
    check_agree(&f, &h);
    CHECK(h.n == 3 && h.epsilon_output > 0 && h.epsilon_server == h.epsilon_output);
    federation_replay(&f, &h, &other);
    CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
}

/* It ends by itself, at the same round in either fidelity: when the budget is spent, or the
 * devices have taken part as often as they may. */
static void test_private_ends(void)
{
    static history h;
    federation f = {.update = DENSE ",\"clip\":0.5",
                    .rounds = "\"count\":50,\"cohort\":6,\"over_select\":1",
                    .secagg = "\"adversary\":\"curious\"",
                    .privacy = "\"mechanism\":\"distributed_gaussian\","
                               "\"noise_multiplier\":4,\"epsilon\":3,\"delta\":1e-3,"
                               "\"population\":20,\"max_participations\":40",
                    .faults = {{0, 0, 0, 0.02, 0.02}, 0, 0, 0},
                    .seed = 1,
                    .clients = 20};
    check_agree(&f, &h);
    CHECK(h.is_spent && h.n > 2 && h.n < 50);
    CHECK(h.epsilon_server > 0 && h.epsilon_server <= 3);
    fed_note("%zu versions until epsilon was %.3f of 3", h.n, h.epsilon_server);
    f.privacy = "\"mechanism\":\"distributed_gaussian\",\"noise_multiplier\":4,"
                "\"epsilon\":3,\"delta\":1e-3,\"population\":20,\"max_participations\":2";
    check_agree(&f, &h);
    CHECK(h.is_exhausted && !h.is_spent);
    CHECK(h.total.uploads <= 2 * 20 && h.total.uploads > 2 * 14);
}

/* Whom the coordinator draws by secret coins is whom the turnout knows it draws: every round,
 * after every abort, and when patience with those who do not come is at an end. */
static void test_secret_draws(void)
{
    static const char *const privacy[] = {
        "\"sampling\":\"poisson\",\"population\":40",
        "\"sampling\":\"fixed_size\",\"population\":30"};
    static const char *const rounds[] = {
        "\"count\":8,\"cohort\":6,\"over_select\":2.0,\"min_survivors\":2",
        "\"count\":5,\"cohort\":8,\"over_select\":1.5,\"min_survivors\":5"};
    static const fed_faults many = {{0.05, 0.05, 0.1, 0.15, 0.1}, 0.1, 0.05, 0};
    static history h;
    unsigned aborted = 0, filling = 0;
    for (unsigned i = 0; i < 12; i++) {
        federation f = {.update = i % 3 ? DENSE
                                        : "\"select\":\"dense\",\"bits\":4," RESIDUAL
                                          "\"residual_decay\":0.5",
                        .rounds = rounds[i / 2 % 2],
                        .privacy = privacy[i % 2],
                        .faults = i % 4 == 0 ? none : many,
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        aborted += h.aborted;
        filling += h.filling;
    }
    CHECK(aborted > 3 && filling > 10);
    fed_note("%u cohorts aborted, %u rounds filling", aborted, filling);
}

/* A draw survives the server, whenever it dies. */
static void test_secret_draws_and_crashes(void)
{
    static history h, again;
    unsigned crashes = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        federation f = {.update = DENSE,
                        .rounds = SPARE,
                        .privacy = seed % 2 ? "\"sampling\":\"poisson\",\"population\":40"
                                            : "\"sampling\":\"fixed_size\","
                                              "\"population\":40",
                        .faults = seed % 3 ? none : drops,
                        .seed = seed,
                        .clients = 40,
                        .is_protocol = true};
        f.faults.server_crash = 0.03;
        federation_run(&f, &h);
        federation_replay(&f, &h, &again);
        CHECK_MEM(again.models, h.models, sizeof h.models[0] * (h.n + 1));
        crashes += h.total.crashes;
    }
    CHECK(crashes > 20);
    fed_note("%u crashes", crashes);
}

/* With secure aggregation, and with masks on what was drawn. */
static void test_secret_draws_under_masks(void)
{
    static history h;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        federation f = {.update = DENSE,
                        .rounds = "\"count\":3,\"cohort\":8,\"over_select\":1.5,"
                                  "\"min_survivors\":5",
                        .secagg = "\"enabled\":true,\"adversary\":\"curious\","
                                  "\"dropout\":0.4",
                        .privacy = seed % 2 ? "\"sampling\":\"poisson\",\"population\":40"
                                            : "\"sampling\":\"fixed_size\","
                                              "\"population\":40",
                        .faults = drops,
                        .seed = seed,
                        .clients = 40};
        check_agree(&f, &h);
    }
}

/* Devices rest between participations: by rounds in one fidelity, by their own records and
 * clocks in the other. */
static void test_separation(void)
{
    static history h;
    for (unsigned i = 0; i < 4; i++) {
        federation f = {.update = DENSE,
                        .rounds = "\"count\":12,\"cohort\":6,\"over_select\":1.0,"
                                  "\"min_survivors\":2,\"deadline_s\":600",
                        .eligibility = "\"min_separation_s\":1800",
                        .privacy = i % 2 ? "\"sampling\":\"fixed_size\",\"population\":40"
                                         : NULL,
                        .faults = i < 2 ? none : drops,
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        for (size_t v = 0; v < h.n;
             v++) /* four rounds at least, so four versions if none failed */
            for (size_t w = v + 1; w < h.n && w < v + 4 && i < 2; w++)
                for (size_t a = 0; a < h.n_seats[v]; a++)
                    for (size_t b = 0; b < h.n_seats[w]; b++)
                        CHECK(h.seats[v][a].client != h.seats[w][b].client ||
                              h.attempts > h.n);
    }
}

/* Noise, masks and draws together, priced as sampled: the server fills the noise up to that of
 * n_max devices, however many came, in both fidelities alike. */
static void test_private_draws(void)
{
#define SAMPLED                                                                          \
    "\"mechanism\":\"distributed_gaussian\",\"noise_multiplier\":1,\"epsilon\":500,"     \
    "\"epsilon_server\":1000,\"delta\":1e-3,\"population\":40,"
    static const char *const privacy[] = {SAMPLED "\"sampling\":\"fixed_size\"",
                                          SAMPLED "\"sampling\":\"poisson\""};
    static history h, other;
    for (size_t i = 0; i < 2; i++) {
        federation f = {.update = DENSE ",\"clip\":0.5",
                        .rounds = i ? "\"count\":1,\"cohort\":24,\"over_select\":1.5,"
                                      "\"min_survivors\":4"
                                    : "\"count\":3,\"cohort\":8,\"over_select\":1.5",
                        .secagg =
                            "\"enabled\":true,\"adversary\":\"curious\",\"dropout\":0.4",
                        .privacy = privacy[i],
                        .faults = {{0.02, 0.02, 0.02, 0.04, 0.04}, 0, 0, 0},
                        .seed = i + 1,
                        .clients = 40};
        check_agree(&f, &h);
        federation_replay(&f, &h, &other);
        CHECK_MEM(other.models, h.models, sizeof h.models[0] * (h.n + 1));
    }
}

/* The server dies at any step, and its trace is still the truth: the noise that it adds itself
 * included, in every third federation. */
static void test_crashes(void)
{
    static history h, again;
    unsigned crashes = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        bool noisy = seed % 3 == 1;
        federation f = {
            .update = noisy ? DENSE ",\"clip\":1" : DENSE,
            .rounds = seed % 2 ? SPARE : STRICT,
            .privacy = noisy ? PRIVATE TRUST "\"mechanism\":\"central_gaussian\"" : NULL,
            .faults = seed % 3 ? none : drops,
            .seed = seed,
            .clients = 30,
            .is_protocol = true};
        f.faults.server_crash = 0.03;
        federation_run(&f, &h);
        federation_replay(&f, &h, &again);
        CHECK_MSG(!memcmp(again.models, h.models, sizeof h.models[0] * (h.n + 1)),
                  "seed %llu", (unsigned long long)seed);
        crashes += h.total.crashes;
        federation_run(&f, &again); /* and from the same seed it dies the same way */
        CHECK_MEM(again.models, h.models, sizeof h.models[0] * (h.n + 1));
        CHECK_EQ(again.total.crashes, h.total.crashes);
    }
    CHECK(crashes > 50);
    fed_note("%u crashes", crashes);
}

static void test_replay_refusals(void)
{
    fed_error err;
    fed_round_result r;
    const uint8_t seed[FED_SEED_BYTES] = {1};
    static const char plan[] =
        "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[12]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"}"
        ",\"train\":{\"lr\":0.1},\"update\":{\"select\":\"dense\"},\"secagg\":{"
        "\"enabled\":false},\"rounds\":{\"cohort\":2,\"over_select\":1,"
        "\"min_survivors\":2}}";
    fed_task *task;
    fed_population *population;
    fed_sumrun *run;
    fed_population_config config = {.data =
                                        "synthetic:gaussian?dims=12&classes=4&rows=100",
                                    .clients = 10,
                                    .seed = 1};
    CHECK_OK(fed_task_parse(&task, (fed_span){(const uint8_t *)plan, sizeof plan - 1},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    CHECK_OK(fed_population_new(&population, &config, &err), &err);
    CHECK_OK(fed_sumrun_new(&run, task, population, NULL, &err), &err);
    fed_seat seats[3] = {{0, true}, {1, true}, {2, true}};
    CHECK_FAILS(fed_sumrun_replay(run, seats, 3, &r, &err), FED_E_INVALID, &err,
                "at most 2");
    CHECK_FAILS(fed_sumrun_replay(run, seats, 0, &r, &err), FED_E_INVALID, &err,
                "0 members");
    seats[0].survived = false;
    CHECK_FAILS(fed_sumrun_replay(run, seats, 2, &r, &err), FED_E_INVALID, &err,
                "at least 2");
    CHECK_EQ(fed_sumrun_state(run)->version, 0);
    fed_sumrun_free(run);
    fed_population_free(population);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_plain),
                                     CASE(test_bytes),
                                     CASE(test_downloads),
                                     CASE(test_seeds),
                                     CASE(test_replay),
                                     CASE(test_crashes),
                                     CASE(test_replay_refusals),
                                     CASE(test_secagg),
                                     CASE(test_private),
                                     CASE(test_separation),
                                     CASE(test_private_draws),
                                     CASE(test_correlated_noise),
                                     CASE(test_private_riders),
                                     CASE(test_private_examples),
                                     CASE(test_secret_draws),
                                     CASE(test_secret_draws_and_crashes),
                                     CASE(test_secret_draws_under_masks),
                                     CASE(test_private_ends),
                                     CASE(test_drop_outs)};
    return fed_run("fidelity", cases, sizeof cases / sizeof *cases);
}
