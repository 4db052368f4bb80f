#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef FED_HARNESS_WITHOUT_CUNIT
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#endif

static struct {
    const fed_case *running;
    unsigned passed, failed, skipped;
    bool case_failed, case_skipped;
} run;

bool fed_check(bool ok, const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!ok) {
        run.case_failed = true;
        printf("  FAILED %s at %s:%d: %s\n", run.running ? run.running->name : "?", file,
               line, text);
    }
#ifndef FED_HARNESS_WITHOUT_CUNIT
    CU_assertImplementation(ok, (unsigned)line, text, file, "", CU_FALSE);
#endif
    return ok;
}

bool fed_check_eq(long long a, long long b, const char *ta, const char *tb,
                  const char *file, int line)
{
    return fed_check(a == b, file, line, "%s is %lld, wanted %s = %lld", ta, a, tb, b);
}

bool fed_check_near(double a, double b, double tolerance, const char *text,
                    const char *file, int line)
{
    return fed_check(fabs(a - b) <= tolerance, file, line,
                     "%s is %.17g, wanted %.17g within %.3g", text, a, b, tolerance);
}

bool fed_check_str(const char *a, const char *b, const char *text, const char *file,
                   int line)
{
    return fed_check(a && b && strcmp(a, b) == 0, file, line,
                     "%s is \"%s\", wanted \"%s\"", text, a ? a : "(null)",
                     b ? b : "(null)");
}

bool fed_check_mem(const void *a, const void *b, size_t n, const char *text,
                   const char *file, int line)
{
    const uint8_t *x = a, *y = b;
    size_t i = 0;
    while (i < n && x[i] == y[i])
        i++;
    if (i == n) return fed_check(true, file, line, "%s", text);
    return fed_check(false, file, line,
                     "%s differs at byte %zu of %zu: %02x, wanted %02x", text, i, n, x[i],
                     y[i]);
}

/* The text of a failure; after success nobody need have filled it. */
static const char *text_of(fed_status status, const fed_error *err)
{
    return status != FED_OK && err ? err->text : "";
}

bool fed_check_ok(fed_status status, const fed_error *err, const char *text,
                  const char *file, int line)
{
    return fed_check(status == FED_OK, file, line, "%s: %s: %s", text,
                     fed_status_name(status), text_of(status, err));
}

bool fed_check_fails(fed_status status, fed_status wanted, const fed_error *err,
                     const char *part, const char *text, const char *file, int line)
{
    bool ok = status == wanted && (!part || strstr(text_of(status, err), part));
    return fed_check(ok, file, line, "%s: %s (\"%s\"), wanted %s with \"%s\"", text,
                     fed_status_name(status), text_of(status, err),
                     fed_status_name(wanted), part ? part : "");
}

void fed_skip(const char *why, ...)
{
    char text[512];
    va_list args;
    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    run.case_skipped = true;
    printf("  SKIPPED %s: %s\n", run.running ? run.running->name : "?", text);
}

void fed_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static void start_case(const fed_case *c)
{
    run.running = c;
    run.case_failed = run.case_skipped = false;
}

static void end_case(void)
{
    if (run.case_failed)
        run.failed++;
    else if (run.case_skipped)
        run.skipped++;
    else
        run.passed++;
    fflush(stdout);
}

static bool wanted(const fed_case *c)
{
    const char *only = getenv("FED_CASE");
    return !only || strstr(c->name, only);
}

#ifdef FED_HARNESS_WITHOUT_CUNIT
static void run_all(const char *suite, const fed_case *cases, size_t n)
{
    (void)suite;
    for (size_t i = 0; i < n; i++) {
        if (!wanted(&cases[i])) continue;
        start_case(&cases[i]);
        cases[i].run();
        end_case();
    }
}
#else
static const fed_case *all_cases;
static size_t n_cases, next_case;

/* CUnit's tests take no argument: they run in the order in which they were added. */
static void run_next(void)
{
    while (next_case < n_cases && !wanted(&all_cases[next_case]))
        next_case++;
    const fed_case *c = &all_cases[next_case++];
    start_case(c);
    c->run();
    end_case();
}

static void run_all(const char *suite, const fed_case *cases, size_t n)
{
    all_cases = cases;
    n_cases = n;
    if (CU_initialize_registry() != CUE_SUCCESS) abort();
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        if (wanted(&cases[i]) && !CU_add_test(s, cases[i].name, run_next)) abort();
    CU_set_fail_on_inactive(CU_FALSE);
    CU_run_all_tests();
    CU_cleanup_registry();
}
#endif

int fed_run(const char *suite, const fed_case *cases, size_t n)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    run_all(suite, cases, n);
    printf("%s: %u passed, %u failed, %u skipped\n", suite, run.passed, run.failed,
           run.skipped);
    return run.failed ? 1 : 0;
}

/* ---- allocation torture ------------------------------------------------------------ */

static struct {
    size_t made, fail_at, live;
    bool failed;
} heap;

static bool must_fail(void)
{
    bool now = heap.made++ == heap.fail_at;
    heap.failed |= now;
    return now;
}

static void *heap_alloc(void *ctx, size_t size)
{
    (void)ctx;
    if (must_fail()) return NULL;
    void *block = malloc(size);
    if (block) heap.live++;
    return block;
}

static void *heap_realloc(void *ctx, void *old, size_t size)
{
    (void)ctx;
    if (must_fail()) return NULL;
    void *block = realloc(old, size);
    if (block && !old) heap.live++;
    return block;
}

static void heap_free(void *ctx, void *block)
{
    (void)ctx;
    heap.live--;
    free(block);
}

static void heap_start(size_t fail_at)
{
    static const fed_allocator counting = {heap_alloc, heap_realloc, heap_free, NULL};
    memset(&heap, 0, sizeof heap);
    heap.fail_at = fail_at;
    fed_memory_set_allocator(&counting);
}

size_t fed_torture(fed_status (*scenario)(void *ctx), void *ctx)
{
    enum { MANY = 200000 };
    for (size_t i = 0; i < MANY; i++) {
        heap_start(i);
        fed_status status = scenario(ctx);
        fed_memory_set_allocator(NULL);
        CHECK_MSG(heap.live == 0, "allocation %zu failing: %zu blocks leaked", i,
                  heap.live);
        if (!heap.failed) {
            CHECK_MSG(status == FED_OK, "with enough memory: %s",
                      fed_status_name(status));
            return i;
        }
        CHECK_MSG(status == FED_E_NOMEM, "allocation %zu failing: answered %s", i,
                  fed_status_name(status));
        if (run.case_failed) return i;
    }
    CHECK_MSG(false, "the scenario makes more than %d allocations", MANY);
    return MANY;
}

void fed_count_allocations_start(void)
{
    heap_start(SIZE_MAX);
}

size_t fed_count_allocations_stop(void)
{
    fed_memory_set_allocator(NULL);
    return heap.made;
}

/* ---- optional things --------------------------------------------------------------- */

static const char *path_below(const char *variable, const char *name)
{
    static char path[1024];
    const char *root = getenv(variable);
    if (!root || !*root) {
        fed_skip("%s is not set: it names the folder that holds %s", variable, name);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (access(path, R_OK) != 0) {
        fed_skip("%s is not there", path);
        return NULL;
    }
    return path;
}

const char *fed_data_path(const char *name)
{
    return path_below("FED_DATA", name);
}

const char *fed_reference_path(const char *name)
{
    return path_below("FED_REFERENCE", name);
}

static fed_status test_fill(void *ctx, const char *purpose, uint64_t index, void *out,
                            size_t n)
{
    uint8_t key[32];
    fed_seed_from_u64(key, *(uint64_t *)ctx);
    size_t length = strlen(purpose);
    for (size_t i = 0; i < length; i++) /* the name goes into the rest of the key */
        key[8 + i % 24] = (uint8_t)(key[8 + i % 24] * 31 + (uint8_t)purpose[i]);
    fed_stream s;
    fed_stream_init(&s, key, FED_PURPOSE_TEST, index);
    fed_stream_fill(&s, out, n);
    return FED_OK;
}

fed_random fed_test_random(uint64_t *seed)
{
    return (fed_random){test_fill, seed};
}
