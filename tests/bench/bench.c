#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_DEFAULT = 11, SAMPLES_MAX = 1001, SAMPLE_NS = 20000000 };

struct fed_bench {
    const char *name, *only;
    bool json_only;
    uint64_t samples;
    unsigned rows;
    fed_bytes json;
};

static void usage(const char *name)
{
    fprintf(stderr, "usage: bench_%s [--json] [--samples N (1 to %d)] [--only TEXT]\n",
            name, SAMPLES_MAX);
    exit(2);
}

fed_bench *fed_bench_start(const char *name, int argc, char **argv)
{
    fed_bench *b = fed_calloc(1, sizeof *b);
    if (!b) abort();
    b->name = name;
    b->samples = SAMPLES_DEFAULT;
    fed_bytes_init(&b->json, 1 << 20);
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0)
            b->json_only = true;
        else if (strcmp(argv[i], "--only") == 0 && more)
            b->only = argv[++i];
        else if (strcmp(argv[i], "--samples") != 0 || !more ||
                 !fed_text_to_u64(argv[++i], SAMPLES_MAX, &b->samples) || !b->samples)
            usage(name);
    }
    if (!b->json_only)
        printf("%-34s %14s %14s %8s %10s  reference\n", name, "ours", "reference",
               "ratio", "target");
    return b;
}

bool fed_bench_wanted(const fed_bench *b, const char *case_name)
{
    return !b->only || strstr(case_name, b->only);
}

/* ---- measuring ------------------------------------------------------------------------- */

typedef struct side {
    fed_bench_body *body;
    fed_bench_sampler *sampler;
    void *ctx;
    const fed_bench_case *c;
    uint64_t calls; /* per sample, so that a sample lasts long enough for the clock */
    double samples[SAMPLES_MAX];
} side;

static double time_calls(const side *s, uint64_t calls)
{
    int64_t start = fed_clock_monotonic_ns();
    for (uint64_t i = 0; i < calls; i++)
        s->body(s->ctx);
    return (double)(fed_clock_monotonic_ns() - start);
}

static void calibrate(side *s)
{
    s->calls = 1;
    if (!s->body) return;
    time_calls(s, 1); /* warm up */
    for (;;) {
        double ns = time_calls(s, s->calls);
        if (ns >= SAMPLE_NS) return;
        double factor = ns > 0 ? SAMPLE_NS / ns * 1.2 : 100;
        s->calls = 1 + (uint64_t)((double)s->calls * (factor < 100 ? factor : 100));
    }
}

static double in_unit(const fed_bench_case *c, double ns)
{
    if (strcmp(c->unit, "ns") == 0) return ns;
    if (strcmp(c->unit, "us") == 0) return ns / 1e3;
    if (strcmp(c->unit, "ms") == 0) return ns / 1e6;
    if (strcmp(c->unit, "s") == 0) return ns / 1e9;
    return c->work / (ns / 1e9);
}

static double take_sample(const side *s)
{
    if (s->sampler) return s->sampler(s->ctx);
    if (!s->body) return NAN;
    return in_unit(s->c, time_calls(s, s->calls) / (double)s->calls);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(values[i])) return NAN;
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void fed_bench_run(fed_bench *b, const fed_bench_case *c)
{
    static side ours, reference;
    if (!fed_bench_wanted(b, c->name)) return;
    ours = (side){.body = c->ours, .sampler = c->ours_sampler, .ctx = c->ctx, .c = c};
    reference = (side){.body = c->reference,
                       .sampler = c->reference_sampler,
                       .ctx = c->reference_ctx ? c->reference_ctx : c->ctx,
                       .c = c};
    calibrate(&ours);
    calibrate(&reference);
    for (uint64_t i = 0; i < b->samples;
         i++) { /* in turns, and the first turn alternates */
        if (i % 2 == 0) ours.samples[i] = take_sample(&ours);
        reference.samples[i] = take_sample(&reference);
        if (i % 2 == 1) ours.samples[i] = take_sample(&ours);
    }
    fed_bench_add(b,
                  &(fed_bench_figure){.name = c->name,
                                      .unit = c->unit,
                                      .ours = median(ours.samples, b->samples),
                                      .reference = median(reference.samples, b->samples),
                                      .reference_name = c->reference_name,
                                      .target = c->target});
}

/* ---- rows -------------------------------------------------------------------------------- */

static bool wants_ratio(fed_bench_bound bound)
{
    return bound == FED_BENCH_RATIO_AT_MOST || bound == FED_BENCH_RATIO_AT_LEAST;
}

static bool reached(const fed_bench_target *t, double ours, double ratio)
{
    double value = wants_ratio(t->bound) ? ratio : ours;
    if (t->bound == FED_BENCH_RATIO_AT_LEAST || t->bound == FED_BENCH_OURS_AT_LEAST)
        return value >= t->value;
    return value <= t->value;
}

/* "<= 0.4 x" for a ratio, ">= 3 GB/s" for a figure. */
static void target_text(const fed_bench_figure *f, char *out, size_t size)
{
    bool at_least = f->target.bound == FED_BENCH_RATIO_AT_LEAST ||
                    f->target.bound == FED_BENCH_OURS_AT_LEAST;
    snprintf(out, size, "%s %.6g%s%s", at_least ? ">=" : "<=", f->target.value,
             wants_ratio(f->target.bound) ? " x" : " ",
             wants_ratio(f->target.bound) ? "" : f->unit);
}

static void put_text(fed_bytes *out, const char *key, const char *text)
{
    fed_bytes_printf(out, ", \"%s\": ", key);
    if (!text) {
        fed_bytes_put_text(out, "null");
        return;
    }
    fed_bytes_put_text(out, "\"");
    for (; *text; text++)
        fed_bytes_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    fed_bytes_put_text(out, "\"");
}

static void put_number(fed_bytes *out, const char *key, double v)
{
    if (isfinite(v))
        fed_bytes_printf(out, ", \"%s\": %.6g", key, v);
    else
        fed_bytes_printf(out, ", \"%s\": null", key);
}

static void print_row(const fed_bench_figure *f, double ratio, const char *target,
                      const char *verdict)
{
    char ours[32], reference[32] = "-", share[16] = "-";
    snprintf(ours, sizeof ours, "%.4g %s", f->ours, f->unit);
    if (isfinite(f->reference))
        snprintf(reference, sizeof reference, "%.4g %s", f->reference, f->unit);
    if (isfinite(ratio)) snprintf(share, sizeof share, "%.3f", ratio);
    printf("  %-32s %14s %14s %8s %10s  %s%s%s\n", f->name, ours, reference, share,
           target, f->reference_name ? f->reference_name : "", *verdict ? "  " : "",
           verdict);
    fflush(stdout);
}

void fed_bench_add(fed_bench *b, const fed_bench_figure *f)
{
    char target[64] = "";
    double ratio = f->ours / f->reference;
    bool judged = f->target.bound != FED_BENCH_NO_TARGET &&
                  isfinite(wants_ratio(f->target.bound) ? ratio : f->ours);
    bool ok = judged && reached(&f->target, f->ours, ratio);
    if (f->target.bound != FED_BENCH_NO_TARGET) target_text(f, target, sizeof target);
    if (!b->json_only) print_row(f, ratio, target, judged ? (ok ? "ok" : "MISSED") : "");
    fed_bytes_put_text(&b->json, b->rows++ ? ", {" : "{");
    size_t start = b->json.len;
    put_text(&b->json, "name", f->name);
    if (b->json.status == FED_OK) { /* no comma in front of the first member */
        b->json.len -= 2;
        memmove(b->json.data + start, b->json.data + start + 2, b->json.len - start);
    }
    put_number(&b->json, "ours", f->ours);
    put_text(&b->json, "unit", f->unit);
    put_number(&b->json, "reference", f->reference);
    put_text(&b->json, "reference_name", f->reference_name);
    put_number(&b->json, "ratio", ratio);
    put_text(&b->json, "target", *target ? target : NULL);
    fed_bytes_printf(&b->json, ", \"ok\": %s}", !judged ? "null" : ok ? "true" : "false");
}

int fed_bench_finish(fed_bench *b)
{
    const char *rows = fed_bytes_text(&b->json);
    if (rows) printf("{\"bench\": \"%s\", \"rows\": [%s]}\n", b->name, rows);
    fed_bytes_fini(&b->json);
    fed_free(b);
    return rows && fflush(stdout) == 0 ? 0 : 1;
}

void fed_bench_use(const void *p)
{
    static const void *volatile sink;
    sink = p;
    (void)sink;
}
