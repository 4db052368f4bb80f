/* A model difference. What is accepted must leave every weight finite; what is refused must
 * leave the model as it was. */
#include <math.h>
#include <stdlib.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 60, FRACTION_BITS = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float model[D];
    fed_error err;
    for (int i = 0; i < D; i++)
        model[i] = i < D / 2 ? (float)i : 3e38f;
    fed_status status =
        fed_model_diff_apply(model, D, FRACTION_BITS, (fed_span){data, size}, &err);
    for (int i = 0; i < D; i++) {
        if (!isfinite(model[i])) abort();
        if (status && model[i] != (i < D / 2 ? (float)i : 3e38f)) abort();
    }
    return 0;
}
