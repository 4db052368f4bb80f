/* What the server and the devices of a round_world have on their disks: ledgers, records, and
 * whether they can be started from them. */
#ifndef FED_WORLD_BOOKS_H
#define FED_WORLD_BOOKS_H

#include "round_world.h"

/** Charges in the ledger below a key of a journal; 0 when there is none. */
uint64_t charges(fed_memory_journal *journal, const char *prefix, fed_ledger_view view);
/** A value; the caller's to release. */
void read_value(fed_memory_journal *journal, const char *key, fed_bytes *out);
/** Replace it by what is taken, or erase it (NULL). */
void write_value(fed_memory_journal *journal, const char *key, fed_bytes *taken);
/** The server refuses its store with FED_E_FORMAT and this text. */
void fails_to_start(world *w, const char *why);

/* For fed_torture(), with the world as context. */
/** The server, from its journal. */
fed_status restart_server(void *ctx);
/** Device 0 likewise; its books agree with what left it. */
fed_status restart_device(void *ctx);
/** And its first step. */
fed_status resume_device(void *ctx);

#endif
