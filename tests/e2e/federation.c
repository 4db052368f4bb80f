#include "federation.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "round.h"
#include "store.h"

#define IN_FOLDER(name, file)                                                            \
    char name[256];                                                                      \
    snprintf(name, sizeof name, "%s/%s", f->folder, file)

static bool write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");
    if (!out) return false;
    bool ok = fputs(text, out) >= 0;
    return fclose(out) == 0 && ok;
}

/* ---- fedctl ---------------------------------------------------------------------------- */

/* The answer of `fedctl WORD WORD --server URL …`, or false. */
static bool ask(fed_federation *f, const char *const *words, size_t n, fed_bytes *out)
{
    const char *argv[FED_ARGUMENTS_MAX] = {FED_BIN "/fedctl"};
    size_t at = 1;
    for (size_t i = 0; i < n; i++)
        argv[at++] = words[i];
    argv[at++] = "--server";
    argv[at++] = f->url;
    return fed_process_run(argv, 30000, out) == 0;
}

bool fed_federation_create_task(fed_federation *f)
{
    IN_FOLDER(plan, "plan.json");
    IN_FOLDER(key, "operator.key");
    fed_bytes out;
    const char *words[] = {"task",         "create", plan,     "--key", key,
                           "--population", "test",   "--seed", "5"};
    fed_bytes_init(&out, 4096);
    bool ok = CHECK(write_text(plan, f->plan)) &&
              CHECK(ask(f, words, sizeof words / sizeof *words, &out)) &&
              CHECK(out.len >= 64);
    if (ok) snprintf(f->task, sizeof f->task, "%.64s", (const char *)out.data);
    fed_bytes_fini(&out);
    return ok;
}

bool fed_federation_stop_task(fed_federation *f)
{
    IN_FOLDER(key, "operator.key");
    fed_bytes out;
    bool ok = false;
    const char *words[] = {"task", "stop", f->task, "--key", key};
    fed_bytes_init(&out, 4096);
    for (int i = 0; i < 300 && !ok; i++) { /* the server may just be starting again */
        if (i) fed_process_sleep(100);
        ok = ask(f, words, sizeof words / sizeof *words, &out);
    }
    fed_bytes_fini(&out);
    return CHECK(ok);
}

/* The number behind "field": in JSON, or -1. */
static long long number_in(const char *json, const char *field)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", field);
    const char *at = json ? strstr(json, quoted) : NULL;
    return at ? strtoll(at + strlen(quoted), NULL, 10) : -1;
}

long long fed_federation_number(fed_federation *f, const char *field)
{
    fed_bytes out;
    long long value = -1;
    const char *words[] = {"task", "show", f->task, "--json"};
    fed_bytes_init(&out, 1 << 20);
    if (ask(f, words, 4, &out)) value = number_in(fed_bytes_text(&out), field);
    fed_bytes_fini(&out);
    return value;
}

long long fed_federation_device_number(const fed_federation *f, unsigned i,
                                       const char *field)
{
    fed_bytes text;
    char path[300];
    long long value = -1;
    snprintf(path, sizeof path, "%s/status-%u", f->folder, i);
    fed_bytes_init(&text, 1 << 20);
    if (fed_durable_read(path, 1 << 20, &text, NULL) == FED_OK)
        value = number_in(fed_bytes_text(&text), field);
    fed_bytes_fini(&text);
    return value;
}

bool fed_federation_wait(fed_federation *f, int64_t ms)
{
    fed_bytes out;
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%lld", (long long)(ms / 1000));
    const char *argv[] = {FED_BIN "/fedctl", "task",  "wait", f->task, "--server", f->url,
                          "--timeout",       seconds, NULL};
    fed_bytes_init(&out, 1 << 20);
    int code = fed_process_run(argv, ms + 5000, &out);
    fed_bytes_fini(&out);
    return code == 0;
}

/* ---- processes ------------------------------------------------------------------------- */

/* The first start takes any port; every other one the same again. */
static bool read_port(fed_federation *f)
{
    IN_FOLDER(path, "server/port");
    unsigned port = 0;
    for (int i = 0; i < 1000 && !port; i++) {
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%u", &port) != 1) port = 0;
        if (file) fclose(file);
        if (!port) fed_process_sleep(10);
    }
    snprintf(f->listen, sizeof f->listen, "127.0.0.1:%u", port);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", port);
    return CHECK_MSG(port, "fedserver does not listen");
}

bool fed_federation_start_server(fed_federation *f)
{
    IN_FOLDER(state, "server");
    IN_FOLDER(key, "operator.key.pub");
    IN_FOLDER(enrolment, "enrolment.key.pub");
    IN_FOLDER(log, "server.log");
    const char *argv[FED_ARGUMENTS_MAX] = {FED_BIN "/fedserver",
                                           "--state",
                                           state,
                                           "--operator-key",
                                           key,
                                           "--enrolment-key",
                                           enrolment,
                                           "--listen",
                                           f->listen,
                                           "--retry-min-ms",
                                           "50",
                                           "--retry-max-ms",
                                           "200",
                                           "--hold-ms",
                                           "2000"};
    size_t n = 15;
    if (f->log_level) argv[n++] = "--log-level", argv[n++] = f->log_level;
    if (f->holdout) argv[n++] = "--holdout", argv[n++] = f->holdout;
    f->server = fed_process_start(argv, log);
    return f->server > 0;
}

/* The command line of fedclient for the clients `list`. */
typedef struct device_line {
    char state[256], key[256], enrolment[256], data[256], status[256], seed[16];
    const char *argv[FED_ARGUMENTS_MAX];
    size_t n;
} device_line;

static void add(device_line *l, const char *option, const char *value)
{
    l->argv[l->n++] = option;
    if (value) l->argv[l->n++] = value;
}

static void make_line(const fed_federation *f, const char *list, device_line *l)
{
    *l = (device_line){.n = 0};
    snprintf(l->state, sizeof l->state, "%s/devices", f->folder);
    snprintf(l->key, sizeof l->key, "%s/operator.key.pub", f->folder);
    snprintf(l->enrolment, sizeof l->enrolment, "%s/enrolment.key.pub", f->folder);
    snprintf(l->data, sizeof l->data, "%s&partition=%s&clients=%u&seed=%u", f->data,
             f->partition, f->devices, f->seed);
    snprintf(l->seed, sizeof l->seed, "%u", f->seed);
    add(l, f->seed ? FED_TEST_BIN "/fedclient-seeded" : FED_BIN "/fedclient", NULL);
    if (f->seed) add(l, "--device-seed", l->seed);
    add(l, "--server", f->url);
    add(l, "--operator-key", l->key);
    add(l, "--population", "test");
    add(l, "--data", l->data);
    add(l, "--client", list);
    add(l, "--state", l->state);
    add(l, "--max-step-ms", "10");
    snprintf(l->status, sizeof l->status, "%s/status-%s", f->folder, list);
    add(l, "--status", l->status);
    if (f->log_level) add(l, "--log-level", f->log_level);
    if (!f->enrolled) return;
    add(l, "--enrolment-key", l->enrolment);
    add(l, "--require-secagg", NULL);
}

static bool start_clients(fed_federation *f, const char *list, pid_t *pid)
{
    IN_FOLDER(log, "devices.log");
    device_line line;
    make_line(f, list, &line);
    *pid = fed_process_start(line.argv, log);
    return *pid > 0;
}

bool fed_federation_start_device(fed_federation *f, unsigned i)
{
    char number[16];
    snprintf(number, sizeof number, "%u", i);
    return start_clients(f, number, &f->clients[i]);
}

bool fed_federation_start_together(fed_federation *f)
{
    char list[32];
    snprintf(list, sizeof list, "0-%u", f->devices - 1);
    return start_clients(f, list, &f->clients[0]);
}

/* Run a program to its end; its output, if any is wanted, into a file of the folder. */
static bool run_to_end(const char *const *argv, const char *out_path)
{
    fed_bytes out;
    fed_bytes_init(&out, 1 << 20);
    int code = fed_process_run(argv, 30000, &out);
    bool ok = CHECK_MSG(code == 0, "%s %s: exit %d: %s", argv[0], argv[1], code,
                        fed_bytes_text(&out));
    if (ok && out_path) ok = CHECK(write_text(out_path, fed_bytes_text(&out)));
    fed_bytes_fini(&out);
    return ok;
}

/* The same for devices, whose log is kept with that of their later life. */
static bool run_clients(fed_federation *f, const device_line *line)
{
    IN_FOLDER(log, "devices.log");
    int code = -1;
    pid_t pid = fed_process_start(line->argv, log);
    return CHECK(pid > 0) && CHECK(fed_process_wait(pid, 30000, &code)) &&
           CHECK_MSG(code == 0, "enrolling devices: exit %d, see %s", code, log);
}

static bool make_key(fed_federation *f, const char *name)
{
    IN_FOLDER(key, name);
    const char *argv[] = {FED_BIN "/fedctl", "keygen", "--out", key, NULL};
    return run_to_end(argv, NULL);
}

/* Tokens from the desk, requests from the devices, certificates back to them. */
static bool enrol(fed_federation *f)
{
    IN_FOLDER(desk, "desk");
    IN_FOLDER(tokens, "tokens");
    IN_FOLDER(requests, "requests");
    IN_FOLDER(certificates, "certificates");
    IN_FOLDER(key, "enrolment.key");
    char count[16], list[32];
    device_line line;
    snprintf(count, sizeof count, "%u", f->devices);
    snprintf(list, sizeof list, "0-%u", f->devices - 1);
    const char *give[] = {FED_BIN "/fedctl", "enrol", "tokens", "--desk", desk,
                          "--count",         count,   NULL};
    const char *sign[] = {FED_BIN "/fedctl", "enrol",      "sign",  requests,
                          "--desk",          desk,         "--key", key,
                          "--out",           certificates, NULL};
    make_line(f, list, &line);
    size_t common = line.n;
    add(&line, "--enrol", tokens);
    add(&line, "--request", requests);
    if (!run_to_end(give, tokens) || !run_clients(f, &line) || !run_to_end(sign, NULL))
        return false;
    line.n = common;
    add(&line, "--certificate", certificates); /* taken, and kept in the state folder */
    add(&line, "--enrol", tokens);             /* so that it ends */
    add(&line, "--request", requests);
    return run_clients(f, &line);
}

bool fed_federation_begin(fed_federation *f)
{
    if (!fed_folder_make(f->folder)) return false;
    snprintf(f->listen, sizeof f->listen, "127.0.0.1:0");
    return make_key(f, "operator.key") && make_key(f, "enrolment.key") &&
           CHECK(fed_federation_start_server(f)) && read_port(f) &&
           (!f->enrolled || enrol(f));
}

void fed_federation_end(fed_federation *f)
{
    for (unsigned i = 0; i < f->devices; i++)
        fed_process_kill(f->clients[i]);
    fed_process_kill(f->server);
    fed_folder_remove(f->folder);
}

/* ---- the trace ------------------------------------------------------------------------- */

typedef struct updates_seen {
    uint8_t (*ids)[FED_UPDATE_ID_BYTES];
    size_t n, cap;
    unsigned versions;
} updates_seen;

static void see_update(updates_seen *seen, const uint8_t id[FED_UPDATE_ID_BYTES])
{
    for (size_t i = 0; i < seen->n; i++)
        CHECK_MSG(memcmp(seen->ids[i], id, FED_UPDATE_ID_BYTES) != 0,
                  "an update was counted in two versions");
    if (seen->n < seen->cap) memcpy(seen->ids[seen->n++], id, FED_UPDATE_ID_BYTES);
}

static fed_status check_version(void *arg, const char *key, fed_span value,
                                fed_error *err)
{
    updates_seen *seen = arg;
    fed_roster roster;
    (void)key;
    FED_TRY(fed_roster_get(&roster, value, err));
    CHECK_EQ(roster.version, seen->versions);
    seen->versions++;
    for (uint32_t i = 0; i < roster.n; i++) {
        if (roster.members[i].survived) see_update(seen, roster.members[i].update_id);
        for (uint32_t k = 0; k < i; k++)
            CHECK(memcmp(roster.members[i].device, roster.members[k].device, 32) != 0);
    }
    fed_roster_fini(&roster);
    return FED_OK;
}

void fed_federation_check_trace(fed_federation *f, unsigned versions)
{
    IN_FOLDER(state, "server");
    fed_error err;
    fed_store *store = NULL;
    fed_address task;
    char prefix[FED_KEY_MAX];
    updates_seen seen = {.cap = 100000};
    fed_process_kill(f->server); /* its folder is locked as long as it lives */
    f->server = 0;
    seen.ids = fed_calloc(seen.cap, sizeof *seen.ids);
    if (!CHECK(seen.ids) || !CHECK(fed_hex_decode(task.bytes, 32, f->task))) return;
    if (CHECK_OK(fed_store_open(&store, state, &err), &err)) {
        fed_journal journal = fed_store_journal(store);
        fed_key_task(prefix, &task, "trace/");
        CHECK_OK(journal.scan(journal.ctx, prefix, check_version, &seen, &err), &err);
        CHECK_EQ(seen.versions, versions);
        fed_note("%u versions, %zu updates, none counted twice", seen.versions, seen.n);
    }
    fed_store_close(store);
    fed_free(seen.ids);
}

/* ---- replay ---------------------------------------------------------------------------- */

static bool find_model(const char *text, char model[65])
{
    const char *at = text, *last = NULL;
    while (at && (at = strstr(at, "\"model_sha256\":")))
        last = at += strlen("\"model_sha256\":");
    const char *quote = last ? strchr(last, '"') : NULL;
    if (!quote || strlen(quote) < 66) return false;
    snprintf(model, 65, "%.64s", quote + 1);
    return true;
}

static bool save_trace(fed_federation *f, const char *path, char model[65])
{
    fed_bytes out;
    const char *words[] = {"task", "trace", f->task};
    fed_bytes_init(&out, 16 << 20);
    bool ok = CHECK(ask(f, words, 3, &out)) &&
              CHECK(find_model(fed_bytes_text(&out), model)) &&
              CHECK(write_text(path, fed_bytes_text(&out)));
    fed_bytes_fini(&out);
    return ok;
}

void fed_federation_check_replay(fed_federation *f)
{
    IN_FOLDER(trace, "trace.jsonl");
    IN_FOLDER(plan, "plan.json");
    char clients[16], seed[16], real[65], replayed[65];
    fed_bytes out;
    snprintf(clients, sizeof clients, "%u", f->devices);
    snprintf(seed, sizeof seed, "%u", f->seed);
    const char *argv[] = {FED_BIN "/fedsim",
                          "run",
                          plan,
                          "--data",
                          f->data,
                          "--partition",
                          f->partition,
                          "--clients",
                          clients,
                          "--seed",
                          seed,
                          "--replay",
                          trace,
                          "--json",
                          NULL};
    fed_bytes_init(&out, 1 << 20);
    if (save_trace(f, trace, real)) {
        int code = fed_process_run(argv, 120000, &out);
        const char *text = fed_bytes_text(&out);
        CHECK_MSG(code == 0, "fedsim: exit %d: %s", code, text);
        if (CHECK(text && find_model(text, replayed))) CHECK_STR(replayed, real);
    }
    fed_bytes_fini(&out);
}
