/* How this room reports that OpenSSL said no. Internal. */
#ifndef FED_OPENSSL_FAIL_H
#define FED_OPENSSL_FAIL_H

#include "base.h"

/** FED_E_CRYPTO with "what: reason"; empties OpenSSL's queue of errors, so that a later
 *  failure (ours or the application's) is not blamed on this one. */
fed_status fed_openssl_fail(fed_error *err, const char *what);

#endif
