/* What a server party remembers, and its steps, one file each. Internal. */
#ifndef FED_SECAGG_SERVER_STATE_H
#define FED_SECAGG_SERVER_STATE_H

#include "message.h"
#include "server.h"

/** Kinds of records in the journal. */
enum {
    FED_RECORD_JOIN = 1,
    FED_RECORD_MESSAGE = 2,
    FED_RECORD_CLOSE = 3,
    FED_RECORD_ABORT = 4
};

typedef struct fed_secagg_member {
    uint8_t signed_bundle[FED_SECAGG_BUNDLE];
    fed_secagg_bundle bundle;
    fed_secagg_phase sent; /* the last phase whose message is here */
    uint8_t digest[FED_SECAGG_DONE][FED_SHA256_BYTES]; /* of each message */
    uint32_t *picks;                                   /* k, ascending */
    uint32_t *pickers;                                 /* ascending */
    uint32_t n_pickers;
    uint8_t *sealed; /* k sealed pairs, in the order of picks */
    uint8_t signature[FED_ED25519_SIGNATURE];
    uint8_t *reveal; /* body of the message, behind the header */
    size_t reveal_len;
} fed_secagg_member;

struct fed_secagg_server {
    fed_secagg_params params;
    uint8_t params_hash[FED_SHA256_BYTES];
    const fed_random *random;
    const fed_parallel *parallel;
    fed_secagg_phase phase;
    char reason[256];
    fed_secagg_session session;
    fed_secagg_member *members; /* n_max of them */
    uint32_t n;
    fed_merkle *tree;
    uint8_t *u2, *u3;
    fed_ring sums[FED_SECAGG_VECTORS_MAX];
    fed_secagg_suspect *suspects;
    uint32_t n_suspects;
};

/* Each phase: take a message (behind the header), close, answer. */
fed_status fed_server_join_close(fed_secagg_server *s, const uint8_t seed[32],
                                 fed_error *err);
fed_status fed_server_join_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err);
fed_status fed_server_pick_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                fed_error *err);
fed_status fed_server_pick_close(fed_secagg_server *s, fed_error *err);
fed_status fed_server_pick_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err);
fed_status fed_server_share_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                 fed_error *err);
fed_status fed_server_share_close(fed_secagg_server *s, fed_error *err);
fed_status fed_server_share_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                   fed_error *err);
fed_status fed_server_input_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                 fed_error *err);
fed_status fed_server_input_close(fed_secagg_server *s, fed_error *err);
/** Survivors and sums of a record instead of uploads. */
fed_status fed_server_input_restore(fed_secagg_server *s, fed_reader *r, fed_error *err);
void fed_server_input_record(const fed_secagg_server *s, fed_bytes *record);
fed_status fed_server_input_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                   fed_error *err);
fed_status fed_server_confirm_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                   fed_error *err);
fed_status fed_server_confirm_answer(const fed_secagg_server *s, uint32_t i,
                                     fed_bytes *out, fed_error *err);
fed_status fed_server_reveal_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                  fed_error *err);
fed_status fed_server_done_close(fed_secagg_server *s, fed_error *err);
fed_status fed_server_done_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err);
fed_status fed_server_aborted_answer(const fed_secagg_server *s, fed_bytes *out,
                                     fed_error *err);

/** Enter ABORTED; the text says why. */
void fed_server_set_aborted(fed_secagg_server *s, const char *format, ...)
    FED_PRINTF(2, 3);
/** Those who sent the message of `phase`, as a new map; NULL when memory is out. */
uint8_t *fed_server_map_of(const fed_secagg_server *s, fed_secagg_phase phase);
/** Abort, and say so, when fewer than s_min are in `map`. */
bool fed_server_too_few(fed_secagg_server *s, const uint8_t *map, const char *phase);
/** Append the entry of member `i`: bundle and proof. */
fed_status fed_server_put_entry(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                fed_error *err);
fed_status fed_server_put_proof(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                fed_error *err);
/** Fill in every member's pickers from everybody's picks. */
fed_status fed_server_find_pickers(fed_secagg_server *s, fed_error *err);
/** Place of `value` in an ascending list, or -1. */
int64_t fed_server_place_of(const uint32_t *list, uint32_t n, uint32_t value);

/** Restore one secret of each member of U2 and take all masks off the sums. FED_OK also when
 *  it aborts. */
fed_status fed_unmask_sums(fed_secagg_server *s, fed_error *err);

#endif
