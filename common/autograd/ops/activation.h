/* The `activation` attribute of linear and convolutional layers. */
#ifndef FED_ACTIVATION_H
#define FED_ACTIVATION_H

#include <math.h>

#include "op.h"

#define fed_activation_choices FED_IN_PATH(fed_activation_choices)
/** "none", then the names of the activation operators; ends with NULL. */
extern const char *const fed_activation_choices[];

/** The attribute's row. The graph turns its value into a layer of its own that follows. */
#define FED_ATTR_ACTIVATION                                                              \
    {                                                                                    \
        "activation", FED_ATTR_ENUM, false, 0, 0, 0, fed_activation_choices, 0,          \
            "applied to the output"                                                      \
    }

/** Bound of the uniform initial weights: He et al. 2015 in front of a rectifier, else
 *  Glorot, Bengio 2010. `index` is the position of the activation attribute. */
static inline double fed_init_bound(const fed_node *node, size_t index, size_t fan_in,
                                    size_t fan_out)
{
    bool rectified = strstr(node->attrs[index].text, "relu") != NULL;
    return sqrt(6.0 / (double)(rectified ? fan_in : fan_in + fan_out));
}

#endif
