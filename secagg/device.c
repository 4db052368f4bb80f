/* A device party's life: creation, state on disk, and the dispatch to the phases. */
#include <stdio.h>
#include <string.h>

#include "device_state.h"

static const uint8_t STATE_MAGIC[4] = {'F', 'S', 'D', '1'};

enum { LOG_MAX = 1 << 30, ANSWER_MAX = 1 << 28 };

/* ---- The floor, before anything is sent ---------------------------------------------- */

static fed_status refuse(fed_error *err, const char *what, unsigned value, unsigned floor)
{
    return fed_fail(err, FED_E_REFUSED, "secagg floor: %s %u, this device insists on %u",
                    what, value, floor);
}

static fed_status check_floor(const fed_secagg_params *p, const fed_secagg_floor *f,
                              fed_error *err)
{
    if (f->adversary == FED_SECAGG_ACTIVE && p->threat.adversary != FED_SECAGG_ACTIVE)
        return fed_fail(err, FED_E_REFUSED,
                        "secagg floor: adversary %s, this device insists on active",
                        fed_secagg_adversary_name(p->threat.adversary));
    if (p->threat.corrupt_ppm < f->corrupt_ppm)
        return refuse(err, "corrupt (ppm)", p->threat.corrupt_ppm, f->corrupt_ppm);
    if (p->n_max < f->n_min) return refuse(err, "n_max", p->n_max, f->n_min);
    if (p->s_min < f->s_min) return refuse(err, "s_min", p->s_min, f->s_min);
    for (uint32_t i = 0; i < p->n_vectors; i++)
        if (p->vectors[i].bits < f->bits_min)
            return refuse(err, "bits", p->vectors[i].bits, f->bits_min);
    return FED_OK;
}

uint32_t fed_device_survivors_floor(const fed_secagg_device *d)
{
    return d->params.s_min > d->floor.s_min ? d->params.s_min : d->floor.s_min;
}

/* ---- Making and unmaking ------------------------------------------------------------- */

static fed_status device_alloc(fed_secagg_device **out, const fed_secagg_device_config *c,
                               fed_error *err)
{
    uint8_t own_key[FED_ED25519_BYTES], hash[FED_SHA256_BYTES];
    FED_TRY(fed_secagg_params_hash(c->params, hash, err));
    FED_TRY(check_floor(c->params, c->floor, err));
    FED_TRY(fed_ed25519_public(c->identity_seed, own_key, err));
    if (memcmp(own_key, c->certificate.device_key, sizeof own_key) != 0)
        return fed_fail(err, FED_E_INVALID,
                        "secagg: the certificate is of another identity");
    fed_secagg_device *d = fed_calloc(1, sizeof *d);
    if (!d) return fed_fail_nomem(err, sizeof *d);
    d->params = *c->params;
    d->floor = *c->floor;
    memcpy(d->params_hash, hash, sizeof hash);
    memcpy(d->identity_seed, c->identity_seed, sizeof d->identity_seed);
    d->certificate = c->certificate;
    memcpy(d->update_id, c->update_id, sizeof d->update_id);
    d->now_s = c->now_s;
    d->phase = FED_SECAGG_JOIN;
    fed_bytes_init(&d->log, LOG_MAX);
    *out = d;
    return FED_OK;
}

fed_status fed_secagg_device_new(fed_secagg_device **out,
                                 const fed_secagg_device_config *config,
                                 const fed_random *random, uint64_t index, fed_error *err)
{
    fed_secagg_device *d = NULL;
    *out = NULL;
    FED_TRY(device_alloc(&d, config, err));
    fed_status status = fed_random_fill(random, "secagg", index, d->master, FED_KEY);
    if (status)
        fed_fail(err, status, "secagg: no secret randomness");
    else
        status = fed_secagg_secrets_derive(d->master, d->params.cohort, &d->secrets, err);
    if (status) {
        fed_secagg_device_free(d);
        return status;
    }
    *out = d;
    return FED_OK;
}

void fed_device_wipe(fed_secagg_device *d)
{
    if (d->peers) fed_wipe(d->peers, d->n_peers * sizeof *d->peers);
    fed_free(d->peers), d->peers = NULL, d->n_peers = 0;
    fed_free(d->picks), d->picks = NULL;
    fed_free(d->roster), d->roster = NULL;
    fed_free(d->u2), d->u2 = NULL;
    fed_free(d->u3), d->u3 = NULL;
    fed_wipe(d->master, sizeof d->master);
    fed_wipe(&d->secrets, sizeof d->secrets);
    fed_bytes_wipe(&d->log);
    memset(d->accepted, 0, sizeof d->accepted);
}

void fed_secagg_device_free(fed_secagg_device *d)
{
    if (!d) return;
    fed_device_wipe(d);
    fed_wipe_free(d, sizeof *d);
}

fed_secagg_phase fed_secagg_device_phase(const fed_secagg_device *d)
{
    return d->phase;
}

const char *fed_secagg_device_reason(const fed_secagg_device *d)
{
    return d->reason;
}

uint32_t fed_secagg_device_unreadable(const fed_secagg_device *d)
{
    uint32_t count = 0;
    for (uint32_t i = 0; d->u2 && i < d->n_peers; i++) {
        const fed_secagg_peer *p = &d->peers[i];
        count += p->picker && fed_map_has(d->u2, p->index) && !p->opened;
    }
    return count;
}

/* ---- Messages out --------------------------------------------------------------------- */

/* What is wrong with the cohort, rather than with one transmission, ends it. */
static fed_status leave_if_wrong(fed_secagg_device *d, fed_status status,
                                 const fed_error *err)
{
    if (status == FED_E_AUTH || status == FED_E_REFUSED || status == FED_E_CRYPTO)
        fed_secagg_device_abort(d, err->text);
    return status;
}

static fed_status wrong_phase(const fed_secagg_device *d, const char *what,
                              fed_error *err)
{
    return fed_fail(err, FED_E_STATE, "secagg: no %s in phase %s%s%s", what,
                    fed_secagg_phase_name(d->phase), d->reason[0] ? ": " : "", d->reason);
}

fed_status fed_secagg_device_message(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    fed_error local;
    fed_status status;
    if (!err) err = &local;
    switch (d->phase) {
    case FED_SECAGG_JOIN:
        status = fed_device_join_write(d, out, err);
        break;
    case FED_SECAGG_PICK:
        status = fed_device_pick_write(d, out, err);
        break;
    case FED_SECAGG_SHARE:
        status = fed_device_share_write(d, out, err);
        break;
    case FED_SECAGG_CONFIRM:
        status = fed_device_confirm_write(d, out, err);
        break;
    case FED_SECAGG_REVEAL:
        status = fed_device_reveal_write(d, out, err);
        break;
    default:
        return wrong_phase(d, "message", err);
    }
    if (!status && out->status)
        status = fed_fail(err, out->status, "secagg: no room for the message");
    return leave_if_wrong(d, status, err);
}

/* ---- Answers in ------------------------------------------------------------------------ */

typedef fed_status (*reader_of)(fed_secagg_device *d, fed_span answer, fed_error *err);

static const reader_of readers[FED_SECAGG_DONE] = {
    [FED_SECAGG_JOIN] = fed_device_join_read,
    [FED_SECAGG_PICK] = fed_device_pick_read,
    [FED_SECAGG_SHARE] = fed_device_share_read,
    [FED_SECAGG_INPUT] = fed_device_input_read,
    [FED_SECAGG_CONFIRM] = fed_device_confirm_read,
    [FED_SECAGG_REVEAL] = fed_device_done_read};

/* Room first: once a phase has read its answer nothing may fail any more. */
static fed_status accept(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    fed_secagg_phase phase = d->phase;
    if (fed_bytes_reserve(&d->log, answer.len + 4)) {
        d->log.status = FED_OK;
        return fed_fail_nomem(err, answer.len);
    }
    FED_TRY(readers[phase](d, answer, err));
    if (phase == FED_SECAGG_REVEAL) return FED_OK;
    d->accepted[phase] = (fed_secagg_accepted){d->log.len + 4, answer.len};
    fed_bytes_put_block(&d->log, answer.data, answer.len);
    d->phase = fed_secagg_phase_next(phase, d->params.threat.adversary);
    return FED_OK;
}

/* An answer to a phase that is over: the same bytes are welcome, others are a second view. */
static fed_status accept_again(fed_secagg_device *d, fed_secagg_phase phase,
                               fed_span answer, fed_error *err)
{
    const fed_secagg_accepted *a = &d->accepted[phase];
    if (a->len == answer.len && memcmp(d->log.data + a->at, answer.data, a->len) == 0)
        return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "answer to %s: differs from the one that this device already has",
                    fed_secagg_phase_name(phase));
}

fed_status fed_secagg_device_receive(fed_secagg_device *d, fed_span answer,
                                     fed_error *err)
{
    fed_error local;
    if (!err) err = &local;
    unsigned type = fed_secagg_message_type(answer);
    fed_secagg_phase phase = (fed_secagg_phase)(type & (FED_SECAGG_ANSWER - 1));
    if (d->phase >= FED_SECAGG_DONE) return wrong_phase(d, "answer", err);
    if (answer.len > ANSWER_MAX)
        return fed_fail(err, FED_E_FORMAT, "answer: %zu bytes, at most %d", answer.len,
                        ANSWER_MAX);
    fed_status status;
    if (type == (FED_SECAGG_ABORTED | FED_SECAGG_ANSWER))
        status = fed_device_aborted_read(d, answer, err);
    else if (type == (FED_SECAGG_REVEAL | FED_SECAGG_ANSWER) &&
             d->phase >= FED_SECAGG_INPUT)
        status = fed_device_done_read(d, answer,
                                      err); /* also if it went on without this one */
    else if (type >= FED_SECAGG_ANSWER && phase < d->phase && d->accepted[phase].len)
        status = accept_again(d, phase, answer, err);
    else
        status = accept(d, answer, err);
    return leave_if_wrong(d, status, err);
}

/* ---- State on disk ---------------------------------------------------------------------- */

fed_status fed_secagg_device_encode(const fed_secagg_device *d, fed_bytes *out,
                                    fed_error *err)
{
    fed_bytes_put(out, STATE_MAGIC, sizeof STATE_MAGIC);
    fed_bytes_put(out, d->params_hash, sizeof d->params_hash);
    fed_bytes_put_u8(out, (uint8_t)d->phase);
    fed_bytes_put_block(out, d->reason, strlen(d->reason));
    fed_bytes_put(out, d->master, sizeof d->master);
    fed_bytes_put_block(out, d->log.data, d->log.len);
    return out->status ? fed_fail(err, out->status, "secagg: no room for the state")
                       : FED_OK;
}

/* Everything else follows from the secret bytes and the answers. */
static fed_status replay(fed_secagg_device *d, fed_span log, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, log.data, log.len);
    FED_TRY(fed_secagg_secrets_derive(d->master, d->params.cohort, &d->secrets, err));
    while (fed_reader_left(&r)) {
        fed_span answer = fed_reader_block(&r, ANSWER_MAX);
        if (r.failed) return fed_fail(err, FED_E_FORMAT, "secagg state: broken log");
        FED_TRY(accept(d, answer, err));
    }
    return FED_OK;
}

static fed_status decode(fed_secagg_device *d, fed_span state, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, state.data, state.len);
    fed_span magic = fed_reader_take(&r, sizeof STATE_MAGIC);
    fed_span hash = fed_reader_take(&r, FED_SHA256_BYTES);
    unsigned phase = fed_reader_u8(&r);
    fed_span reason = fed_reader_block(&r, sizeof d->reason - 1);
    fed_reader_copy(&r, d->master, sizeof d->master);
    fed_span log = fed_reader_block(&r, LOG_MAX);
    if (fed_reader_finish(&r) || memcmp(magic.data, STATE_MAGIC, sizeof STATE_MAGIC) != 0)
        return fed_fail(err, FED_E_FORMAT, "secagg state: not one");
    if (memcmp(hash.data, d->params_hash, FED_SHA256_BYTES) != 0)
        return fed_fail(err, FED_E_REFUSED, "secagg state: of another cohort or plan");
    if (phase >= FED_SECAGG_DONE && phase <= FED_SECAGG_ABORTED) {
        d->phase = (fed_secagg_phase)phase;
        if (reason.len) memcpy(d->reason, reason.data, reason.len);
        return FED_OK;
    }
    FED_TRY(replay(d, log, err));
    if (d->phase != (fed_secagg_phase)phase)
        return fed_fail(err, FED_E_FORMAT,
                        "secagg state: the log ends in phase %s, not %u",
                        fed_secagg_phase_name(d->phase), phase);
    return FED_OK;
}

fed_status fed_secagg_device_restore(fed_secagg_device **out,
                                     const fed_secagg_device_config *config,
                                     fed_span state, fed_error *err)
{
    fed_secagg_device *d = NULL;
    *out = NULL;
    FED_TRY(device_alloc(&d, config, err));
    fed_status status = decode(d, state, err);
    if (status) {
        fed_secagg_device_free(d);
        return status;
    }
    *out = d;
    return FED_OK;
}

size_t fed_secagg_device_bytes(const fed_secagg_graph *graph,
                               fed_secagg_adversary adversary)
{
    size_t k = graph->k;
    size_t share = FED_SECAGG_HEADER + k * FED_SECAGG_SEALED;
    size_t reveal = FED_SECAGG_HEADER + fed_map_bytes(graph->k) + k * FED_SHAMIR_SHARE;
    size_t bytes = FED_SECAGG_BUNDLE + share + FED_SECAGG_HEADER + reveal;
    if (adversary != FED_SECAGG_ACTIVE) return bytes;
    size_t pick = FED_SECAGG_HEADER + k * sizeof(uint16_t);
    return bytes + pick + FED_SECAGG_HEADER + FED_ED25519_SIGNATURE;
}
