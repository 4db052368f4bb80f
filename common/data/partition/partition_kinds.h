/* Inside the partitions: one order of rows, cut at `start`. */
#ifndef FED_PARTITION_KINDS_H
#define FED_PARTITION_KINDS_H

#include "../data.h"

struct fed_partition {
    uint32_t clients, n;
    uint32_t *order; /* n rows, client after client */
    uint32_t *start; /* clients + 1 places in `order` */
};

/** What a kind of partition is given. `p` has its arrays; `order` holds 0, 1, … n-1. */
typedef struct fed_partition_job {
    const fed_data *ds;
    const char *argument; /* what stands behind the colon, or "" */
    fed_partition *p;
    fed_stream *stream;
    fed_error *err;
} fed_partition_job;

/** Cut the order into parts whose sizes differ by one at most. */
void fed_partition_cut_evenly(fed_partition *p);
/** Sort the rows of `order` by class, stable (counting sort); `first` has classes + 1
 *  places and receives where each class begins. */
fed_status fed_partition_sort_by_class(const fed_partition_job *job, uint32_t **first);

fed_status fed_partition_dirichlet(const fed_partition_job *job);
fed_status fed_partition_powerlaw(const fed_partition_job *job);

#endif
