#include "base.h"

#if FED_X86_KERNELS
#include "codec_kernels_tables.h"

#define FED_LANES  16
#define FED_TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#define FED_TABLE  fed_codec_kernels_avx512
#include "codec_kernels_body.h"
#else
typedef int fed_codec_kernels_avx512_is_empty;
#endif
