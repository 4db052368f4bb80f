#include "update.h"

#include "fast_math.h"
#include "optimizer.h"

/* Ranges are worked on in pieces that stay in the first-level cache. */
enum { PIECE = 1024, LANES = 16 };

/* The gradient of a piece with weight decay and proximal term added, into `g`. The sum of
 * g - g tells whether all of it is finite. */
static bool load_gradient(const fed_update *u, size_t from, size_t n, float *g)
{
    const float *w = u->params + from, *grad = u->gradient + from;
    float decay = u->kind == FED_ADAMW ? 0 : u->decay, bad[LANES] = {0};
    if (decay != 0)
        for (size_t i = 0; i < n; i++)
            g[i] = fed_madd(decay, w[i], grad[i]);
    else
        memcpy(g, grad, n * sizeof *g);
    if (u->anchor)
        for (size_t i = 0; i < n; i++)
            g[i] = fed_madd(u->proximal, w[i] - u->anchor[from + i], g[i]);
    for (size_t i = n - n % LANES; i < n; i++)
        bad[0] += g[i] - g[i];
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            bad[l] += g[i + l] - g[i + l];
    for (size_t l = 1; l < LANES; l++)
        bad[0] += bad[l];
    return bad[0] == 0;
}

static void sgd(const fed_update *u, size_t n, const float *restrict g, float *restrict w)
{
    for (size_t i = 0; i < n; i++)
        w[i] = fed_madd(-u->lr, g[i], w[i]);
}

static void momentum(const fed_update *u, size_t n, const float *restrict g,
                     float *restrict w, float *restrict m)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = fed_madd(u->momentum, m[i], g[i]);
        w[i] = fed_madd(-u->lr, m[i], w[i]);
    }
}

static void nesterov(const fed_update *u, size_t n, const float *restrict g,
                     float *restrict w, float *restrict m)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = fed_madd(u->momentum, m[i], g[i]);
        w[i] = fed_madd(-u->lr, fed_madd(u->momentum, m[i], g[i]), w[i]);
    }
}

static void adam(const fed_update *u, size_t n, const float *restrict g,
                 float *restrict w, float *restrict m, float *restrict v)
{
    float keep = u->kind == FED_ADAMW ? 1 - u->lr * u->decay : 1;
    for (size_t i = 0; i < n; i++) {
        m[i] = fed_madd(u->beta1, m[i], (1 - u->beta1) * g[i]);
        v[i] = fed_madd(u->beta2, v[i], (1 - u->beta2) * (g[i] * g[i]));
        float down = __builtin_sqrtf(v[i] * u->fresh2) + u->epsilon;
        w[i] = w[i] * keep - u->lr * (m[i] * u->fresh1) / down;
    }
}

bool fed_update_run(const fed_update *u, size_t from, size_t to)
{
    float g[PIECE];
    bool finite = true;
    for (size_t at = from; at < to; at += PIECE) {
        size_t n = to - at < PIECE ? to - at : PIECE;
        finite &= load_gradient(u, at, n, g);
        float *w = u->params + at;
        switch (u->kind) {
        case FED_MOMENTUM:
            momentum(u, n, g, w, u->m + at);
            break;
        case FED_NESTEROV:
            nesterov(u, n, g, w, u->m + at);
            break;
        case FED_ADAM:
        case FED_ADAMW:
            adam(u, n, g, w, u->m + at, u->v + at);
            break;
        default:
            sgd(u, n, g, w);
        }
    }
    return finite;
}
