#include "cohort_messages.h"

#include <string.h>

static const char *const phase_names[] = {"place",   "join",   "pick", "share",  "input",
                                          "confirm", "reveal", "done", "aborted"};

enum { N_NAMES = sizeof phase_names / sizeof *phase_names };

const char *fed_phase_name(fed_phase phase)
{
    return (unsigned)phase < N_NAMES ? phase_names[phase] : "unknown";
}

int fed_phase_from_name(const char *name)
{
    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(name, phase_names[i]) == 0) return i;
    return -1;
}

static fed_status finish(const fed_reader *r, const char *what, size_t n, fed_error *err)
{
    if (fed_reader_finish(r) == FED_OK) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "%s: %zu bytes %s", what, n,
                    r->failed ? "end inside a field" : "have some left over");
}

void fed_place_put(fed_bytes *out, const fed_place *m)
{
    fed_bytes_put(out, m->task, sizeof m->task);
    fed_bytes_put_u64(out, m->version);
    fed_bytes_put(out, m->round, sizeof m->round);
    fed_bytes_put(out, m->update_id, sizeof m->update_id);
}

fed_status fed_place_get(fed_place *m, fed_span body, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    fed_reader_copy(&r, m->task, sizeof m->task);
    m->version = fed_reader_u64(&r);
    fed_reader_copy(&r, m->round, sizeof m->round);
    fed_reader_copy(&r, m->update_id, sizeof m->update_id);
    return finish(&r, "place", body.len, err);
}

void fed_placed_put(fed_bytes *out, const fed_placed *m)
{
    fed_bytes_put(out, m->cohort, sizeof m->cohort);
    fed_bytes_put_u32(out, m->join_by_ms);
}

fed_status fed_placed_get(fed_placed *m, fed_span body, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    fed_reader_copy(&r, m->cohort, sizeof m->cohort);
    m->join_by_ms = fed_reader_u32(&r);
    return finish(&r, "placed", body.len, err);
}

void fed_join_put(fed_bytes *out, const fed_join *m)
{
    fed_bytes_put(out, m->update_id, sizeof m->update_id);
    fed_bytes_put_block(out, m->bundle.data, m->bundle.len);
}

fed_status fed_join_get(fed_join *m, fed_span body, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    fed_reader_copy(&r, m->update_id, sizeof m->update_id);
    m->bundle = fed_reader_block(&r, FED_JOIN_BUNDLE_MAX);
    return finish(&r, "join", body.len, err);
}

void fed_answer_put(fed_bytes *out, const fed_answer *m)
{
    fed_bytes_put_u8(out, (uint8_t)m->phase);
    fed_bytes_put_u32(out, m->members);
    fed_bytes_put_u32(out, m->index);
    fed_bytes_put_u32(out, m->phase_ms);
    fed_bytes_put_u64(out, m->version);
    fed_bytes_put_block(out, m->payload.data, m->payload.len);
}

fed_status fed_answer_get(fed_answer *m, fed_span body, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    unsigned phase = fed_reader_u8(&r);
    m->phase = (fed_phase)phase;
    m->members = fed_reader_u32(&r);
    m->index = fed_reader_u32(&r);
    m->phase_ms = fed_reader_u32(&r);
    m->version = fed_reader_u64(&r);
    m->payload = fed_reader_block(&r, FED_ANSWER_PAYLOAD_MAX);
    FED_TRY(finish(&r, "answer", body.len, err));
    if (phase > FED_PHASE_ABORTED)
        return fed_fail(err, FED_E_FORMAT, "answer: phase %u is above %d", phase,
                        FED_PHASE_ABORTED);
    if (m->members && m->index >= m->members)
        return fed_fail(err, FED_E_FORMAT, "answer: index %u of %u members", m->index,
                        m->members);
    return FED_OK;
}

void fed_inbox_query_put(fed_bytes *out, const fed_inbox_query *m)
{
    fed_bytes_put(out, m->cohort, sizeof m->cohort);
    fed_bytes_put(out, m->sender, sizeof m->sender);
    fed_bytes_put_u8(out, (uint8_t)m->after);
}

fed_status fed_inbox_query_get(fed_inbox_query *m, fed_span body, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    fed_reader_copy(&r, m->cohort, sizeof m->cohort);
    fed_reader_copy(&r, m->sender, sizeof m->sender);
    unsigned after = fed_reader_u8(&r);
    m->after = (fed_phase)after;
    FED_TRY(finish(&r, "inbox", body.len, err));
    if (after > FED_PHASE_REVEAL)
        return fed_fail(err, FED_E_FORMAT, "inbox: phase %u is above %d", after,
                        FED_PHASE_REVEAL);
    return FED_OK;
}
