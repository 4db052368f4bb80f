/* The page: what was run, what it reached and cost, and the curves. */
#include "report_chart.h"

#include <math.h>

static const char head[] =
    "<!doctype html>\n<html lang=en><meta charset=utf-8>\n"
    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root{color-scheme:light dark;--line:#8884}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:84rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "main{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}"
    "\n"
    "figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:.75rem}\n"
    "figcaption{font-weight:600}\nsvg{width:100%}\n"
    "text{font-size:11px;fill:currentColor;opacity:.75}\n.grid{stroke:var(--line)}\n"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}\n"
    "td,th{border-bottom:1px solid var(--line);padding:.25rem .75rem;text-align:right}\n"
    "td:first-child,th:first-child{text-align:left}\n"
    "code{overflow-wrap:anywhere}\n</style>\n";

static void put_escaped(fed_bytes *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fed_bytes_put_text(out, "&lt;");
            break;
        case '&':
            fed_bytes_put_text(out, "&amp;");
            break;
        case '"':
            fed_bytes_put_text(out, "&quot;");
            break;
        default:
            fed_bytes_put_u8(out, (uint8_t)*text);
        }
    }
}

static void put_measured(fed_bytes *out, double v, const char *format_end)
{
    if (isfinite(v))
        fed_bytes_printf(out, "<td>%.4f%s", v, format_end);
    else
        fed_bytes_printf(out, "<td>–%s", format_end);
}

static void put_epsilon(fed_bytes *out, const fed_report *r, double v)
{
    if (r->is_private && isfinite(v))
        fed_bytes_printf(out, "<td>%.4g", v);
    else
        fed_bytes_put_text(out, "<td>none promised");
}

static void put_table(fed_bytes *out, const fed_report *runs, size_t n)
{
    fed_bytes_put_text(
        out, "<table><tr><th>run<th>accuracy<th>loss<th>ε output<th>ε server<th>rounds"
             "<th>up, bytes per device<th>down<th>trained<th>dropped<th>seconds<th>model"
             "\n");
    for (size_t i = 0; i < n; i++) {
        const fed_report *r = &runs[i];
        fed_bytes_printf(out, "<tr><td><span style=\"color:%s\">&#9632;</span> ",
                         fed_chart_colour(i));
        put_escaped(out, r->label[0] ? r->label : r->plan);
        put_measured(out, r->accuracy, "");
        put_measured(out, r->loss, "");
        put_epsilon(out, r, r->epsilon_output);
        put_epsilon(out, r, r->epsilon_server);
        fed_bytes_printf(
            out,
            "<td>%llu<td>%llu<td>%llu<td>%llu<td>%llu<td>%.2f<td><code>%.12s</code>\n",
            (unsigned long long)r->rounds,
            (unsigned long long)fed_report_upload_per_device(r),
            (unsigned long long)fed_report_download_per_device(r),
            (unsigned long long)r->trained, (unsigned long long)r->dropped, r->wall_s,
            r->model_sha256);
    }
    fed_bytes_put_text(out, "</table>\n");
}

static void put_heading(fed_bytes *out, const fed_report *run)
{
    fed_bytes_put_text(out, "<title>");
    put_escaped(out, run->plan);
    fed_bytes_put_text(out, " – fedsim</title>\n<h1>");
    put_escaped(out, run->plan);
    fed_bytes_printf(
        out, "</h1>\n<p>%u clients, fidelity %s, seed %llu, kernel %s, %u threads. ",
        run->clients, run->fidelity, (unsigned long long)run->seed, run->kernel,
        run->threads);
    if (run->is_private)
        fed_bytes_printf(
            out,
            "ε is that of a real run at δ = %.3g, of who sees the models and "
            "of the server; here the noise comes from the seed, and promises "
            "nothing.</p>\n",
            run->delta);
    else
        fed_bytes_put_text(out,
                           "No noise was added: there is no guarantee of privacy.</p>\n");
}

static double accuracy(const fed_report_row *r)
{
    return r->accuracy;
}

static double loss(const fed_report_row *r)
{
    return r->loss;
}

static double train_loss(const fed_report_row *r)
{
    return r->train_loss;
}

static double upload(const fed_report_row *r)
{
    return (double)r->upload_bytes / 1e6;
}

static double download(const fed_report_row *r)
{
    return (double)r->download_bytes / 1e6;
}

static double dropped(const fed_report_row *r)
{
    return r->dropped;
}

static double epsilon_output(const fed_report_row *r)
{
    return r->epsilon_output;
}

static double epsilon_server(const fed_report_row *r)
{
    return r->epsilon_server;
}

/* A figure of privacy is there only where some run has any. */
static bool is_shown(const fed_report *runs, size_t n, fed_chart_value *value)
{
    if (value != epsilon_output && value != epsilon_server) return true;
    for (size_t i = 0; i < n; i++)
        if (runs[i].is_private && runs[i].n_rows &&
            isfinite(value(&runs[i].rows[runs[i].n_rows - 1])))
            return true;
    return false;
}

fed_status fed_report_page(const fed_report *runs, size_t n, fed_bytes *out,
                           fed_error *err)
{
    static const struct {
        const char *title;
        fed_chart_value *value;
    } charts[] = {{"Accuracy", accuracy},
                  {"Loss", loss},
                  {"Training loss on the devices", train_loss},
                  {"Uploaded in a round, MB", upload},
                  {"Downloaded in a round, MB", download},
                  {"Drop-outs in a round", dropped},
                  {"ε of who sees the models", epsilon_output},
                  {"ε of the server and its colluders", epsilon_server}};
    fed_bytes_put_text(out, head);
    if (n) put_heading(out, &runs[0]);
    put_table(out, runs, n);
    fed_bytes_put_text(out, "<main>\n");
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++)
        if (is_shown(runs, n, charts[i].value))
            fed_chart_put(out, charts[i].title, runs, n, charts[i].value);
    fed_bytes_put_text(out, "</main></html>\n");
    return out->status ? fed_fail(err, out->status, "report: does not fit") : FED_OK;
}
