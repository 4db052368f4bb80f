/* GET /metrics: Prometheus' text format 0.0.4. Never a device as a label. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine.h"
#include "operator_json.h"

enum { SHORT_ID = 12 };

static void put_head(fed_bytes *out, const char *name, const char *type, const char *help)
{
    fed_bytes_printf(out, "# HELP fedserver_%s %s\n# TYPE fedserver_%s %s\n", name, help,
                     name, type);
}

/* The format's words for what printf writes in another way. */
static void put_value(fed_bytes *out, double value)
{
    if (isnan(value))
        fed_bytes_put_text(out, " NaN\n");
    else if (isinf(value))
        fed_bytes_put_text(out, value > 0 ? " +Inf\n" : " -Inf\n");
    else
        fed_bytes_printf(out, " %.17g\n", value);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void put_label(fed_bytes *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\' || *p == '"') fed_bytes_put_u8(out, '\\');
        if (*p == '\n')
            fed_bytes_put_text(out, "\\n");
        else
            fed_bytes_put_u8(out, (uint8_t)*p);
    }
}

/* ---- the process ----------------------------------------------------------------------- */

static void put_gauge(fed_bytes *out, const char *name, const char *help, double value)
{
    put_head(out, name, "gauge", help);
    fed_bytes_printf(out, "fedserver_%s", name);
    put_value(out, value);
}

static void put_server(fed_bytes *out, fed_engine *e)
{
    fed_http_counters *counters = fed_engine_counters(e);
    put_head(out, "build_info", "gauge", "Which version this is.");
    fed_bytes_put_text(out, "fedserver_build_info{version=\"" FED_VERSION "\"} 1\n");
    put_head(out, "answers_total", "counter", "Requests answered, by class of status.");
    for (unsigned i = 1; i < FED_STATUS_CLASSES; i++)
        fed_bytes_printf(out, "fedserver_answers_total{code=\"%uxx\"} %llu\n", i,
                         (unsigned long long)atomic_load(&counters->answers[i]));
    put_gauge(out, "connections", "Open connections.",
              atomic_load(&counters->connections));
    put_gauge(out, "connections_max", "How many there may be.",
              fed_engine_config(e)->connections);
    put_gauge(out, "requests_waiting", "Requests that are held until others come.",
              (double)fed_engine_waiting(e));
    put_gauge(out, "upload_slots_used", "Large uploads in memory.",
              atomic_load(&counters->slots_used));
    put_gauge(out, "upload_slots_max", "How many there may be.",
              fed_engine_config(e)->upload_slots);
    put_gauge(out, "tasks", "Tasks, running and ended.",
              (double)fed_coordinator_task_count(fed_engine_coordinator(e)));
}

/* ---- tasks ----------------------------------------------------------------------------- */

typedef double task_metric_value(const fed_task_info *info, const fed_last_evaluation *v);

static double version(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return (double)info->head.version;
}

static double rounds(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return (double)fed_task_plan(info->task)->rounds.count;
}

static double running(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->head.state == FED_TASK_RUNNING;
}

static double upload_bytes(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return (double)info->head.upload_bytes;
}

static double devices_training(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->invited;
}

static double cohort_joined(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->joined;
}

static double cohort_submitted(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->submitted;
}

static double accuracy(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)info;
    return v->known ? v->accuracy : NAN;
}

static double loss(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)info;
    return v->known ? v->loss : NAN;
}

static double epsilon_output(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->privacy.is_private ? info->privacy.epsilon_output : INFINITY;
}

static double epsilon_server(const fed_task_info *info, const fed_last_evaluation *v)
{
    (void)v;
    return info->privacy.is_private ? info->privacy.epsilon_server : INFINITY;
}

static const struct {
    const char *name, *type, *help;
    task_metric_value *value;
} task_metrics[] = {
    {"task_version", "gauge", "Model version.", version},
    {"task_rounds", "gauge", "Versions that are wanted.", rounds},
    {"task_running", "gauge", "1 while it runs.", running},
    {"task_upload_bytes_total", "counter", "Bytes of inputs in versions.", upload_bytes},
    {"task_devices_training", "gauge", "Devices that are asked.", devices_training},
    {"task_cohort_joined", "gauge", "Devices in the open cohort.", cohort_joined},
    {"task_cohort_submitted", "gauge", "Inputs in the open cohort.", cohort_submitted},
    {"task_accuracy_ratio", "gauge", "On the hold-out; NaN: not known.", accuracy},
    {"task_loss", "gauge", "On the hold-out; NaN: not known.", loss},
    {"task_epsilon_output", "gauge", "Spent to who sees models; +Inf: none promised.",
     epsilon_output},
    {"task_epsilon_server", "gauge", "Spent to the server; +Inf: none promised.",
     epsilon_server},
};

/* Names need not differ between tasks; ids do. */
static void put_task_line(fed_bytes *out, const char *name, const fed_task_info *info)
{
    char id[FED_ADDRESS_TEXT];
    fed_address_to_text(&info->id, id);
    fed_bytes_printf(out, "fedserver_%s{task=\"%.*s\",name=\"", name, SHORT_ID, id);
    put_label(out, info->document->name);
    fed_bytes_put_text(out, "\"}");
}

fed_status fed_query_metrics(fed_engine *e, fed_exchange *x, fed_error *err)
{
    const fed_coordinator *c = fed_engine_coordinator(e);
    (void)err;
    put_server(&x->answer, e);
    for (size_t m = 0; m < sizeof task_metrics / sizeof *task_metrics; m++) {
        put_head(&x->answer, task_metrics[m].name, task_metrics[m].type,
                 task_metrics[m].help);
        for (size_t i = 0; i < fed_coordinator_task_count(c); i++) {
            fed_task_info info;
            fed_coordinator_task_info(c, i, &info);
            put_task_line(&x->answer, task_metrics[m].name, &info);
            put_value(&x->answer,
                      task_metrics[m].value(&info, fed_engine_last_evaluation(e, i)));
        }
    }
    x->status = FED_HTTP_OK;
    x->content_type = "text/plain; version=0.0.4";
    return x->answer.status;
}
