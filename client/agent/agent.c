/* The command line, and the loop: step every device, then wait for the network. */
#include <string.h>

#include "agent_internal.h"

enum { STATUS_EVERY_MS = 1000, WAIT_MAX_MS = 60000 };

static fed_agent_options opt = {.max_step_ms = 50, .conditions = "auto"};
static const fed_agent_build *the_build;

static const fed_option options[] = {
    FED_OPT_HEADING("Federation"),
    FED_OPT_REQUIRED("server", 's', "URL", &opt.server, "http(s)://HOST[:PORT]"),
    FED_OPT_REQUIRED("operator-key", 0, "FILE", &opt.operator_key,
                     "public key whose tasks are run"),
    FED_OPT_REQUIRED("population", 'p', "NAME", &opt.population,
                     "population that the devices belong to"),
    FED_OPT_TEXT("enrolment-key", 0, "FILE", &opt.enrolment_key,
                 "public key that vouches for devices (for secure aggregation)"),
    FED_OPT_TEXT("certificate", 0, "FILE", &opt.certificate,
                 "what the enrolment desk answered; kept from then on"),
    FED_OPT_FLAG("require-secagg", 0, &opt.require_secagg,
                 "refuse tasks without secure aggregation"),
    FED_OPT_FLAG("require-privacy", 0, &opt.require_privacy,
                 "refuse tasks without differential privacy"),
    FED_OPT_REAL("max-epsilon", 0, "E", &opt.max_epsilon, 0, 1e6,
                 "refuse tasks with a larger privacy.epsilon_server; 0: any"),
    FED_OPT_U64("max-participations", 0, "K", &opt.max_participations, 0, 1000000000,
                "refuse private tasks that may ask for more; 0: any"),
    FED_OPT_TEXT("enrol", 0, "FILE", &opt.enrol,
                 "tokens, a line for each device: write --request and end"),
    FED_OPT_TEXT("request", 0, "FILE", &opt.request, "where enrolment requests go"),
    FED_OPT_TEXT("ca-file", 0, "FILE", &opt.ca_file,
                 "trusted authorities for https, PEM (default: the system's)"),
    FED_OPT_HEADING("Devices"),
    FED_OPT_REQUIRED("data", 'd', "SPEC", &opt.data, "data set, such as mnist:DIR"),
    FED_OPT_TEXT("client", 'c', "LIST", &opt.clients,
                 "clients of the data's partition, a device each: 3, 0-9, 0-4,7"),
    FED_OPT_REQUIRED("state", 0, "DIR", &opt.state, "folder of what the devices keep"),
    FED_OPT_TEXT("conditions", 0, "WORDS", &opt.conditions,
                 "auto, none, or what holds: charging,unmetered,idle"),
    FED_OPT_U64("max-step-ms", 0, "MS", &opt.max_step_ms, 1, 10000,
                "how long one device trains before the next has its turn"),
    FED_OPT_U64("updates", 'n', "N", &opt.updates, 0, 1000000000,
                "end when each device has handed in N updates; 0: go on"),
    FED_OPT_HEADING("Output"),
    FED_OPT_TEXT("status", 0, "FILE", &opt.status,
                 "keep a JSON file that says how the devices are"),
    FED_OPT_END};

static void step_device(fed_agent_device *d, int64_t *wait_ms)
{
    fed_error err;
    int64_t wait;
    fed_status status = fed_client_step(d->client, fed_clock_monotonic_ms(), &wait, &err);
    if (status)
        fed_log(FED_LOG_ERROR, "device_failed", "client=%u error=\"%s\"", d->number,
                err.text);
    if (wait < *wait_ms) *wait_ms = wait;
}

static bool all_done(const fed_agent *a)
{
    fed_client_info info;
    if (!a->options->updates) return false;
    for (size_t i = 0; i < a->n; i++) {
        fed_client_describe(a->devices[i].client, &info);
        if (info.delivered < a->options->updates) return false;
    }
    return true;
}

static void keep_status(const fed_agent *a, int64_t *next_ms)
{
    fed_error err;
    int64_t now = fed_clock_monotonic_ms();
    if (!a->options->status || now < *next_ms) return;
    *next_ms = now + STATUS_EVERY_MS;
    if (fed_agent_write_status(a, &err))
        fed_log(FED_LOG_WARN, "status_not_written", "error=\"%s\"", err.text);
}

static fed_status run_devices(fed_agent *a, fed_error *err)
{
    int64_t next_status = 0;
    while (!fed_stop_requested() && !all_done(a)) {
        int64_t wait = a->options->status ? STATUS_EVERY_MS : WAIT_MAX_MS;
        for (size_t i = 0; i < a->n && !fed_stop_requested(); i++)
            step_device(&a->devices[i], &wait);
        keep_status(a, &next_status);
        FED_TRY(fed_network_wait(a->network, wait, fed_stop_fd(), err));
    }
    next_status = 0;
    keep_status(a, &next_status);
    return FED_OK;
}

static fed_status run(const fed_operands *operands, fed_error *err)
{
    fed_agent agent = {.options = &opt, .build = the_build};
    (void)operands;
    fed_status status = fed_stop_init(err);
    if (!status && opt.enrol && !opt.request)
        status = fed_fail(err, FED_E_INVALID, "--enrol: --request is missing");
    if (!status) status = fed_agent_open(&agent, err);
    if (!status) status = fed_agent_take_certificates(&agent, err);
    if (!status && opt.enrol) {
        status = fed_agent_write_requests(&agent, err);
    } else if (!status) {
        fed_log(FED_LOG_INFO, "started", "devices=%zu server=%s population=%s", agent.n,
                opt.server, opt.population);
        status = run_devices(&agent, err);
        fed_log(FED_LOG_INFO, "stopped", "devices=%zu", agent.n);
    }
    fed_agent_close(&agent);
    return status;
}

static const fed_example examples[] = {
    {"fedclient --server http://127.0.0.1:8080 --operator-key operator.pub "
     "--population demo --data csv:readings.csv?label=state --state /var/lib/fedclient",
     "one device with a table of its own"},
    {"fedclient --server http://127.0.0.1:8080 --operator-key operator.pub "
     "--population demo --data 'mnist:DIR?partition=shards:2&clients=20&seed=1' "
     "--client 0-9 --state state",
     "ten of twenty simulated devices with two digits each"},
    {0}};

int fed_agent_main(const fed_agent_build *build, int argc, char **argv)
{
    const fed_command commands[] = {{.name = "", .options = options, .run = run}, {0}};
    const fed_program program = {
        .name = build->name,
        .summary = "devices that train together and keep their data",
        .description =
            "Asks a server for tasks, checks that the operator signed them, trains on "
            "the data of each device, and hands in updates. It runs until it is told "
            "to stop (SIGTERM, SIGINT), and goes on from its state folder at the next "
            "start.",
        .commands = commands,
        .options = build->options,
        .examples = examples,
        .see_also = "fedserver(1), fedctl(1), fedsim(1)",
        .log_level = FED_LOG_INFO};
    the_build = build;
    return fed_program_main(&program, argc, argv);
}
