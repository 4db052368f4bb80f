/* A small private task for tests: devices' updates, their sum, and what the server makes of it. */
#ifndef FED_PRIVATE_RIG_H
#define FED_PRIVATE_RIG_H

#include "harness.h"
#include "task.h"

enum { COHORT = 10, INVITED = 13, PARAMS = 60 * 64 + 64 + 64 * 4 + 4 };

/** What the plan asks for; zeros where nothing is said. `update` and `more` are members added to `update` and `privacy`. */
typedef struct wish {
    const char *mechanism; /* NULL: none */
    const char *select, *secagg, *adversary, *update, *more;
    double z;
    unsigned rounds; /* 0: one */
} wish;

/** Distributed discrete Gaussian, dense, z = 0.5, secure aggregation. */
extern const wish rig_plain;

fed_status rig_try(const wish *w, fed_task **task, fed_error *err);
/** The same, and it must succeed. */
fed_task *rig_task(const wish *w);
fed_codec_round *rig_round(const fed_task *task);
/** The update `delta` of one device in try `number`, as bytes. */
fed_status rig_encode(const fed_task *task, const fed_codec_round *round,
                      const float *delta, uint32_t number, uint32_t device,
                      fed_bytes *out, fed_task_report *report, fed_error *err);
/** `n` devices send `delta`; their sum, for fed_codec_sum_fini(). */
void rig_sum(const fed_task *task, const fed_codec_round *round, uint32_t number,
             uint32_t n, const float *delta, fed_codec_sum *sum);
/** What the server makes of such a sum, its own noise included. */
void rig_aggregate(const fed_task *task, const fed_codec_round *round, uint32_t number,
                   uint32_t n, const float *delta, float *mean);
/** The mean square of the noise in sums of `n` survivors over `tries`, in units of (z C)^2. */
double rig_noise(const fed_task *task, uint32_t n, uint32_t tries);

#endif
