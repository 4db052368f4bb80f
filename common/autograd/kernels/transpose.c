#include "transpose.h"

/* Blocks of 8 x 8 keep both sides within a few cache lines. */
enum { BLOCK = 8 };

static void turn_edge(size_t rows, size_t columns, const float *from, size_t from_row,
                      float *to, size_t to_row)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            to[j * to_row + i] = from[i * from_row + j];
}

#if defined(__AVX2__) && !defined(FED_PATH_SCALAR)
static inline void turn_block(const float *from, size_t from_row, float *to,
                              size_t to_row)
{
    __m256 r[BLOCK], s[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        r[i] = _mm256_loadu_ps(from + i * from_row);
    for (size_t i = 0; i < BLOCK; i += 2) {
        s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (size_t i = 0; i < BLOCK; i += 4) {
        r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
    for (size_t i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * to_row, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_row,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}
#else
static inline void turn_block(const float *from, size_t from_row, float *to,
                              size_t to_row)
{
    turn_edge(BLOCK, BLOCK, from, from_row, to, to_row);
}
#endif

void fed_transpose(size_t rows, size_t columns, const float *from, size_t from_row,
                   float *to, size_t to_row)
{
    size_t whole_rows = rows - rows % BLOCK, whole_columns = columns - columns % BLOCK;
    for (size_t i = 0; i < whole_rows; i += BLOCK)
        for (size_t j = 0; j < whole_columns; j += BLOCK)
            turn_block(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
    turn_edge(whole_rows, columns - whole_columns, from + whole_columns, from_row,
              to + whole_columns * to_row, to_row);
    turn_edge(rows - whole_rows, columns, from + whole_rows * from_row, from_row,
              to + whole_rows, to_row);
}
