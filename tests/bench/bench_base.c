/* The named streams: ChaCha20 in plain C beside OpenSSL's assembly. Device randomness is a
 * small part of a training step, so the plain one may stay well behind. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "bench.h"

enum { BLOCK = 1 << 20 };

static uint8_t buffer[BLOCK];
static fed_stream stream;

static void ours(void *ctx)
{
    (void)ctx;
    fed_stream_fill(&stream, buffer, sizeof buffer);
    fed_bench_use(buffer);
}

static void openssl(void *ctx)
{
    static const uint8_t zeros[BLOCK];
    int n;
    if (EVP_EncryptUpdate(ctx, buffer, &n, zeros, BLOCK) != 1) abort();
    fed_bench_use(buffer);
}

int main(int argc, char **argv)
{
    uint8_t key[FED_SEED_BYTES], iv[16] = {0};
    fed_seed_from_u64(key, 1);
    fed_stream_init(&stream, key, FED_PURPOSE_TEST, 0);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher || EVP_EncryptInit_ex(cipher, EVP_chacha20(), NULL, key, iv) != 1)
        abort();
    fed_bench *b = fed_bench_start("base", argc, argv);
    fed_bench_run(b, &(fed_bench_case){.name = "stream, 1 MiB",
                                       .unit = "GB/s",
                                       .work = BLOCK / 1e9,
                                       .ours = ours,
                                       .reference = openssl,
                                       .reference_name = "OpenSSL ChaCha20",
                                       .reference_ctx = cipher,
                                       .target = {FED_BENCH_RATIO_AT_LEAST, 0.05}});
    EVP_CIPHER_CTX_free(cipher);
    return fed_bench_finish(b);
}
