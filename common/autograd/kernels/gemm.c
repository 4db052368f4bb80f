/*
 * The matrix product with vectors. A tile of C, FED_TILE_ROWS rows by two vectors, stays in
 * registers while k runs; each step loads two vectors of B and broadcasts one element of A
 * per row. At the batch sizes of a device, packing A would cost more than it saves, and B is
 * packed only when enough rows use the panel again or when it lies transposed.
 *
 * K is cut into blocks of FED_GEMM_DEPTH so that a panel of B stays in the first-level
 * cache. Loop order and tile shapes depend on the sizes alone: the same bits every time.
 */
#include "gemm.h"

#if !defined(FED_PATH_SCALAR)

#include "transpose.h"

enum {
    PANEL = 2 * FED_LANES,
    FEW_TILES = 4 /* to a panel: fewer do not pay for a copy */
};

/* Where a tile gets its operands and what happens when its sums are complete. */
typedef struct fed_tile {
    size_t k;
    const float *a;
    size_t a_row, a_col;
    const float *b;
    size_t b_row;
    const float
        *ahead; /* NULL, or what the next tile reads: fetched while this one works */
    size_t ahead_step; /* floats of it for each k */
    float *c;
    size_t c_row, n;
    bool accumulate, relu;
    const float *bias;
    float rate; /* of a step */
    fed_vec
        *witness; /* NULL, or: this is a step; stays 0 as long as all sums are finite */
} fed_tile;

/* What a step does to one vector of each row of C; see fed_step. */
static inline __attribute__((always_inline)) void
take_step(const fed_tile *t, size_t rows, fed_vec *s, const float *c, fed_mask m)
{
    fed_vec rate = vec_set(t->rate), zero = vec_set(0), seen[2] = {*t->witness, zero};
    FED_UNROLL
    for (size_t i = 0; i < rows; i++) {
        seen[i % 2] = vec_fma(zero, s[i], seen[i % 2]); /* 0 times infinity is NaN */
        s[i] = vec_fma(rate, s[i], vec_load_part(c + i * t->c_row, m));
    }
    *t->witness = vec_add(seen[0], seen[1]);
}

/* Finish one vector of each row: C, bias, rectifier, store. */
static inline __attribute__((always_inline)) void
finish(const fed_tile *t, size_t rows, fed_vec *s, size_t column, size_t n)
{
    fed_mask m = vec_mask(n);
    fed_vec zero = vec_set(0);
    float *c = t->c + column;
    if (t->witness) {
        take_step(t, rows, s, c, m);
    } else if (t->accumulate) {
        FED_UNROLL
        for (size_t i = 0; i < rows; i++)
            s[i] = vec_add(s[i], vec_load_part(c + i * t->c_row, m));
    }
    if (t->bias) {
        fed_vec bias = vec_load_part(t->bias + column, m);
        FED_UNROLL
        for (size_t i = 0; i < rows; i++)
            s[i] = vec_add(s[i], bias);
    }
    if (t->relu) { /* this order of arguments lets a NaN through */
        FED_UNROLL
        for (size_t i = 0; i < rows; i++)
            s[i] = vec_max(zero, s[i]);
    }
    if (n >= FED_LANES) {
        FED_UNROLL
        for (size_t i = 0; i < rows; i++)
            vec_store(c + i * t->c_row, s[i]);
        return;
    }
    FED_UNROLL
    for (size_t i = 0; i < rows; i++)
        vec_store_part(c + i * t->c_row, m, s[i]);
}

/* The three widths of a tile: two full vectors, one full and one part, one part. */
enum { WIDE, MIDDLE, NARROW };

/* The sums of a tile. Fetching goes to the second level: there it waits long enough. It names the
 * ends of lines, since rows need not start where a line does and the start came with the panel
 * before. */
static inline __attribute__((always_inline)) void
sum(const fed_tile *t, size_t rows, int width, bool fetch, fed_vec *s0, fed_vec *s1)
{
    enum { SECOND_LEVEL = 2 };
    const size_t line = 16;
    const float *a = t->a, *b = t->b, *ahead = t->ahead;
    const size_t a_row = t->a_row, a_col = t->a_col, b_row = t->b_row;
    const fed_mask m = vec_mask(width == MIDDLE ? t->n - FED_LANES : t->n);
    for (size_t k = t->k; k; k--, a += a_col, b += b_row) {
        fed_vec b0 = width == NARROW ? vec_load_part(b, m) : vec_load(b), b1 = b0;
        if (width == WIDE) b1 = vec_load(b + FED_LANES);
        if (width == MIDDLE) b1 = vec_load_part(b + FED_LANES, m);
        if (fetch) {
            __builtin_prefetch(ahead + line - 1, 0, SECOND_LEVEL);
            if (width == WIDE && PANEL > line)
                __builtin_prefetch(ahead + 2 * line - 1, 0, SECOND_LEVEL);
            ahead += t->ahead_step;
        }
        FED_UNROLL
        for (size_t i = 0; i < rows; i++) {
            fed_vec x = vec_set(a[i * a_row]);
            s0[i] = vec_fma(x, b0, s0[i]);
            if (width != NARROW) s1[i] = vec_fma(x, b1, s1[i]);
        }
    }
}

static inline __attribute__((always_inline)) void tile(const fed_tile *t, size_t rows)
{
    fed_vec s0[FED_TILE_ROWS], s1[FED_TILE_ROWS];
    FED_UNROLL
    for (size_t i = 0; i < rows; i++)
        s0[i] = s1[i] = vec_set(0);
    if (t->n == PANEL && t->ahead)
        sum(t, rows, WIDE, true, s0, s1);
    else if (t->n == PANEL)
        sum(t, rows, WIDE, false, s0, s1);
    else if (t->n > FED_LANES)
        sum(t, rows, MIDDLE, false, s0, s1);
    else if (t->ahead)
        sum(t, rows, NARROW, true, s0, s1);
    else
        sum(t, rows, NARROW, false, s0, s1);
    finish(t, rows, s0, 0, t->n);
    if (t->n > FED_LANES) finish(t, rows, s1, FED_LANES, t->n - FED_LANES);
}

/* One function for each number of rows, so that the sums stay in registers. */
#define TILE(rows)                                                                       \
    static void tile_##rows(const fed_tile *t)                                           \
    {                                                                                    \
        tile(t, rows);                                                                   \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if FED_TILE_MAX > 6
TILE(7)
TILE(8)
#endif
#if FED_TILE_MAX > 8
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif
static void (*const tiles[])(const fed_tile *) = {
    NULL,   tile_1,  tile_2,  tile_3,  tile_4, tile_5, tile_6,
#if FED_TILE_MAX > 6
    tile_7, tile_8,
#endif
#if FED_TILE_MAX > 8
    tile_9, tile_10, tile_11, tile_12,
#endif
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* All rows of one panel: tiles of as equal a height as can be. `next_a` (may be NULL) is what
 * the next block reads of a transposed A, whose tiles share no lines with the one before. */
static void run_panel(const fed_gemm *g, fed_tile *t, const float *next_a)
{
    size_t left = (g->m + FED_TILE_ROWS - 1) / FED_TILE_ROWS;
    const float *a = t->a;
    float *c = t->c;
    for (size_t i = 0; i < g->m; left--) {
        size_t rows = (g->m - i + left - 1) / left;
        t->a = a + i * t->a_row;
        t->c = c + i * t->c_row;
        if (next_a) t->ahead = next_a + i;
        tiles[rows](t);
        if (!next_a) t->ahead = NULL; /* one tile asks for all */
        i += rows;
    }
}

/* Copy a panel of B (depth x n) to contiguous rows of PANEL floats. */
static const float *pack(const fed_gemm *g, const float *b, size_t depth, size_t n,
                         float *to)
{
    if (g->b_col != 1) {
        fed_transpose(n, depth, b, g->b_col, to, PANEL);
        return to;
    }
    for (size_t k = 0; k < depth; k++)
        memcpy(to + k * PANEL, b + k * g->b_row, n * sizeof *to);
    return to;
}

/* C' = B' A' for a transposed B and few rows: B is read as it lies, only A and C turn. */
static void run_turned(const fed_gemm *g, float *scratch)
{
    float *turned_a = scratch, *corner = scratch + FED_GEMM_DEPTH * FED_GEMM_WIDTH;
    for (size_t k0 = 0; k0 < g->k; k0 += FED_GEMM_DEPTH) {
        size_t depth = least(g->k - k0, FED_GEMM_DEPTH);
        bool last = k0 + depth == g->k;
        const float *a = g->a + k0 * g->a_col;
        size_t a_row = g->a_col; /* a turned A lies as it should */
        if (g->a_row != 1) {
            fed_transpose(g->m, depth, a, g->a_row, turned_a, PANEL);
            a = turned_a, a_row = PANEL;
        }
        for (size_t j = 0, rows; j < g->n; j += rows) {
            rows = least(g->n - j, FED_TILE_ROWS);
            bool more = j + rows < g->n && depth == g->b_col; /* and right behind */
            fed_tile t = {.k = depth,
                          .a = g->b + k0 * g->b_row + j * g->b_col,
                          .a_row = g->b_col,
                          .a_col = g->b_row,
                          .b = a,
                          .b_row = a_row,
                          .ahead = more ? g->b + (j + rows) * g->b_col : NULL,
                          .ahead_step = rows,
                          .c = corner,
                          .c_row = PANEL,
                          .n = g->m};
            tiles[rows](&t);
            for (size_t i = 0; i < g->m; i++) {
                float *c = g->c + i * g->c_row + j;
                for (size_t r = 0; r < rows; r++) {
                    float y = corner[r * PANEL + i];
                    if (g->accumulate || k0) y += c[r];
                    if (last && g->bias) y += g->bias[j + r];
                    c[r] = last && g->relu && y < 0 ? 0 : y;
                }
            }
        }
    }
}

/* Rows of B that lie far apart miss the translation buffer and, at multiples of a page, fall
 * on each other's cache lines; copying pays when enough rows of A use the panel. */
static bool worth_packing(const fed_gemm *g, size_t depth)
{
    if (g->m <= FEW_TILES * FED_TILE_ROWS || g->b_row <= 128) return false;
    return depth > 64 || g->b_row % 512 == 0;
}

/* What the tiles behind panel `j` of a block read, when B is not packed: rows of B that lie far
 * apart come slowly unless they are asked for early. */
static const float *next_panel(const fed_gemm *g, size_t k0, size_t depth, size_t j)
{
    const float *next = g->b + k0 * g->b_row + j + PANEL;
    if (g->m > FEW_TILES * FED_TILE_ROWS || g->b_col != 1) return NULL;
    if (j + PANEL < g->n) return next;
    return k0 + depth < g->k ? g->b + (k0 + depth) * g->b_row : NULL;
}

static void run_blocks(const fed_gemm *g, fed_vec *witness, float *scratch)
{
    for (size_t k0 = 0; k0 < g->k; k0 += FED_GEMM_DEPTH) {
        size_t depth = least(g->k - k0, FED_GEMM_DEPTH);
        bool last = k0 + depth == g->k;
        for (size_t j = 0; j < g->n; j += PANEL) {
            size_t n = least(g->n - j, PANEL);
            const float *b = g->b + k0 * g->b_row + j * g->b_col;
            bool packed = g->b_col != 1 || worth_packing(g, depth);
            fed_tile t = {.k = depth,
                          .a = g->a + k0 * g->a_col,
                          .a_row = g->a_row,
                          .a_col = g->a_col,
                          .b = packed ? pack(g, b, depth, n, scratch) : b,
                          .b_row = packed ? PANEL : g->b_row,
                          .ahead = next_panel(g, k0, depth, j),
                          .ahead_step = g->b_row,
                          .c = g->c + j,
                          .c_row = g->c_row,
                          .n = n,
                          .accumulate = g->accumulate || k0,
                          .relu = last && g->relu,
                          .bias = last && g->bias ? g->bias + j : NULL,
                          .rate = g->step ? g->step->rate : 0,
                          .witness = g->step ? witness : NULL};
            bool first = j == 0 && !last && g->m > FED_TILE_ROWS && g->a_row == 1;
            if (first) t.ahead_step = g->a_col;
            run_panel(g, &t, first ? t.a + depth * g->a_col : NULL);
        }
    }
}

/* Rows of A in slices that stay in the second-level cache while all panels pass over them; and
 * for a short sum, rows of C, so that they are written from front to back. */
static void run_slices(const fed_gemm *g, float *scratch)
{
    enum { SLICE = 1 << 17, SHORT = 64, SLICE_OF_C = 1 << 14 }; /* floats */
    fed_vec witness = vec_set(0);
    size_t each = SLICE / least(g->k, FED_GEMM_DEPTH);
    if (g->k <= SHORT && g->n > PANEL) each = least(each, SLICE_OF_C / g->n + 1);
    size_t slices = (g->m + each - 1) / each, tile = FED_TILE_ROWS;
    size_t rows =
        (g->m / slices + tile - 1) / tile * tile; /* whole tiles but for the last */
    for (size_t i = 0; i < g->m; i += rows) {
        fed_gemm slice = *g;
        slice.m = least(g->m - i, rows);
        slice.a += i * g->a_row, slice.c += i * g->c_row;
        run_blocks(&slice, &witness, scratch);
    }
    if (g->step && vec_sum(witness) != 0) g->step->finite = false;
}

/* An empty sum: zeros or C, then bias and rectifier, by way of one zero step. */
static void run_empty(const fed_gemm *g, float *scratch)
{
    fed_gemm zero = *g;
    memset(scratch, 0, PANEL * sizeof *scratch);
    for (size_t j = 0; j < g->n; j += PANEL) {
        zero.k = 1, zero.n = least(g->n - j, PANEL), zero.c = g->c + j;
        zero.a = zero.b = scratch, zero.a_row = zero.a_col = 0;
        zero.b_row = PANEL, zero.b_col = 1;
        zero.bias = g->bias ? g->bias + j : NULL;
        run_blocks(&zero, NULL, scratch);
    }
}

void fed_gemm_run(const fed_gemm *g, float *scratch)
{
    if (!g->k)
        run_empty(g, scratch);
    else if (g->b_col != 1 && g->m <= PANEL && (g->a_col == 1 || g->a_row == 1))
        run_turned(g, scratch);
    else
        run_slices(g, scratch);
}

#endif
