/* A curve, or several, as SVG. */
#ifndef FED_REPORT_CHART_H
#define FED_REPORT_CHART_H

#include "report.h"

/** The value of a row that a chart shows; NaN: no point. */
typedef double fed_chart_value(const fed_report_row *row);

enum { FED_CHART_COLOURS = 8 };
/** The colour of run number `index`, as CSS. */
const char *fed_chart_colour(size_t index);

/** Append one figure: rounds from left to right, `value` upwards, a line for each run. */
void fed_chart_put(fed_bytes *out, const char *title, const fed_report *runs, size_t n,
                   fed_chart_value *value);

#endif
