/* Plain C: the reference of the other paths, and the path of every other processor. */
#include "codec_kernels_tables.h"

#define FED_LANES 1
#define FED_TARGET
#define FED_TABLE fed_codec_kernels_scalar
#include "codec_kernels_body.h"
