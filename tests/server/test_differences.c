/* The differences that a coordinator makes with each version: what is named is there, leads
 * where it should, and goes when it is not named any more. */
#include "coordinator_rig.h"

static rig r;

static fed_bytes blob(const fed_address *address)
{
    fed_error err;
    fed_bytes out;
    char key[FED_KEY_MAX];
    fed_journal journal = fed_memory_journal_reader(r.journal);
    fed_bytes_init(&out, SIZE_MAX);
    fed_key_blob(key, address);
    CHECK_OK(journal.get(journal.ctx, key, &out, &err), &err);
    return out;
}

static void read_present(fed_version_document *doc, fed_bytes *bytes)
{
    fed_error err;
    fed_task_info info = rig_info(&r, 0);
    *bytes = blob(&info.head.version_blob);
    CHECK_OK(fed_version_document_open((fed_span){bytes->data, bytes->len}, info.document,
                                       &info.id, doc, &err),
             &err);
}

/* Each difference that the present version names leads from that older version to it. */
static void check_differences(float (*versions)[64], uint64_t newest, uint32_t wanted)
{
    fed_version_document doc;
    fed_bytes document;
    size_t n = fed_task_numbers_of(r.task)->params;
    read_present(&doc, &document);
    CHECK_EQ(doc.version, newest);
    CHECK_EQ(doc.n_differences, wanted);
    for (uint32_t i = 0; i < doc.n_differences; i++) {
        fed_error err;
        float rebuilt[64];
        fed_bytes bytes = blob(&doc.differences[i].address);
        CHECK_EQ(bytes.len, doc.differences[i].length);
        memcpy(rebuilt, versions[newest - 1 - i], n * sizeof *rebuilt);
        CHECK_OK(fed_task_apply_difference(r.task, rebuilt,
                                           (fed_span){bytes.data, bytes.len}, &err),
                 &err);
        CHECK_MEM(rebuilt, versions[newest], n * sizeof *rebuilt);
        fed_bytes_fini(&bytes);
    }
    fed_bytes_fini(&document);
}

static fed_status count_blob(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)key, (void)value, (void)err;
    ++*(unsigned *)arg;
    return FED_OK;
}

static unsigned count_blobs(void)
{
    unsigned n = 0;
    fed_error err;
    fed_journal journal = fed_memory_journal_reader(r.journal);
    CHECK_OK(journal.scan(journal.ctx, "blob/", count_blob, &n, &err), &err);
    return n;
}

/* As many as the plan says, no more blobs than the kept versions name, and after a restart the
 * list grows again from the version that was there. */
static void test_differences(void)
{
    enum { REACH = 3, VERSIONS = 9, RESTART_AT = 6 };
    static float versions[VERSIONS + 1][64];
    rig_open(&r);
    rig_create(&r,
               rig_plan_with("\"download\":{\"differences\":3},",
                             "\"count\":100,\"cohort\":2,\"over_select\":1.5"),
               "t");
    size_t n = fed_task_numbers_of(r.task)->params;
    CHECK(n <= 64);
    for (uint8_t v = 0; v <= VERSIONS; v++) {
        if (v) rig_round(&r, v);
        memcpy(versions[v], fed_coordinator_params(r.coordinator, 0), n * sizeof(float));
        unsigned known = v <= RESTART_AT ? v : v - RESTART_AT;
        check_differences(versions, v, known < REACH ? known : REACH);
        if (v == RESTART_AT) rig_restart(&r);
    }
    /* task document and plan; four models and documents; 1 + 2 + 3 + 3 differences at most */
    CHECK_MSG(count_blobs() <= 2 + 2 * FED_VERSIONS_KEPT + 9, "%u blobs", count_blobs());
    rig_close(&r);
}

static void test_no_differences(void)
{
    fed_version_document doc;
    fed_bytes document;
    rig_open(&r);
    rig_create(&r,
               rig_plan_with("\"download\":{\"fraction_bits\":\"none\"},",
                             "\"count\":100,\"cohort\":2,\"over_select\":1.5"),
               "t");
    for (uint8_t v = 1; v <= 3; v++)
        rig_round(&r, v);
    read_present(&doc, &document);
    CHECK_EQ(doc.n_differences, 0);
    CHECK_EQ(count_blobs(), 2 + 2 * 4);
    fed_bytes_fini(&document);
    rig_close(&r);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_differences), CASE(test_no_differences)};
    return fed_run("differences", cases, sizeof cases / sizeof *cases);
}
