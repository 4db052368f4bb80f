/* A ledger's bytes, as they are and with their hashes put right, so that what lies behind the
 * hashes is reached too. */
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "dp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 72, RECORD = 4 + 115, HASH = 32 };

static void open_once(const uint8_t *data, size_t size)
{
    fed_ledger *ledger;
    fed_error err;
    size_t used = 0;
    if (fed_ledger_open(&ledger, data, size, &used, &err) != FED_OK) return;
    uint8_t id[32] = {0};
    if (used > size || used < HEADER + HASH) abort();
    if (fed_ledger_has(ledger, FED_LEDGER_SEEN, id) &&
        !fed_ledger_count(ledger, FED_LEDGER_SEEN))
        abort();
    fed_ledger_free(ledger);
}

/* The hash of (the one before, n bytes), written behind them. */
static const uint8_t *seal(const uint8_t *before, uint8_t *at, size_t n)
{
    fed_digest d;
    if (fed_digest_init(&d, NULL) == FED_OK) {
        if (before) fed_digest_update(&d, before, HASH);
        fed_digest_update(&d, at, n);
        if (fed_digest_final(&d, at + n, NULL) != FED_OK) memset(at + n, 0, HASH);
    }
    fed_digest_fini(&d);
    return at + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_once(data, size);
    if (size < HEADER + HASH) return 0;
    uint8_t *copy = malloc(size);
    if (!copy) abort();
    memcpy(copy, data, size);
    const uint8_t *hash = seal(NULL, copy, HEADER);
    for (size_t at = HEADER + HASH; size - at >= RECORD + HASH; at += RECORD + HASH)
        hash = seal(hash, copy + at, RECORD);
    open_once(copy, size);
    free(copy);
    return 0;
}
