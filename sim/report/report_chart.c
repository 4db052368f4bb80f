#include "report_chart.h"

#include <math.h>

enum {
    WIDTH = 640,
    HEIGHT = 240,
    LEFT = 64,
    RIGHT = 12,
    TOP = 12,
    BOTTOM = 28,
    GRID = 4,     /* horizontal lines above the axis */
    POINTS = 1200 /* of one curve; more would not be seen */
};

const char *fed_chart_colour(size_t index)
{
    /* Distinguishable with the common colour deficiencies (Okabe, Ito 2008). */
    static const char *const colours[FED_CHART_COLOURS] = {
        "#0072b2", "#d55e00", "#009e73", "#cc79a7",
        "#e69f00", "#56b4e9", "#888888", "#b5a900"};
    return colours[index % FED_CHART_COLOURS];
}

typedef struct range {
    double low, high;
    size_t rounds;
} range;

static range range_of(const fed_report *runs, size_t n, fed_chart_value *value)
{
    range r = {INFINITY, -INFINITY, 1};
    for (size_t i = 0; i < n; i++) {
        if (runs[i].n_rows > r.rounds) r.rounds = runs[i].n_rows;
        for (size_t k = 0; k < runs[i].n_rows; k++) {
            double v = value(&runs[i].rows[k]);
            if (!isfinite(v)) continue;
            r.low = fmin(r.low, v);
            r.high = fmax(r.high, v);
        }
    }
    if (r.low > r.high) r.low = 0, r.high = 1;
    if (r.low > 0 && r.low < 0.5 * r.high) r.low = 0;
    if (r.low == r.high) r.low = fmin(r.low, 0), r.high = r.high > 0 ? r.high : r.low + 1;
    return r;
}

static double x_of(const range *r, size_t row)
{
    return LEFT + (double)(WIDTH - LEFT - RIGHT) * (double)(row + 1) / (double)r->rounds;
}

static double y_of(const range *r, double v)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (r->high - v) / (r->high - r->low);
}

static void put_axes(fed_bytes *out, const range *r)
{
    for (int i = 0; i <= GRID; i++) {
        double v = r->low + (r->high - r->low) * i / GRID, y = y_of(r, v);
        fed_bytes_printf(out,
                         "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f />"
                         "<text x=%d y=%.1f text-anchor=end>%.4g</text>\n",
                         LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, v);
    }
    fed_bytes_printf(out,
                     "<text x=%d y=%d>0</text>"
                     "<text x=%d y=%d text-anchor=end>%zu rounds</text>\n",
                     LEFT, HEIGHT - 8, WIDTH - RIGHT, HEIGHT - 8, r->rounds);
}

static void put_curve(fed_bytes *out, const range *r, const fed_report *run, size_t index,
                      fed_chart_value *value)
{
    size_t stride = run->n_rows / POINTS + 1;
    fed_bytes_printf(out, "<polyline fill=none stroke=\"%s\" stroke-width=1.5 points=\"",
                     fed_chart_colour(index));
    for (size_t k = 0; k < run->n_rows; k++) {
        double v = value(&run->rows[k]);
        if (!isfinite(v) || (k % stride && k + 1 != run->n_rows)) continue;
        fed_bytes_printf(out, "%.1f,%.1f ", x_of(r, k), y_of(r, v));
    }
    fed_bytes_put_text(out, "\" />\n");
}

void fed_chart_put(fed_bytes *out, const char *title, const fed_report *runs, size_t n,
                   fed_chart_value *value)
{
    range r = range_of(runs, n, value);
    fed_bytes_printf(out,
                     "<figure><figcaption>%s</figcaption>\n"
                     "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\">\n",
                     title, WIDTH, HEIGHT, title);
    put_axes(out, &r);
    for (size_t i = 0; i < n; i++)
        put_curve(out, &r, &runs[i], i, value);
    fed_bytes_put_text(out, "</svg></figure>\n");
}
