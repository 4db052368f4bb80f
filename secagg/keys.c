#include "keys.h"

#include <string.h>

static const char LABEL[] = "libfed secagg 1";
enum {
    PURPOSE = 16,
    INFO = sizeof LABEL + PURPOSE + FED_SECAGG_ID + 4 + 4 + FED_SECAGG_NAME_MAX + 1 + 4 +
           4 + FED_SHA256_BYTES
};

/* Fixed places for everything; what a purpose does not have is zero. */
static void make_info(uint8_t info[INFO], const char *purpose, const uint8_t *cohort,
                      uint32_t a, uint32_t b, const fed_secagg_vector *vector,
                      const uint8_t *session_hash)
{
    uint8_t *p = info;
    memset(info, 0, INFO);
    memcpy(p, LABEL, sizeof LABEL), p += sizeof LABEL;
    memcpy(p, purpose, strlen(purpose)), p += PURPOSE;
    memcpy(p, cohort, FED_SECAGG_ID), p += FED_SECAGG_ID;
    fed_store_u32(p, a), p += 4;
    fed_store_u32(p, b), p += 4;
    if (vector) {
        memcpy(p, vector->name, sizeof vector->name);
        fed_store_u32(p + sizeof vector->name, vector->length);
        fed_store_u32(p + sizeof vector->name + 4, vector->bits);
    }
    p += FED_SECAGG_NAME_MAX + 1 + 8;
    if (session_hash) memcpy(p, session_hash, FED_SHA256_BYTES);
}

static fed_span span_of(const void *data, size_t n)
{
    return (fed_span){data, n};
}

fed_status fed_secagg_secrets_derive(const uint8_t master[FED_KEY],
                                     const uint8_t cohort[FED_SECAGG_ID],
                                     fed_secagg_secrets *out, fed_error *err)
{
    const struct {
        const char *purpose;
        uint8_t *key;
    } all[] = {
        {"share secret", out->share_secret},   {"mask secret", out->mask_secret},
        {"self seed", out->self_seed},         {"pick", out->pick_key},
        {"mask shares", out->mask_shares_key}, {"seed shares", out->seed_shares_key}};
    uint8_t prk[FED_SHA256_BYTES], info[INFO];
    fed_status status =
        fed_hkdf_extract(span_of(NULL, 0), span_of(master, FED_KEY), prk, err);
    for (size_t i = 0; !status && i < sizeof all / sizeof *all; i++) {
        make_info(info, all[i].purpose, cohort, 0, 0, NULL, NULL);
        status = fed_hkdf_expand(prk, span_of(info, INFO), all[i].key, FED_KEY, err);
    }
    fed_wipe(prk, sizeof prk);
    if (status) fed_wipe(out, sizeof *out);
    return status;
}

fed_status fed_secagg_commit(const uint8_t cohort[FED_SECAGG_ID],
                             const uint8_t seed[FED_KEY],
                             uint8_t commitment[FED_COMMITMENT], fed_error *err)
{
    static const char label[] = "libfed secagg 1 seed";
    uint8_t message[sizeof label + FED_SECAGG_ID + FED_KEY];
    memcpy(message, label, sizeof label);
    memcpy(message + sizeof label, cohort, FED_SECAGG_ID);
    memcpy(message + sizeof label + FED_SECAGG_ID, seed, FED_KEY);
    fed_status status = fed_sha256(message, sizeof message, commitment, err);
    fed_wipe(message, sizeof message);
    return status;
}

fed_status fed_secagg_share_key(const fed_secagg_session *session,
                                const uint8_t shared[FED_X25519_BYTES], uint32_t sender,
                                uint32_t receiver, uint8_t key[FED_KEY], fed_error *err)
{
    uint8_t info[INFO];
    make_info(info, "share", session->cohort, sender, receiver, NULL, session->hash);
    return fed_hkdf_sha256(span_of(NULL, 0), span_of(shared, FED_X25519_BYTES),
                           span_of(info, INFO), key, FED_KEY, err);
}

fed_status fed_secagg_pair_root(const fed_x25519_key *key,
                                const uint8_t peer[FED_X25519_BYTES], uint32_t a,
                                uint32_t b, fed_secagg_mask_root *out, fed_error *err)
{
    uint8_t shared[FED_X25519_BYTES];
    out->low = a < b ? a : b, out->high = a < b ? b : a;
    fed_status status = fed_x25519_key_shared(key, peer, shared, err);
    if (!status)
        status = fed_hkdf_extract(span_of(NULL, 0), span_of(shared, sizeof shared),
                                  out->prk, err);
    fed_wipe(shared, sizeof shared);
    return status;
}

fed_status fed_secagg_self_root(const uint8_t seed[FED_KEY], uint32_t index,
                                fed_secagg_mask_root *out, fed_error *err)
{
    out->low = out->high = index;
    return fed_hkdf_extract(span_of(NULL, 0), span_of(seed, FED_KEY), out->prk, err);
}

fed_status fed_secagg_mask_key(const fed_secagg_session *session,
                               const fed_secagg_mask_root *root,
                               const fed_secagg_vector *vector, uint8_t key[FED_KEY],
                               fed_error *err)
{
    uint8_t info[INFO];
    const char *purpose = root->low == root->high ? "self mask" : "pair mask";
    make_info(info, purpose, session->cohort, root->low, root->high, vector,
              session->hash);
    return fed_hkdf_expand(root->prk, span_of(info, INFO), key, FED_KEY, err);
}
