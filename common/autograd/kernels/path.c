/* The table of one path. */
#include "path.h"

#include "gemm.h"
#include "update.h"
#include "vector.h"
#include "ops/table.h"

#if defined(FED_PATH_SCALAR)
#define KERNEL FED_KERNEL_SCALAR
#elif defined(__AVX512F__)
#define KERNEL FED_KERNEL_AVX512
#elif defined(__AVX2__)
#define KERNEL FED_KERNEL_AVX2
#else
#define KERNEL FED_KERNEL_NEON
#endif

#define fed_path_this FED_IN_PATH(fed_path)
extern const fed_path fed_path_this;
const fed_path fed_path_this = {
    .kernel = KERNEL,
    .rows = fed_op_rows,
    .gemm = fed_gemm_run,
    .scale = fed_vector_scale,
    .add = fed_vector_add,
    .axpy = fed_vector_axpy,
    .sum_squares = fed_vector_sum_squares,
    .all_finite = fed_vector_all_finite,
    .update = fed_update_run,
};
