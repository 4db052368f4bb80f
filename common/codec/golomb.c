#include "golomb.h"

/* The smallest m with t^m (1 + t) <= 1 for t = 1 - k/n (Gallager, van Voorhis). By products
 * alone, which give the same bits on every machine, as logarithms would not. */
uint32_t fed_golomb_parameter(size_t k, size_t n)
{
    double powers[31], t = k < n ? (double)(n - k) / (double)n : 0, product = 1 + t;
    uint32_t m = 0;
    powers[0] = t;
    for (int j = 1; j < 31; j++)
        powers[j] = powers[j - 1] * powers[j - 1];
    for (int j = 30; j >= 0; j--)
        if (k && product * powers[j] > 1) {
            product *= powers[j];
            m += UINT32_C(1) << j;
        }
    return m + 1;
}

/* Remainders below `cut` take width-1 bits, the others `width`. */
typedef struct code {
    uint32_t m, cut;
    unsigned width;
} code;

static code code_for(size_t k, size_t n)
{
    code c = {.m = fed_golomb_parameter(k, n)};
    while (c.m > UINT32_C(1) << c.width)
        c.width++;
    c.cut = (UINT32_C(1) << c.width) - c.m;
    return c;
}

size_t fed_golomb_bytes_max(size_t k, size_t n)
{
    code c = code_for(k, n);
    return (k * (c.width + 1) + n / c.m + 7) / 8;
}

/* Bits of a byte from the lowest up. */
typedef struct bit_writer {
    fed_bytes *out;
    uint64_t word;
    unsigned fill; /* below 32 between calls */
} bit_writer;

static void put_bits(bit_writer *w, uint32_t v, unsigned bits)
{
    w->word |= (uint64_t)v << w->fill;
    w->fill += bits;
    if (w->fill < 32) return;
    fed_bytes_put_u32(w->out, (uint32_t)w->word);
    w->word >>= 32;
    w->fill -= 32;
}

static void put_gap(bit_writer *w, const code *c, uint32_t gap)
{
    uint32_t quotient = gap / c->m, rest = gap % c->m;
    for (; quotient >= 31; quotient -= 31)
        put_bits(w, 0x7fffffff, 31);
    put_bits(w, (UINT32_C(1) << quotient) - 1, quotient + 1);
    if (!c->width) return;
    if (rest < c->cut) {
        put_bits(w, rest, c->width - 1);
    } else {
        rest += c->cut;
        put_bits(w, rest >> 1, c->width - 1);
        put_bits(w, rest & 1, 1);
    }
}

fed_status fed_golomb_encode(const uint32_t *indices, size_t k, size_t n, fed_bytes *out,
                             fed_error *err)
{
    code c = code_for(k, n);
    bit_writer w = {.out = out};
    uint64_t next = 0;
    for (size_t i = 0; i < k; i++) {
        if (indices[i] < next || indices[i] >= n)
            return fed_fail(err, FED_E_INVALID, "indices[%zu]: %u is not in %llu..%zu", i,
                            indices[i], (unsigned long long)next, n - 1);
        put_gap(&w, &c, indices[i] - (uint32_t)next);
        next = (uint64_t)indices[i] + 1;
    }
    for (unsigned b = 0; b < w.fill; b += 8)
        fed_bytes_put_u8(out, (uint8_t)(w.word >> b));
    if (out->status) return fed_fail(err, out->status, "indices: no room for their code");
    return FED_OK;
}

typedef struct bit_reader {
    const uint8_t *at, *end;
    uint64_t word;
    unsigned fill;
    bool failed;
} bit_reader;

static void refill(bit_reader *r)
{
    while (r->fill <= 56 && r->at < r->end) {
        r->word |= (uint64_t)*r->at++ << r->fill;
        r->fill += 8;
    }
}

static uint32_t get_bits(bit_reader *r, unsigned bits)
{
    if (r->fill < bits) refill(r);
    if (r->fill < bits) {
        r->failed = true;
        return 0;
    }
    uint32_t v = (uint32_t)(r->word & ((UINT64_C(1) << bits) - 1));
    r->word >>= bits;
    r->fill -= bits;
    return v;
}

/* Ones up to the first zero; more than `max` is a failure. */
static uint32_t get_unary(bit_reader *r, uint32_t max)
{
    uint32_t ones = 0;
    while (get_bits(r, 1)) {
        if (++ones > max) {
            r->failed = true;
            return 0;
        }
    }
    return ones;
}

static uint64_t get_gap(bit_reader *r, const code *c, uint32_t max_quotient)
{
    uint64_t gap = (uint64_t)get_unary(r, max_quotient) * c->m;
    if (!c->width) return gap;
    uint32_t rest = get_bits(r, c->width - 1);
    if (rest >= c->cut) rest = 2 * rest + get_bits(r, 1) - c->cut;
    return gap + rest;
}

fed_status fed_golomb_decode(fed_span bytes, size_t k, size_t n, uint32_t *indices,
                             fed_error *err)
{
    code c = code_for(k, n);
    bit_reader r = {.at = bytes.data, .end = bytes.data + bytes.len};
    uint64_t next = 0;
    for (size_t i = 0; i < k; i++) {
        uint64_t index = next + get_gap(&r, &c, (uint32_t)(n / c.m));
        if (r.failed)
            return fed_fail(err, FED_E_FORMAT,
                            "indices: the code of number %zu of %zu is cut "
                            "short or too long",
                            i, k);
        if (index >= n)
            return fed_fail(err, FED_E_FORMAT, "indices[%zu]: %llu is not below %zu", i,
                            (unsigned long long)index, n);
        indices[i] = (uint32_t)index;
        next = index + 1;
    }
    if (r.at != r.end || r.fill >= 8)
        return fed_fail(err, FED_E_FORMAT,
                        "indices: bytes are left over behind the last");
    if (r.word) return fed_fail(err, FED_E_FORMAT, "indices: a padding bit is set");
    return FED_OK;
}
