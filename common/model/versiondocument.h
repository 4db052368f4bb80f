/*
 * The version document: which model is version v of a task, and what came before it. The
 * server's key, which the task names, signs it. Little-endian, after the common head
 * (type 2):
 *
 *     task     address      parent  address (zeros for version 0)
 *     version  u64          model   address
 *     round    u64 length; then its bytes, or, beyond 64 KiB, their address
 *     n        u8; then n times: address, u64 length
 *
 * The last are the differences that lead to this version from the one before, the one before
 * that, and so on: a device that holds one of these loads a difference instead of the model.
 *
 * `round` is what the update pipeline agrees on for updates of this version (clip, scale,
 * support): opaque here.
 */
#ifndef FED_VERSIONDOCUMENT_H
#define FED_VERSIONDOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "base.h"
#include "taskdocument.h"

enum {
    FED_ROUND_INLINE_MAX = 65536,
    FED_DIFFERENCES_MAX = 32, /* versions back */
    FED_VERSION_DOCUMENT_MAX = FED_ROUND_INLINE_MAX + 40 * FED_DIFFERENCES_MAX + 512
};
#define FED_ROUND_BYTES_MAX (UINT64_C(1) << 30)

/** The bytes of a difference between two versions. */
typedef struct fed_version_difference {
    fed_address address;
    uint64_t length; /* at least 1 */
} fed_version_difference;

typedef struct fed_version_document {
    fed_address task;
    uint64_t version;
    fed_address parent; /* model of version - 1; zeros exactly for version 0 */
    fed_address model;
    uint64_t round_length;     /* 0 to FED_ROUND_BYTES_MAX */
    fed_span round;            /* the bytes when at most 64 KiB, borrowed; else empty */
    fed_address round_address; /* their address when more; else zeros */
    uint32_t n_differences;    /* at most FED_DIFFERENCES_MAX, and at most `version` */
    fed_version_difference
        differences[FED_DIFFERENCES_MAX]; /* [i]: from version - 1 - i */
} fed_version_document;

/** Append the unsigned bytes. FED_E_INVALID names the field that breaks its bound. */
FED_MUST_CHECK fed_status fed_version_document_put(const fed_version_document *doc,
                                                   fed_bytes *out, fed_error *err);
/** Append the unsigned bytes and the server's signature. */
FED_MUST_CHECK fed_status fed_version_document_sign(const fed_version_document *doc,
                                                    const uint8_t server_seed[32],
                                                    fed_bytes *out, fed_error *err);
/** Verify against the key that the task document names, then parse; FED_E_AUTH also when it
 *  is of another task than `address`. `doc->round` borrows from `signed_bytes`. */
FED_MUST_CHECK fed_status fed_version_document_open(fed_span signed_bytes,
                                                    const fed_task_document *task,
                                                    const fed_address *address,
                                                    fed_version_document *doc,
                                                    fed_error *err);
/** Parse the unsigned bytes, without any trust in them. */
FED_MUST_CHECK fed_status fed_version_document_get(fed_span unsigned_bytes,
                                                   fed_version_document *doc,
                                                   fed_error *err);

#endif
