#include "schedule.h"

#include <math.h>

fed_status fed_schedule_check(const fed_optimizer_config *c, fed_error *err)
{
    switch (c->schedule) {
    case FED_SCHEDULE_CONSTANT:
        return FED_OK;
    case FED_SCHEDULE_LINEAR:
    case FED_SCHEDULE_COSINE:
        if (!c->total_steps)
            return fed_fail(err, FED_E_INVALID, "total_steps: 0 is below 1");
        if (!(c->lr_min >= 0 && c->lr_min <= c->lr))
            return fed_fail(err, FED_E_INVALID, "lr_min: %g is outside 0 to lr = %g",
                            c->lr_min, c->lr);
        return FED_OK;
    case FED_SCHEDULE_STEP:
        if (!c->decay_every)
            return fed_fail(err, FED_E_INVALID, "decay_every: 0 is below 1");
        if (!(c->decay > 0 && c->decay <= 1))
            return fed_fail(err, FED_E_INVALID, "decay: %g is not in (0, 1]", c->decay);
        return FED_OK;
    }
    return fed_fail(err, FED_E_INVALID, "schedule: %d is none", (int)c->schedule);
}

/* cos(pi x) for x in [0, 1]: by symmetry the series is needed up to pi/2 only. */
static double cosine_of_half_turns(double x)
{
    const double pi = 3.14159265358979323846;
    double a = (x > 0.5 ? 1 - x : x) * pi, sum = 0;
    for (int i = 20; i > 0; i -= 2)
        sum = (sum + 1) * -(a * a) / (i * (i - 1));
    return x > 0.5 ? -(sum + 1) : sum + 1;
}

double fed_schedule_lr(const fed_optimizer_config *c, uint64_t step)
{
    if (step < c->warmup_steps)
        return c->lr * (double)(step + 1) / (double)c->warmup_steps;
    double x = c->total_steps ? (double)step / (double)c->total_steps : 0, lr = c->lr;
    if (x > 1) x = 1;
    switch (c->schedule) {
    case FED_SCHEDULE_LINEAR:
        return c->lr_min + (c->lr - c->lr_min) * (1 - x);
    case FED_SCHEDULE_COSINE:
        return c->lr_min + (c->lr - c->lr_min) * 0.5 * (1 + cosine_of_half_turns(x));
    case FED_SCHEDULE_STEP:
        for (uint64_t i = c->decay_every; i <= step && lr > 0; i += c->decay_every)
            lr *= c->decay;
        return lr;
    default:
        return lr;
    }
}
