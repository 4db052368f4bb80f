/*
 * Kernel paths. Everything in ops/ and kernels/ is compiled once per path with FED_PATH set
 * to its name (scalar, neon, avx2, avx512) and the compiler flags of that instruction set;
 * what is visible outside a file gets the name as a suffix. A program picks one fed_path when
 * it is compiled and calls only through it.
 */
#ifndef FED_PATH_H
#define FED_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base.h"

#ifndef FED_PATH
#define FED_PATH        scalar
#define FED_PATH_SCALAR 1
#endif
#define FED_GLUE_EXPANDED(a, b) a##_##b
#define FED_GLUE(a, b)          FED_GLUE_EXPANDED(a, b)
#define FED_IN_PATH(name)       FED_GLUE(name, FED_PATH)

struct fed_op_row;
struct fed_gemm;
struct fed_update;

/** All that a path offers. */
typedef struct fed_path {
    fed_kernel kernel;
    const struct fed_op_row *const *rows; /* the operator table, NULL at its end */
    void (*gemm)(const struct fed_gemm *gemm, float *scratch);
    void (*scale)(size_t n, float factor, const float *x, float *y);
    void (*add)(size_t n, const float *x, float *y);
    void (*axpy)(size_t n, float factor, const float *x, float *y);
    double (*sum_squares)(size_t n, const float *x);
    bool (*all_finite)(size_t n, const float *x);
    bool (*update)(const struct fed_update *update, size_t from, size_t to);
} fed_path;

/** The path of a kernel, or NULL when this build or this machine lacks it. */
const fed_path *fed_path_find(fed_kernel kernel);

#endif
