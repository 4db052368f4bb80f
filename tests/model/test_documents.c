/* The two signed documents: what is written is read, and nothing else is. */
#include "harness.h"

#include "crypto.h"
#include "model.h"

static const uint8_t operator_seed[32] = {1}, server_seed[32] = {2};
static uint8_t operator_key[32];
static fed_task_document task;
static fed_address task_address;
static fed_version_document version;

/* Where the fields of the documents below begin (see taskdocument.h, versiondocument.h). */
enum { POPULATION = 8, NAME = 16, PLAN_LENGTH = 57, MODEL_LENGTH = 129, TIMES = 169 };
enum { TASK_BYTES = 185, VERSION = 40, PARENT = 48, MODEL = 80, ROUND_LENGTH = 112 };
enum { DIFFERENCES = 125, DIFFERENCE = 40 };

static void setup(void)
{
    task = (fed_task_document){.population = "phones!",
                               .name = "mnist lr",
                               .plan = {{0x11}},
                               .plan_length = 1000,
                               .seed = {0x22},
                               .model = {{0x33}},
                               .model_length = 31400,
                               .created_ms = 1700000000000,
                               .expires_ms = 1800000000000};
    CHECK_OK(fed_ed25519_public(server_seed, task.server_key, NULL), NULL);
    CHECK_OK(fed_ed25519_public(operator_seed, operator_key, NULL), NULL);
    CHECK_OK(fed_task_document_address(&task, &task_address, NULL), NULL);
    version = (fed_version_document){.task = task_address,
                                     .version = 3,
                                     .parent = {{0x44}},
                                     .model = {{0x55}},
                                     .round_length = 5,
                                     .round = {(const uint8_t *)"round", 5},
                                     .n_differences = 2,
                                     .differences = {{{{0x66}}, 700}, {{{0x77}}, 900}}};
}

static fed_span span_of(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

static fed_bytes put_task(void)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 2 * FED_TASK_DOCUMENT_MAX);
    CHECK_OK(fed_task_document_put(&task, &out, &err), &err);
    return out;
}

static fed_bytes put_version(void)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 2 * FED_VERSION_DOCUMENT_MAX);
    CHECK_OK(fed_version_document_put(&version, &out, &err), &err);
    return out;
}

static fed_bytes sign_task(void)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, FED_TASK_DOCUMENT_MAX);
    CHECK_OK(fed_task_document_sign(&task, operator_seed, &out, &err), &err);
    return out;
}

static fed_bytes sign_version(void)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, FED_VERSION_DOCUMENT_MAX);
    CHECK_OK(fed_version_document_sign(&version, server_seed, &out, &err), &err);
    return out;
}

/* ---- malformed bytes of both ------------------------------------------------------- */

/* `n` bytes that replace those at `at`, and what reading says to that. */
typedef struct bad_bytes {
    size_t at, n;
    const char *bytes;
    fed_status status;
    const char *text;
} bad_bytes;

typedef fed_bytes put_document(void);
typedef fed_status get_document(fed_span bytes, fed_error *err);

static fed_status get_task(fed_span bytes, fed_error *err)
{
    fed_task_document back, zero;
    fed_status status = fed_task_document_get(bytes, &back, err);
    memset(&zero, 0, sizeof zero);
    if (status) CHECK_MEM(&back, &zero, sizeof zero);
    return status;
}

static fed_status get_version(fed_span bytes, fed_error *err)
{
    fed_version_document back;
    fed_status status = fed_version_document_get(bytes, &back, err);
    if (status) CHECK(back.round.data == NULL && fed_address_is_zero(&back.model));
    return status;
}

static void check_bad_bytes(put_document *put, get_document *get, const bad_bytes *cases,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fed_error err;
        setup();
        fed_bytes b = put();
        memcpy(b.data + cases[i].at, cases[i].bytes, cases[i].n);
        CHECK_FAILS(get(span_of(&b), &err), cases[i].status, &err, cases[i].text);
        CHECK_EQ(err.status, cases[i].status);
        fed_bytes_fini(&b);
    }
}

/* Cut anywhere, or one byte too long. */
static void check_lengths(put_document *put, get_document *get)
{
    fed_error err;
    setup();
    fed_bytes b = put();
    CHECK_OK(get(span_of(&b), &err), &err);
    for (size_t n = 0; n < b.len; n++)
        CHECK_FAILS(get((fed_span){b.data, n}, &err), FED_E_FORMAT, &err,
                    n < 8 ? "FEDD" : "do not hold all fields");
    fed_bytes_put_u8(&b, 0);
    CHECK_FAILS(get(span_of(&b), &err), FED_E_FORMAT, &err, "1 bytes are left over");
    fed_bytes_fini(&b);
}

static void test_lengths(void)
{
    check_lengths(put_task, get_task);
    check_lengths(put_version, get_version);
}

/* ---- task documents ---------------------------------------------------------------- */

/* The layout is a promise: the address of this document was computed from the description
 * in taskdocument.h by an independent program (Python: struct, hashlib, cryptography). */
static void test_task_round_trip(void)
{
    char text[FED_ADDRESS_TEXT];
    fed_task_document back;
    fed_address address;
    fed_error err;
    setup();
    fed_bytes b = sign_task();
    CHECK_EQ(b.len, TASK_BYTES + FED_ED25519_SIGNATURE);
    CHECK_OK(fed_task_document_open(span_of(&b), operator_key, &back, &address, &err),
             &err);
    CHECK_MEM(&back, &task, sizeof task);
    CHECK(fed_address_equal(&address, &task_address));
    fed_address_to_text(&address, text);
    CHECK_STR(text, "6dc888247abbb5ae8ad70ba7e319aaf5a3ba9c516686057942bfe297ab3dbd2f");
    CHECK_OK(fed_task_document_open(span_of(&b), operator_key, &back, NULL, &err), &err);
    fed_bytes_fini(&b);
}

static void test_task_signature(void)
{
    fed_task_document back, zero;
    fed_error err;
    setup();
    fed_bytes b = sign_task();
    memset(&zero, 0, sizeof zero);
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_FAILS(fed_task_document_open(span_of(&b), operator_key, &back, NULL, &err),
                    FED_E_AUTH, &err, "task document: Ed25519");
        CHECK_MEM(&back, &zero, sizeof zero);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < b.len; n++)
        CHECK_FAILS(fed_task_document_open((fed_span){b.data, n}, operator_key, &back,
                                           NULL, &err),
                    n < FED_ED25519_SIGNATURE ? FED_E_FORMAT : FED_E_AUTH, &err,
                    "task document");
    CHECK_FAILS(fed_task_document_open(span_of(&b), task.server_key, &back, NULL, &err),
                FED_E_AUTH, &err, "task document");
    fed_bytes_fini(&b);
}

/* Bytes changed before the operator signed them: a signature does not make them right. */
static void test_bad_task_bytes(void)
{
    static const bad_bytes cases[] = {
        {0, 1, "f", FED_E_FORMAT, "does not start with FEDD"},
        {4, 1, "\0", FED_E_UNSUPPORTED, "format version 0"},
        {4, 1, "\2", FED_E_UNSUPPORTED, "format version 2, this program reads 1"},
        {5, 1, "\1", FED_E_UNSUPPORTED, "format version 257"},
        {6, 1, "\0", FED_E_FORMAT, "type 0, wanted 1"},
        {6, 1, "\2", FED_E_FORMAT, "type 2, wanted 1"},
        {POPULATION, 1, "\0", FED_E_FORMAT, "do not hold all fields"},
        {POPULATION, 1, "\x41", FED_E_FORMAT, "do not hold all fields"},
        {POPULATION, 1, "\xff", FED_E_FORMAT, "do not hold all fields"},
        {POPULATION + 1, 1, "\0", FED_E_FORMAT, "do not hold all fields"},
        {POPULATION + 1, 1, "\n", FED_E_FORMAT, "population: must be 1 to 64 printable"},
        {POPULATION + 7, 1, "\x7f", FED_E_FORMAT,
         "population: must be 1 to 64 printable"},
        {POPULATION + 1, 1, "\xc3", FED_E_FORMAT,
         "population: must be 1 to 64 printable"},
        {NAME, 1, "\x09", FED_E_FORMAT, "do not hold all fields"},
        {NAME + 2, 1, "\0", FED_E_FORMAT, "do not hold all fields"},
        {NAME + 1, 1, "\x1b", FED_E_FORMAT, "name: must be 1 to 64 printable"},
        {PLAN_LENGTH, 2, "\0\0", FED_E_FORMAT,
         "plan_length: 0 bytes, must be 1 to 1048576"},
        {PLAN_LENGTH + 2, 1, "\x10", FED_E_FORMAT, "plan_length: 1049576 bytes"},
        {PLAN_LENGTH + 7, 1, "\x80", FED_E_FORMAT,
         "plan_length: 9223372036854776808 bytes"},
        {MODEL_LENGTH, 2, "\0\0", FED_E_FORMAT, "model_length: 0 bytes, must be 1 to"},
        {MODEL_LENGTH + 4, 1, "\4", FED_E_FORMAT, "model_length: 17179900584 bytes"},
        {TIMES + 7, 1, "\x80", FED_E_FORMAT,
         "expires_ms: created at -9223370336854775808"},
        {TIMES + 15, 1, "\x80", FED_E_FORMAT, "must be later"},
        {TIMES + 8, 8, "\0\0\0\0\0\0\0\0", FED_E_FORMAT, "expires at 0, must be later"}};
    check_bad_bytes(put_task, get_task, cases, sizeof cases / sizeof *cases);
}

static void test_bad_tasks_are_not_written(void)
{
    for (int i = 0; i < 8; i++) {
        static const char *const texts[] = {"population",  "population",   "name",
                                            "plan_length", "model_length", "model_length",
                                            "expires_ms",  "expires_ms"};
        fed_bytes out;
        fed_error err;
        setup();
        switch (i) {
        case 0:
            task.population[0] = 0;
            break;
        case 1:
            memset(task.population, 'p', sizeof task.population);
            break; /* no NUL */
        case 2:
            task.name[0] = '\t';
            break;
        case 3:
            task.plan_length = FED_PLAN_BYTES_MAX + 1;
            break;
        case 4:
            task.model_length = 0;
            break;
        case 5:
            task.model_length = FED_MODEL_BYTES_MAX + 1;
            break;
        case 6:
            task.expires_ms = task.created_ms;
            break;
        default:
            task.created_ms = -1;
            break;
        }
        fed_bytes_init(&out, FED_TASK_DOCUMENT_MAX);
        CHECK_FAILS(fed_task_document_sign(&task, operator_seed, &out, &err),
                    FED_E_INVALID, &err, texts[i]);
        CHECK_EQ(out.len, 0);
        fed_bytes_fini(&out);
    }
}

/* ---- version documents ------------------------------------------------------------- */

static void check_same_version(const fed_version_document *a,
                               const fed_version_document *b)
{
    CHECK(fed_address_equal(&a->task, &b->task));
    CHECK_EQ(a->version, b->version);
    CHECK(fed_address_equal(&a->parent, &b->parent));
    CHECK(fed_address_equal(&a->model, &b->model));
    CHECK_EQ(a->round_length, b->round_length);
    CHECK_EQ(a->round.len, b->round.len);
    if (a->round.len == b->round.len && a->round.len)
        CHECK_MEM(a->round.data, b->round.data, a->round.len);
    CHECK(fed_address_equal(&a->round_address, &b->round_address));
    CHECK_EQ(a->n_differences, b->n_differences);
    for (uint32_t i = 0; i < a->n_differences; i++) {
        CHECK(fed_address_equal(&a->differences[i].address, &b->differences[i].address));
        CHECK_EQ(a->differences[i].length, b->differences[i].length);
    }
}

static void check_opens(void)
{
    fed_version_document back;
    fed_error err;
    fed_bytes b = sign_version();
    CHECK_OK(fed_version_document_open(span_of(&b), &task, &task_address, &back, &err),
             &err);
    check_same_version(&back, &version);
    fed_bytes_fini(&b);
}

static void test_version_round_trip(void)
{
    static const uint8_t bytes[FED_ROUND_INLINE_MAX];
    setup();
    check_opens();
    version.version = 0;
    version.parent = (fed_address){{0}};
    version.round_length = 0;
    version.round = (fed_span){NULL, 0};
    version.n_differences = 0;
    check_opens();
    version.version = FED_DIFFERENCES_MAX;
    version.parent.bytes[0] = 1;
    version.n_differences = FED_DIFFERENCES_MAX;
    for (uint8_t i = 0; i < FED_DIFFERENCES_MAX; i++)
        version.differences[i] = (fed_version_difference){{{i + 1}}, UINT64_C(1) << 40};
    check_opens();
    version.round_length = sizeof bytes;
    version.round = (fed_span){bytes, sizeof bytes};
    check_opens();
    version.round_length = sizeof bytes + 1;
    version.round = (fed_span){NULL, 0};
    version.round_address.bytes[5] = 1;
    check_opens();
}

/* Where the bytes are: the address of version 3 above, computed as for the task. */
static void test_version_layout(void)
{
    char text[FED_ADDRESS_TEXT];
    fed_address address;
    setup();
    fed_bytes b = put_version();
    CHECK_OK(fed_address_of(b.data, b.len, &address, NULL), NULL);
    fed_address_to_text(&address, text);
    CHECK_STR(text, "6429cb0c085cf2b1390ccce107fbc2ffc42190f7008b5a27b2c06706396cf8ed");
    fed_bytes_fini(&b);
}

static void test_version_signature(void)
{
    fed_version_document back;
    fed_error err;
    setup();
    fed_bytes b = sign_version();
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_FAILS(
            fed_version_document_open(span_of(&b), &task, &task_address, &back, &err),
            FED_E_AUTH, &err, "version document: Ed25519");
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < b.len; n++)
        CHECK(fed_version_document_open((fed_span){b.data, n}, &task, &task_address,
                                        &back, &err) != FED_OK);
    memcpy(task.server_key, operator_key, sizeof operator_key);
    CHECK_FAILS(fed_version_document_open(span_of(&b), &task, &task_address, &back, &err),
                FED_E_AUTH, &err, "Ed25519");
    fed_bytes_fini(&b);
}

/* One server may carry several tasks: a version of one is none of another. */
static void test_version_of_another_task(void)
{
    fed_version_document back;
    fed_error err;
    setup();
    fed_bytes b = sign_version();
    task_address.bytes[0] ^= 1;
    CHECK_FAILS(fed_version_document_open(span_of(&b), &task, &task_address, &back, &err),
                FED_E_AUTH, &err, "of another task");
    CHECK(back.round.data == NULL);
    fed_bytes_fini(&b);
}

/* A task that the operator signed is no version, whoever's key is tried. */
static void test_documents_are_not_exchanged(void)
{
    fed_version_document back;
    fed_error err;
    setup();
    fed_bytes b = sign_task();
    memcpy(task.server_key, operator_key, sizeof operator_key);
    CHECK_FAILS(fed_version_document_open(span_of(&b), &task, &task_address, &back, &err),
                FED_E_FORMAT, &err, "type 1, wanted 2");
    fed_bytes_fini(&b);
}

#define ZEROS_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void test_bad_version_bytes(void)
{
    static const bad_bytes cases[] = {
        {1, 1, "e", FED_E_FORMAT, "does not start with FEDD"},
        {4, 1, "\3", FED_E_UNSUPPORTED, "format version 3"},
        {7, 1, "\1", FED_E_FORMAT, "type 258, wanted 2"},
        {8, 32, ZEROS_32, FED_E_FORMAT, "task: must not be zero"},
        {MODEL, 32, ZEROS_32, FED_E_FORMAT, "model: must not be zero"},
        {VERSION, 1, "\0", FED_E_FORMAT, "parent: must be zero exactly for version 0"},
        {PARENT, 32, ZEROS_32, FED_E_FORMAT,
         "parent: must be zero exactly for version 0, is 3"},
        {ROUND_LENGTH, 1, "\4", FED_E_FORMAT, "do not hold all fields"},
        {ROUND_LENGTH, 1, "\x54", FED_E_FORMAT, "1 bytes are left over"},
        {DIFFERENCES, 1, "\1", FED_E_FORMAT, "40 bytes are left over"},
        {DIFFERENCES, 1, "\3", FED_E_FORMAT, "do not hold all fields"},
        {DIFFERENCES, 1, "\xff", FED_E_FORMAT, "do not hold all fields"},
        {DIFFERENCES + 1, 1, "\0", FED_E_FORMAT, "differences[0]: address and length"},
        {DIFFERENCES + 1 + DIFFERENCE + 32, 2, "\0\0", FED_E_FORMAT,
         "differences[1]: address and length"},
        {VERSION, 1, "\1", FED_E_FORMAT,
         "differences: 2, at most 32, and at most the version, 1"},
        {ROUND_LENGTH + 2, 1, "\1", FED_E_FORMAT, "53 bytes are left over"},
        {ROUND_LENGTH + 7, 1, "\xff", FED_E_FORMAT, "53 bytes are left over"}};
    check_bad_bytes(put_version, get_version, cases, sizeof cases / sizeof *cases);
}

/* The form with an address: its own bounds. */
static void test_bad_round_addresses(void)
{
    fed_version_document back;
    fed_error err;
    setup();
    version.round_length = FED_ROUND_INLINE_MAX + 1;
    version.round = (fed_span){NULL, 0};
    version.round_address.bytes[0] = 1;
    fed_bytes b = put_version();
    CHECK_OK(fed_version_document_get(span_of(&b), &back, &err), &err);
    b.data[ROUND_LENGTH + 8] = 0;
    CHECK_FAILS(fed_version_document_get(span_of(&b), &back, &err), FED_E_FORMAT, &err,
                "round_address: must be there exactly for more than 65536 bytes");
    b.data[ROUND_LENGTH + 8] = 1;
    b.data[ROUND_LENGTH + 4] = 1;
    CHECK_FAILS(fed_version_document_get(span_of(&b), &back, &err), FED_E_FORMAT, &err,
                "round_length: 4295032833, at most 1073741824");
    fed_bytes_fini(&b);
}

static void test_bad_versions_are_not_written(void)
{
    static const char *const texts[] = {"round: 5 bytes here, round_length says 4",
                                        "round: 5 bytes here, round_length says 65537",
                                        "round_address",
                                        "parent",
                                        "differences: 33, at most 32",
                                        "differences[1]",
                                        "model"};
    for (int i = 0; i < 7; i++) {
        fed_bytes out;
        fed_error err;
        setup();
        switch (i) {
        case 0:
            version.round_length = 4;
            break;
        case 1:
            version.round_length = FED_ROUND_INLINE_MAX + 1;
            break;
        case 2:
            version.round_address.bytes[0] = 1;
            break;
        case 3:
            version.version = 0;
            break;
        case 4:
            version.n_differences = FED_DIFFERENCES_MAX + 1;
            break;
        case 5:
            version.differences[1].length = 0;
            break;
        default:
            version.model = (fed_address){{0}};
            break;
        }
        fed_bytes_init(&out, FED_VERSION_DOCUMENT_MAX);
        CHECK_FAILS(fed_version_document_sign(&version, server_seed, &out, &err),
                    FED_E_INVALID, &err, texts[i]);
        CHECK_EQ(out.len, 0);
        fed_bytes_fini(&out);
    }
}

static fed_status sign_both(void *ctx)
{
    fed_bytes out;
    fed_address address;
    fed_status status;
    (void)ctx;
    fed_bytes_init(&out, FED_VERSION_DOCUMENT_MAX);
    FED_GO(fed_task_document_address(&task, &address, NULL));
    FED_GO(fed_task_document_sign(&task, operator_seed, &out, NULL));
    FED_GO(fed_version_document_sign(&version, server_seed, &out, NULL));
out:
    fed_bytes_fini(&out);
    return status;
}

static void test_allocation_failures(void)
{
    setup();
    CHECK(fed_torture(sign_both, NULL) >= 4);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_lengths),
                                     CASE(test_task_round_trip),
                                     CASE(test_task_signature),
                                     CASE(test_bad_task_bytes),
                                     CASE(test_bad_tasks_are_not_written),
                                     CASE(test_version_round_trip),
                                     CASE(test_version_layout),
                                     CASE(test_version_signature),
                                     CASE(test_version_of_another_task),
                                     CASE(test_documents_are_not_exchanged),
                                     CASE(test_bad_version_bytes),
                                     CASE(test_bad_round_addresses),
                                     CASE(test_bad_versions_are_not_written),
                                     CASE(test_allocation_failures)};
    return fed_run("documents", cases, sizeof cases / sizeof *cases);
}
