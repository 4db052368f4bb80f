/* What the journal holds: there and back, and every byte missing. */
#include "harness.h"
#include "round.h"

static fed_address address(uint8_t fill)
{
    fed_address a;
    memset(a.bytes, fill, sizeof a.bytes);
    return a;
}

static void test_keys(void)
{
    char key[FED_KEY_MAX];
    uint8_t cohort[32] = {0xab};
    fed_address a = address(0x11);
    fed_key_task(key, &a, "head");
    CHECK_STR(key, "task/1111111111111111111111111111111111111111111111111111111111111111"
                   "/head");
    fed_key_trace(key, &a, 12);
    CHECK_STR(key, "task/1111111111111111111111111111111111111111111111111111111111111111"
                   "/trace/0000000000000012");
    fed_key_blob(key, &a);
    CHECK_STR(key,
              "blob/1111111111111111111111111111111111111111111111111111111111111111");
    fed_key_cohort_log(key, cohort, 7);
    CHECK_STR(key,
              "cohort/ab00000000000000000000000000000000000000000000000000000000000000"
              "/log/00000007");
}

static void test_head(void)
{
    fed_error err;
    fed_bytes out;
    fed_head back, head = {.state = FED_TASK_DONE,
                           .version = UINT64_C(1) << 40,
                           .model = address(1),
                           .version_blob = address(2),
                           .task_blob = address(3),
                           .upload_bytes = 12345};
    for (uint8_t i = 0; i < FED_VERSIONS_KEPT; i++) {
        memset(head.kept[i], 0, sizeof head.kept[i]);
        head.kept[i][FED_KEPT_MODEL] = address((uint8_t)(10 + i));
        head.kept[i][FED_KEPT_DOCUMENT] = address((uint8_t)(20 + i));
        for (uint8_t k = 0; k < 10 * i; k++) /* none, some, nearly all */
            head.kept[i][FED_KEPT_DIFFERENCES + k] = address((uint8_t)(30 + k));
    }
    fed_bytes_init(&out, FED_HEAD_BYTES_MAX);
    fed_head_put(&out, &head);
    CHECK_EQ(out.status, FED_OK);
    CHECK_OK(fed_head_get(&back, (fed_span){out.data, out.len}, &err), &err);
    CHECK_EQ(back.state, head.state);
    CHECK_EQ(back.version, head.version);
    CHECK_EQ(back.upload_bytes, head.upload_bytes);
    CHECK_MEM(back.model.bytes, head.model.bytes, 32);
    CHECK_MEM(back.version_blob.bytes, head.version_blob.bytes, 32);
    CHECK_MEM(back.task_blob.bytes, head.task_blob.bytes, 32);
    CHECK_MEM(back.kept, head.kept, sizeof head.kept);
    for (size_t n = 0; n < out.len; n++)
        CHECK_FAILS(fed_head_get(&back, (fed_span){out.data, n}, &err), FED_E_FORMAT,
                    &err, "task head");
    fed_bytes_put_u8(&out, 0);
    CHECK_FAILS(fed_head_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "task head");
    out.data[0] = 0;
    CHECK_FAILS(fed_head_get(&back, (fed_span){out.data, out.len - 1}, &err),
                FED_E_FORMAT, &err, "task head");
    out.data[0] = FED_TASK_SPENT + 1;
    CHECK_FAILS(fed_head_get(&back, (fed_span){out.data, out.len - 1}, &err),
                FED_E_FORMAT, &err, "task head");
    fed_bytes_fini(&out);
}

static void put_roster(fed_bytes *out, uint32_t n)
{
    fed_roster_member members[3] = {
        {{1}, {11}, true}, {{2}, {12}, false}, {{3}, {13}, true}};
    fed_roster roster = {.task = address(7),
                         .cohort = {9},
                         .version = 4,
                         .phase = FED_PHASE_ABORTED,
                         .reason = "because",
                         .n = n,
                         .members = members};
    fed_bytes_init(out, 4096);
    fed_roster_put(out, &roster);
    CHECK_EQ(out->status, FED_OK);
}

static void test_roster(void)
{
    fed_error err;
    fed_bytes out;
    fed_roster back;
    put_roster(&out, 3);
    CHECK_OK(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), &err);
    CHECK_EQ(back.version, 4);
    CHECK_EQ(back.phase, FED_PHASE_ABORTED);
    CHECK_EQ(back.n, 3);
    CHECK_STR(back.reason, "because");
    CHECK_EQ(back.task.bytes[31], 7);
    CHECK_EQ(back.cohort[0], 9);
    if (back.n == 3) {
        CHECK_EQ(back.members[1].device[0], 2);
        CHECK_EQ(back.members[2].update_id[0], 13);
        CHECK(back.members[0].survived && !back.members[1].survived);
    }
    fed_roster_fini(&back);
    for (size_t n = 0; n < out.len; n++) {
        CHECK_FAILS(fed_roster_get(&back, (fed_span){out.data, n}, &err), FED_E_FORMAT,
                    &err, "cohort");
        CHECK(!back.members);
    }
    fed_bytes_put_u8(&out, 0);
    CHECK_FAILS(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "3 members");
    fed_bytes_fini(&out);
    put_roster(&out, 0);
    CHECK_OK(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), &err);
    CHECK_EQ(back.n, 0);
    fed_roster_fini(&back);
    fed_bytes_fini(&out);
}

static void put_drawn(fed_bytes *out)
{
    uint8_t devices[3][32] = {{1}, {2, 1}, {2, 2}};
    fed_drawn drawn = {
        .version = 4, .attempt = 2, .enrolled = 9, .n = 3, .devices = devices};
    fed_bytes_init(out, 4096);
    fed_drawn_put(out, &drawn);
}

static void test_drawn(void)
{
    enum { ATTEMPT_AT = 8, ENROLLED_AT = 12, N_AT = 16, DEVICES_AT = 20 };
    fed_error err;
    fed_bytes out;
    fed_drawn back;
    put_drawn(&out);
    CHECK_OK(fed_drawn_get(&back, (fed_span){out.data, out.len}, &err), &err);
    CHECK(back.version == 4 && back.attempt == 2 && back.enrolled == 9 && back.n == 3);
    CHECK(fed_drawn_has(&back, (const uint8_t[32]){1}));
    CHECK(fed_drawn_has(&back, (const uint8_t[32]){2, 2}));
    CHECK(!fed_drawn_has(&back, (const uint8_t[32]){2, 3}));
    fed_drawn_fini(&back);
    CHECK(!fed_drawn_has(&back, (const uint8_t[32]){1}));
    for (size_t n = 0; n < out.len; n++)
        CHECK_FAILS(fed_drawn_get(&back, (fed_span){out.data, n}, &err), FED_E_FORMAT,
                    &err, "draw");
    fed_store_u32(out.data + N_AT, UINT32_MAX); /* more than the bytes hold */
    CHECK_EQ(fed_drawn_get(&back, (fed_span){out.data, out.len}, NULL), FED_E_FORMAT);
    fed_store_u32(out.data + N_AT, 3);
    fed_store_u32(out.data + ENROLLED_AT, 2); /* more than there are */
    CHECK_EQ(fed_drawn_get(&back, (fed_span){out.data, out.len}, NULL), FED_E_FORMAT);
    fed_store_u32(out.data + ENROLLED_AT, 9);
    fed_store_u32(out.data + ATTEMPT_AT, 0);
    CHECK_EQ(fed_drawn_get(&back, (fed_span){out.data, out.len}, NULL), FED_E_FORMAT);
    fed_store_u32(out.data + ATTEMPT_AT, 2);
    out.data[DEVICES_AT + 64] = 1; /* a search would miss one */
    CHECK_FAILS(fed_drawn_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "ascend");
    CHECK(!back.devices);
    fed_bytes_fini(&out);
}

/* A number of members that the bytes do not hold must not be believed. */
static void test_roster_lies(void)
{
    enum { PHASE_AT = 72, REASON_AT = 73 };
    fed_error err;
    fed_bytes out;
    fed_roster back;
    put_roster(&out, 3);
    size_t count_at = REASON_AT + 4 + strlen("because");
    fed_store_u32(out.data + count_at, UINT32_MAX);
    CHECK_FAILS(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "members");
    fed_store_u32(out.data + count_at, 3);
    fed_store_u32(out.data + REASON_AT, 200);
    CHECK_FAILS(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "parse");
    fed_store_u32(out.data + REASON_AT, 7);
    out.data[PHASE_AT] = FED_PHASE_ABORTED + 1;
    CHECK_FAILS(fed_roster_get(&back, (fed_span){out.data, out.len}, &err), FED_E_FORMAT,
                &err, "parse");
    fed_bytes_fini(&out);
}

static fed_status parse_roster(void *ctx)
{
    fed_error err;
    fed_roster back;
    const fed_bytes *bytes = ctx;
    fed_status status = fed_roster_get(&back, (fed_span){bytes->data, bytes->len}, &err);
    fed_roster_fini(&back);
    return status;
}

static void test_torture(void)
{
    fed_bytes out;
    put_roster(&out, 3);
    fed_note("%zu allocations", fed_torture(parse_roster, &out));
    fed_bytes_fini(&out);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_keys),        CASE(test_head),
                                     CASE(test_roster),      CASE(test_drawn),
                                     CASE(test_roster_lies), CASE(test_torture)};
    return fed_run("records", cases, sizeof cases / sizeof *cases);
}
