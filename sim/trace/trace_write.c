#include "trace.h"

static void put_hex(fed_bytes *out, const uint8_t bytes[32])
{
    char text[65];
    fed_hex_encode(text, bytes, 32);
    fed_bytes_printf(out, "\"%s\"", text);
}

static void put_hex_field(fed_bytes *out, const char *name, const uint8_t bytes[32])
{
    fed_bytes_printf(out, ",\"%s\":", name);
    put_hex(out, bytes);
}

static void put_keys(fed_bytes *out, const char *name, const fed_trace_version *v,
                     bool only_survivors)
{
    const char *separator = "";
    fed_bytes_printf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < v->n_members; i++) {
        if (only_survivors && !v->members[i].survived) continue;
        fed_bytes_put_text(out, separator);
        put_hex(out, v->members[i].key);
        separator = ",";
    }
    fed_bytes_put_text(out, "]");
}

static fed_status end_line(fed_bytes *out, fed_error *err)
{
    fed_bytes_put_text(out, "}\n");
    return out->status
               ? fed_fail(err, out->status, "trace: does not fit %zu bytes", out->max)
               : FED_OK;
}

fed_status fed_trace_put_head(fed_bytes *out, const fed_trace_head *head, fed_error *err)
{
    fed_bytes_put_text(out, "{\"format\":\"fed-trace/1\"");
    put_hex_field(out, "task", head->task);
    put_hex_field(out, "plan", head->plan);
    put_hex_field(out, "task_seed", head->seed);
    fed_bytes_printf(out, ",\"kernel\":\"%s\"", head->kernel);
    return end_line(out, err);
}

fed_status fed_trace_put_version(fed_bytes *out, const fed_trace_version *v,
                                 fed_error *err)
{
    fed_bytes_printf(out, "{\"version\":%llu", (unsigned long long)v->version);
    put_hex_field(out, "cohort", v->cohort);
    put_keys(out, "members", v, false);
    put_keys(out, "survivors", v, true);
    if (v->has_model) put_hex_field(out, "model_sha256", v->model);
    return end_line(out, err);
}

fed_status fed_trace_put_end(fed_bytes *out, uint64_t version, const uint8_t model[32],
                             fed_error *err)
{
    fed_bytes_printf(out, "{\"version\":%llu", (unsigned long long)version);
    put_hex_field(out, "model_sha256", model);
    return end_line(out, err);
}
