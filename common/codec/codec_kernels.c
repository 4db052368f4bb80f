#include "codec_kernels_tables.h"

const fed_codec_kernels *fed_codec_kernels_of(fed_kernel kernel)
{
    switch (kernel) {
#if FED_X86_KERNELS
    case FED_KERNEL_AVX2:
        return &fed_codec_kernels_avx2;
    case FED_KERNEL_AVX512:
        return &fed_codec_kernels_avx512;
#elif defined(__aarch64__)
    case FED_KERNEL_NEON:
        return &fed_codec_kernels_neon;
#endif
    default:
        return &fed_codec_kernels_scalar;
    }
}

const fed_codec_kernels *fed_codec_kernels_active(void)
{
    return fed_codec_kernels_of(fed_kernel_active());
}
