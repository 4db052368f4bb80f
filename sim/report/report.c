#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void fed_report_init(fed_report *run)
{
    *run = (fed_report){.fidelity = "sum",
                        .kernel = "",
                        .accuracy = NAN,
                        .loss = NAN,
                        .delta = NAN,
                        .ended = "done"};
}

void fed_report_fini(fed_report *run)
{
    fed_free(run->rows);
    fed_report_init(run);
}

fed_status fed_report_add(fed_report *run, const fed_report_row *row, uint32_t uploads,
                          fed_error *err)
{
    if (run->n_rows == run->cap_rows) {
        size_t cap = run->cap_rows ? 2 * run->cap_rows : 128;
        fed_report_row *grown = fed_realloc(run->rows, cap, sizeof *grown);
        if (!grown) return fed_fail_nomem(err, cap * sizeof *grown);
        run->rows = grown;
        run->cap_rows = cap;
    }
    run->rows[run->n_rows++] = *row;
    run->rounds += row->committed;
    run->uploads += uploads;
    run->upload_bytes += row->upload_bytes;
    run->download_bytes += row->download_bytes;
    run->trained += row->trained;
    run->dropped += row->dropped;
    run->not_finite += row->not_finite;
    run->refused += row->refused;
    run->crashes += row->crashes;
    if (isfinite(row->accuracy)) run->accuracy = row->accuracy;
    if (isfinite(row->loss)) run->loss = row->loss;
    run->epsilon_output = row->epsilon_output;
    run->epsilon_server = row->epsilon_server;
    return FED_OK;
}

static uint64_t mean(uint64_t sum, uint64_t n)
{
    return n ? (sum + n / 2) / n : 0;
}

uint64_t fed_report_upload_per_device(const fed_report *run)
{
    return mean(run->upload_bytes, run->uploads);
}

uint64_t fed_report_download_per_device(const fed_report *run)
{
    return mean(run->download_bytes, run->trained);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static json_t *number_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* Where nothing is promised there is no number. */
static json_t *epsilon_or_null(const fed_report *r, double v)
{
    return number_or_null(r->is_private ? v : INFINITY);
}

static json_t *run_json(const fed_report *r)
{
    json_t *json = json_pack(
        "{s:s,s:s,s:s,s:I,s:I,s:o,s:o,s:I,s:I,s:f,s:s,s:o,s:o,s:o}", "plan", r->plan,
        "fidelity", r->fidelity, "label", r->label, "rounds", (json_int_t)r->rounds,
        "clients", (json_int_t)r->clients, "accuracy", number_or_null(r->accuracy),
        "loss", number_or_null(r->loss), "upload_bytes_per_device",
        (json_int_t)fed_report_upload_per_device(r), "download_bytes_per_device",
        (json_int_t)fed_report_download_per_device(r), "wall_s", r->wall_s,
        "model_sha256", r->model_sha256, "epsilon_output",
        epsilon_or_null(r, r->epsilon_output), "epsilon_server",
        epsilon_or_null(r, r->epsilon_server), "delta", number_or_null(r->delta));
    json_t *more = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:f,s:o,s:s}", "seed", (json_int_t)r->seed,
        "threads", (json_int_t)r->threads, "attempts", (json_int_t)r->n_rows, "trained",
        (json_int_t)r->trained, "dropped", (json_int_t)r->dropped, "not_finite",
        (json_int_t)r->not_finite, "refused", (json_int_t)r->refused, "crashes",
        (json_int_t)r->crashes, "kernel", r->kernel, "clients_per_s", r->clients_per_s,
        "virtual_s", number_or_null(r->virtual_s > 0 ? r->virtual_s : NAN), "ended",
        r->ended);
    if (!json || !more || json_object_update(json, more)) {
        json_decref(json);
        json = NULL;
    }
    json_decref(more);
    if (json && !r->label[0]) json_object_del(json, "label");
    return json;
}

fed_status fed_report_json(const fed_report *runs, size_t n, fed_bytes *out,
                           fed_error *err)
{
    json_t *json = NULL;
    if (n == 1) {
        json = run_json(&runs[0]);
    } else {
        json_t *list = json_array();
        bool ok = list != NULL;
        for (size_t i = 0; ok && i < n; i++)
            ok = json_array_append_new(list, run_json(&runs[i])) == 0;
        json = ok ? json_pack("{s:O}", "runs", list) : NULL;
        json_decref(list);
    }
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    fed_bytes_put_text(out, text);
    free(text);
    return out->status ? fed_fail(err, out->status, "report: does not fit") : FED_OK;
}

/* ---- CSV ------------------------------------------------------------------------------- */

static void put_measured(fed_bytes *out, double v)
{
    if (isfinite(v))
        fed_bytes_printf(out, ",%.9g", v);
    else
        fed_bytes_put_text(out, ",");
}

static void put_quoted(fed_bytes *out, const char *text)
{
    fed_bytes_put_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"') fed_bytes_put_u8(out, '"');
        fed_bytes_put_u8(out, (uint8_t)*text);
    }
    fed_bytes_put_u8(out, '"');
}

fed_status fed_report_csv(const fed_report *runs, size_t n, fed_bytes *out,
                          fed_error *err)
{
    fed_bytes_put_text(out, "run,round,version,accuracy,loss,train_loss,upload_bytes,"
                            "download_bytes,invited,trained,survivors,dropped,not_finite,"
                            "refused,crashes,epsilon_output,epsilon_server\n");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].n_rows; k++) {
            const fed_report_row *r = &runs[i].rows[k];
            put_quoted(out, runs[i].label);
            fed_bytes_printf(out, ",%zu,%llu", k + 1, (unsigned long long)r->version);
            put_measured(out, r->accuracy);
            put_measured(out, r->loss);
            put_measured(out, r->train_loss);
            fed_bytes_printf(out, ",%llu,%llu,%u,%u,%u,%u,%u,%u,%u",
                             (unsigned long long)r->upload_bytes,
                             (unsigned long long)r->download_bytes, r->invited,
                             r->trained, r->survivors, r->dropped, r->not_finite,
                             r->refused, r->crashes);
            put_measured(out, runs[i].is_private ? r->epsilon_output : NAN);
            put_measured(out, runs[i].is_private ? r->epsilon_server : NAN);
            fed_bytes_put_u8(out, '\n');
        }
    return out->status ? fed_fail(err, out->status, "report: does not fit") : FED_OK;
}
