/*
 * trace: enough of a federation to carry it out again. Text, one JSON object a line:
 *
 *   {"format": "fed-trace/1", "task": HEX, "plan": HEX, "task_seed": HEX, "kernel": NAME}
 *   {"version": 1, "cohort": HEX, "members": [HEX…], "survivors": [HEX…]}     one for each
 *   {"version": 2, …, "model_sha256": HEX}                                    version made
 *   {"version": N, "model_sha256": HEX}
 *
 * HEX is 64 hexadecimal digits: addresses, and the public keys of devices. Members of version
 * V trained on V - 1; survivors are those in the sum, in the order of the members. Versions
 * follow each other from 1 to N. In their lines `model_sha256` may be left out.
 */
#ifndef FED_TRACE_H
#define FED_TRACE_H

#include "base.h"

enum { FED_TRACE_MEMBERS_MAX = 65535, FED_TRACE_KERNEL_MAX = 31 };
#define FED_TRACE_MAX_BYTES ((size_t)1 << 30)

typedef struct fed_trace_head {
    uint8_t task[32], plan[32], seed[32];
    char kernel[FED_TRACE_KERNEL_MAX + 1];
} fed_trace_head;

typedef struct fed_trace_member {
    uint8_t key[32];
    bool survived;
} fed_trace_member;

typedef struct fed_trace_version {
    uint64_t version;
    uint8_t cohort[32];
    bool has_model;
    uint8_t model[32];
    fed_trace_member *members;
    uint32_t n_members;
} fed_trace_version;

typedef struct fed_trace {
    fed_trace_head head;
    fed_trace_version *versions; /* versions[i] is version i + 1 */
    size_t n_versions, cap_versions;
    uint8_t model[32]; /* of the last version */
} fed_trace;

/** Parse a whole trace. `out` is the caller's, for fed_trace_fini(); empty after a failure.
 *  FED_E_FORMAT names the line and the field; FED_E_LIMIT, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_trace_parse(fed_trace *out, fed_span text, fed_error *err);
void fed_trace_fini(fed_trace *trace);

/* Append a line. FED_E_LIMIT, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_trace_put_head(fed_bytes *out, const fed_trace_head *head,
                                             fed_error *err);
FED_MUST_CHECK fed_status fed_trace_put_version(fed_bytes *out,
                                                const fed_trace_version *version,
                                                fed_error *err);
FED_MUST_CHECK fed_status fed_trace_put_end(fed_bytes *out, uint64_t version,
                                            const uint8_t model[32], fed_error *err);

#endif
