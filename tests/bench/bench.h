/*
 * Benchmarks that can be believed: ours and the reference run in turns, in one process or in
 * a child that waits for its turn, and the medians are compared.
 *
 *     static void ours(void *ctx) { ... }
 *     static void theirs(void *ctx) { ... }
 *
 *     int main(int argc, char **argv)
 *     {
 *         fed_bench *b = fed_bench_start("codec", argc, argv);
 *         fed_bench_run(b, &(fed_bench_case){
 *             .name = "rotate 1.66 M", .unit = "ms", .ours = ours, .reference = theirs,
 *             .reference_name = "prototype", .target = {FED_BENCH_RATIO_AT_MOST, 0.8}});
 *         return fed_bench_finish(b);
 *     }
 *
 * The last line of output is one JSON object; script/bench shows it. Arguments: --json (only
 * that line), --samples N, --only TEXT (cases whose name contains it).
 */
#ifndef FED_BENCH_H
#define FED_BENCH_H

#include "base.h"

/** What a figure must reach. The ratio is ours / reference, in the case's unit. */
typedef enum fed_bench_bound {
    FED_BENCH_NO_TARGET,
    FED_BENCH_RATIO_AT_MOST,
    FED_BENCH_RATIO_AT_LEAST,
    FED_BENCH_OURS_AT_MOST,
    FED_BENCH_OURS_AT_LEAST
} fed_bench_bound;

typedef struct fed_bench_target {
    fed_bench_bound bound;
    double value;
} fed_bench_target;

typedef void fed_bench_body(void *ctx);
/** Measures for itself and returns a figure in the case's unit; NaN when it cannot. */
typedef double fed_bench_sampler(void *ctx);

/** One comparison. Each side is a body, which is timed, or a sampler. */
typedef struct fed_bench_case {
    const char *name;
    const char *unit; /* "s", "ms", "us", "ns": time of one call. Anything else is a rate:
                         `work` of it are done in one call, e.g. "GB/s" with bytes / 1e9 */
    double work;
    fed_bench_body *ours;
    fed_bench_sampler *ours_sampler;
    fed_bench_body *reference; /* NULL and no sampler: there is none */
    fed_bench_sampler *reference_sampler;
    const char *reference_name;
    void *ctx;           /* of ours */
    void *reference_ctx; /* NULL: the same */
    fed_bench_target target;
} fed_bench_case;

/** A figure measured elsewhere (bytes on the wire, resident memory). reference NaN: none. */
typedef struct fed_bench_figure {
    const char *name, *unit;
    double ours, reference;
    const char *reference_name;
    fed_bench_target target;
} fed_bench_figure;

typedef struct fed_bench fed_bench;

/** Begin; wrong arguments end the process with 2. All texts are borrowed until the end. */
fed_bench *fed_bench_start(const char *name, int argc, char **argv);
/** True when --only lets this name through: to spare the set-up of a case. */
bool fed_bench_wanted(const fed_bench *b, const char *case_name);
/** Measure a case and add its row. */
void fed_bench_run(fed_bench *b, const fed_bench_case *c);
/** Add a row. */
void fed_bench_add(fed_bench *b, const fed_bench_figure *figure);
/** Print the JSON line and release everything. The exit code of main: 0 when all was
 *  measured, whether or not targets were reached. */
int fed_bench_finish(fed_bench *b);

/** A reference that lives in a child process, PyTorch for instance. It is asked by one line
 *  (a case's name) and answers by one line with a number, when it has measured; so it takes
 *  its turn like everything else. */
typedef struct fed_bench_child fed_bench_child;
/** Start `argv` (NULL-terminated, found by PATH). NULL when it does not answer "ready". */
fed_bench_child *fed_bench_child_start(const char *const *argv);
/** Ask once; NaN when the child has no answer or is NULL. */
double fed_bench_child_ask(fed_bench_child *child, const char *question);
void fed_bench_child_stop(fed_bench_child *child);

/** Keep the compiler from dropping a result. */
void fed_bench_use(const void *p);

#endif
