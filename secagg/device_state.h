/* What a device party remembers, and its steps, one file each. Internal. */
#ifndef FED_SECAGG_DEVICE_STATE_H
#define FED_SECAGG_DEVICE_STATE_H

#include "device.h"
#include "message.h"

/** A neighbour: one that holds this device's shares, or whose shares it holds, or both. */
typedef struct fed_secagg_peer {
    uint32_t index;
    bool picked; /* holds shares of this device */
    bool picker; /* gave shares to this device, or will */
    bool opened; /* `shares` are there */
    fed_secagg_bundle bundle;
    uint8_t
        shares[FED_SECAGG_SHARES]; /* of its mask secret, then of its self-mask seed */
} fed_secagg_peer;

/** Where an accepted answer lies in the log. */
typedef struct fed_secagg_accepted {
    size_t at, len; /* len 0: not yet */
} fed_secagg_accepted;

struct fed_secagg_device {
    fed_secagg_params params;
    fed_secagg_floor floor;
    uint8_t params_hash[FED_SHA256_BYTES];
    uint8_t identity_seed[32];
    fed_certificate certificate;
    uint8_t update_id[FED_SECAGG_UPDATE_ID];
    int64_t now_s;
    uint8_t master[FED_KEY];
    fed_secagg_secrets secrets;
    fed_secagg_phase phase;
    char reason[256];
    fed_secagg_session session;
    uint32_t index;
    uint32_t *picks;        /* the k holders, ascending */
    fed_secagg_peer *peers; /* ascending */
    uint32_t n_peers;
    uint8_t *roster; /* active: FED_SECAGG_ROSTER bytes of each member's device key */
    uint8_t *u2, *u3;
    fed_bytes log; /* accepted answers, one block each */
    fed_secagg_accepted accepted[FED_SECAGG_DONE];
};

/* Each phase: write the message, read the answer. */
fed_status fed_device_join_write(fed_secagg_device *d, fed_bytes *out, fed_error *err);
fed_status fed_device_join_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_pick_write(fed_secagg_device *d, fed_bytes *out, fed_error *err);
fed_status fed_device_pick_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_share_write(fed_secagg_device *d, fed_bytes *out, fed_error *err);
fed_status fed_device_share_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_input_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_confirm_write(fed_secagg_device *d, fed_bytes *out, fed_error *err);
fed_status fed_device_confirm_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_reveal_write(fed_secagg_device *d, fed_bytes *out, fed_error *err);
fed_status fed_device_done_read(fed_secagg_device *d, fed_span answer, fed_error *err);
fed_status fed_device_aborted_read(fed_secagg_device *d, fed_span answer, fed_error *err);

/** Wipe everything secret; keep phase and reason. */
void fed_device_wipe(fed_secagg_device *d);
/** Read `n` entries into peers[*n_peers...], each checked against root, certificate and the
 *  rest; `wanted` are their indices in order. */
fed_status fed_device_read_entries(fed_secagg_device *d, fed_reader *r,
                                   const uint32_t *wanted, uint32_t n, unsigned type,
                                   fed_error *err);
/** No two peers, nor a peer and this device, may share an identity or a key. */
fed_status fed_device_check_distinct(const fed_secagg_device *d, fed_error *err);
/** Sort peers by index. */
void fed_device_sort_peers(fed_secagg_device *d);
/** The peer with this index, or NULL. */
fed_secagg_peer *fed_device_find_peer(const fed_secagg_device *d, uint32_t index);
/** This device's own public half. */
fed_status fed_device_own_bundle(const fed_secagg_device *d, fed_secagg_bundle *out,
                                 fed_error *err);
/** Copy a map from `r`: canonical, itself in it, enough holders in it. `where` names it. */
fed_status fed_device_read_map(const fed_secagg_device *d, fed_reader *r, uint8_t **out,
                               const char *where, unsigned type, fed_error *err);
uint32_t fed_device_survivors_floor(const fed_secagg_device *d);

#endif
