/* The tables of the kernel paths, one for each kernel file. */
#ifndef FED_CODEC_KERNELS_TABLES_H
#define FED_CODEC_KERNELS_TABLES_H

#include "codec_kernels.h"

extern const fed_codec_kernels fed_codec_kernels_scalar, fed_codec_kernels_neon,
    fed_codec_kernels_avx2, fed_codec_kernels_avx512;

#endif
