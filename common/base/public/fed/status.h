/* What every call can answer. Part of the public API. */
#ifndef FED_STATUS_H
#define FED_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FED_MUST_CHECK   __attribute__((warn_unused_result))
#define FED_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define FED_API          __attribute__((visibility("default"))) /* exported by libfedclient */
#else
#define FED_MUST_CHECK
#define FED_PRINTF(f, a)
#define FED_API
#endif

/** Result of an operation; 0 is success. Values are stable: they never change meaning. */
typedef enum fed_status {
    FED_OK = 0,
    FED_E_INVALID = 1,      /**< an argument or a field breaks its bound */
    FED_E_FORMAT = 2,       /**< bytes from outside do not parse */
    FED_E_NOMEM = 3,        /**< an allocation failed */
    FED_E_LIMIT = 4,        /**< a stated maximum would be exceeded */
    FED_E_CRYPTO = 5,       /**< a cryptographic operation failed */
    FED_E_AUTH = 6,         /**< a signature, tag or certificate does not verify */
    FED_E_IO = 7,           /**< the operating system or the network said no */
    FED_E_NOT_FOUND = 8,    /**< no such thing */
    FED_E_EXISTS = 9,       /**< it is there already */
    FED_E_STATE = 10,       /**< not allowed in the present state */
    FED_E_REFUSED = 11,     /**< understood, but unsound or against a floor */
    FED_E_UNSUPPORTED = 12, /**< understood, but not built */
    FED_E_AGAIN = 13,       /**< not now; ask again later */
    FED_E_TIMEOUT = 14,     /**< a deadline passed */
    FED_E_NUMERIC = 15,     /**< a NaN or an infinity where a number must be */
    FED_E_BUDGET = 16,      /**< a privacy, energy, byte or time budget is spent */
    FED_E_INTERNAL = 17     /**< a bug of ours; please report it */
} fed_status;

/** An optional out-parameter that says what went wrong: the field, the value, the bound.
 *  Plain memory, owned by the caller; always NUL-terminated. */
typedef struct fed_error {
    fed_status status;
    char text[512];
} fed_error;

/** A static English name for a status, never NULL. Thread-safe. */
FED_API const char *fed_status_name(fed_status status);

#ifdef __cplusplus
}
#endif
#endif
