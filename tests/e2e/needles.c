#include "needles.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { DISTINCT_BYTES_MIN = 10, DISTINCT_DIGITS_MIN = 7, STARTS_BYTES = 1 << 21 };

void fed_needles_fini(fed_needles *s)
{
    fed_free(s->items);
    fed_free(s->starts);
    *s = (fed_needles){0};
}

/* ---- adding ------------------------------------------------------------------------------ */

static bool is_telling(const uint8_t bytes[FED_NEEDLE_BYTES], int distinct_min)
{
    bool seen[256] = {false};
    int distinct = 0;
    for (int i = 0; i < FED_NEEDLE_BYTES; i++) {
        distinct += !seen[bytes[i]];
        seen[bytes[i]] = true;
    }
    return distinct >= distinct_min;
}

static bool add_needle(fed_needles *s, const fed_needle *needle)
{
    if (s->n == s->cap) {
        size_t cap = 2 * s->cap + 1024;
        fed_needle *grown = fed_realloc(s->items, cap, sizeof *grown);
        if (!CHECK(grown)) return false;
        s->items = grown;
        s->cap = cap;
    }
    s->items[s->n++] = *needle;
    s->is_ready = false;
    return true;
}

/* Half as many secret bytes make a needle of digits. */
static bool add_forms(fed_needles *s, const char *name, unsigned banned_from,
                      const uint8_t piece[FED_NEEDLE_BYTES])
{
    char digits[FED_NEEDLE_BYTES + 1];
    fed_needle needle = {.name = name, .banned_from = banned_from};
    memcpy(needle.bytes, piece, FED_NEEDLE_BYTES);
    if (!add_needle(s, &needle)) return false;
    fed_hex_encode(digits, piece, FED_NEEDLE_BYTES / 2);
    memcpy(needle.bytes, digits, FED_NEEDLE_BYTES);
    if (!is_telling(needle.bytes, DISTINCT_DIGITS_MIN)) return true;
    if (!add_needle(s, &needle)) return false;
    for (int i = 0; i < FED_NEEDLE_BYTES; i++)
        needle.bytes[i] = (uint8_t)toupper(needle.bytes[i]);
    return add_needle(s, &needle);
}

bool fed_needles_add(fed_needles *s, const char *name, unsigned banned_from,
                     const void *secret, size_t n)
{
    const uint8_t *bytes = secret;
    size_t before = s->n, places = n < FED_NEEDLE_BYTES ? 0 : n - FED_NEEDLE_BYTES + 1;
    size_t step = places / FED_NEEDLES_EACH + 1;
    if (step < FED_NEEDLE_BYTES) step = FED_NEEDLE_BYTES;
    for (size_t at = 0; at < places; at += step)
        if (is_telling(bytes + at, DISTINCT_BYTES_MIN) &&
            !add_forms(s, name, banned_from, bytes + at))
            return false;
    return CHECK_MSG(s->n > before, "%s: %zu bytes, none of them telling", name, n);
}

/* ---- finding ----------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(((const fed_needle *)a)->bytes, ((const fed_needle *)b)->bytes,
                  FED_NEEDLE_BYTES);
}

static uint32_t start_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

/* Sort, and keep what was added twice once. */
static bool prepare(fed_needles *s)
{
    size_t kept = 0;
    if (s->is_ready || !s->n) return s->n > 0;
    if (!s->starts) s->starts = fed_malloc(STARTS_BYTES);
    if (!CHECK(s->starts)) return false;
    memset(s->starts, 0, STARTS_BYTES);
    qsort(s->items, s->n, sizeof *s->items, by_bytes);
    for (size_t i = 0; i < s->n; i++) {
        uint32_t start = start_of(s->items[i].bytes);
        s->starts[start / 8] |= (uint8_t)(1 << start % 8);
        if (kept && by_bytes(&s->items[kept - 1], &s->items[i]) == 0)
            s->items[kept - 1].banned_from |= s->items[i].banned_from;
        else
            s->items[kept++] = s->items[i];
    }
    s->n = kept;
    s->is_ready = true;
    return true;
}

bool fed_needles_are_in(fed_needles *s, fed_span bytes, fed_haystack which)
{
    s->searched += bytes.len;
    if (!prepare(s)) return false;
    for (size_t at = 0; at + FED_NEEDLE_BYTES <= bytes.len; at++) {
        uint32_t start = start_of(bytes.data + at);
        if (!(s->starts[start / 8] >> start % 8 & 1)) continue;
        fed_needle here;
        memcpy(here.bytes, bytes.data + at, FED_NEEDLE_BYTES);
        const fed_needle *needle =
            bsearch(&here, s->items, s->n, sizeof *s->items, by_bytes);
        if (!needle || !(needle->banned_from & which)) continue;
        s->found = needle->name;
        return true;
    }
    return false;
}

static bool are_in_file(fed_needles *s, const char *path, fed_haystack which)
{
    fed_bytes text;
    fed_bytes_init(&text, SIZE_MAX);
    fed_status status = fed_durable_read(path, SIZE_MAX / 2, &text, NULL);
    bool found = !status && fed_needles_are_in(s, (fed_span){text.data, text.len}, which);
    fed_bytes_fini(&text);
    if (found) snprintf(s->where, sizeof s->where, "%s", path);
    return found;
}

size_t fed_needles_search(fed_needles *s, const char *path, fed_haystack which)
{
    size_t found = 0;
    const struct dirent *file;
    char below[FED_PATH_MAX];
    DIR *folder = opendir(path);
    if (!folder) return are_in_file(s, path, which);
    while ((file = readdir(folder))) {
        if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0) continue;
        if (CHECK(snprintf(below, sizeof below, "%s/%s", path, file->d_name) <
                  (int)sizeof below))
            found += fed_needles_search(s, below, which);
    }
    closedir(folder);
    return found;
}
