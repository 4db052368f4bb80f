/* A server party's life: creation, journal, and the dispatch to the phases. */
#include <string.h>

#include "server_state.h"

enum { BODY_MAX = 1 << 30 };

fed_status fed_secagg_server_new(fed_secagg_server **out,
                                 const fed_secagg_server_config *config, fed_error *err)
{
    uint8_t hash[FED_SHA256_BYTES];
    *out = NULL;
    FED_TRY(fed_secagg_params_hash(config->params, hash, err));
    fed_secagg_server *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->params = *config->params;
    memcpy(s->params_hash, hash, sizeof hash);
    s->random = config->random;
    s->parallel = config->parallel;
    s->phase = FED_SECAGG_JOIN;
    s->members = fed_calloc(s->params.n_max, sizeof *s->members);
    fed_status status =
        s->members ? FED_OK : fed_fail_nomem(err, s->params.n_max * sizeof *s->members);
    for (uint32_t i = 0; !status && i < s->params.n_vectors; i++)
        status = fed_ring_init(&s->sums[i], s->params.vectors[i].bits,
                               s->params.vectors[i].length, err);
    if (status) {
        fed_secagg_server_free(s);
        return status;
    }
    *out = s;
    return FED_OK;
}

static void member_fini(fed_secagg_member *m)
{
    fed_free(m->picks);
    fed_free(m->pickers);
    fed_free(m->sealed);
    fed_wipe_free(m->reveal, m->reveal_len);
}

void fed_secagg_server_free(fed_secagg_server *s)
{
    if (!s) return;
    for (uint32_t i = 0; s->members && i < s->params.n_max; i++)
        member_fini(&s->members[i]);
    for (uint32_t i = 0; i < s->params.n_vectors; i++)
        fed_ring_fini(&s->sums[i]);
    fed_free(s->members);
    fed_merkle_free(s->tree);
    fed_free(s->u2);
    fed_free(s->u3);
    fed_free(s->suspects);
    fed_wipe_free(s, sizeof *s);
}

/* ---- What it says about itself -------------------------------------------------------- */

fed_secagg_phase fed_secagg_server_phase(const fed_secagg_server *s)
{
    return s->phase;
}

const char *fed_secagg_server_reason(const fed_secagg_server *s)
{
    return s->reason;
}

uint32_t fed_secagg_server_members(const fed_secagg_server *s)
{
    return s->n;
}

static fed_secagg_phase phase_before(const fed_secagg_server *s, fed_secagg_phase phase)
{
    fed_secagg_phase p = FED_SECAGG_JOIN;
    while (p < phase && fed_secagg_phase_next(p, s->params.threat.adversary) != phase)
        p = fed_secagg_phase_next(p, s->params.threat.adversary);
    return p;
}

bool fed_secagg_server_has(const fed_secagg_server *s, uint32_t member)
{
    return member < s->n && s->members[member].sent == s->phase;
}

bool fed_secagg_server_expects(const fed_secagg_server *s, uint32_t member)
{
    return s->phase > FED_SECAGG_JOIN && s->phase < FED_SECAGG_DONE && member < s->n &&
           s->members[member].sent == phase_before(s, s->phase);
}

uint32_t fed_secagg_server_waiting(const fed_secagg_server *s)
{
    uint32_t count = 0;
    if (s->phase == FED_SECAGG_JOIN) return s->params.n_max - s->n;
    for (uint32_t i = 0; i < s->n; i++)
        count += fed_secagg_server_expects(s, i);
    return count;
}

const uint8_t *fed_secagg_server_survivors(const fed_secagg_server *s, uint32_t *count)
{
    *count = s->u3 ? fed_map_count(s->u3, s->n) : 0;
    return s->u3;
}

const uint8_t *fed_secagg_server_update_id(const fed_secagg_server *s, uint32_t member)
{
    return s->members[member].bundle.update_id;
}

const uint8_t *fed_secagg_server_device_key(const fed_secagg_server *s, uint32_t member)
{
    return s->members[member].bundle.certificate.device_key;
}

const fed_ring *fed_secagg_server_sum(const fed_secagg_server *s, uint32_t i)
{
    return &s->sums[i];
}

const fed_secagg_graph *fed_secagg_server_graph(const fed_secagg_server *s)
{
    return &s->session.graph;
}

const fed_secagg_suspect *fed_secagg_server_suspects(const fed_secagg_server *s,
                                                     uint32_t *count)
{
    *count = s->n_suspects;
    return s->suspects;
}

/* ---- Messages in ------------------------------------------------------------------------ */

static fed_status take(fed_secagg_server *s, uint32_t i, fed_reader *r, fed_error *err)
{
    switch (s->phase) {
    case FED_SECAGG_PICK:
        return fed_server_pick_take(s, i, r, err);
    case FED_SECAGG_SHARE:
        return fed_server_share_take(s, i, r, err);
    case FED_SECAGG_INPUT:
        return fed_server_input_take(s, i, r, err);
    case FED_SECAGG_CONFIRM:
        return fed_server_confirm_take(s, i, r, err);
    default:
        return fed_server_reveal_take(s, i, r, err);
    }
}

/* The phase that a message is of, or 0. */
static fed_secagg_phase phase_of(fed_span body)
{
    unsigned type = fed_secagg_message_type(body);
    return type > FED_SECAGG_JOIN && type < FED_SECAGG_DONE ? (fed_secagg_phase)type : 0;
}

static fed_status check_turn(const fed_secagg_server *s, uint32_t member,
                             fed_secagg_phase phase, fed_error *err)
{
    const char *name = fed_secagg_phase_name(phase);
    if (s->phase == FED_SECAGG_ABORTED)
        return fed_fail(err, FED_E_STATE, "the cohort is aborted: %s", s->reason);
    if (phase < s->phase)
        return fed_fail(err, FED_E_STATE, "%s of member %u is late: the phase is %s",
                        name, member, fed_secagg_phase_name(s->phase));
    if (phase > s->phase)
        return fed_fail(err, FED_E_STATE, "%s of member %u is early: the phase is %s",
                        name, member, fed_secagg_phase_name(s->phase));
    if (!fed_secagg_server_expects(s, member))
        return fed_fail(err, FED_E_STATE, "%s: member %u dropped out before", name,
                        member);
    return FED_OK;
}

/* Sent before: the same is fine, something else is not. Of an input that came back from the
 * journal as part of a sum the digest is not known; it counts for nothing any more. */
static fed_status check_again(const fed_secagg_member *m, uint32_t member,
                              fed_secagg_phase phase,
                              const uint8_t digest[FED_SHA256_BYTES], fed_error *err)
{
    static const uint8_t unknown[FED_SHA256_BYTES];
    if (phase == FED_SECAGG_INPUT &&
        memcmp(m->digest[phase], unknown, sizeof unknown) == 0)
        return FED_OK;
    if (memcmp(m->digest[phase], digest, FED_SHA256_BYTES) == 0) return FED_OK;
    return fed_fail(err, FED_E_EXISTS, "%s of member %u: it already sent another one",
                    fed_secagg_phase_name(phase), member);
}

static void put_message(fed_bytes *record, uint32_t member, fed_span body)
{
    fed_bytes_put_u8(record, FED_RECORD_MESSAGE);
    fed_bytes_put_u32(record, member);
    fed_bytes_put_block(record, body.data, body.len);
}

static fed_status check_record(const fed_bytes *record, fed_error *err)
{
    return record && record->status
               ? fed_fail(err, record->status, "secagg: no room for the record")
               : FED_OK;
}

fed_status fed_secagg_server_receive(fed_secagg_server *s, uint32_t member, fed_span body,
                                     fed_bytes *record, fed_error *err)
{
    uint8_t digest[FED_SHA256_BYTES];
    fed_secagg_phase phase = phase_of(body);
    fed_reader r;
    if (member >= s->n || s->phase == FED_SECAGG_JOIN)
        return fed_fail(err, FED_E_STATE, "there is no member %u (yet)", member);
    if (!phase) return fed_fail(err, FED_E_FORMAT, "no message of a member");
    fed_secagg_member *m = &s->members[member];
    FED_TRY(fed_sha256(body.data, body.len, digest, err));
    if (s->phase != FED_SECAGG_ABORTED && phase <= m->sent)
        return check_again(m, member, phase, digest, err);
    FED_TRY(check_turn(s, member, phase, err));
    fed_reader_init(&r, body.data, body.len);
    FED_TRY(fed_secagg_take_header(&r, s->params.cohort, phase, err));
    if (record && phase != FED_SECAGG_INPUT) {
        put_message(record, member, body); /* before it counts, lest there be no room */
        FED_TRY(check_record(record, err));
    }
    size_t put = record && phase != FED_SECAGG_INPUT ? 9 + body.len : 0;
    fed_status status = take(s, member, &r, err);
    if (status) {
        if (put) record->len -= put;
        return status;
    }
    m->sent = phase;
    memcpy(m->digest[phase], digest, sizeof digest);
    return FED_OK;
}

/* ---- Closing ------------------------------------------------------------------------------ */

static fed_status close_phase(fed_secagg_server *s, const uint8_t seed[32],
                              fed_error *err)
{
    switch (s->phase) {
    case FED_SECAGG_JOIN:
        return fed_server_join_close(s, seed, err);
    case FED_SECAGG_PICK:
        return fed_server_pick_close(s, err);
    case FED_SECAGG_SHARE:
        return fed_server_share_close(s, err);
    case FED_SECAGG_INPUT:
        return fed_server_input_close(s, err);
    case FED_SECAGG_CONFIRM:
        return FED_OK;
    case FED_SECAGG_REVEAL:
        return fed_server_done_close(s, err);
    default:
        return fed_fail(err, FED_E_STATE, "secagg: the cohort is over (%s)",
                        fed_secagg_phase_name(s->phase));
    }
}

static void go_on(fed_secagg_server *s)
{
    if (s->phase < FED_SECAGG_DONE)
        s->phase = fed_secagg_phase_next(s->phase, s->params.threat.adversary);
}

fed_status fed_secagg_server_close(fed_secagg_server *s, fed_bytes *record,
                                   fed_error *err)
{
    uint8_t seed[32] = {0};
    fed_secagg_phase phase = s->phase;
    if (phase == FED_SECAGG_JOIN &&
        fed_random_fill(s->random, "secagg graph", 0, seed, sizeof seed))
        return fed_fail(err, FED_E_CRYPTO, "secagg: no randomness for the graph");
    FED_TRY(close_phase(s, seed, err));
    bool with_sums = phase == FED_SECAGG_INPUT && s->phase == phase;
    go_on(s);
    if (!record) return FED_OK;
    fed_bytes_put_u8(record, FED_RECORD_CLOSE);
    fed_bytes_put_u8(record, (uint8_t)phase);
    if (phase == FED_SECAGG_JOIN) fed_bytes_put(record, seed, sizeof seed);
    if (phase == FED_SECAGG_INPUT) fed_bytes_put_u8(record, with_sums);
    if (with_sums) fed_server_input_record(s, record);
    return check_record(record, err);
}

/* ---- Journal -------------------------------------------------------------------------------- */

static fed_status replay_join(fed_secagg_server *s, fed_reader *r, fed_error *err)
{
    uint32_t member;
    int64_t now_s = (int64_t)fed_reader_u64(r);
    fed_span body = fed_reader_block(r, BODY_MAX);
    return fed_secagg_server_join(s, body, now_s, &member, NULL, err);
}

static fed_status replay_close(fed_secagg_server *s, fed_reader *r, fed_error *err)
{
    uint8_t seed[32] = {0};
    unsigned phase = fed_reader_u8(r);
    if (phase != (unsigned)s->phase)
        return fed_fail(err, FED_E_FORMAT, "secagg record: closes phase %u in phase %u",
                        phase, (unsigned)s->phase);
    if (phase == FED_SECAGG_JOIN) fed_reader_copy(r, seed, sizeof seed);
    bool with_sums = phase == FED_SECAGG_INPUT && fed_reader_u8(r) == 1;
    FED_TRY(with_sums ? fed_server_input_restore(s, r, err) : close_phase(s, seed, err));
    go_on(s);
    return FED_OK;
}

static fed_status replay_abort(fed_secagg_server *s, fed_reader *r)
{
    char text[FED_SECAGG_REASON + 1] = {0};
    fed_span reason = fed_reader_block(r, FED_SECAGG_REASON);
    if (reason.len) memcpy(text, reason.data, reason.len);
    fed_server_set_aborted(s, "%s", text);
    return FED_OK;
}

fed_status fed_secagg_server_replay(fed_secagg_server *s, fed_span record, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, record.data, record.len);
    while (fed_reader_left(&r)) {
        unsigned kind = fed_reader_u8(&r);
        if (kind == FED_RECORD_JOIN) {
            FED_TRY(replay_join(s, &r, err));
        } else if (kind == FED_RECORD_MESSAGE) {
            uint32_t member = fed_reader_u32(&r);
            fed_span body = fed_reader_block(&r, BODY_MAX);
            FED_TRY(fed_secagg_server_receive(s, member, body, NULL, err));
        } else if (kind == FED_RECORD_CLOSE) {
            FED_TRY(replay_close(s, &r, err));
        } else if (kind == FED_RECORD_ABORT) {
            FED_TRY(replay_abort(s, &r));
        } else {
            return fed_fail(err, FED_E_FORMAT, "secagg record: kind %u", kind);
        }
    }
    return r.failed ? fed_fail(err, FED_E_FORMAT, "secagg record: too short") : FED_OK;
}

fed_status fed_secagg_server_abort(fed_secagg_server *s, const char *reason,
                                   fed_bytes *record, fed_error *err)
{
    size_t n = strlen(reason);
    if (s->phase >= FED_SECAGG_DONE)
        return fed_fail(err, FED_E_STATE, "secagg: the cohort is over (%s)",
                        fed_secagg_phase_name(s->phase));
    if (record) {
        fed_bytes_put_u8(record, FED_RECORD_ABORT);
        fed_bytes_put_block(record, reason,
                            n < FED_SECAGG_REASON ? n : FED_SECAGG_REASON);
        FED_TRY(check_record(record, err));
    }
    fed_server_set_aborted(s, "%.*s", (int)FED_SECAGG_REASON, reason);
    return FED_OK;
}

/* ---- Answers -------------------------------------------------------------------------------- */

typedef fed_status (*answer_of)(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                fed_error *err);

static const answer_of answers[FED_SECAGG_DONE] = {
    [FED_SECAGG_JOIN] = fed_server_join_answer,
    [FED_SECAGG_PICK] = fed_server_pick_answer,
    [FED_SECAGG_SHARE] = fed_server_share_answer,
    [FED_SECAGG_INPUT] = fed_server_input_answer,
    [FED_SECAGG_CONFIRM] = fed_server_confirm_answer,
    [FED_SECAGG_REVEAL] = fed_server_done_answer};

/* A survivor may hear that the sum is committed though it was not there to reveal. */
static bool is_counted(const fed_secagg_server *s, uint32_t member,
                       fed_secagg_phase phase)
{
    return phase == FED_SECAGG_REVEAL && fed_map_has(s->u3, member);
}

fed_status fed_secagg_server_answer(const fed_secagg_server *s, uint32_t member,
                                    fed_secagg_phase phase, fed_bytes *out,
                                    fed_error *err)
{
    if (s->phase == FED_SECAGG_ABORTED) return fed_server_aborted_answer(s, out, err);
    if (phase < FED_SECAGG_JOIN || phase >= s->phase || !answers[phase])
        return fed_fail(err, FED_E_STATE, "no answer about phase %u yet",
                        (unsigned)phase);
    if (member >= s->n ||
        (s->members[member].sent < phase && !is_counted(s, member, phase)))
        return fed_fail(err, FED_E_STATE, "member %u took no part in %s", member,
                        fed_secagg_phase_name(phase));
    FED_TRY(answers[phase](s, member, out, err));
    return out->status ? fed_fail(err, out->status, "secagg: no room for the answer")
                       : FED_OK;
}
