#include "harness.h"

#include <stdatomic.h>
#include <stdio.h>

/* RFC 8439 section 2.3.2: key 00..1f, nonce 00 00 00 09 00 00 00 4a 00 00 00 00, counter 1. */
static void test_chacha20_block(void)
{
    static const uint8_t wanted[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (uint32_t i = 0; i < 8; i++)
        input[4 + i] = 0x03020100 + 0x04040404 * i;
    input[12] = 1, input[13] = 0x09000000, input[14] = 0x4a000000, input[15] = 0;
    uint8_t out[64];
    fed_chacha20_block(input, out);
    CHECK_MEM(out, wanted, sizeof wanted);
}

static void test_streams_are_named(void)
{
    uint8_t key[32];
    fed_seed_from_u64(key, 7);
    fed_stream a, b, c, d;
    fed_stream_init(&a, key, FED_PURPOSE_SHUFFLE, 1);
    fed_stream_init(&b, key, FED_PURPOSE_SHUFFLE, 1);
    fed_stream_init(&c, key, FED_PURPOSE_SHUFFLE, 2);
    fed_stream_init(&d, key, FED_PURPOSE_DROPOUT, 1);
    uint64_t first = fed_stream_u64(&a);
    CHECK(first == fed_stream_u64(&b));
    CHECK(first != fed_stream_u64(&c));
    CHECK(first != fed_stream_u64(&d));
}

static void test_below_is_uniform(void)
{
    uint8_t key[32];
    fed_seed_from_u64(key, 1);
    fed_stream s;
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    unsigned count[7] = {0};
    for (int i = 0; i < 70000; i++)
        count[fed_stream_below(&s, 7)]++;
    for (int i = 0; i < 7; i++) /* five standard deviations of a binomial */
        CHECK_NEAR(count[i], 10000, 5 * sqrt(70000 * (1 / 7.) * (6 / 7.)));
    CHECK_EQ(fed_stream_below(&s, 0), 0);
}

static void test_shuffle_is_a_permutation(void)
{
    uint8_t key[32];
    fed_seed_from_u64(key, 3);
    fed_stream s;
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    uint32_t items[100];
    for (uint32_t i = 0; i < 100; i++)
        items[i] = i;
    fed_stream_shuffle(&s, items, 100);
    uint8_t seen[100] = {0};
    unsigned fixed = 0;
    for (uint32_t i = 0; i < 100; i++) {
        seen[items[i]]++;
        fixed += items[i] == i;
    }
    for (int i = 0; i < 100; i++)
        CHECK_EQ(seen[i], 1);
    CHECK(fixed < 20);
}

static void test_bytes_keep_their_maximum(void)
{
    fed_bytes b;
    fed_bytes_init(&b, 10);
    fed_bytes_put_u64(&b, 1);
    CHECK_EQ(b.status, FED_OK);
    fed_bytes_put_u16(&b, 2);
    CHECK_EQ(b.status, FED_OK);
    fed_bytes_put_u8(&b, 3);
    CHECK_EQ(b.status, FED_E_LIMIT);
    CHECK_EQ(b.len, 10);
    fed_bytes_put_u8(&b, 3); /* the failure sticks */
    CHECK_EQ(b.len, 10);
    fed_bytes_clear(&b);
    fed_bytes_printf(&b, "%s-%d", "ten", 123456);
    CHECK_STR(fed_bytes_text(&b), "ten-123456");
    fed_bytes_fini(&b);
}

static void test_reader_refuses(void)
{
    uint8_t raw[] = {1, 2, 0, 3, 0, 0, 0, 9, 9, 9, 7};
    fed_reader r;
    fed_reader_init(&r, raw, sizeof raw);
    CHECK_EQ(fed_reader_u8(&r), 1);
    CHECK_EQ(fed_reader_u16(&r), 2);
    fed_span block = fed_reader_block(&r, 3);
    CHECK_EQ(block.len, 3);
    CHECK_EQ(fed_reader_finish(&r), FED_E_FORMAT); /* one byte is left over */
    CHECK_EQ(fed_reader_u8(&r), 7);
    CHECK_EQ(fed_reader_finish(&r), FED_OK);
    CHECK_EQ(fed_reader_u32(&r), 0);
    CHECK_EQ(fed_reader_finish(&r), FED_E_FORMAT);
    fed_reader_init(&r, raw + 3, sizeof raw - 3);
    CHECK_EQ(fed_reader_block(&r, 2).len, 0); /* longer than allowed */
    CHECK_EQ(fed_reader_finish(&r), FED_E_FORMAT);
    fed_reader_init(&r, NULL, 0);
    CHECK_EQ(fed_reader_finish(&r), FED_OK);
}

static void test_text_numbers(void)
{
    static const char *const bad[] = {"",      " 1",   "1 ",  "nan", "inf", "0x10",
                                      "1e999", "1..2", "--1", "1e",  "+"};
    double v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(!fed_text_to_double(bad[i], strlen(bad[i]), &v), "\"%s\"", bad[i]);
    CHECK(fed_text_to_double("-1.5e-3", 7, &v) && v == -1.5e-3);
    float f;
    CHECK(fed_text_to_float("0.1", 3, &f) && f == 0.1f);
    uint64_t u;
    CHECK(fed_text_to_u64("18446744073709551615", UINT64_MAX, &u) && u == UINT64_MAX);
    CHECK(!fed_text_to_u64("18446744073709551616", UINT64_MAX, &u));
    int64_t i;
    CHECK(fed_text_to_i64("-12", -12, 0, &i) && i == -12);
    CHECK(!fed_text_to_i64("-13", -12, 0, &i));
    CHECK(!fed_text_to_i64("-", -12, 0, &i));
}

static void test_hex(void)
{
    uint8_t raw[3];
    char text[7];
    CHECK(fed_hex_decode(raw, 3, "00aBff"));
    fed_hex_encode(text, raw, 3);
    CHECK_STR(text, "00abff");
    CHECK(!fed_hex_decode(raw, 3, "00abf"));
    CHECK(!fed_hex_decode(raw, 3, "00abff0"));
    CHECK(!fed_hex_decode(raw, 3, "00abfg"));
}

static void test_errors_name_their_place(void)
{
    fed_error err;
    fed_status s = fed_fail(&err, FED_E_INVALID, "batch: %d is below %d", 0, 1);
    s = fed_fail_in(&err, s, "train");
    CHECK_EQ(s, FED_E_INVALID);
    CHECK_STR(err.text, "train: batch: 0 is below 1");
    CHECK_EQ(fed_fail(NULL, FED_E_IO, "x"), FED_E_IO);
}

static fed_status fill_outbox(void *ctx)
{
    (void)ctx;
    fed_outbox o;
    fed_outbox_init(&o);
    for (uint32_t i = 0; i < 20; i++) {
        (void)fed_outbox_send(&o, i, 1, 200, "hello", 5);
        (void)fed_outbox_store(&o, "a/key", "value", 5);
        (void)fed_outbox_erase(&o, "b/key");
    }
    fed_status status = o.status;
    fed_outbox_fini(&o);
    return status;
}

static void test_outbox(void)
{
    fed_outbox o;
    fed_outbox_init(&o);
    CHECK_EQ(fed_outbox_store(&o, "k", "v", 1), FED_OK);
    CHECK_EQ(fed_outbox_send(&o, 9, 2, 200, "body", 4), FED_OK);
    fed_outbox_wake(&o, 50);
    fed_outbox_wake(&o, 70);
    CHECK_EQ(o.n_records, 1);
    CHECK_EQ(o.n_messages, 1);
    CHECK_EQ(o.messages[0].peer, 9);
    CHECK_EQ(o.wake_ms, 50);
    fed_outbox_fini(&o);
    CHECK(fed_torture(fill_outbox, NULL) > 60);
}

static fed_status count_visit(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)value, (void)err;
    fed_bytes_put_text(arg, key);
    return FED_OK;
}

static fed_status use_journal(void *ctx)
{
    (void)ctx;
    fed_memory_journal *m = NULL;
    fed_outbox o;
    fed_bytes seen;
    fed_bytes_init(&seen, 100);
    fed_outbox_init(&o);
    fed_status status = fed_memory_journal_new(&m, NULL);
    (void)fed_outbox_store(&o, "a/2", "two", 3);
    (void)fed_outbox_store(&o, "b/1", "b", 1);
    (void)fed_outbox_store(&o, "a/1", "one", 3);
    (void)fed_outbox_store(&o, "a/2", "TWO!", 4);
    if (!status) status = o.status;
    if (!status) status = fed_memory_journal_apply(m, &o, NULL);
    fed_outbox_clear(&o);
    (void)fed_outbox_erase(&o, "b/1");
    (void)fed_outbox_erase(&o, "c/1");
    if (!status) status = o.status;
    if (!status) status = fed_memory_journal_apply(m, &o, NULL);
    if (!status) {
        fed_journal j = fed_memory_journal_reader(m);
        status = j.scan(j.ctx, "a/", count_visit, &seen, NULL);
        if (!status) status = j.get(j.ctx, "a/2", &seen, NULL);
        if (!status) status = fed_bytes_text(&seen) ? FED_OK : seen.status;
        if (!status) CHECK_STR((char *)seen.data, "a/1a/2TWO!");
        CHECK_EQ(fed_memory_journal_count(m), 2);
        CHECK_EQ(fed_memory_journal_bytes(m), 7);
        fed_error err;
        CHECK_FAILS(j.get(j.ctx, "b/1", &seen, &err), FED_E_NOT_FOUND, &err, "b/1");
    }
    fed_bytes_fini(&seen);
    fed_outbox_fini(&o);
    fed_memory_journal_free(m);
    return status;
}

static void test_memory_journal(void)
{
    CHECK_EQ(use_journal(NULL), FED_OK);
    (void)fed_torture(use_journal, NULL);
}

static void add_index(void *arg, size_t i, unsigned worker)
{
    (void)worker;
    atomic_fetch_add((atomic_size_t *)arg, i);
}

static void test_pool(void)
{
    fed_pool *pool;
    fed_error err;
    CHECK_FAILS(fed_pool_new(&pool, 0, &err), FED_E_INVALID, &err, "threads: 0");
    if (!CHECK_OK(fed_pool_new(&pool, 3, &err), &err)) return;
    for (int repeat = 0; repeat < 200; repeat++) {
        atomic_size_t sum = 0;
        fed_parallel_for(fed_pool_parallel(pool), 100, add_index, &sum);
        CHECK_EQ(sum, 4950);
    }
    fed_pool_free(pool);
    atomic_size_t sum = 0;
    fed_parallel_for(NULL, 100, add_index, &sum);
    CHECK_EQ(sum, 4950);
}

static void test_kernel_choice(void)
{
    CHECK(fed_kernel_available(FED_KERNEL_SCALAR));
    CHECK(fed_kernel_available(fed_kernel_active()));
    fed_note("kernel path: %s", fed_kernel_name(fed_kernel_active()));
}

static void keep_fields(void *ctx, fed_log_level level, const char *event,
                        const char *fields)
{
    (void)level;
    snprintf(ctx, 64, "%s|%s", event, fields);
}

static void test_log(void)
{
    char seen[64] = "";
    fed_log_configure(FED_LOG_INFO, keep_fields, seen);
    fed_log(FED_LOG_DEBUG, "hidden", "a=1");
    CHECK_STR(seen, "");
    fed_log(FED_LOG_INFO, "shown", "a=%d", 1);
    CHECK_STR(seen, "shown|a=1");
    fed_log_configure(FED_LOG_OFF, NULL, NULL);
    CHECK_EQ(fed_log_level_from_name("warn"), FED_LOG_WARN);
    CHECK_EQ(fed_log_level_from_name("loud"), -1);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_chacha20_block),
        CASE(test_streams_are_named),
        CASE(test_below_is_uniform),
        CASE(test_shuffle_is_a_permutation),
        CASE(test_bytes_keep_their_maximum),
        CASE(test_reader_refuses),
        CASE(test_text_numbers),
        CASE(test_hex),
        CASE(test_errors_name_their_place),
        CASE(test_outbox),
        CASE(test_pool),
        CASE(test_kernel_choice),
        CASE(test_log),
        CASE(test_memory_journal),
    };
    return fed_run("base", cases, sizeof cases / sizeof *cases);
}
