/* SIGINT and SIGTERM as a flag, and as a descriptor that a poll loop can wait for. */
#ifndef FED_STOP_H
#define FED_STOP_H

#include "base.h"

/** From now on the first SIGINT or SIGTERM only raises the flag; a second one ends the
 *  process the usual way. SIGPIPE is ignored. Call it once, before threads start. */
FED_MUST_CHECK fed_status fed_stop_init(fed_error *err);
/** True after the first signal. Callable from any thread. */
bool fed_stop_requested(void);
/** Readable from the first signal on (never read from it); -1 before fed_stop_init. */
int fed_stop_fd(void);
/** Wait until the signal or at most `ms` milliseconds; true when it came. */
bool fed_stop_wait(int64_t ms);

#endif
