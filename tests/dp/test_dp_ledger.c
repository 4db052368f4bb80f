/* Ledgers: budgets stop, retries are not charged twice, every flipped bit is noticed, a torn write
 * is dropped, and nothing is ever refunded. */
#include "harness.h"

#include "dp.h"

static fed_ledger_terms terms(fed_ledger_kind kind)
{
    fed_ledger_terms t = {.kind = kind,
                          .accountant = FED_ACCOUNTANT_PLD,
                          .delta = 1e-6,
                          .budget_output = 4,
                          .budget_server = 8,
                          .max_participations = 5};
    memset(t.population, 0x5a, sizeof t.population);
    return t;
}

static void make_id(uint8_t id[32], unsigned number)
{
    memset(id, 0, 32);
    id[0] = (uint8_t)number, id[1] = (uint8_t)(number >> 8), id[31] = 1;
}

static fed_status charge(fed_ledger *l, fed_ledger_view view, unsigned number,
                         double sigma, fed_bytes *bytes, fed_error *err)
{
    uint8_t id[32];
    fed_dp_event e = fed_dp_gaussian(sigma, FED_SAMPLING_NONE, 1, 1);
    make_id(id, number);
    return fed_ledger_charge(l, view, id, &e, bytes, err);
}

static void test_device_stops(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_DEVICE);
    fed_ledger *l = NULL, *again = NULL;
    fed_bytes bytes;
    fed_error err;
    double output = -1, server = -1;
    size_t used = 0;
    fed_bytes_init(&bytes, 1 << 16);
    t.max_participations = 0;
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    unsigned taken = 0;
    while (taken < 100 && charge(l, FED_LEDGER_SEEN, taken, 1.5, &bytes, &err) == FED_OK)
        taken++;
    /* the analytic Gaussian says how often sigma = 1.5 fits into 8 */
    CHECK(fed_gaussian_epsilon(1.5 / sqrt(taken), 1e-6) <= 8);
    CHECK(fed_gaussian_epsilon(1.5 / sqrt(taken + 1), 1e-6) > 8);
    CHECK_EQ(err.status, FED_E_BUDGET);
    CHECK(strstr(err.text, "the budget is 8") != NULL);
    size_t before = bytes.len;
    CHECK_FAILS(charge(l, FED_LEDGER_SEEN, 200, 1.5, &bytes, &err), FED_E_BUDGET, &err,
                "epsilon_server");
    CHECK_EQ(bytes.len, before);
    CHECK_OK(fed_ledger_spent(l, &output, &server, &err), &err);
    CHECK_EQ(output, 0);
    CHECK_NEAR(server, fed_gaussian_epsilon(1.5 / sqrt(taken), 1e-6), 1e-9);
    /* a restart: still spent */
    CHECK_OK(fed_ledger_open(&again, bytes.data, bytes.len, &used, &err), &err);
    CHECK_EQ(used, bytes.len);
    CHECK_FAILS(charge(again, FED_LEDGER_SEEN, 201, 1.5, &bytes, &err), FED_E_BUDGET,
                &err, "budget");
    CHECK_OK(charge(again, FED_LEDGER_SEEN, 3, 1.5, &bytes, &err),
             &err); /* charged before */
    CHECK_MEM(fed_ledger_head(again), fed_ledger_head(l), 32);
    CHECK_MEM(fed_ledger_get_terms(again), &t, sizeof t);
    fed_ledger_free(l);
    fed_ledger_free(again);
    fed_bytes_fini(&bytes);
}

static void test_device_counts_participations(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_DEVICE);
    fed_ledger *l = NULL;
    fed_bytes bytes;
    fed_error err;
    fed_bytes_init(&bytes, 1 << 16);
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    for (unsigned i = 0; i < 5; i++)
        CHECK_OK(charge(l, FED_LEDGER_SEEN, i, 50, &bytes, &err), &err);
    CHECK_FAILS(charge(l, FED_LEDGER_SEEN, 5, 50, &bytes, &err), FED_E_BUDGET, &err,
                "took part 5 times, of 5");
    fed_ledger_free(l);
    fed_bytes_fini(&bytes);
}

/* In whichever view they stand, they are its participations. */
static void test_device_counts_over_both_views(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_DEVICE);
    fed_ledger *l = NULL;
    fed_bytes bytes;
    fed_error err;
    fed_bytes_init(&bytes, 1 << 16);
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    for (unsigned i = 0; i < 5; i++)
        CHECK_OK(
            charge(l, i % 2 ? FED_LEDGER_SEEN : FED_LEDGER_OUTPUT, i, 50, &bytes, &err),
            &err);
    CHECK_FAILS(charge(l, FED_LEDGER_SEEN, 5, 50, &bytes, &err), FED_E_BUDGET, &err,
                "took part 5 times, of 5");
    CHECK_FAILS(charge(l, FED_LEDGER_OUTPUT, 6, 50, &bytes, &err), FED_E_BUDGET, &err,
                "took part 5 times, of 5");
    fed_ledger_free(l);
    fed_bytes_fini(&bytes);
}

static fed_status charge_examples(fed_ledger *l, fed_ledger_view view, unsigned number,
                                  double q, fed_bytes *bytes, fed_error *err)
{
    uint8_t id[32];
    fed_dp_event e = fed_dp_gaussian(8, FED_SAMPLING_EXAMPLES, q, 10);
    make_id(id, number);
    return fed_ledger_charge(l, view, id, &e, bytes, err);
}

/* Promises about examples: a device that may take part five times is the worst in five rounds,
 * in either view, of each kind; and no book holds both units. */
static void test_examples(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_SERVER);
    fed_ledger *l = NULL;
    fed_bytes bytes;
    fed_error err;
    double output, server, both, wanted;
    fed_bytes_init(&bytes, 1 << 20);
    t.budget_output = t.budget_server = 1000;
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_OK(charge_examples(l, FED_LEDGER_OUTPUT, i, 0.25, &bytes, &err), &err);
        CHECK_OK(charge_examples(l, FED_LEDGER_SEEN, i, 0.25, &bytes, &err), &err);
    }
    CHECK_OK(fed_ledger_spent(l, &output, &server, &err), &err);
    fed_dp_event e = fed_dp_gaussian(8, FED_SAMPLING_POISSON, 0.25, 10 * 5);
    CHECK_OK(fed_dp_epsilon(&e, 1, t.accountant, t.delta, &wanted, &err), &err);
    CHECK(output == wanted && server == wanted);
    CHECK_OK(charge_examples(l, FED_LEDGER_OUTPUT, 30, 0.5, &bytes, &err), &err);
    CHECK_OK(fed_ledger_spent(l, &both, &server, &err), &err);
    CHECK(both > output); /* on top, not instead */
    CHECK_FAILS(charge(l, FED_LEDGER_OUTPUT, 40, 50, &bytes, &err), FED_E_REFUSED, &err,
                "privacy.unit");
    fed_ledger_free(l);
    l = NULL;
    fed_bytes_clear(&bytes);
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    CHECK_OK(charge(l, FED_LEDGER_SEEN, 1, 50, &bytes, &err), &err);
    CHECK_FAILS(charge_examples(l, FED_LEDGER_SEEN, 2, 0.25, &bytes, &err), FED_E_REFUSED,
                &err, "privacy.unit");
    fed_ledger_free(l);
    fed_bytes_fini(&bytes);
}

/* The server's ledger answers for the worst device: the five costliest of all rounds. */
static void test_server_counts_the_worst_device(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_SERVER);
    fed_ledger *l = NULL;
    fed_bytes bytes;
    fed_error err;
    double output, server;
    fed_bytes_init(&bytes, 1 << 20);
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    for (unsigned i = 0; i < 40; i++)
        CHECK_OK(charge(l, FED_LEDGER_SEEN, i, i % 10 ? 6 : 3, &bytes, &err), &err);
    CHECK_OK(fed_ledger_spent(l, &output, &server, &err), &err);
    double precision = 4 / 9.0 + 1 / 36.0; /* four rounds at sigma 3, one at 6 */
    CHECK_NEAR(server, fed_gaussian_epsilon(1 / sqrt(precision), 1e-6), 1e-9);
    CHECK_EQ(fed_ledger_count(l, FED_LEDGER_SEEN), 40);
    /* a sampled output counts all its rounds */
    uint8_t id[32];
    for (unsigned i = 0; i < 20; i++) {
        fed_dp_event e = fed_dp_gaussian(2, FED_SAMPLING_POISSON, 0.05, 1);
        make_id(id, i);
        CHECK_OK(fed_ledger_charge(l, FED_LEDGER_OUTPUT, id, &e, &bytes, &err), &err);
    }
    fed_dp_event all = fed_dp_gaussian(2, FED_SAMPLING_POISSON, 0.05, 20);
    double wanted;
    CHECK_OK(fed_dp_epsilon(&all, 1, FED_ACCOUNTANT_PLD, 1e-6, &wanted, &err), &err);
    CHECK_OK(fed_ledger_spent(l, &output, &server, &err), &err);
    CHECK_NEAR(output, wanted, 1e-12);
    fed_ledger_free(l);
    fed_bytes_fini(&bytes);
}

/* Abort and retry: the same bytes go again, so the same charge is no second one; another event
 * under the same id is refused. */
static void test_retry(void)
{
    fed_ledger_terms t = terms(FED_LEDGER_SERVER);
    fed_ledger *l = NULL;
    fed_bytes bytes;
    fed_error err;
    uint8_t id[32];
    fed_bytes_init(&bytes, 1 << 16);
    CHECK_OK(fed_ledger_new(&l, &t, &bytes, &err), &err);
    CHECK_OK(charge(l, FED_LEDGER_SEEN, 1, 4, &bytes, &err), &err);
    size_t len = bytes.len;
    CHECK_OK(charge(l, FED_LEDGER_SEEN, 1, 4, &bytes, &err), &err);
    CHECK_EQ(bytes.len, len);
    CHECK_EQ(fed_ledger_count(l, FED_LEDGER_SEEN), 1);
    CHECK_FAILS(charge(l, FED_LEDGER_SEEN, 1, 5, &bytes, &err), FED_E_EXISTS, &err,
                "another");
    CHECK_OK(charge(l, FED_LEDGER_OUTPUT, 1, 5, &bytes, &err), &err); /* another view */
    make_id(id, 1);
    CHECK(fed_ledger_has(l, FED_LEDGER_OUTPUT, id));
    make_id(id, 2);
    CHECK(!fed_ledger_has(l, FED_LEDGER_OUTPUT, id));
    fed_ledger_free(l);
    fed_bytes_fini(&bytes);
}

static void fill(fed_bytes *bytes)
{
    fed_ledger_terms t = terms(FED_LEDGER_SERVER);
    fed_ledger *l = NULL;
    fed_error err;
    fed_bytes_init(bytes, 1 << 16);
    CHECK_OK(fed_ledger_new(&l, &t, bytes, &err), &err);
    for (unsigned i = 0; i < 4; i++)
        CHECK_OK(
            charge(l, i & 1 ? FED_LEDGER_SEEN : FED_LEDGER_OUTPUT, i, 9, bytes, &err),
            &err);
    fed_ledger_free(l);
}

/* Killed in the middle of a write: whatever is cut off was never acted on. */
static void test_torn_write(void)
{
    fed_bytes bytes;
    fill(&bytes);
    size_t whole[6] = {0}, wholes = 0;
    for (size_t n = 0; n <= bytes.len; n++) {
        fed_ledger *l = NULL;
        size_t used = 0;
        if (fed_ledger_open(&l, bytes.data, n, &used, NULL) != FED_OK) {
            CHECK(!l && wholes == 0); /* only while the header is incomplete */
            continue;
        }
        if (used == n) whole[wholes++] = n;
        CHECK_EQ(used, whole[wholes - 1]);
        CHECK_EQ(fed_ledger_count(l, FED_LEDGER_SEEN) +
                     fed_ledger_count(l, FED_LEDGER_OUTPUT),
                 wholes - 1);
        fed_ledger_free(l);
    }
    CHECK_EQ(wholes, 5);
    fed_bytes_fini(&bytes);
}

static void test_every_bit_is_protected(void)
{
    fed_bytes bytes;
    fill(&bytes);
    for (size_t i = 0; i < bytes.len; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            fed_ledger *l = NULL;
            fed_error err;
            bytes.data[i] ^= (uint8_t)(1 << bit);
            CHECK(fed_ledger_open(&l, bytes.data, bytes.len, NULL, &err) != FED_OK);
            CHECK(!l);
            bytes.data[i] ^= (uint8_t)(1 << bit);
        }
    fed_bytes_fini(&bytes);
}

/* Records cannot be swapped, dropped from the middle or repeated. */
static void test_chain(void)
{
    fed_bytes bytes;
    fed_ledger *l = NULL;
    fed_error err;
    fill(&bytes);
    const size_t header = 72 + 32, record = (bytes.len - header) / 4;
    uint8_t copy[4096];
    CHECK_EQ(header + 4 * record, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    memmove(copy + header, copy + header + record, 3 * record);
    CHECK_FAILS(fed_ledger_open(&l, copy, bytes.len - record, NULL, &err), FED_E_FORMAT,
                &err, "chain");
    memcpy(copy, bytes.data, bytes.len);
    memcpy(copy + bytes.len, copy + bytes.len - record, record);
    CHECK_FAILS(fed_ledger_open(&l, copy, bytes.len + record, NULL, &err), FED_E_FORMAT,
                &err, "chain");
    memcpy(copy, "NOPE", 4);
    CHECK_FAILS(fed_ledger_open(&l, copy, bytes.len, NULL, &err), FED_E_FORMAT, &err,
                "not a");
    fed_bytes_fini(&bytes);
}

static fed_status use_ledger(void *ctx)
{
    fed_ledger_terms t = terms(FED_LEDGER_SERVER);
    fed_ledger *l = NULL, *again = NULL;
    fed_bytes bytes;
    (void)ctx;
    fed_bytes_init(&bytes, 1 << 16);
    fed_status status = fed_ledger_new(&l, &t, &bytes, NULL);
    for (unsigned i = 0; i < 3 && status == FED_OK; i++)
        status = charge(l, FED_LEDGER_SEEN, i, 9 + i, &bytes, NULL);
    if (status == FED_OK)
        status = fed_ledger_open(&again, bytes.data, bytes.len, NULL, NULL);
    fed_ledger_free(l);
    fed_ledger_free(again);
    fed_bytes_fini(&bytes);
    return status;
}

static void test_torture(void)
{
    CHECK(fed_torture(use_ledger, NULL) > 8);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_device_stops),
        CASE(test_device_counts_participations),
        CASE(test_device_counts_over_both_views),
        CASE(test_examples),
        CASE(test_torn_write),
        CASE(test_server_counts_the_worst_device),
        CASE(test_retry),
        CASE(test_every_bit_is_protected),
        CASE(test_chain),
        CASE(test_torture),
    };
    return fed_run("dp_ledger", cases, sizeof cases / sizeof *cases);
}
