/*
 * The server's party in one cohort. Whoever embeds it (the cohort machine) owns places,
 * timing, transport and journal:
 *
 *     fed_secagg_server_new(&s, &config, &err);
 *     fed_secagg_server_join(s, body, now, &member, &record, &err)      each device
 *     fed_secagg_server_close(s, &record, &err)                   time is up, or all are in
 *     then for pick, share, input, confirm, reveal alike:
 *         fed_secagg_server_answer(s, member, phase before, &out, &err)     to each device
 *         fed_secagg_server_receive(s, member, body, &record, &err)         from each device
 *         fed_secagg_server_close(s, &record, &err)
 *     fed_secagg_server_sum(s, i)                                  in DONE
 *
 * Each call that changes something appends a *record*. Make it durable before the reply to
 * the call, or any later answer, goes out: the records in order, given to
 * fed_secagg_server_replay(), make the same party again. Input is the exception: what a
 * member uploaded is in no record until the phase is closed (then survivors and sums are),
 * so a restarted server asks members again whose input it does not have
 * (fed_secagg_server_has), and devices send the same bytes.
 *
 * What devices send is checked and refused, never asserted; a message that is refused
 * changes nothing. A cohort that cannot go on is ABORTED with a reason. One thread at a time.
 */
#ifndef FED_SECAGG_SERVER_H
#define FED_SECAGG_SERVER_H

#include "base.h"
#include "codec.h"
#include "protocol.h"

typedef struct fed_secagg_server_config {
    const fed_secagg_params *params; /* copied */
    const fed_random *random;        /* borrowed; the circulant graph's order */
    const fed_parallel *parallel;    /* borrowed, may be NULL; for unmasking */
} fed_secagg_server_config;

typedef struct fed_secagg_server fed_secagg_server;

/** A cohort that is open for joining. */
FED_MUST_CHECK fed_status fed_secagg_server_new(fed_secagg_server **out,
                                                const fed_secagg_server_config *config,
                                                fed_error *err);
void fed_secagg_server_free(fed_secagg_server *server);

/** The phase whose messages it takes, or DONE, or ABORTED. */
fed_secagg_phase fed_secagg_server_phase(const fed_secagg_server *server);
/** Why it aborted; "" if it has not. */
const char *fed_secagg_server_reason(const fed_secagg_server *server);

/** A join message. `*member` is the device's number from now on; the same message again
 *  gives the same number. FED_E_LIMIT when the cohort is full, FED_E_EXISTS when identity
 *  or key is another member's, FED_E_AUTH, FED_E_REFUSED, FED_E_FORMAT, FED_E_STATE. */
FED_MUST_CHECK fed_status fed_secagg_server_join(fed_secagg_server *server, fed_span body,
                                                 int64_t now_s, uint32_t *member,
                                                 fed_bytes *record, fed_error *err);
/** The identity that a join message says it is of, before anything of it is checked: whoever
 *  knows from elsewhere who sent it compares. FED_E_FORMAT when it is none. */
FED_MUST_CHECK fed_status fed_secagg_server_claimed(fed_span body,
                                                    uint8_t key[FED_ED25519_BYTES],
                                                    fed_error *err);
/** Any later message of `member` (the caller knows from the URL who it is; that it is, only
 *  signatures show). The same bytes again are fine; FED_E_EXISTS for other bytes,
 *  FED_E_STATE when it is late or the member is out, FED_E_FORMAT, FED_E_AUTH. */
FED_MUST_CHECK fed_status fed_secagg_server_receive(fed_secagg_server *server,
                                                    uint32_t member, fed_span body,
                                                    fed_bytes *record, fed_error *err);
/** Is this member's message of the present phase here? */
bool fed_secagg_server_has(const fed_secagg_server *server, uint32_t member);
/** May this member still send in the present phase? */
bool fed_secagg_server_expects(const fed_secagg_server *server, uint32_t member);
/** How many members the present phase still waits for; 0: nothing is gained by waiting.
 *  While joining: free places. */
uint32_t fed_secagg_server_waiting(const fed_secagg_server *server);
uint32_t fed_secagg_server_members(const fed_secagg_server *server);

/** End the present phase and go on with those who sent its message. FED_OK also when that
 *  aborts the cohort: see the phase. After a failure (FED_E_NOMEM, FED_E_CRYPTO) drop the
 *  party, and make it again from the records. */
FED_MUST_CHECK fed_status fed_secagg_server_close(fed_secagg_server *server,
                                                  fed_bytes *record, fed_error *err);
/** End the cohort from outside (time, shutdown, a failed store). */
FED_MUST_CHECK fed_status fed_secagg_server_abort(fed_secagg_server *server,
                                                  const char *reason, fed_bytes *record,
                                                  fed_error *err);
/** Append what `member` is told about `phase`, which is closed. In ABORTED: the reason,
 *  whatever the phase. FED_E_STATE when it is not closed or the member did not take part;
 *  that the sum is committed (REVEAL) every member of U3 may hear. */
FED_MUST_CHECK fed_status fed_secagg_server_answer(const fed_secagg_server *server,
                                                   uint32_t member,
                                                   fed_secagg_phase phase, fed_bytes *out,
                                                   fed_error *err);
/** Apply a record, in order, to a new party. */
FED_MUST_CHECK fed_status fed_secagg_server_replay(fed_secagg_server *server,
                                                   fed_span record, fed_error *err);

/** U3 as a map of members, and its size; from CONFIRM (or REVEAL) on, else NULL. */
const uint8_t *fed_secagg_server_survivors(const fed_secagg_server *server,
                                           uint32_t *count);
/** The update id that `member` joined with. */
const uint8_t *fed_secagg_server_update_id(const fed_secagg_server *server,
                                           uint32_t member);
/** Ed25519 public key of `member`. */
const uint8_t *fed_secagg_server_device_key(const fed_secagg_server *server,
                                            uint32_t member);
/** The sum of vector i over U3, in DONE; before, with masks on: say nothing by it. */
const fed_ring *fed_secagg_server_sum(const fed_secagg_server *server, uint32_t i);
/** The numbers of the graph, once joining is closed. */
const fed_secagg_graph *fed_secagg_server_graph(const fed_secagg_server *server);

/** A share that differs from a polynomial that was verified: its holder lied, or lost it. */
typedef struct fed_secagg_suspect {
    uint32_t holder, dealer;
} fed_secagg_suspect;

/** Those found while unmasking; `*count` of them. */
const fed_secagg_suspect *fed_secagg_server_suspects(const fed_secagg_server *server,
                                                     uint32_t *count);

#endif
