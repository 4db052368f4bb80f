/* The bytes of a ledger: its header, its records, and the chain of hashes through them. */
#ifndef FED_LEDGER_RECORD_H
#define FED_LEDGER_RECORD_H

#include "ledger.h"

typedef struct fed_ledger_record {
    fed_ledger_view view;
    uint8_t id[32];
    fed_dp_event event;
} fed_ledger_record;

/** Append; `head` becomes the hash of what was appended. Nothing is appended on failure. */
FED_MUST_CHECK fed_status fed_ledger_write_header(const fed_ledger_terms *terms,
                                                  uint8_t head[32], fed_bytes *out,
                                                  fed_error *err);
FED_MUST_CHECK fed_status fed_ledger_write_record(const fed_ledger_record *record,
                                                  uint8_t head[32], fed_bytes *out,
                                                  fed_error *err);
/** Read and verify; `head` moves on. A record cut off by the end of the bytes is not whole
 *  and leaves `head` alone. */
FED_MUST_CHECK fed_status fed_ledger_read_header(fed_reader *r, fed_ledger_terms *terms,
                                                 uint8_t head[32], fed_error *err);
FED_MUST_CHECK fed_status fed_ledger_read_record(fed_reader *r, uint8_t head[32],
                                                 fed_ledger_record *record, bool *whole,
                                                 fed_error *err);

#endif
