/* fedserver: the aggregation server. */
#include <signal.h>
#include <unistd.h>

#include "cli.h"
#include "http.h"
#include "model.h"

static struct {
    const char *state, *listen, *operator_key, *enrolment_key, *holdout;
    bool insecure;
    uint64_t threads, connections, max_body, upload_slots, idle_s, hold_ms, retry_min_ms,
        retry_max_ms;
} opt = {.listen = "127.0.0.1:8080",
         .connections = 4096,
         .max_body = 64 << 20,
         .upload_slots = 64,
         .idle_s = 60,
         .hold_ms = 25000,
         .retry_min_ms = 1000,
         .retry_max_ms = 60000};

static const fed_option options[] = {
    FED_OPT_HEADING("What it serves"),
    FED_OPT_REQUIRED("state", 0, "DIR", &opt.state, "folder of journal, blobs and key"),
    FED_OPT_REQUIRED("operator-key", 0, "FILE.pub", &opt.operator_key,
                     "whose tasks are accepted (fedctl keygen)"),
    FED_OPT_TEXT("enrolment-key", 0, "FILE.pub", &opt.enrolment_key,
                 "whose certificates devices hold; secure aggregation needs it"),
    FED_OPT_TEXT("holdout", 0, "SPEC", &opt.holdout,
                 "evaluate versions on the test part of this data set"),
    FED_OPT_HEADING("Network"),
    FED_OPT_TEXT("listen", 0, "ADDR:PORT", &opt.listen,
                 "address; port 0 is any, DIR/port tells which"),
    FED_OPT_FLAG("insecure", 0, &opt.insecure, "allow an address that is not loopback"),
    FED_OPT_U64("threads", 0, "N", &opt.threads, 0, 64, "HTTP threads; 0: one per core"),
    FED_OPT_U64("connections", 0, "N", &opt.connections, 1, 1000000,
                "connections at once"),
    FED_OPT_U64("max-body", 0, "BYTES", &opt.max_body, 65536, 1u << 30,
                "largest upload that is read"),
    FED_OPT_U64("upload-slots", 0, "N", &opt.upload_slots, 1, 65536,
                "large uploads in memory at once"),
    FED_OPT_U64("idle-s", 0, "S", &opt.idle_s, 1, 3600,
                "close a connection on which nothing comes for so long"),
    FED_OPT_HEADING("Pace"),
    FED_OPT_U64("hold-ms", 0, "MS", &opt.hold_ms, 10, 25000,
                "how long a request waits for others"),
    FED_OPT_U64("retry-min-ms", 0, "MS", &opt.retry_min_ms, 1, 86400000,
                "pause of a device that is not needed now"),
    FED_OPT_U64("retry-max-ms", 0, "MS", &opt.retry_max_ms, 1, 86400000,
                "pause of a device when no task runs"),
    FED_OPT_END};

static fed_status load_key(const char *option, const char *path, uint8_t key[32],
                           fed_error *err)
{
    fed_bytes line;
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_file_read(path, &line, err);
    if (status)
        fed_fail_in(err, status, "%s", option);
    else
        status = fed_fail_in(
            err,
            fed_keyfile_get(FED_KEY_PUBLIC, (fed_span){line.data, line.len}, key, err),
            "%s: %s", option, path);
    fed_bytes_fini(&line);
    return status;
}

static unsigned thread_count(void)
{
    long cores = opt.threads ? (long)opt.threads : sysconf(_SC_NPROCESSORS_ONLN);
    return cores >= 1 && cores <= 64 ? (unsigned)cores : 1;
}

static fed_status run(const fed_operands *operands, fed_error *err)
{
    (void)operands;
    fed_server_config config = {.listen = opt.listen,
                                .folder = opt.state,
                                .holdout = opt.holdout,
                                .insecure = opt.insecure,
                                .threads = thread_count(),
                                .connections = (unsigned)opt.connections,
                                .max_body = (size_t)opt.max_body,
                                .upload_slots = (unsigned)opt.upload_slots,
                                .idle_s = (unsigned)opt.idle_s,
                                .hold_ms = (uint32_t)opt.hold_ms,
                                .retry_min_ms = (uint32_t)opt.retry_min_ms,
                                .retry_max_ms = (uint32_t)opt.retry_max_ms};
    config.has_enrolment_key = opt.enrolment_key != NULL;
    FED_TRY(load_key("--operator-key", opt.operator_key, config.operator_key, err));
    if (opt.enrolment_key)
        FED_TRY(
            load_key("--enrolment-key", opt.enrolment_key, config.enrolment_key, err));
    FED_TRY(fed_stop_init(err));
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failure like a full disk */
    return fed_server_run(&config, fed_stop_fd(), err);
}

static const fed_command commands[] = {
    {.name = "", .help = "serve", .options = options, .run = run}, {0}};

static const fed_example examples[] = {
    {"fedserver --state /var/lib/fedserver --operator-key operator.pub "
     "--holdout mnist:/srv/mnist",
     "serve on loopback, and evaluate each version"},
    {0}};

int main(int argc, char **argv)
{
    static const fed_program program = {
        .name = "fedserver",
        .summary = "aggregate what devices have learnt",
        .description = "Invites devices, gathers their updates in cohorts and makes "
                       "model versions. All "
                       "that it keeps is in one folder; it may be killed at any moment "
                       "and goes on from "
                       "there. It runs only tasks that the operator's key has signed.",
        .commands = commands,
        .examples = examples,
        .see_also = "fedctl(1), fedclient(1), fedsim(1)",
        .log_level = FED_LOG_INFO};
    return fed_program_main(&program, argc, argv);
}
