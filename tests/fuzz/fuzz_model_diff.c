/* A model difference. What is accepted must leave every weight finite; what is refused must
 * leave the model as it was. */
#include <math.h>
#include <stdlib.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float model[D];
    fed_error err;
    for (int i = 0; i < D; i++)
        model[i] = (float)i;
    fed_status status = fed_model_diff_apply(model, D, (fed_span){data, size}, &err);
    for (int i = 0; i < D; i++) {
        if (!isfinite(model[i])) abort();
        if (status && model[i] != (float)i) abort();
    }
    return 0;
}
