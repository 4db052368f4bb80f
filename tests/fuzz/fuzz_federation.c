/*
 * A whole federation that does not obey: the coordinator and four sessions, with masks or
 * without, and letters between them that are delivered in any order, changed (also by devices
 * that sign the change), repeated or lost, while anybody dies at any time. First byte: which
 * plan. Then moves of two bytes, what and which; a change takes three more: where u16, xor.
 *
 * Whatever happens, no step fails but for memory, everybody comes back from the journal, no
 * device lets two different inputs of one version out, and the trace holds each version once
 * and no device twice in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "round_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOVES_MAX = 240 };

/* What the world checks, it checks for this target: so a check that fails is a crash. */
bool fed_check(bool ok, const char *file, int line, const char *format, ...)
{
    va_list values;
    if (ok) return true;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    abort();
}

bool fed_check_ok(fed_status status, const fed_error *err, const char *text,
                  const char *file, int line)
{
    if (status) fprintf(stderr, "%s: %s\n", text, err ? err->text : "");
    return fed_check(!status, file, line, "failed");
}

#define PLAN(secagg, privacy)                                                            \
    "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[20]},"   \
    "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"  \
    "\"train\":{\"lr\":0.1,\"batch\":50},\"update\":{\"bits\":8,\"clip\":1},"            \
    "\"secagg\":{" secagg "},\"privacy\":{" privacy                                      \
    "},\"rounds\":{\"count\":3,\"cohort\":3,\"over_select\":1.3,"                        \
    "\"min_survivors\":2,\"deadline_s\":20,\"phase_s\":5}}"

static const char *const plans[] = {
    PLAN("\"enabled\":true,\"adversary\":\"active\",\"corrupt\":0,\"dropout\":0.3", ""),
    PLAN("\"enabled\":true,\"adversary\":\"curious\",\"corrupt\":0,\"dropout\":0.3", ""),
    PLAN("\"enabled\":false", ""),
    PLAN("\"enabled\":false",
         "\"mechanism\":\"matrix\",\"noise_multiplier\":1,\"epsilon\":9,"
         "\"epsilon_server\":\"none\",\"delta\":1e-3,\"population\":4,"
         "\"max_participations\":3,\"matrix\":{\"kind\":\"tree\",\"separation\":1}")};

/* ---- letters ------------------------------------------------------------------------------ */

static void change_bytes(fed_bytes *body, size_t at, uint8_t change)
{
    if (!body->len) return;
    if (change)
        body->data[at % body->len] ^= change;
    else
        body->len = at % body->len;
}

/* A hostile device signs what it changed, so that it gets behind the signature. */
static void change_letter(world *w, letter *l, size_t at, uint8_t change)
{
    fed_envelope e;
    fed_bytes inside, frame;
    bool is_signed =
        l->to_server && !fed_envelope_open(&e, l->body.data, l->body.len, 1 << 20, NULL);
    if (!is_signed || at % 8 == 7) { /* now and then the frame itself */
        change_bytes(&l->body, at, change);
        return;
    }
    fed_bytes_init(&inside, 1 << 20);
    fed_bytes_init(&frame, 1 << 21);
    fed_bytes_put(&inside, e.body.data, e.body.len);
    change_bytes(&inside, at, change);
    e.body = (fed_span){inside.data, inside.len};
    CHECK(
        !fed_envelope_seal(&frame, &e, w->devices[l->device].config.identity_seed, NULL));
    fed_bytes_fini(&inside);
    fed_bytes_fini(&l->body);
    l->body = frame;
}

static void repeat_letter(world *w, const letter *l)
{
    if (w->n_queue == QUEUE) return;
    letter again = *l;
    fed_bytes_init(&again.body, SIZE_MAX);
    fed_bytes_put(&again.body, l->body.data, l->body.len);
    w->queue[w->n_queue++] = again;
}

/* What is lost comes back as a failure of the network's. */
static void lose_letter(letter *l)
{
    l->to_server = false;
    l->status = 503;
    fed_bytes_clear(&l->body);
}

/* ---- moves -------------------------------------------------------------------------------- */

static void move(world *w, uint8_t what, uint8_t which, fed_reader *r)
{
    size_t i = w->n_queue ? which % w->n_queue : 0;
    letter *l = w->n_queue ? &w->queue[i] : NULL;
    what %= 16;
    if (what == 15) {
        world_kill_server(w);
        world_fail_waiting(w);
    } else if (what == 14) {
        world_kill_device(w, which % DEVICES);
    } else if (what == 13 || !l) {
        world_pass_time(w);
    } else if (what >= 10) {
        uint16_t at = fed_reader_u16(r);
        change_letter(w, l, at, fed_reader_u8(r));
    } else if (what == 9) {
        repeat_letter(w, l);
    } else if (what == 8) {
        lose_letter(l);
    } else {
        world_deliver(w, what < 4 ? 0 : i);
    }
}

static void check_inputs(const world *w)
{
    uint64_t versions = world_info(w).head.version + 1;
    for (unsigned i = 0; i < DEVICES; i++)
        CHECK(w->n_inputs[i] <= versions);
}

static fed_status check_roster(void *arg, const char *key, fed_span value, fed_error *err)
{
    fed_roster roster;
    (void)key;
    FED_TRY(fed_roster_get(&roster, value, err));
    ++*(uint64_t *)arg;
    for (uint32_t i = 0; i < roster.n; i++)
        for (uint32_t k = 0; k < i; k++)
            CHECK(memcmp(roster.members[i].device, roster.members[k].device, 32) != 0);
    fed_roster_fini(&roster);
    return FED_OK;
}

static void check_trace(const world *w)
{
    char prefix[FED_KEY_MAX];
    uint64_t versions = 0;
    fed_task_info info = world_info(w);
    fed_journal journal = fed_memory_journal_reader(w->server.journal);
    fed_key_task(prefix, &info.id, "trace/");
    CHECK(!journal.scan(journal.ctx, prefix, check_roster, &versions, NULL));
    CHECK(versions == info.head.version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    fed_reader r;
    fed_reader_init(&r, data, size);
    world_init(&w);
    world_create_task(&w, plans[fed_reader_u8(&r) % 4]);
    for (int moves = 0; fed_reader_left(&r) && moves < MOVES_MAX; moves++) {
        uint8_t what = fed_reader_u8(&r), which = fed_reader_u8(&r);
        move(&w, what, which, &r);
        check_inputs(&w);
    }
    check_trace(&w);
    world_fini(&w);
    return 0;
}
