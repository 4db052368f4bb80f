#include "openssl_fail.h"

#include <openssl/err.h>

fed_status fed_openssl_fail(fed_error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fed_fail(err, FED_E_CRYPTO, "%s: %s", what,
                    reason ? reason : "OpenSSL failed");
}
