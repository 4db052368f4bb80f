/* The file of fedsim --faults: whatever it says, probabilities come out of it. */
#include <stdint.h>
#include <stdlib.h>

#include "turnout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_faults f;
    fed_error err;
    double sum = 0;
    if (fed_faults_parse(&f, (fed_span){data, size}, &err) != FED_OK) return 0;
    for (int i = 0; i < FED_FATES; i++) {
        if (!(f.drop[i] >= 0)) abort();
        sum += f.drop[i];
    }
    if (!(sum <= 1) || !(f.not_finite + f.garbage <= 1)) abort();
    return 0;
}
