/*
 * A session against any server. The input says how each answer differs from the true one:
 *
 *     how u8 | what that needs
 *     0 true   1 no answer   2 status u16, true body   3 a byte changed: at u16, xor u8
 *     4 cut to u16 bytes     5 status u16, length u8, body
 *
 * Whatever comes, no step fails but for memory, at most one request is under way, and nothing
 * is delivered that was not trained.
 */
#include <stdint.h>
#include <stdlib.h>

#include "scripted_server.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 60, WAYS = 6 };

static fed_status fill(void *ctx, const char *purpose, uint64_t index, void *out,
                       size_t n)
{
    uint8_t key[32];
    fed_stream s;
    (void)ctx, (void)purpose;
    fed_seed_from_u64(key, index);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    fed_stream_fill(&s, out, n);
    return FED_OK;
}

static uint32_t answer(fed_script *script, fed_reader *r, const fed_message *m,
                       fed_bytes *out)
{
    uint8_t how = (uint8_t)(fed_reader_u8(r) % WAYS);
    uint32_t status =
        fed_script_answer(script, m->type, (fed_span){m->body.data, m->body.len}, out);
    if (how == 1) return 0;
    if (how == 2) return fed_reader_u16(r) % 1000;
    if (how == 3) {
        uint16_t at = fed_reader_u16(r);
        uint8_t change = fed_reader_u8(r);
        if (out->len) out->data[at % out->len] ^= change;
    }
    if (how == 4) {
        uint16_t length = fed_reader_u16(r);
        if (length < out->len) out->len = length;
    }
    if (how == 5) {
        status = fed_reader_u16(r) % 1000;
        fed_span body = fed_reader_take(r, fed_reader_u8(r));
        fed_bytes_clear(out);
        fed_bytes_put(out, body.data, body.len);
    }
    return status;
}

static void converse(fed_session *s, fed_script *script, fed_reader *r)
{
    fed_bytes body;
    int64_t now = 5000000;
    fed_event event = {.kind = FED_EVENT_START};
    fed_bytes_init(&body, 1 << 20);
    for (int i = 0; i < STEPS && fed_reader_left(r); i++) {
        fed_outbox o;
        fed_outbox_init(&o);
        if (fed_session_step(s, &event, now, &o, NULL) || o.n_messages > 1) abort();
        event = (fed_event){.kind = FED_EVENT_TIMER};
        fed_bytes_clear(&body);
        if (o.n_messages) {
            event.status = answer(script, r, &o.messages[0], &body);
            event.kind = event.status ? FED_EVENT_MESSAGE : FED_EVENT_FAILED;
            event.peer = o.messages[0].peer;
            event.body = (fed_span){body.data, body.len};
        } else if (o.wake_ms > now) {
            now = o.wake_ms == FED_NEVER ? now + 1 : o.wake_ms;
        }
        fed_outbox_fini(&o);
    }
    fed_session_info info = fed_session_describe(s);
    if (info.delivered > info.trained) abort();
    fed_bytes_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fed_script script;
    fed_session *s = NULL;
    fed_reader r;
    if (!script.blobs[0].len && fed_script_init(&script, FED_LIE_NONE, 0, NULL)) abort();
    fed_session_config config = {.population = "test",
                                 .identity_seed = {3},
                                 .device_seed = {4},
                                 .max_model_bytes = 1 << 20,
                                 .random = {fill, NULL},
                                 .examples = {FED_SCRIPT_ROWS, fed_script_fetch, NULL}};
    for (int i = 0; i < 32; i++)
        config.operator_key[i] = script.operator_key[i];
    if (fed_session_new(&s, &config, NULL)) abort();
    fed_reader_init(&r, data, size);
    converse(s, &script, &r);
    fed_session_free(s);
    return 0;
}
