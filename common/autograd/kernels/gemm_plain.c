/* The matrix product in plain C: the reference, and the path of machines without vectors. */
#include "gemm.h"

#if defined(FED_PATH_SCALAR)

static void add_row(const fed_gemm *g, size_t i, float *c)
{
    for (size_t k = 0; k < g->k; k++) {
        float x = g->a[i * g->a_row + k * g->a_col];
        const float *b = g->b + k * g->b_row;
        if (g->b_col == 1)
            for (size_t j = 0; j < g->n; j++)
                c[j] += x * b[j];
        else
            for (size_t j = 0; j < g->n; j++)
                c[j] += x * b[j * g->b_col];
    }
}

/* A row of C moves by its row of the product, which is made in pieces in `sums`. */
static void step_row(const fed_gemm *g, size_t i, float *sums)
{
    for (size_t from = 0; from < g->n; from += FED_GEMM_DEPTH) {
        fed_gemm piece = *g;
        float *c = g->c + i * g->c_row + from;
        piece.b += from * g->b_col;
        piece.n = g->n - from < FED_GEMM_DEPTH ? g->n - from : FED_GEMM_DEPTH;
        memset(sums, 0, piece.n * sizeof *sums);
        add_row(&piece, i, sums);
        for (size_t j = 0; j < piece.n; j++) {
            g->step->finite &= sums[j] - sums[j] == 0;
            c[j] += g->step->rate * sums[j];
        }
    }
}

void fed_gemm_run(const fed_gemm *g, float *scratch)
{
    for (size_t i = 0; i < g->m; i++) {
        float *c = g->c + i * g->c_row;
        if (g->step) {
            step_row(g, i, scratch);
            continue;
        }
        if (!g->accumulate) memset(c, 0, g->n * sizeof *c);
        add_row(g, i, c);
        for (size_t j = 0; g->bias && j < g->n; j++)
            c[j] += g->bias[j];
        for (size_t j = 0; g->relu && j < g->n; j++)
            c[j] = c[j] < 0 ? 0 : c[j];
    }
}

#endif
