/* Events come out in the order of (time, sequence), whatever the order of pushing. */
#include "harness.h"

#include "event_queue.h"

enum { EVENTS = 2000 };

static void test_order(void)
{
    fed_event_queue q = {0};
    fed_stream s;
    const uint8_t key[FED_SEED_BYTES] = {1};
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 1);
    fed_net_event e;
    for (int i = 0; i < EVENTS; i++) {
        e = (fed_net_event){.at = fed_stream_below(&s, 50), .number = (uint64_t)i};
        CHECK_OK(fed_event_queue_push(&q, &e), NULL);
        if (i % 5 == 4) CHECK(fed_event_queue_pop(&q, &e));
    }
    int64_t at = -1;
    uint64_t number = 0;
    size_t n = 0;
    for (; fed_event_queue_pop(&q, &e); n++) {
        CHECK(e.at > at || (e.at == at && e.number > number));
        at = e.at;
        number = e.number;
    }
    CHECK_EQ(n, EVENTS - EVENTS / 5);
    fed_event_queue_fini(&q);
}

/* Bodies belong to the queue, also when it ends before they come out, and when it cannot
 * grow. */
static fed_status push_bodies(void *ctx)
{
    fed_event_queue q = {0};
    fed_status status = FED_OK;
    (void)ctx;
    for (int i = 0; !status && i < 100; i++) {
        fed_net_event e = {.at = i};
        fed_bytes_init(&e.body, 100);
        fed_bytes_put_text(&e.body, "body");
        status = e.body.status;
        fed_status pushed = fed_event_queue_push(&q, &e);
        if (!status) status = pushed;
    }
    fed_event_queue_fini(&q);
    return status;
}

static void test_torture(void)
{
    CHECK(fed_torture(push_bodies, NULL) > 100);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_order), CASE(test_torture)};
    return fed_run("event_queue", cases, sizeof cases / sizeof *cases);
}
