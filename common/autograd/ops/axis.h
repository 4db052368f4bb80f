/* The `axis` attribute: a dimension of one example, from the back when negative. */
#ifndef FED_AXIS_H
#define FED_AXIS_H

#include "op.h"

#define FED_ATTR_AXIS                                                                    \
    {                                                                                    \
        "axis", FED_ATTR_INT, false, -FED_RANK_MAX, FED_RANK_MAX - 1, -1, NULL, 0,       \
            "dimension, negative from the back"                                          \
    }

/** The axis that attribute `index` names in `shape`. */
static inline fed_status fed_axis_resolve(const fed_node *node, size_t index,
                                          const fed_shape *shape, size_t *axis,
                                          fed_error *err)
{
    int64_t given = (int64_t)node->attrs[index].number, rank = (int64_t)shape->rank;
    int64_t at = given < 0 ? given + rank : given;
    if (at < 0 || at >= rank)
        return fed_fail(err, FED_E_INVALID, "axis: %lld is outside the %lld dimensions",
                        (long long)given, (long long)rank);
    *axis = (size_t)at;
    return FED_OK;
}

/** The products of the dimensions before and behind an axis. */
static inline size_t fed_axis_before(const fed_shape *shape, size_t axis)
{
    size_t n = 1;
    for (size_t i = 0; i < axis; i++)
        n *= shape->dim[i];
    return n;
}
static inline size_t fed_axis_behind(const fed_shape *shape, size_t axis)
{
    size_t n = 1;
    for (size_t i = axis + 1; i < shape->rank; i++)
        n *= shape->dim[i];
    return n;
}

#endif
