/* Which vector kernels this processor can run, decided once, at run time. */
#ifndef FED_CPU_H
#define FED_CPU_H

#include <stdbool.h>

/* What kernels there are beyond plain C. A small build (FED_SMALL) has none. */
#if defined(__x86_64__) && !defined(FED_SMALL)
#define FED_X86_KERNELS 1
#else
#define FED_X86_KERNELS 0
#endif
#if defined(__aarch64__) && !defined(FED_SMALL)
#define FED_NEON_KERNELS 1
#else
#define FED_NEON_KERNELS 0
#endif

typedef enum fed_kernel {
    FED_KERNEL_SCALAR = 0, /* plain C */
    FED_KERNEL_NEON = 1,   /* aarch64 */
    FED_KERNEL_AVX2 = 2,   /* AVX2 and FMA */
    FED_KERNEL_AVX512 = 3  /* AVX-512 F, BW, DQ, VL */
} fed_kernel;

/** The best kernel path of this processor, or the one that the environment variable
 *  FED_KERNEL pins (scalar, neon, avx2, avx512) if the processor has it. Floating-point
 *  results are the same within a path. Thread-safe; asks the processor once. */
fed_kernel fed_kernel_active(void);
/** True when this processor can run `kernel`. */
bool fed_kernel_available(fed_kernel kernel);
/** "scalar", "neon", "avx2", "avx512". */
const char *fed_kernel_name(fed_kernel kernel);
/** True when VAES on 512-bit registers is there (x86-64). */
bool fed_cpu_has_vaes512(void);

#endif
