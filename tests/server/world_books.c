#include "world_books.h"

static fed_status append_value(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)key, (void)err;
    fed_bytes_put(arg, value.data, value.len);
    return FED_OK;
}

/* The ledger below a key of a journal; NULL when there is none. */
static fed_ledger *ledger_of(fed_memory_journal *journal, const char *prefix)
{
    fed_error err;
    fed_bytes all;
    fed_ledger *ledger = NULL;
    fed_journal j = fed_memory_journal_reader(journal);
    fed_bytes_init(&all, SIZE_MAX);
    CHECK_OK(j.scan(j.ctx, prefix, append_value, &all, &err), &err);
    if (all.len) CHECK_OK(fed_ledger_open(&ledger, all.data, all.len, NULL, &err), &err);
    fed_bytes_fini(&all);
    return ledger;
}

void read_value(fed_memory_journal *journal, const char *key, fed_bytes *out)
{
    fed_error err;
    fed_journal j = fed_memory_journal_reader(journal);
    fed_bytes_init(out, SIZE_MAX);
    CHECK_OK(j.get(j.ctx, key, out, &err), &err);
}

void write_value(fed_memory_journal *journal, const char *key, fed_bytes *taken)
{
    fed_error err;
    fed_outbox o;
    fed_outbox_init(&o);
    CHECK_OK(taken ? fed_outbox_store_taken(&o, key, taken) : fed_outbox_erase(&o, key),
             &err);
    CHECK_OK(fed_memory_journal_apply(journal, &o, &err), &err);
    fed_outbox_fini(&o);
}

uint64_t charges(fed_memory_journal *journal, const char *prefix, fed_ledger_view view)
{
    fed_ledger *ledger = ledger_of(journal, prefix);
    uint64_t n = ledger ? fed_ledger_count(ledger, view) : 0;
    fed_ledger_free(ledger);
    return n;
}

void fails_to_start(world *w, const char *why)
{
    fed_error err;
    fed_coordinator *c;
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    CHECK_OK(fed_coordinator_new(&c, &w->config, &err), &err);
    CHECK_FAILS(fed_coordinator_restore(c, &j, 0, &err), FED_E_FORMAT, &err, why);
    fed_coordinator_free(c);
}

fed_status restart_device(void *ctx)
{
    world *w = ctx;
    fed_session *session = NULL;
    fed_journal j = fed_memory_journal_reader(w->devices[0].node.journal);
    fed_status status = fed_session_new(&session, &w->devices[0].config, NULL);
    if (!status) status = fed_session_restore(session, &j, NULL);
    if (!status) CHECK_EQ(fed_session_describe(session).participations, w->n_inputs[0]);
    fed_session_free(session);
    return status;
}

fed_status restart_server(void *ctx)
{
    world *w = ctx;
    fed_coordinator *c = NULL;
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    fed_status status = fed_coordinator_new(&c, &w->config, NULL);
    if (!status) status = fed_coordinator_restore(c, &j, w->now, NULL);
    fed_coordinator_free(c);
    return status;
}

/* In the middle of a cohort that it was charged for. */
fed_status resume_device(void *ctx)
{
    world *w = ctx;
    fed_session *session = NULL;
    fed_outbox o;
    fed_journal j = fed_memory_journal_reader(w->devices[0].node.journal);
    fed_outbox_init(&o);
    fed_status status = fed_session_new(&session, &w->devices[0].config, NULL);
    if (!status) status = fed_session_restore(session, &j, NULL);
    if (!status)
        status = fed_session_step(session, &(fed_event){.kind = FED_EVENT_START}, w->now,
                                  &o, NULL);
    fed_outbox_fini(&o);
    fed_session_free(session);
    return status;
}
