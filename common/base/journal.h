/*
 * What is durable: text keys and their bytes. A machine writes through its outbox and reads,
 * once, when it is restored after a start. The shells keep journals in a database or in
 * encrypted files; the one in memory here is for simulations and tests.
 */
#ifndef FED_JOURNAL_H
#define FED_JOURNAL_H

#include "machine.h"

typedef fed_status (*fed_journal_visit)(void *arg, const char *key, fed_span value,
                                        fed_error *err);

typedef struct fed_journal {
    /** Append the value of `key` to `out`. FED_E_NOT_FOUND when there is none. */
    fed_status (*get)(void *ctx, const char *key, fed_bytes *out, fed_error *err);
    /** Visit every record whose key begins with `prefix`, in ascending order of keys, until
     *  a visit fails; that failure is returned. Visits must not change the journal. */
    fed_status (*scan)(void *ctx, const char *prefix, fed_journal_visit visit, void *arg,
                       fed_error *err);
    void *ctx;
} fed_journal;

/** A journal in memory. One thread at a time. */
typedef struct fed_memory_journal fed_memory_journal;
FED_MUST_CHECK fed_status fed_memory_journal_new(fed_memory_journal **out,
                                                 fed_error *err);
void fed_memory_journal_free(fed_memory_journal *m);
/** Carry out the records of an outbox, all or none. They stay in the outbox. */
FED_MUST_CHECK fed_status fed_memory_journal_apply(fed_memory_journal *m,
                                                   const fed_outbox *outbox,
                                                   fed_error *err);
/** Number of records, and bytes of their values. */
size_t fed_memory_journal_count(const fed_memory_journal *m);
size_t fed_memory_journal_bytes(const fed_memory_journal *m);
/** Read access; valid as long as `m`. */
fed_journal fed_memory_journal_reader(fed_memory_journal *m);

#endif
