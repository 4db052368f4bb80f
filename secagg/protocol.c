#include "protocol.h"

#include <string.h>

static const char PARAMS_LABEL[] = "libfed secagg 1 parameters";
static const char COMPLETE_LABEL[] = "complete graph";
static const char SESSION_LABEL[] = "libfed secagg 1 session";
enum { PARAMS_BYTES_MAX = 4096 };

const char *fed_secagg_phase_name(fed_secagg_phase phase)
{
    static const char *const names[] = {NULL,      "join",   "pick", "share",  "input",
                                        "confirm", "reveal", "done", "aborted"};
    return (unsigned)phase < sizeof names / sizeof *names ? names[phase] : NULL;
}

fed_secagg_phase fed_secagg_phase_next(fed_secagg_phase phase,
                                       fed_secagg_adversary adversary)
{
    if (phase >= FED_SECAGG_DONE) return phase;
    fed_secagg_phase next = (fed_secagg_phase)(phase + 1);
    bool skipped = next == FED_SECAGG_PICK || next == FED_SECAGG_CONFIRM;
    return skipped && adversary != FED_SECAGG_ACTIVE ? (fed_secagg_phase)(next + 1)
                                                     : next;
}

/* A name is 1 to 31 letters, digits, '_', '-', '.' or '/', then zeros to the end. */
static bool is_name(const char name[FED_SECAGG_NAME_MAX + 1])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-./";
    size_t n = 0;
    while (n <= FED_SECAGG_NAME_MAX && name[n] && strchr(allowed, name[n]))
        n++;
    for (size_t i = n; i <= FED_SECAGG_NAME_MAX; i++)
        if (name[i]) return false;
    return n >= 1 && n <= FED_SECAGG_NAME_MAX;
}

static fed_status check_vectors(const fed_secagg_params *p, fed_error *err)
{
    if (p->n_vectors < 1 || p->n_vectors > FED_SECAGG_VECTORS_MAX)
        return fed_fail(err, FED_E_INVALID, "secagg: %u vectors, allowed are 1 to %d",
                        p->n_vectors, FED_SECAGG_VECTORS_MAX);
    for (uint32_t i = 0; i < p->n_vectors; i++) {
        const fed_secagg_vector *v = &p->vectors[i];
        if (!is_name(v->name))
            return fed_fail(err, FED_E_INVALID, "secagg: vector %u has no valid name", i);
        if (v->length < 1 || v->length > FED_SECAGG_LENGTH_MAX || v->bits < 1 ||
            v->bits > FED_RING_BITS_MAX)
            return fed_fail(
                err, FED_E_INVALID,
                "secagg: vector %s has %u entries of %u bits, allowed are 1 to "
                "%d of 1 to 64",
                v->name, v->length, v->bits, FED_SECAGG_LENGTH_MAX);
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(p->vectors[j].name, v->name) == 0)
                return fed_fail(err, FED_E_INVALID, "secagg: two vectors are called %s",
                                v->name);
    }
    return FED_OK;
}

fed_status fed_secagg_params_check(const fed_secagg_params *p, fed_error *err)
{
    if (p->n_min < FED_SECAGG_MEMBERS_MIN || p->n_min > p->n_max ||
        p->n_max > FED_SECAGG_MEMBERS_MAX)
        return fed_fail(
            err, FED_E_INVALID,
            "secagg: n_min %u and n_max %u, wanted %d <= n_min <= n_max <= %d", p->n_min,
            p->n_max, FED_SECAGG_MEMBERS_MIN, FED_SECAGG_MEMBERS_MAX);
    if (p->s_min < 2 || p->s_min > p->n_max)
        return fed_fail(err, FED_E_INVALID, "secagg: s_min %u, allowed are 2 to n_max %u",
                        p->s_min, p->n_max);
    if (!fed_secagg_adversary_name(p->threat.adversary))
        return fed_fail(err, FED_E_INVALID, "secagg.adversary: %d is not known",
                        (int)p->threat.adversary);
    if (p->stream != FED_KEYSTREAM_AES256_CTR && p->stream != FED_KEYSTREAM_CHACHA20)
        return fed_fail(err, FED_E_INVALID, "secagg.stream: %d is not known",
                        (int)p->stream);
    return check_vectors(p, err);
}

static void put_params(fed_bytes *b, const fed_secagg_params *p)
{
    fed_bytes_put(b, PARAMS_LABEL, sizeof PARAMS_LABEL);
    fed_bytes_put(b, p->cohort, sizeof p->cohort);
    fed_bytes_put(b, p->plan, sizeof p->plan);
    fed_bytes_put_u64(b, p->model_version);
    fed_bytes_put_u32(b, p->threat.adversary);
    fed_bytes_put_u32(b, p->threat.corrupt_ppm);
    fed_bytes_put_u32(b, p->threat.dropout_ppm);
    fed_bytes_put_u32(b, p->stream);
    fed_bytes_put_u32(b, p->n_min);
    fed_bytes_put_u32(b, p->n_max);
    fed_bytes_put_u32(b, p->s_min);
    fed_bytes_put(b, p->enrolment_key, sizeof p->enrolment_key);
    fed_bytes_put_u32(b, p->n_vectors);
    for (uint32_t i = 0; i < p->n_vectors; i++) {
        fed_bytes_put(b, p->vectors[i].name, sizeof p->vectors[i].name);
        fed_bytes_put_u32(b, p->vectors[i].length);
        fed_bytes_put_u32(b, p->vectors[i].bits);
    }
    if (p->threat.complete) fed_bytes_put(b, COMPLETE_LABEL, sizeof COMPLETE_LABEL);
}

static fed_status hash_bytes(fed_bytes *b, uint8_t hash[FED_SHA256_BYTES], fed_error *err)
{
    fed_status status = b->status ? fed_fail(err, b->status, "secagg: out of memory")
                                  : fed_sha256(b->data, b->len, hash, err);
    fed_bytes_fini(b);
    return status;
}

fed_status fed_secagg_params_hash(const fed_secagg_params *p,
                                  uint8_t hash[FED_SHA256_BYTES], fed_error *err)
{
    FED_TRY(fed_secagg_params_check(p, err));
    fed_bytes b;
    fed_bytes_init(&b, PARAMS_BYTES_MAX);
    put_params(&b, p);
    return hash_bytes(&b, hash, err);
}

fed_status fed_secagg_session_seal(fed_secagg_session *s, fed_error *err)
{
    fed_bytes b;
    fed_bytes_init(&b, PARAMS_BYTES_MAX);
    fed_bytes_put(&b, SESSION_LABEL, sizeof SESSION_LABEL);
    fed_bytes_put(&b, s->cohort, sizeof s->cohort);
    fed_bytes_put(&b, s->params_hash, sizeof s->params_hash);
    fed_bytes_put(&b, s->root, sizeof s->root);
    fed_bytes_put_u32(&b, s->graph.n);
    fed_bytes_put_u32(&b, s->graph.k);
    fed_bytes_put_u32(&b, s->graph.t);
    fed_bytes_put_u32(&b, s->graph.in_max);
    return hash_bytes(&b, s->hash, err);
}

uint32_t fed_map_count(const uint8_t *map, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += fed_map_has(map, i);
    return count;
}

bool fed_map_is_canonical(const uint8_t *map, uint32_t n)
{
    return n % 8 == 0 || map[n / 8] >> (n % 8) == 0;
}

bool fed_map_is_within(const uint8_t *part, const uint8_t *whole, uint32_t n)
{
    uint8_t outside = 0;
    for (size_t i = 0; i < fed_map_bytes(n); i++)
        outside |= (uint8_t)(part[i] & ~whole[i]);
    return outside == 0;
}
