/*
 * Pictures of digits that look hand-written enough to be learnt from: a skeleton with
 * shaken points is rounded off by corner cutting (Chaikin 1974), turned, sheared,
 * stretched and shifted, drawn with a pen of random width, and sprinkled with noise. Only
 * additions, multiplications, divisions and square roots: the same bytes on every
 * machine.
 */
#include <math.h>
#include <string.h>

#include "digit_strokes.h"
#include "synthetic.h"

enum { SIDE = FED_DIGIT_SIDE, CUTS = 2, MAX_POINTS = FED_STROKE_POINTS << CUTS };

typedef struct point {
    float x, y;
} point;

typedef struct curve {
    point at[MAX_POINTS + 1];
    unsigned n;
    bool closed;
} curve;

/* From skeleton coordinates to pixels, and the pen. */
typedef struct hand {
    float xx, xy, yx, yy, x0, y0;
    float width, ink;
} hand;

/* How far a hand may stray: in box units (shake), pixels (shift, width), tangents (turn,
 * shear), factors (stretch). */
static const float SHAKE = 7, SHIFT = 2, TURN = 0.15f, SHEAR = 0.35f, STRETCH = 0.2f;

/* Uniform in [-1, 1). */
static float swing(fed_stream *s)
{
    return 2 * fed_stream_uniform(s) - 1;
}

static hand draw_hand(fed_stream *s)
{
    hand h;
    float t = TURN * swing(s),
          shear = SHEAR * swing(s); /* t: tangent of half the angle */
    float cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
    float wide = 0.14f * (1 + 1.5f * STRETCH * swing(s)),
          high = 0.2f * (1 + STRETCH * swing(s));
    h.xx = wide * cosine;
    h.xy = high * (shear * cosine - sine);
    h.yx = wide * sine;
    h.yy = high * (shear * sine + cosine);
    h.x0 = SIDE / 2.0f + SHIFT * swing(s);
    h.y0 = SIDE / 2.0f + SHIFT * swing(s);
    h.width = 0.6f + 1.1f * fed_stream_uniform(s);
    h.ink = 0.7f + 0.3f * fed_stream_uniform(s);
    return h;
}

static void shake_stroke(const fed_stroke *stroke, const hand *h, fed_stream *s, curve *c)
{
    c->n = stroke->n;
    c->closed = stroke->closed;
    for (unsigned i = 0; i < c->n; i++) {
        float x = (float)stroke->xy[i][0] - 50 + SHAKE * swing(s);
        float y = (float)stroke->xy[i][1] - 50 + SHAKE * swing(s);
        c->at[i] = (point){h->x0 + h->xx * x + h->xy * y, h->y0 + h->yx * x + h->yy * y};
    }
}

static point between(point a, point b, float t)
{
    return (point){a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t};
}

/* Replace every corner by the points at a quarter and three quarters of its edges; the
 * ends of an open curve stay. */
static void cut_corners(curve *c)
{
    curve from = *c;
    unsigned n = 0, edges = from.closed ? from.n : from.n - 1;
    if (!from.closed) c->at[n++] = from.at[0];
    for (unsigned i = 0; i < edges; i++) {
        point a = from.at[i], b = from.at[(i + 1) % from.n];
        if (from.closed || i > 0) c->at[n++] = between(a, b, 0.25f);
        if (from.closed || i + 1 < edges) c->at[n++] = between(a, b, 0.75f);
    }
    if (!from.closed) c->at[n++] = from.at[from.n - 1];
    c->n = n;
}

static float distance(point p, point a, point b)
{
    float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    float t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
    point near = between(a, b, t < 0 ? 0 : t > 1 ? 1 : t);
    return sqrtf((p.x - near.x) * (p.x - near.x) + (p.y - near.y) * (p.y - near.y));
}

static int pixel_below(float v)
{
    return v < 0 ? 0 : v >= SIDE ? SIDE - 1 : (int)v;
}

static void draw_line(float *image, point a, point b, const hand *h)
{
    float reach = h->width + 1;
    int left = pixel_below(fminf(a.x, b.x) - reach),
        right = pixel_below(fmaxf(a.x, b.x) + reach);
    int top = pixel_below(fminf(a.y, b.y) - reach),
        bottom = pixel_below(fmaxf(a.y, b.y) + reach);
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            float d = distance((point){(float)x + 0.5f, (float)y + 0.5f}, a, b);
            float v = h->ink * (h->width + 0.5f - d);
            v = v > h->ink ? h->ink : v;
            if (v > image[y * SIDE + x]) image[y * SIDE + x] = v;
        }
}

static void draw_curve(float *image, const curve *c, const hand *h)
{
    unsigned edges = c->closed ? c->n : c->n - 1;
    for (unsigned i = 0; i < edges; i++)
        draw_line(image, c->at[i], c->at[(i + 1) % c->n], h);
}

/* A twelfth of the pixels gets a spot, the others none. */
static void add_noise(const float *image, fed_stream *s, uint8_t *pixels)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        uint32_t draw = fed_stream_u32(s);
        float spot = draw % 12 == 0 ? (float)(draw >> 24) / 512 : 0;
        float v = image[i] + spot;
        pixels[i] = (uint8_t)((v > 1 ? 1 : v) * 255 + 0.5f);
    }
}

void fed_digit_draw(fed_stream *s, unsigned digit, uint8_t pixels[])
{
    float image[SIDE * SIDE] = {0};
    const fed_digit_shapes *ways = &fed_digit_table[digit % 10];
    const fed_stroke *strokes = ways->shapes[fed_stream_below(s, ways->n)];
    hand h = draw_hand(s);
    for (unsigned i = 0; i < FED_SHAPE_STROKES && strokes[i].n; i++) {
        curve c;
        shake_stroke(&strokes[i], &h, s, &c);
        for (int cut = 0; cut < CUTS; cut++)
            cut_corners(&c);
        draw_curve(image, &c, &h);
    }
    add_noise(image, s, pixels);
}
