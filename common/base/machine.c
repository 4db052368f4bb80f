#include "machine.h"

#include <string.h>

#include "memory.h"

void fed_outbox_init(fed_outbox *o)
{
    *o = (fed_outbox){.wake_ms = FED_NEVER};
}

void fed_outbox_clear(fed_outbox *o)
{
    for (size_t i = 0; i < o->n_messages; i++)
        fed_bytes_fini(&o->messages[i].body);
    for (size_t i = 0; i < o->n_records; i++) {
        fed_free(o->records[i].key);
        fed_bytes_wipe(&o->records[i].value);
    }
    o->n_messages = o->n_records = 0;
    o->wake_ms = FED_NEVER;
    o->status = FED_OK;
}

void fed_outbox_fini(fed_outbox *o)
{
    fed_outbox_clear(o);
    fed_free(o->messages);
    fed_free(o->records);
    fed_outbox_init(o);
}

/* Room for one more item of `size` bytes; the array is returned, or NULL. */
static void *make_room(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return items;
    size_t wanted = *cap ? *cap * 2 : 8;
    void *grown = fed_realloc(items, wanted, size);
    if (grown) *cap = wanted;
    return grown;
}

static fed_status fail(fed_outbox *o, fed_status status)
{
    if (o->status == FED_OK) o->status = status;
    return status;
}

fed_status fed_outbox_send_taken(fed_outbox *o, uint64_t peer, uint32_t type,
                                 uint32_t status, fed_bytes *body)
{
    fed_message *grown = NULL;
    fed_status result = body->status;
    if (!result) {
        grown = make_room(o->messages, o->n_messages, &o->cap_messages, sizeof *grown);
        if (!grown) result = FED_E_NOMEM;
    }
    if (result) {
        fed_bytes_fini(body);
        return fail(o, result);
    }
    o->messages = grown;
    o->messages[o->n_messages++] = (fed_message){peer, type, status, *body};
    fed_bytes_init(body, body->max);
    return FED_OK;
}

fed_status fed_outbox_send(fed_outbox *o, uint64_t peer, uint32_t type, uint32_t status,
                           const void *data, size_t n)
{
    fed_bytes body;
    fed_bytes_init(&body, n);
    fed_bytes_put(&body, data, n);
    return fed_outbox_send_taken(o, peer, type, status, &body);
}

static fed_status add_record(fed_outbox *o, const char *key, bool erase, fed_bytes *value)
{
    char *copy = NULL;
    fed_record *grown = NULL;
    fed_status result = value->status;
    if (!result) {
        copy = fed_strdup(key);
        grown = make_room(o->records, o->n_records, &o->cap_records, sizeof *grown);
        if (grown) o->records = grown;
        if (!copy || !grown) result = FED_E_NOMEM;
    }
    if (result) {
        fed_free(copy);
        fed_bytes_wipe(value);
        return fail(o, result);
    }
    o->records[o->n_records++] = (fed_record){copy, erase, *value};
    fed_bytes_init(value, value->max);
    return FED_OK;
}

fed_status fed_outbox_store_taken(fed_outbox *o, const char *key, fed_bytes *value)
{
    return add_record(o, key, false, value);
}

fed_status fed_outbox_store(fed_outbox *o, const char *key, const void *data, size_t n)
{
    fed_bytes value;
    fed_bytes_init(&value, n);
    fed_bytes_put(&value, data, n);
    return add_record(o, key, false, &value);
}

fed_status fed_outbox_erase(fed_outbox *o, const char *key)
{
    fed_bytes nothing;
    fed_bytes_init(&nothing, 0);
    return add_record(o, key, true, &nothing);
}

void fed_outbox_wake(fed_outbox *o, int64_t at_ms)
{
    if (at_ms < o->wake_ms) o->wake_ms = at_ms;
}
