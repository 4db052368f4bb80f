/* Which kernel paths this build has. */
#include "kernels/path.h"

extern const fed_path fed_path_scalar, fed_path_neon, fed_path_avx2, fed_path_avx512;

const fed_path *fed_path_find(fed_kernel kernel)
{
    if (!fed_kernel_available(kernel)) return NULL;
    switch (kernel) {
    case FED_KERNEL_SCALAR:
        return &fed_path_scalar;
#if FED_X86_KERNELS
    case FED_KERNEL_AVX2:
        return &fed_path_avx2;
    case FED_KERNEL_AVX512:
        return &fed_path_avx512;
#elif FED_NEON_KERNELS
    case FED_KERNEL_NEON:
        return &fed_path_neon;
#endif
    default:
        return NULL;
    }
}
