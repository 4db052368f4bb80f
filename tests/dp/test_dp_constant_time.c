/* Drawing from the tables, watched by valgrind: see watched.h. */
#include "watched.h"

#include "dp.h"
#include "sampling/dgauss_table.h"

/* A block of one base draw. The kernel for 512-bit registers, which valgrind does not know, has its
 * time measured instead (test_dp_sampling.c). */
static void draw_secretly(fed_kernel kind, const fed_cdt *cdt, fed_noise *noise)
{
    static uint64_t u[FED_TABLE_BLOCK], count[FED_TABLE_BLOCK];
    uint64_t sign[FED_TABLE_BLOCK / 64];
    int64_t sum[FED_TABLE_BLOCK] = {0};
    const fed_cdt_kernel *kernel = fed_cdt_kernel_of(kind);
    fed_noise_words(noise, u, FED_TABLE_BLOCK);
    fed_noise_words(noise, sign, FED_TABLE_BLOCK / 64);
    POISON(u, sizeof u);
    POISON(sign, sizeof sign);
    uint64_t tie = kernel->scan(cdt, u, count);
    kernel->apply(count, sign, 7, sum);
    CLEAR(&tie, sizeof tie);
    CLEAR(sum, sizeof sum);
    CHECK_EQ(tie, 0);
    int64_t largest = 0;
    for (int i = 0; i < FED_TABLE_BLOCK; i++)
        if (sum[i] > largest) largest = sum[i];
    CHECK(largest > 0 && largest % 7 == 0);
}

static void test_tables(void)
{
    static const double sigmas[] = {1, 3, 16};
    const uint8_t key[32] = {4};
    static fed_noise noise;
    fed_error err;
    if (!is_watched()) return;
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    for (int i = 0; i < 3; i++) {
        fed_dgauss_table t;
        CHECK_OK(fed_dgauss_table_init(&t, sigmas[i], &err), &err);
        for (int kind = FED_KERNEL_SCALAR; kind < FED_KERNEL_AVX512; kind++)
            if (fed_kernel_available((fed_kernel)kind))
                draw_secretly((fed_kernel)kind, &t.cdt, &noise);
        fed_dgauss_table_fini(&t);
    }
    fed_noise_fini(&noise);
}

static void test_the_poison_is_seen(void)
{
    if (is_watched()) CHECK(poison_is_seen());
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_tables), CASE(test_the_poison_is_seen)};
    return fed_run("dp_constant_time", cases, sizeof cases / sizeof *cases);
}
