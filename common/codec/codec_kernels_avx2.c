#include "base.h"

#if FED_X86_KERNELS
#include "codec_kernels_tables.h"

#define FED_LANES  8
#define FED_TARGET __attribute__((target("avx2,fma")))
#define FED_TABLE  fed_codec_kernels_avx2
#include "codec_kernels_body.h"
#else
typedef int fed_codec_kernels_avx2_is_empty;
#endif
