/*
 * The book of what was spent: append-only, each record bound to the one before it by its
 * hash. One on the server and one on each device, per population, whatever plan or task a
 * round belonged to. Pure data: a charge gives bytes, which the caller makes durable before
 * it acts (before a reveal is asked for; before the first masked byte leaves). What was
 * charged is never refunded. Opening the bytes again replays them.
 *
 * Layout, little-endian: header "FEDL" u16 version, u8 kind, u8 accountant, 32 bytes
 * population, f64 delta, f64 budget_output, f64 budget_server, u64 max_participations, 32
 * bytes SHA-256 of all that; then records: u32 length, u8 view, 32 bytes id, the event, 32
 * bytes SHA-256(previous hash, record). Left over after the last whole record: a write that
 * never finished, hence never acted on; it is dropped and reported.
 */
#ifndef FED_LEDGER_H
#define FED_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../accounting/epsilon.h"

typedef enum fed_ledger_kind {
    FED_LEDGER_SERVER = 1,
    FED_LEDGER_DEVICE = 2
} fed_ledger_kind;

typedef enum fed_ledger_view {
    FED_LEDGER_OUTPUT = 1, /* what the released models give away: charged at commit */
    FED_LEDGER_SEEN = 2    /* what the server sees: charged before any reveal */
} fed_ledger_view;

/** The terms, fixed when a ledger is made. */
typedef struct fed_ledger_terms {
    fed_ledger_kind kind;
    fed_accountant accountant; /* RDP or PLD */
    uint8_t population[32];
    double delta;
    double budget_output, budget_server; /* epsilon; INFINITY: none */
    /** Of one device; 0: no cap. A device counts its own, in whichever view it books them. A server's ledger, which does not know
     *  who took part, answers for the worst device: the SEEN view, and OUTPUT without sampling,
     *  count the costliest this many charges. */
    uint64_t max_participations;
} fed_ledger_terms;

typedef struct fed_ledger fed_ledger;

/** A new ledger; its first bytes are appended to `bytes` for the store. */
FED_MUST_CHECK fed_status fed_ledger_new(fed_ledger **out, const fed_ledger_terms *terms,
                                         fed_bytes *bytes, fed_error *err);
/** Verify and replay. `used` (may be NULL) receives how many bytes are whole records: cut
 *  the rest off before appending. FED_E_FORMAT for a broken chain, naming the record. */
FED_MUST_CHECK fed_status fed_ledger_open(fed_ledger **out, const void *data, size_t n,
                                          size_t *used, fed_error *err);
void fed_ledger_free(fed_ledger *ledger);

/** Would this charge fit? FED_E_BUDGET with the numbers when not; FED_E_REFUSED for an event about
 *  examples among events about devices, or the other way round. */
FED_MUST_CHECK fed_status fed_ledger_check(const fed_ledger *ledger, fed_ledger_view view,
                                           const fed_dp_event *event, fed_error *err);
/** The same, had the ledger been made with these terms (its kind stays). */
FED_MUST_CHECK fed_status fed_ledger_check_under(const fed_ledger *ledger,
                                                 const fed_ledger_terms *terms,
                                                 fed_ledger_view view,
                                                 const fed_dp_event *event,
                                                 fed_error *err);
/** Check, then append the record to `bytes`. The same id with the same view and event again
 *  is no second charge and appends nothing (a retry sends the same bytes); with another
 *  event it is FED_E_EXISTS. If the bytes cannot be made durable, throw the ledger away and
 *  open the stored one. */
FED_MUST_CHECK fed_status fed_ledger_charge(fed_ledger *ledger, fed_ledger_view view,
                                            const uint8_t id[32],
                                            const fed_dp_event *event, fed_bytes *bytes,
                                            fed_error *err);
/** What is spent so far at the ledger's delta. */
FED_MUST_CHECK fed_status fed_ledger_spent(const fed_ledger *ledger,
                                           double *epsilon_output, double *epsilon_server,
                                           fed_error *err);
/** Has this id been charged in this view? */
bool fed_ledger_has(const fed_ledger *ledger, fed_ledger_view view, const uint8_t id[32]);
const fed_ledger_terms *fed_ledger_get_terms(const fed_ledger *ledger);
uint64_t fed_ledger_count(const fed_ledger *ledger, fed_ledger_view view);
/** Hash of the last record: keep it elsewhere too, and a rollback shows. */
const uint8_t *fed_ledger_head(const fed_ledger *ledger);

#endif
