/* One way to fail: set the status and a text that names field, value and bound. */
#ifndef FED_FAIL_H
#define FED_FAIL_H

#include "public/fed/status.h"

/** Fill `err` (may be NULL) and return `status`, so that callers write
 *  `return fed_fail(err, FED_E_INVALID, "train.batch: 0 is below 1");`. Never allocates. */
fed_status fed_fail(fed_error *err, fed_status status, const char *format, ...)
    FED_PRINTF(3, 4);

/** Put "prefix: " before the text of `err` (may be NULL); returns its status unchanged. */
fed_status fed_fail_in(fed_error *err, fed_status status, const char *format, ...)
    FED_PRINTF(3, 4);

/** The usual text for a failed allocation of `bytes`. */
fed_status fed_fail_nomem(fed_error *err, unsigned long long bytes);

/** Return early on failure, for functions that own nothing yet. */
#define FED_TRY(expression)                                                              \
    do {                                                                                 \
        fed_status fed_try_status_ = (expression);                                       \
        if (fed_try_status_ != FED_OK) return fed_try_status_;                           \
    } while (0)

/** Go to the function's one `out` label on failure; needs a variable `status`. */
#define FED_GO(expression)                                                               \
    do {                                                                                 \
        status = (expression);                                                           \
        if (status != FED_OK) goto out;                                                  \
    } while (0)

#endif
