#include "event_queue.h"

void fed_event_queue_fini(fed_event_queue *q)
{
    for (size_t i = 0; i < q->n; i++)
        fed_bytes_fini(&q->heap[i].body);
    fed_free(q->heap);
    *q = (fed_event_queue){0};
}

static bool is_earlier(const fed_net_event *a, const fed_net_event *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void swap(fed_net_event *a, fed_net_event *b)
{
    fed_net_event t = *a;
    *a = *b;
    *b = t;
}

fed_status fed_event_queue_push(fed_event_queue *q, fed_net_event *event)
{
    if (q->n == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 64;
        fed_net_event *grown = fed_realloc(q->heap, cap, sizeof *grown);
        if (!grown) {
            fed_bytes_fini(&event->body);
            return FED_E_NOMEM;
        }
        q->heap = grown;
        q->cap = cap;
    }
    size_t i = q->n++;
    event->sequence = q->pushed++;
    q->heap[i] = *event;
    event->body = (fed_bytes){0};
    for (; i && is_earlier(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&q->heap[i], &q->heap[(i - 1) / 2]);
    return FED_OK;
}

bool fed_event_queue_pop(fed_event_queue *q, fed_net_event *out)
{
    if (!q->n) return false;
    *out = q->heap[0];
    q->heap[0] = q->heap[--q->n];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1;
        if (left < q->n && is_earlier(&q->heap[left], &q->heap[least])) least = left;
        if (left + 1 < q->n && is_earlier(&q->heap[left + 1], &q->heap[least]))
            least = left + 1;
        if (least == i) return true;
        swap(&q->heap[i], &q->heap[least]);
        i = least;
    }
}
