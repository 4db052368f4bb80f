#include "vector.h"

#include "fast_math.h"

void fed_vector_scale(size_t n, float factor, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = factor * x[i];
}

void fed_vector_add(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void fed_vector_axpy(size_t n, float factor, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = fed_madd(factor, x[i], y[i]);
}

float fed_vector_sum(size_t n, const float *x)
{
    fed_vec sum = vec_set(0);
    size_t i = 0;
    for (; i + FED_LANES <= n; i += FED_LANES)
        sum = vec_add(sum, vec_load(x + i));
    if (i < n) sum = vec_add(sum, vec_load_part(x + i, vec_mask(n - i)));
    return vec_sum(sum);
}

float fed_vector_dot(size_t n, const float *x, const float *y)
{
    fed_vec sum = vec_set(0);
    size_t i = 0;
    for (; i + FED_LANES <= n; i += FED_LANES)
        sum = vec_fma(vec_load(x + i), vec_load(y + i), sum);
    if (i < n) {
        fed_mask m = vec_mask(n - i);
        sum = vec_fma(vec_load_part(x + i, m), vec_load_part(y + i, m), sum);
    }
    return vec_sum(sum);
}

float fed_vector_max(size_t n, const float *x)
{
    fed_vec most = vec_set(x[0]);
    size_t i = 0;
    for (; i + FED_LANES <= n; i += FED_LANES)
        most = vec_max(vec_load(x + i), most);
    float lane[FED_LANES], top;
    vec_store(lane, most);
    top = lane[0];
    for (size_t l = 1; l < FED_LANES; l++)
        top = lane[l] > top ? lane[l] : top;
    for (; i < n; i++)
        top = x[i] > top ? x[i] : top;
    return top;
}

/* Sixteen partial sums in double, whatever the path: enough to vectorise. */
double fed_vector_sum_squares(size_t n, const float *x)
{
    double part[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; l++)
            part[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t l = 0; i < n; i++, l++)
        part[l] += (double)x[i] * (double)x[i];
    for (size_t width = 8; width; width /= 2)
        for (size_t l = 0; l < width; l++)
            part[l] += part[l + width];
    return part[0];
}

/* x - x is 0 for a number and NaN otherwise. */
bool fed_vector_all_finite(size_t n, const float *x)
{
    float part[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; l++)
            part[l] += x[i + l] - x[i + l];
    for (; i < n; i++)
        part[0] += x[i] - x[i];
    for (size_t l = 1; l < 16; l++)
        part[0] += part[l];
    return part[0] == 0;
}

static void sum_columns(size_t rows, size_t width, size_t n, const float *x, float *out,
                        bool accumulate)
{
    fed_mask m = vec_mask(n);
    fed_vec even = accumulate ? vec_load_part(out, m) : vec_set(0), odd = vec_set(0);
    size_t i = 0;
    for (; i + 2 <= rows; i += 2) {
        even = vec_add(even, vec_load_part(x + i * width, m));
        odd = vec_add(odd, vec_load_part(x + (i + 1) * width, m));
    }
    if (i < rows) even = vec_add(even, vec_load_part(x + i * width, m));
    vec_store_part(out, m, vec_add(even, odd));
}

void fed_matrix_sum_rows(size_t rows, size_t width, const float *x, float *out,
                         bool accumulate)
{
    for (size_t j = 0; j < width; j += FED_LANES) {
        size_t n = width - j < FED_LANES ? width - j : FED_LANES;
        sum_columns(rows, width, n, x + j, out + j, accumulate);
    }
}
