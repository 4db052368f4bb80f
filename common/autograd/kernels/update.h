/* One update of a range of parameters. */
#ifndef FED_UPDATE_H
#define FED_UPDATE_H

#include "path.h"

typedef struct fed_update {
    int kind; /* fed_optimizer_kind */
    float *params;
    const float *gradient;
    float *m, *v;        /* moments, as the kind has them */
    const float *anchor; /* of the proximal term, or NULL */
    float lr, momentum, beta1, beta2, epsilon, decay, proximal;
    float fresh1, fresh2; /* Adam: 1 / (1 - beta^t) */
} fed_update;

#define fed_update_run FED_IN_PATH(fed_update_run)
/** Update the parameters [from, to); false when the gradient there is not finite. */
bool fed_update_run(const fed_update *u, size_t from, size_t to);

#endif
