/* Without libFuzzer: run a target over its corpus and over mutations of it, from a fixed
 * seed, so that every build runs every target for a moment. Usage: fuzz_x CORPUS_DIR. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20, MUTATIONS_PER_FILE = 200, EMPTY_RUNS = 500 };

static void mutate(fed_stream *s, uint8_t *data, size_t *n)
{
    unsigned edits = 1 + fed_stream_below(s, 4);
    while (edits--) {
        uint32_t kind = fed_stream_below(s, 4);
        if (kind == 0 && *n)
            data[fed_stream_below(s, (uint32_t)*n)] = (uint8_t)fed_stream_u32(s);
        else if (kind == 1 && *n)
            data[fed_stream_below(s, (uint32_t)*n)] ^=
                (uint8_t)(1u << fed_stream_below(s, 8));
        else if (kind == 2 && *n)
            *n = fed_stream_below(s, (uint32_t)*n + 1);
        else if (kind == 3 && *n < INPUT_BYTES_MAX)
            data[(*n)++] = (uint8_t)fed_stream_u32(s);
    }
}

/* An exact-size copy, so that a sanitizer sees a read past the end. */
static void run_one(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) abort();
    if (n) memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static unsigned run_file(const char *path, fed_stream *s)
{
    static uint8_t original[INPUT_BYTES_MAX], changed[INPUT_BYTES_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    size_t n = fread(original, 1, sizeof original, f);
    fclose(f);
    run_one(original, n);
    for (int i = 0; i < MUTATIONS_PER_FILE; i++) {
        size_t m = n;
        memcpy(changed, original, n);
        mutate(s, changed, &m);
        run_one(changed, m);
    }
    return 1 + MUTATIONS_PER_FILE;
}

static unsigned run_noise(fed_stream *s)
{
    uint8_t data[256];
    for (int i = 0; i < EMPTY_RUNS; i++) {
        size_t n = fed_stream_below(s, sizeof data);
        fed_stream_fill(s, data, n);
        run_one(data, n);
    }
    return EMPTY_RUNS;
}

int main(int argc, char **argv)
{
    uint8_t key[32];
    fed_stream s;
    fed_seed_from_u64(key, 1);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    unsigned runs = run_noise(&s);
    DIR *corpus = argc > 1 ? opendir(argv[1]) : NULL;
    for (struct dirent *e; corpus && (e = readdir(corpus));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        if (e->d_name[0] != '.') runs += run_file(path, &s);
    }
    if (corpus) closedir(corpus);
    printf("%u inputs, no crash\n%s: 1 passed, 0 failed, 0 skipped\n", runs,
           strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
    return 0;
}
