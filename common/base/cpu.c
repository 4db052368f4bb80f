#include "cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if FED_X86_KERNELS
#include <cpuid.h>
#endif

static const char *const names[] = {"scalar", "neon", "avx2", "avx512"};

bool fed_kernel_available(fed_kernel kernel)
{
    switch (kernel) {
    case FED_KERNEL_SCALAR:
        return true;
#if FED_X86_KERNELS
    case FED_KERNEL_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case FED_KERNEL_AVX512:
        return fed_kernel_available(FED_KERNEL_AVX2) &&
               __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif FED_NEON_KERNELS
    case FED_KERNEL_NEON:
        return true; /* part of the base architecture */
#endif
    default:
        return false;
    }
}

bool fed_cpu_has_vaes512(void)
{
#if FED_X86_KERNELS
    enum { VAES = 1u << 9 }; /* leaf 7, ecx; Clang 14 has no name for it */
    unsigned a, b, c = 0, d;
    return fed_kernel_available(FED_KERNEL_AVX512) &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & VAES);
#else
    return false;
#endif
}

const char *fed_kernel_name(fed_kernel kernel)
{
    return names[kernel];
}

static fed_kernel choose(void)
{
    const char *pin = getenv("FED_KERNEL");
    int best = FED_KERNEL_AVX512;
    while (!fed_kernel_available((fed_kernel)best))
        best--;
    for (int k = 0; pin && k <= FED_KERNEL_AVX512; k++)
        if (strcmp(pin, names[k]) == 0 && fed_kernel_available((fed_kernel)k))
            return (fed_kernel)k;
    return (fed_kernel)best;
}

fed_kernel fed_kernel_active(void)
{
    static atomic_int chosen = -1; /* idempotent: every thread would choose the same */
    int kernel = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (kernel < 0) {
        kernel = (int)choose();
        atomic_store_explicit(&chosen, kernel, memory_order_relaxed);
    }
    return (fed_kernel)kernel;
}
