#include "ledger_record.h"

#include <math.h>
#include <string.h>

#include "crypto.h"

enum {
    VERSION = 1,
    HEADER = 4 + 2 + 1 + 1 + 32 + 3 * 8 + 8,
    RECORD = 1 + 32 + 1 + 1 + 10 * 8, /* without its length and its hash */
    HASH = FED_SHA256_BYTES
};
static const char magic[4] = {'F', 'E', 'D', 'L'};

static void put_f64(fed_bytes *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    fed_bytes_put_u64(b, bits);
}

static double get_f64(fed_reader *r)
{
    uint64_t bits = fed_reader_u64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* SHA-256 of the previous hash and the bytes; the header has none before it. */
static fed_status chain(const uint8_t *before, const uint8_t *data, size_t n,
                        uint8_t out[32], fed_error *err)
{
    fed_digest d;
    fed_status status = fed_digest_init(&d, err);
    if (status == FED_OK) {
        if (before) fed_digest_update(&d, before, HASH);
        fed_digest_update(&d, data, n);
        status = fed_digest_final(&d, out, err);
    }
    fed_digest_fini(&d);
    return status;
}

/* Hash what was written from `start` on, append the hash, move the head; undo on failure. */
static fed_status seal(fed_bytes *out, size_t start, const uint8_t *before,
                       uint8_t head[32], fed_error *err)
{
    uint8_t hash[HASH];
    fed_status status = out->status;
    if (status == FED_OK)
        status = chain(before, out->data + start, out->len - start, hash, err);
    else
        fed_fail(err, status, "ledger: no room for a record");
    if (status == FED_OK) {
        fed_bytes_put(out, hash, HASH);
        status = out->status;
        if (status != FED_OK) fed_fail(err, status, "ledger: no room for a record");
    }
    if (status == FED_OK)
        memcpy(head, hash, HASH);
    else
        out->len = start;
    return status;
}

fed_status fed_ledger_write_header(const fed_ledger_terms *t, uint8_t head[32],
                                   fed_bytes *out, fed_error *err)
{
    size_t start = out->len;
    fed_bytes_put(out, magic, sizeof magic);
    fed_bytes_put_u16(out, VERSION);
    fed_bytes_put_u8(out, (uint8_t)t->kind);
    fed_bytes_put_u8(out, (uint8_t)t->accountant);
    fed_bytes_put(out, t->population, 32);
    put_f64(out, t->delta);
    put_f64(out, t->budget_output);
    put_f64(out, t->budget_server);
    fed_bytes_put_u64(out, t->max_participations);
    return seal(out, start, NULL, head, err);
}

fed_status fed_ledger_write_record(const fed_ledger_record *record, uint8_t head[32],
                                   fed_bytes *out, fed_error *err)
{
    const fed_dp_event *e = &record->event;
    size_t start = out->len;
    fed_bytes_put_u32(out, RECORD);
    fed_bytes_put_u8(out, (uint8_t)record->view);
    fed_bytes_put(out, record->id, 32);
    fed_bytes_put_u8(out, (uint8_t)e->model);
    fed_bytes_put_u8(out, (uint8_t)e->sampling);
    put_f64(out, e->sigma);
    put_f64(out, e->q);
    fed_bytes_put_u64(out, e->count);
    put_f64(out, e->sigma_local);
    fed_bytes_put_u64(out, e->shares);
    put_f64(out, e->delta2);
    put_f64(out, e->delta1);
    fed_bytes_put_u64(out, e->dim);
    put_f64(out, e->distance_log2);
    put_f64(out, e->slack);
    return seal(out, start, head, head, err);
}

fed_status fed_ledger_read_header(fed_reader *r, fed_ledger_terms *t, uint8_t head[32],
                                  fed_error *err)
{
    const uint8_t *start = r->at;
    uint8_t mark[4], hash[HASH], stored[HASH];
    fed_reader_copy(r, mark, sizeof mark);
    uint16_t version = fed_reader_u16(r);
    t->kind = (fed_ledger_kind)fed_reader_u8(r);
    t->accountant = (fed_accountant)fed_reader_u8(r);
    fed_reader_copy(r, t->population, 32);
    t->delta = get_f64(r);
    t->budget_output = get_f64(r);
    t->budget_server = get_f64(r);
    t->max_participations = fed_reader_u64(r);
    fed_reader_copy(r, stored, HASH);
    if (r->failed) return fed_fail(err, FED_E_FORMAT, "ledger: the header is cut off");
    if (memcmp(mark, magic, sizeof magic))
        return fed_fail(err, FED_E_FORMAT, "ledger: not a ledger");
    if (version != VERSION)
        return fed_fail(err, FED_E_UNSUPPORTED, "ledger: version %u, known is %d",
                        version, VERSION);
    FED_TRY(chain(NULL, start, HEADER, hash, err));
    if (memcmp(hash, stored, HASH))
        return fed_fail(err, FED_E_FORMAT, "ledger: the header does not match its hash");
    memcpy(head, hash, HASH);
    return FED_OK;
}

static void read_event(fed_reader *r, fed_dp_event *e)
{
    memset(e, 0, sizeof *e);
    e->model = (fed_noise_model)fed_reader_u8(r);
    e->sampling = (fed_sampling)fed_reader_u8(r);
    e->sigma = get_f64(r);
    e->q = get_f64(r);
    e->count = fed_reader_u64(r);
    e->sigma_local = get_f64(r);
    e->shares = fed_reader_u64(r);
    e->delta2 = get_f64(r);
    e->delta1 = get_f64(r);
    e->dim = fed_reader_u64(r);
    e->distance_log2 = get_f64(r);
    e->slack = get_f64(r);
}

fed_status fed_ledger_read_record(fed_reader *r, uint8_t head[32],
                                  fed_ledger_record *record, bool *whole, fed_error *err)
{
    const uint8_t *start = r->at;
    uint8_t hash[HASH], stored[HASH];
    *whole = fed_reader_left(r) >= 4 + RECORD + HASH;
    if (!*whole) return FED_OK;
    uint32_t length = fed_reader_u32(r);
    if (length != RECORD)
        return fed_fail(err, FED_E_FORMAT, "ledger: a record of %u bytes, not %d", length,
                        RECORD);
    record->view = (fed_ledger_view)fed_reader_u8(r);
    fed_reader_copy(r, record->id, 32);
    read_event(r, &record->event);
    fed_reader_copy(r, stored, HASH);
    FED_TRY(chain(head, start, 4 + RECORD, hash, err));
    if (memcmp(hash, stored, HASH))
        return fed_fail(err, FED_E_FORMAT, "ledger: a record breaks the chain of hashes");
    if (record->view != FED_LEDGER_OUTPUT && record->view != FED_LEDGER_SEEN)
        return fed_fail(err, FED_E_FORMAT, "ledger: view %d is unknown",
                        (int)record->view);
    FED_TRY(fed_dp_event_check(&record->event, err));
    memcpy(head, hash, HASH);
    return FED_OK;
}
