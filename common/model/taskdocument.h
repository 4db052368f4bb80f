/*
 * The task document: what devices are asked to run. The operator's key, which devices pin
 * and no server holds, signs it. Little-endian, after the common head (type 1):
 *
 *     population  u8 length, text        server key  32 bytes, Ed25519
 *     name        u8 length, text        created     i64, ms since 1970 UTC
 *     plan        address, u64 length    expires     i64, the same
 *     seed        32 bytes
 *     model       address, u64 length
 *
 * The task's address, which is its name everywhere, is the SHA-256 of the unsigned bytes.
 */
#ifndef FED_TASKDOCUMENT_H
#define FED_TASKDOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "base.h"

enum {
    FED_DOCUMENT_TEXT_MAX = 64, /* characters of a population or a name */
    FED_PLAN_BYTES_MAX = 1 << 20,
    FED_TASK_DOCUMENT_MAX = 512 /* bytes, signature included */
};
#define FED_MODEL_BYTES_MAX (UINT64_C(1) << 34)

typedef struct fed_task_document {
    char population[FED_DOCUMENT_TEXT_MAX + 1]; /* 1 to 64 printable ASCII characters */
    char name[FED_DOCUMENT_TEXT_MAX + 1];       /* the same */
    fed_address plan;                           /* of the resolved plan's bytes */
    uint64_t plan_length;                       /* 1 to FED_PLAN_BYTES_MAX */
    uint8_t seed[32];                           /* public: keys all public streams */
    fed_address model;                          /* of the initial model's file */
    uint64_t model_length; /* 1 to FED_MODEL_BYTES_MAX; every version is as long */
    uint8_t server_key[32];
    int64_t created_ms, expires_ms; /* 0 <= created < expires */
} fed_task_document;

/** Append the unsigned bytes. FED_E_INVALID names the field that breaks its bound. */
FED_MUST_CHECK fed_status fed_task_document_put(const fed_task_document *doc,
                                                fed_bytes *out, fed_error *err);
/** The address of the task: of the unsigned bytes. */
FED_MUST_CHECK fed_status fed_task_document_address(const fed_task_document *doc,
                                                    fed_address *out, fed_error *err);
/** Append the unsigned bytes and the operator's signature. */
FED_MUST_CHECK fed_status fed_task_document_sign(const fed_task_document *doc,
                                                 const uint8_t operator_seed[32],
                                                 fed_bytes *out, fed_error *err);
/** Verify against the operator's public key, then parse; `task` (may be NULL) receives the
 *  address. The caller compares `expires_ms` with its own clock. */
FED_MUST_CHECK fed_status fed_task_document_open(fed_span signed_bytes,
                                                 const uint8_t operator_key[32],
                                                 fed_task_document *doc,
                                                 fed_address *task, fed_error *err);
/** Parse the unsigned bytes, without any trust in them. */
FED_MUST_CHECK fed_status fed_task_document_get(fed_span unsigned_bytes,
                                                fed_task_document *doc, fed_error *err);

#endif
