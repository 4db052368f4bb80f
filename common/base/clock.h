/* Time, for shells only: machines are told what time it is. */
#ifndef FED_CLOCK_H
#define FED_CLOCK_H

#include <stdint.h>

/** Milliseconds of a clock that never goes back. */
int64_t fed_clock_monotonic_ms(void);
/** Nanoseconds of the same clock, for measuring. */
int64_t fed_clock_monotonic_ns(void);
/** Milliseconds since 1970-01-01 UTC. */
int64_t fed_clock_wall_ms(void);

#endif
