#if defined(__aarch64__)
#include "codec_kernels_tables.h"

#define FED_LANES 4
#define FED_TARGET
#define FED_TABLE fed_codec_kernels_neon
#include "codec_kernels_body.h"
#else
typedef int fed_codec_kernels_neon_is_empty;
#endif
