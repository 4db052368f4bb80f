/* fedctl and fedserver as an operator runs them: output, exit codes, and a disk that is full. */
#include "harness.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 16384, HEX = 64, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

static char folder[64], url[64], output[TEXT_MAX];
static pid_t server;

/* Run a command line in the folder; its exit code. What it says is in `output`. */
static int run(const char *format, ...) FED_PRINTF(1, 2);
static int run(const char *format, ...)
{
    char command[2048], line[1024];
    va_list args;
    int at = snprintf(line, sizeof line, "cd '%s' && ", folder);
    va_start(args, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    snprintf(command, sizeof command, "(%s) 2>&1", line);
    FILE *pipe = popen(command, "r");
    if (!CHECK(pipe != NULL)) return -1;
    size_t n = fread(output, 1, sizeof output - 1, pipe);
    output[n] = 0;
    while (fread(line, 1, sizeof line, pipe))
        continue;
    int how = pclose(pipe);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

/* The same for fedctl: `options` come behind the command. */
#define CTL(wanted, part, ...)                                                           \
    check_run((wanted), (part), __LINE__, FEDCTL " " __VA_ARGS__)

static void check_run(int wanted, const char *part, int line, const char *format, ...)
    FED_PRINTF(4, 5);
static void check_run(int wanted, const char *part, int line, const char *format, ...)
{
    char command[900];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int code = run("%s", command);
    fed_check(code == wanted && strstr(output, part), __FILE__, line,
              "%s: exit code %d, wanted %d with \"%s\": %s", command, code, wanted, part,
              output);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- the server --------------------------------------------------------------------------- */

/* `limit` are shell words before it, such as "ulimit -f 10;". */
static void start_server(const char *limit, const char *options)
{
    char command[1024], path[128], text[16] = "";
    snprintf(path, sizeof path, "%s/state/port", folder);
    unlink(path);
    snprintf(command, sizeof command,
             "cd '%s'; %s exec " FEDSERVER
             " --state state --operator-key key.pub --listen "
             "127.0.0.1:0 %s >>log 2>&1",
             folder, limit, options);
    fflush(NULL);
    server = fork();
    if (server == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !text[0]; i++) {
        pause_ms(10);
        FILE *f = fopen(path, "r");
        if (f && !fgets(text, sizeof text, f)) text[0] = 0;
        if (f) fclose(f);
    }
    text[strcspn(text, "\n")] = 0;
    CHECK_MSG(text[0], "the server does not start");
    snprintf(url, sizeof url, "http://127.0.0.1:%s", text);
}

/* The exit code of the server; `with` is a signal for it, or 0: it ends by itself. */
static int end_server(int with)
{
    int how = 0;
    if (with) kill(server, with);
    for (int i = 0; i < 1000; i++) {
        if (waitpid(server, &how, WNOHANG) == server)
            return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
        pause_ms(10);
    }
    kill(server, SIGKILL);
    waitpid(server, &how, 0);
    return -2;
}

static void write_text(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

/* A plan whose model has as many parameters as `inputs` · 2 + 2. */
static void write_plan(const char *name, unsigned inputs)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"small\",\"model\":{\"input\":{\"shape\":"
        "[%u]},\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":"
        "\"softmax_cross_entropy\"},\"train\":{\"lr\":0.1,\"batch\":4},\"update\":"
        "{\"select\":\"dense\",\"bits\":8,\"clip\":1,\"rotate\":\"none\"},\"secagg\":"
        "{\"enabled\":false},\"rounds\":{\"count\":2,\"cohort\":3},\"evaluate\":"
        "{\"on\":\"none\"}}",
        inputs);
    write_text(name, text);
}

static void open_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/fed-operator-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    write_plan("plan.json", 3);
    CTL(0, "", "keygen --out key");
}

static void close_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK_EQ(system(command), 0);
}

/* ---- keys --------------------------------------------------------------------------------- */

static void test_keygen(void)
{
    struct stat info;
    char path[128];
    open_folder();
    snprintf(path, sizeof path, "%s/key", folder);
    CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    CTL(EXIT_FAILED, "key.pub: not written: File exists", "keygen --out key");
    CHECK_EQ(run("rm key.pub"), 0);
    CTL(EXIT_FAILED, "key: not written: File exists", "keygen --out key");
    CHECK_MSG(run("ls key.pub") != 0, "a public key without its private one");
    CTL(EXIT_FAILED, "nowhere", "keygen --out nowhere/key");
    CTL(EXIT_USAGE, "--out", "keygen");
    CHECK_EQ(run("ls"), 0);
    CHECK_MSG(!strstr(output, ".new"), "left over: %s", output);
    close_folder();
}

/* ---- tasks -------------------------------------------------------------------------------- */

static void create(const char *plan, const char *options, char id[HEX + 1])
{
    CTL(0, "", "task create %s --server %s --key key --population p %s", plan, url,
        options);
    CHECK_EQ(strlen(output), HEX + 1);
    snprintf(id, HEX + 1, "%.64s", output);
}

static void test_create_refusals(void)
{
    open_folder();
    start_server("", "");
    CTL(EXIT_USAGE, "nothing.json",
        "task create nothing.json -s %s -k key --population p", url);
    CTL(EXIT_USAGE, "nokey", "task create plan.json -s %s -k nokey --population p", url);
    CTL(EXIT_USAGE, "--population", "task create plan.json -s %s -k key", url);
    CTL(EXIT_REFUSED, "key.pub", "task create plan.json -s %s -k key.pub --population p",
        url);
    CTL(EXIT_REFUSED, "population",
        "task create plan.json -s %s -k key --population 'a\tb'", url);
    CTL(EXIT_REFUSED, "train.batch: 0 is below 1",
        "task create plan.json -s %s -k key --population p --set train.batch=0", url);
    CTL(EXIT_REFUSED, "--set: nothing=1",
        "task create plan.json -s %s -k key --population p --set nothing=1", url);
    CTL(EXIT_REFUSED, "--holdout",
        "task create plan.json -s %s -k key --population p --set evaluate.on=holdout",
        url);
    CTL(EXIT_REFUSED, "another server",
        "task create plan.json -s %s -k key --population p --server-key %064d", url, 1);
    CTL(0, "", "keygen --out other");
    CTL(EXIT_REFUSED, "(403)", "task create plan.json -s %s -k other --population p",
        url);
    CTL(EXIT_REFUSED, "http or https", "task list -s ftp://x");
    CTL(EXIT_FAILED, "127.0.0.1", "task list -s http://127.0.0.1:1");
    CTL(EXIT_USAGE, "no task begins with", "task show -s %s", url);
    CTL(0, "ID", "task list -s %s", url);
    CHECK_EQ(end_server(SIGTERM), 0);
    close_folder();
}

static void test_task(void)
{
    char id[HEX + 1], second[HEX + 1];
    open_folder();
    start_server("", "");
    create("plan.json", "--server-key state/server.key.pub", id);
    CTL(0, "small", "task list -s %s", url);
    CTL(0, "state", "task show -s %s", url);
    CTL(0, "\"state\":\"running\"", "task show --json -s %s", url);
    CTL(0, "\"format\":\"fed-trace/1\"", "task trace %.6s -s %s", id, url);
    CTL(EXIT_FAILED, "not done after 1 s", "task wait %s -t 1 -s %s", id, url);
    CTL(0, "VERSION", "model list %s -s %s", id, url);
    CTL(0, "", "model get %s --out model -s %s", id, url);
    CTL(EXIT_FAILED, "File exists", "model get %s --out model -s %s", id, url);
    CTL(0, "", "model get %s --out model --force --version 0 -s %s", id, url);
    CTL(EXIT_USAGE, "no version 7", "model get %s --out m7 -v 7 -s %s", id, url);
    CHECK_EQ(run("sha256sum model | cut -c-64 | tr -d '\\n'"), 0);
    char sum[HEX + 1];
    snprintf(sum, sizeof sum, "%.64s", output);
    CTL(0, sum, "model list %s -s %s", id, url);

    create("plan.json", "--seed 2 --name second --expires-days 1 --set train.lr=0.5",
           second);
    CHECK(strcmp(id, second) != 0);
    CTL(EXIT_REFUSED, "2 tasks begin with", "task show -s %s", url);
    CTL(0, "", "keygen --out other");
    CTL(EXIT_REFUSED, "(403)", "task stop %s -k other -s %s", second, url);
    CTL(0, "", "task stop %s -k key -s %s", second, url);
    CTL(EXIT_FAILED, "stopped after 0 of 2", "task wait %s -s %s", second, url);
    CTL(0, "stopped", "task list -s %s", url);
    CHECK_EQ(end_server(SIGKILL), -1);
    start_server("", "");
    CTL(0, "\"state\":\"stopped\"", "task show %s --json -s %s", second, url);
    CHECK_EQ(end_server(SIGINT), 0);
    close_folder();
}

/* ---- a disk that is full ------------------------------------------------------------------ */

/* A file may not grow beyond 200 KiB, as on a full disk: the model of 400 KB does not fit. The
 * server says so and ends; started again with room, it goes on with what it had. */
static void test_full_disk(void)
{
    char id[HEX + 1];
    open_folder();
    write_plan("large.json", 50000);
    start_server("ulimit -f 400;", "");
    create("plan.json", "", id);
    CTL(EXIT_FAILED, "", "task create large.json -s %s -k key --population p", url);
    CHECK_EQ(end_server(0), EXIT_FAILED);
    CHECK_EQ(run("cat log"), 0);
    CHECK_MSG(strstr(output, "\"event\":\"failed\"") && strstr(output, "blobs"), "%s",
              output);
    start_server("", "");
    CTL(0, "\"tasks\":[{", "task list --json -s %s", url);
    CTL(0, id, "task list --json -s %s", url);
    CHECK_MSG(!strstr(output, "},{\"task\""), "the large one is there: %s", output);
    CTL(0, "", "task create large.json -s %s -k key --population p", url);
    CHECK_EQ(end_server(SIGTERM), 0);
    close_folder();
}

static void test_usage(void)
{
    open_folder();
    static const char *const commands[] = {
        "keygen",    "task create", "task list", "task show",  "task stop",
        "task wait", "task trace",  "model get", "model list", ""};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        CTL(0, "Usage: fedctl", "%s --help", commands[i]);
    CTL(0, "libfed", "--version");
    CTL(EXIT_USAGE, "what about it", "task");
    CTL(EXIT_USAGE, "", "nonsense");
    CHECK_EQ(run(FEDSERVER " --help"), 0);
    CHECK_EQ(run(FEDSERVER), EXIT_USAGE);
    CHECK_EQ(run(FEDSERVER " --state s --operator-key nothing"), EXIT_USAGE);
    CHECK_MSG(strstr(output, "--operator-key: nothing"), "%s", output);
    CHECK_EQ(run(FEDSERVER " --state s --operator-key key"), EXIT_REFUSED);
    CHECK_EQ(run(FEDSERVER " --state s --operator-key key.pub --listen 0.0.0.0:0"),
             EXIT_REFUSED);
    close_folder();
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_keygen), CASE(test_create_refusals),
                                     CASE(test_task), CASE(test_full_disk),
                                     CASE(test_usage)};
    return fed_run("operator", cases, sizeof cases / sizeof *cases);
}
