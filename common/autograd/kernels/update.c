#include "update.h"

#include "fast_math.h"
#include "optimizer.h"
#include "vector.h"

/* Ranges are worked on in pieces that stay in the first-level cache. */
enum { PIECE = 1024 };

/* The gradient of a piece with weight decay and proximal term added: as it lies when there are
 * none, else in `g`. */
static const float *load_gradient(const fed_update *u, size_t from, size_t n, float *g)
{
    const float *w = u->params + from, *grad = u->gradient + from;
    float decay = u->kind == FED_ADAMW ? 0 : u->decay;
    if (decay == 0 && !u->anchor) return grad;
    for (size_t i = 0; i < n; i++)
        g[i] = fed_madd(decay, w[i], grad[i]);
    if (u->anchor)
        for (size_t i = 0; i < n; i++)
            g[i] = fed_madd(u->proximal, w[i] - u->anchor[from + i], g[i]);
    return g;
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
    float own[PIECE];
    bool finite = true;
    for (size_t at = from; at < to; at += PIECE) {
        size_t n = to - at < PIECE ? to - at : PIECE;
        const float *g = load_gradient(u, at, n, own);
        finite &= fed_vector_all_finite(n, g);
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
