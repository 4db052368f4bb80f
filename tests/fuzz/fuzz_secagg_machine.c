/*
 * Whole sessions that do not obey. The input is a list of moves: a device sends (its message
 * changed, repeated, or somebody else's), the server closes a phase, answers about any phase
 * (changed or not), either side restarts or leaves. Whatever happens, no device ever makes
 * two different inputs or reveals, and a sum that comes out of unchanged inputs is right.
 */
#include "secagg_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOVES_MAX = 64, KEEP = 2 };

typedef struct play {
    fixture *f;
    fed_secagg_device *devices[FIX_N];
    fed_secagg_server *server;
    fed_bytes journal;
    fed_bytes once[FIX_N][KEEP]; /* the first input and the first reveal of each device */
    bool input_changed;
} play;

static void check_once(play *p, uint32_t i, fed_secagg_phase phase, const fed_bytes *body)
{
    if (phase != FED_SECAGG_INPUT && phase != FED_SECAGG_REVEAL) return;
    fed_bytes *first = &p->once[i][phase == FED_SECAGG_REVEAL];
    if (!first->len)
        fed_bytes_put(first, body->data, body->len);
    else if (first->len != body->len || memcmp(first->data, body->data, body->len) != 0)
        abort(); /* two different ones of one device */
}

/* Move 0: device `i` speaks; the server hears it as coming from `as`. */
static void speak(play *p, uint32_t i, uint32_t as, const uint8_t *change, size_t n)
{
    fed_bytes body, changed;
    uint32_t member;
    fed_bytes_init(&body, 1 << 20);
    fed_secagg_phase phase = fed_secagg_device_phase(p->devices[i]);
    if (fix_message(p->f, p->devices[i], i, &body) == FED_OK) {
        check_once(p, i, phase, &body);
        fix_change(&body, change, n, &changed);
        fed_status status =
            phase == FED_SECAGG_JOIN
                ? fed_secagg_server_join(p->server, fix_span(&changed), FIX_NOW, &member,
                                         &p->journal, NULL)
                : fed_secagg_server_receive(p->server, as, fix_span(&changed),
                                            &p->journal, NULL);
        bool same =
            changed.len == body.len && memcmp(changed.data, body.data, body.len) == 0;
        if (status == FED_OK && phase == FED_SECAGG_INPUT && (!same || as != i))
            p->input_changed = true;
        fed_bytes_fini(&changed);
    }
    fed_bytes_fini(&body);
}

/* Move 1: the server tells device `i` what it tells member `as` about `phase`. */
static void tell(play *p, uint32_t i, uint32_t as, fed_secagg_phase phase,
                 const uint8_t *change, size_t n)
{
    fed_bytes body, changed;
    fed_bytes_init(&body, 1 << 20);
    if (fed_secagg_server_answer(p->server, as, phase, &body, NULL) == FED_OK) {
        fix_change(&body, change, n, &changed);
        fed_status status =
            fed_secagg_device_receive(p->devices[i], fix_span(&changed), NULL);
        (void)status;
        fed_bytes_fini(&changed);
    }
    fed_bytes_fini(&body);
}

static void restart_device(play *p, uint32_t i)
{
    fed_secagg_device *d = NULL;
    fed_bytes state;
    fed_bytes_init(&state, 1 << 20);
    fix_must(fed_secagg_device_encode(p->devices[i], &state, NULL));
    fix_must(fed_secagg_device_restore(&d, &p->f->configs[i], fix_span(&state), NULL));
    if (fed_secagg_device_phase(d) != fed_secagg_device_phase(p->devices[i])) abort();
    fed_secagg_device_free(p->devices[i]);
    p->devices[i] = d;
    fed_bytes_wipe(&state);
}

static void restart_server(play *p)
{
    fed_secagg_server *s = fix_server(p->f);
    fix_must(fed_secagg_server_replay(s, fix_span(&p->journal), NULL));
    if (fed_secagg_server_phase(s) != fed_secagg_server_phase(p->server)) abort();
    fed_secagg_server_free(p->server);
    p->server = s;
}

static void close_phase(play *p)
{
    if (fed_secagg_server_phase(p->server) < FED_SECAGG_DONE)
        fix_must(fed_secagg_server_close(p->server, &p->journal, NULL));
}

/* Devices join in any order, so a member's input is found by its key. */
static void check_sum(play *p)
{
    uint32_t count;
    uint64_t want[FIX_LENGTH] = {0};
    if (fed_secagg_server_phase(p->server) != FED_SECAGG_DONE || p->input_changed) return;
    const uint8_t *u3 = fed_secagg_server_survivors(p->server, &count);
    for (uint32_t m = 0; m < fed_secagg_server_members(p->server); m++)
        for (uint32_t i = 0; fed_map_has(u3, m) && i < FIX_N; i++)
            if (memcmp(fed_secagg_server_device_key(p->server, m),
                       p->f->configs[i].certificate.device_key, FED_ED25519_BYTES) == 0)
                for (size_t e = 0; e < FIX_LENGTH; e++)
                    want[e] += fed_ring_get(&p->f->inputs[i], e);
    for (size_t e = 0; e < FIX_LENGTH; e++)
        if (fed_ring_get(fed_secagg_server_sum(p->server, 0), e) != want[e]) abort();
}

static size_t move(play *p, const uint8_t *data, size_t size)
{
    uint32_t i = data[1] % FIX_N, as = data[1] / 4 % 4 ? i : data[1] / 16 % FIX_N;
    size_t n = data[0] / 16 % 4 * 3;
    fed_secagg_phase about = (fed_secagg_phase)(data[1] / 16 % 8);
    if (n > size - 2) n = 0;
    switch (data[0] % 8) {
    case 0:
    case 1:
        speak(p, i, as, data + 2, n);
        break;
    case 2:
    case 3:
        if (!about) about = fed_secagg_device_phase(p->devices[i]);
        tell(p, i, as, about, data + 2, n);
        break;
    case 4:
        close_phase(p);
        break;
    case 5:
        restart_device(p, i);
        break;
    case 6:
        restart_server(p);
        break;
    default:
        if (data[1] == 255) fed_secagg_device_abort(p->devices[i], "fuzz");
    }
    return 2 + n;
}

static void finish(play *p)
{
    for (uint32_t i = 0; i < FIX_N; i++) {
        fed_secagg_device_free(p->devices[i]);
        for (int k = 0; k < KEEP; k++)
            fed_bytes_fini(&p->once[i][k]);
    }
    fed_secagg_server_free(p->server);
    fed_bytes_fini(&p->journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play p = {.f = fix_get()};
    p.server = fix_server(p.f);
    fed_bytes_init(&p.journal, 1 << 22);
    for (uint32_t i = 0; i < FIX_N; i++) {
        p.devices[i] = fix_device(p.f, i);
        for (int k = 0; k < KEEP; k++)
            fed_bytes_init(&p.once[i][k], 1 << 20);
    }
    for (int moves = 0; size >= 2 && moves < MOVES_MAX; moves++) {
        size_t used = move(&p, data, size);
        data += used, size -= used;
    }
    check_sum(&p);
    finish(&p);
    return 0;
}
