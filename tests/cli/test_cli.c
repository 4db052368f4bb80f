/* Option tables, help, man pages, configuration files, the progress line, stopping. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "harness.h"
#include "page.h"

/* ---- a program to try things on ------------------------------------------------------ */

static struct {
    const char *server, *fidelity, *key;
    uint64_t clients, seed;
    int64_t offset;
    double lr;
    bool json;
    fed_list set;
} opt;

static const fed_option shared_options[] = {
    FED_OPT_HEADING("Where"),
    FED_OPT_TEXT("server", 's', "URL", &opt.server, "the server to talk to"),
    FED_OPT_END,
};

static const fed_option run_options[] = {
    FED_OPT_HEADING("Population"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 1, 1000, "simulated devices"),
    FED_OPT_U64("seed", 0, "SEED", &opt.seed, 0, UINT64_MAX, "of everything random"),
    FED_OPT_I64("offset", 0, "N", &opt.offset, -5, 5, "of something"),
    FED_OPT_REAL("lr", 0, "RATE", &opt.lr, 0.001, 1, "learning rate"),
    FED_OPT_CHOICE("fidelity", 'f', "sum|protocol", &opt.fidelity, "how true to life"),
    FED_OPT_LIST("set", 0, "FIELD=VALUE", &opt.set, "change a field of the plan"),
    FED_OPT_HEADING("Output"),
    FED_OPT_FLAG("json", 'j', &opt.json, "print one JSON object"),
    FED_OPT_END,
};

static const fed_option create_options[] = {
    FED_OPT_REQUIRED("key", 'k', "FILE", &opt.key, "the operator's key"),
    FED_OPT_END,
};

static fed_status answer;

static fed_status run(const fed_operands *operands, fed_error *err)
{
    (void)operands;
    return answer == FED_OK ? FED_OK : fed_fail(err, answer, "as asked");
}

static const fed_command commands[] = {
    {.name = "run",
     .operands = "PLAN [TRACE]",
     .help = "simulate a plan",
     .options = run_options,
     .run = run},
    {.name = "task create",
     .operands = "PLAN...",
     .help = "start a task",
     .options = create_options,
     .run = run},
    {.name = "task list", .help = "show all tasks", .run = run},
    {0},
};

static const fed_example examples[] = {
    {"fedx run plan.json --clients 10", "ten devices"},
    {"fedx task list", "what there is"},
    {0},
};

static const fed_program program = {
    .name = "fedx",
    .summary = "try things",
    .description = "A program that exists for its tests; .dots and -dashes included.",
    .commands = commands,
    .options = shared_options,
    .examples = examples,
    .see_also = "fedctl(1)",
};

enum { WORDS_MAX = 32 };

/* Split `line` at spaces into argv, in memory that lives until the next call. */
static int split(const char *line, char **argv)
{
    static char copy[2048];
    int argc = 0;
    snprintf(copy, sizeof copy, "fedx %s", line);
    for (char *p = strtok(copy, " "); p && argc < WORDS_MAX; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    return argc;
}

static fed_status parse(fed_arguments *a, const char *line, fed_error *err)
{
    char *argv[WORDS_MAX + 1];
    int argc = split(line, argv);
    memset(&opt, 0, sizeof opt);
    opt.clients = 10;
    opt.fidelity = "sum";
    return fed_arguments_parse(a, &program, argc, argv, err);
}

/* ---- options --------------------------------------------------------------------------- */

static void test_stores_every_kind(void)
{
    fed_arguments a;
    fed_error err = {0};
    CHECK_OK(parse(&a,
                   "run plan.json --clients=20 -s http://h --seed 18446744073709551615 "
                   "--offset -3 --lr 0.03 -fprotocol --set a=1 -j --set b=2 trace",
                   &err),
             &err);
    CHECK_STR(a.command->name, "run");
    CHECK_EQ(opt.clients, 20);
    CHECK(opt.seed == UINT64_MAX);
    CHECK_EQ(opt.offset, -3);
    CHECK_NEAR(opt.lr, 0.03, 1e-12);
    CHECK_STR(opt.fidelity, "protocol");
    CHECK_STR(opt.server, "http://h");
    CHECK(opt.json);
    CHECK_EQ(opt.set.n, 2);
    CHECK_STR(opt.set.items[1], "b=2");
    CHECK_EQ(a.operands.n, 2);
    CHECK_STR(a.operands.items[1], "trace");
    fed_arguments_fini(&a);
}

static void test_keeps_defaults_and_ends_options(void)
{
    fed_arguments a;
    fed_error err = {0};
    CHECK_OK(parse(&a, "run -- --json", &err), &err);
    CHECK_STR(a.operands.items[0], "--json");
    CHECK_EQ(opt.clients, 10);
    CHECK(!opt.json);
    fed_arguments_fini(&a);
    CHECK_OK(parse(&a, "task create - -k key a b c", &err), &err);
    CHECK_STR(a.command->name, "task create");
    CHECK_EQ(a.operands.n, 4);
    fed_arguments_fini(&a);
}

static void test_refuses_by_name(void)
{
    static const struct {
        const char *line, *part;
    } bad[] = {
        {"", "which command?"},
        {"fly", "fly: no such command"},
        {"task", "task: what about it?"},
        {"task fly", "task fly: no such command"},
        {"--json run p", "--json: the command comes first"},
        {"run", "missing operand: it takes PLAN [TRACE]"},
        {"run a b c", "c: one operand too many"},
        {"run p --fly", "--fly: no such option"},
        {"run p -x", "-x: no such option"},
        {"run p --client 3", "--client: no such option"},
        {"run p --clients", "--clients: its value N is missing"},
        {"run p --clients 0", "--clients: \"0\" is not a whole number from 1 to 1000"},
        {"run p --clients 1001", "\"1001\" is not a whole number from 1 to 1000"},
        {"run p --clients ten", "--clients: \"ten\""},
        {"run p --clients=", "--clients: \"\""},
        {"run p --seed -1", "--seed: \"-1\""},
        {"run p --seed 18446744073709551616", "--seed: \"18446744073709551616\""},
        {"run p --offset -6", "--offset: \"-6\" is not a whole number from -5 to 5"},
        {"run p --lr 2", "--lr: \"2\" is not a number from 0.001 to 1"},
        {"run p --lr nan", "--lr: \"nan\""},
        {"run p --fidelity prot", "--fidelity: \"prot\" is not one of sum|protocol"},
        {"run p --fidelity sum|protocol", "is not one of"},
        {"run p --json=yes", "--json: takes no value, not \"yes\""},
        {"run p --json --json", "--json: given twice"},
        {"run p -n 1 --clients 2", "--clients: given twice"},
        {"run p --log-level loud", "--log-level: \"loud\" is not one of debug|info"},
        {"run p --config /nowhere/x.ini", "--config: /nowhere/x.ini: No such file"},
        {"task create p", "--key FILE is required"},
        {"task list p", "p: one operand too many"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_arguments a;
        fed_error err = {0};
        fed_status status = parse(&a, bad[i].line, &err);
        CHECK_MSG(status != FED_OK && strstr(err.text, bad[i].part), "\"%s\": \"%s\"",
                  bad[i].line, err.text);
        fed_arguments_fini(&a);
    }
}

static void test_bounds_the_counts(void)
{
    char line[2048];
    fed_arguments a;
    fed_error err = {0};
    char *argv[FED_LIST_MAX + 8];
    char name[] = "fedx", run_word[] = "run", set[] = "--set=a", plan[] = "p";
    int argc = 0;
    argv[argc++] = name, argv[argc++] = run_word, argv[argc++] = plan;
    for (int i = 0; i <= FED_LIST_MAX; i++)
        argv[argc++] = set;
    snprintf(line, sizeof line, "--set: given more than %d times", FED_LIST_MAX);
    opt.set.n = 0;
    CHECK_FAILS(fed_arguments_parse(&a, &program, argc, argv, &err), FED_E_INVALID, &err,
                line);
    fed_arguments_fini(&a);
}

/* ---- configuration files --------------------------------------------------------------- */

static char config_path[64];

static void write_config(const char *text)
{
    snprintf(config_path, sizeof config_path, "/tmp/fed_test_cli_XXXXXX");
    int fd = mkstemp(config_path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    if (fd >= 0) close(fd);
}

static fed_status parse_with(fed_arguments *a, const char *text, const char *line,
                             fed_error *err)
{
    char whole[1024];
    write_config(text);
    snprintf(whole, sizeof whole, "%s --config %s", line, config_path);
    fed_status status = parse(a, whole, err);
    unlink(config_path);
    return status;
}

static void test_reads_a_config_file(void)
{
    fed_arguments a;
    fed_error err = {0};
    CHECK_OK(parse_with(&a,
                        "; a comment\nserver = http://file\nkey = other\njson = yes\n"
                        "log-level = debug\n\n[run]\nclients = 7\nset = a=1\nset = b=2\n"
                        "[task list]\nclients = 900\n",
                        "run p --server http://line", &err),
             &err);
    CHECK_STR(opt.server, "http://line");
    CHECK_EQ(opt.clients, 7);
    CHECK(opt.json);
    CHECK_EQ(opt.set.n, 2);
    CHECK_STR(opt.set.n == 2 ? opt.set.items[0] : NULL, "a=1");
    CHECK_STR(a.log_level, "debug");
    fed_arguments_fini(&a);
    CHECK_OK(parse_with(&a, "key = mine\n", "task create p", &err), &err);
    CHECK_STR(opt.key, "mine");
    fed_arguments_fini(&a);
}

static void test_refuses_a_config_file_by_line(void)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"json = yes\nfly = high\n", ":2: fly: no such option"},
        {"[run]\nkey = k\n", ":2: key: no such option"},
        {"[fly]\nkey = k\n", ":2: [fly]: no such command"},
        {"\n\nclients = 0\n", ":3: clients: \"0\" is not a whole number from 1 to 1000"},
        {"json = maybe\n", ":1: json: \"maybe\" is neither yes nor no"},
        {"json = yes\njson = no\n", ":2: json: given twice"},
        {"config = x\n", ":1: config: only on the command line"},
        {"help = yes\n", ":1: help: only on the command line"},
        {"json\n", ":1: neither [command] nor option = value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_arguments a;
        fed_error err = {0};
        fed_status status = parse_with(&a, bad[i].text, "run p", &err);
        CHECK_MSG(status != FED_OK && strstr(err.text, bad[i].part), "case %zu: \"%s\"",
                  i, err.text);
        fed_arguments_fini(&a);
    }
}

static void test_refuses_a_long_config_line(void)
{
    char text[2048];
    fed_arguments a;
    fed_error err = {0};
    snprintf(text, sizeof text, "json = yes\nserver = %01500d\n", 1);
    CHECK_FAILS(parse_with(&a, text, "run p", &err), FED_E_INVALID, &err,
                ":2: longer than");
    fed_arguments_fini(&a);
}

static fed_status config_scenario(void *ctx)
{
    fed_arguments a;
    fed_error err;
    char name[] = "fedx", word[] = "run", plan[] = "p", option[] = "--config";
    char *argv[] = {name, word, plan, option, ctx, NULL};
    memset(&opt, 0, sizeof opt);
    fed_status status = fed_arguments_parse(&a, &program, 5, argv, &err);
    fed_arguments_fini(&a);
    return status;
}

static void test_survives_failing_allocations(void)
{
    write_config("server = http://h\nset = a\nset = b\n");
    CHECK_EQ(fed_torture(config_scenario, config_path), 3);
    unlink(config_path);
}

/* ---- texts ------------------------------------------------------------------------------- */

static void help_of(const char *line, fed_bytes *out)
{
    fed_arguments a;
    fed_error err = {0};
    fed_bytes_clear(out);
    CHECK_OK(parse(&a, line, &err), &err);
    CHECK(a.help);
    fed_page_help(&a, out);
    fed_arguments_fini(&a);
}

static void check_has(fed_bytes *page, const char *part)
{
    const char *text = fed_bytes_text(page);
    CHECK_MSG(text && strstr(text, part), "no \"%s\" in:\n%s", part, text ? text : "");
}

static void test_help_follows_the_tables(void)
{
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    help_of("run --help", &page);
    check_has(&page, "Usage: fedx run PLAN [TRACE] [OPTION...]\n\nsimulate a plan\n");
    check_has(&page, "\nPopulation:\n  -n, --clients N");
    check_has(&page, "simulated devices [1 to 1000, default 10]\n");
    check_has(&page, "      --seed SEED");
    check_has(&page, "of everything random\n");
    check_has(&page, "how true to life [default sum]\n");
    check_has(&page, "change a field of the plan [may be repeated]\n");
    check_has(&page, "\nGeneral:\n  -h, --help ");
    check_has(&page, "\nExamples:\n  # ten devices\n  fedx run plan.json --clients 10\n");
    CHECK(!strstr((char *)page.data, "task list"));
    CHECK(!strstr((char *)page.data, "--man"));
    help_of("task create -h", &page);
    check_has(&page, "Usage: fedx task create PLAN... --key FILE [OPTION...]\n");
    check_has(&page, "the operator's key [required]\n");
    fed_bytes_fini(&page);
}

static void test_help_lists_commands(void)
{
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    help_of("--help", &page);
    check_has(&page, "Usage: fedx COMMAND ");
    check_has(&page, "\nCommands:\n  run          simulate a plan\n  task create  start");
    check_has(&page, "\nWhere:\n  -s, --server URL");
    help_of("task --help", &page);
    check_has(&page, "Usage: fedx task ");
    CHECK(!strstr((char *)page.data, "simulate a plan"));
    fed_bytes_fini(&page);
}

static void test_help_fits_the_page(void)
{
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    help_of("run --help", &page);
    const char *text = fed_bytes_text(&page);
    for (const char *p = text; p && *p; p += strcspn(p, "\n") + 1)
        CHECK_MSG(strcspn(p, "\n") <= 90, "too wide: %.100s", p);
    fed_bytes_fini(&page);
}

static void test_man_page_escapes(void)
{
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    fed_page_man(&program, &page);
    check_has(&page, ".TH fedx 1 ");
    check_has(&page, "fedx \\- try things\n");
    check_has(&page, ".dots and \\-dashes");
    check_has(&page, ".SS task create PLAN...\n");
    check_has(&page, "\\fB\\-n\\fR, \\fB\\-\\-clients\\fR \\fIN\\fR\n");
    check_has(&page, ".TP\n\\fB3\\fR\n");
    check_has(&page, ".SH SEE ALSO\nfedctl(1)\n");
    fed_bytes_fini(&page);
}

static void test_man_page_is_clean(void)
{
    if (system("man --version >/dev/null 2>&1") != 0) {
        fed_skip("man is not installed");
        return;
    }
    char path[] = "/tmp/fed_test_cli_man_XXXXXX", command[256];
    int fd = mkstemp(path);
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    fed_page_man(&program, &page);
    CHECK(fd >= 0 && write(fd, page.data, page.len) == (ssize_t)page.len);
    if (fd >= 0) close(fd);
    snprintf(command, sizeof command,
             "test -z \"$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l %s 2>&1 "
             ">/dev/null)\"",
             path);
    CHECK_EQ(system(command), 0);
    unlink(path);
    fed_bytes_fini(&page);
}

/* ---- running ----------------------------------------------------------------------------- */

/* Run the program with both outputs silenced; its exit code. */
static int run_quietly(const char *line)
{
    char *argv[WORDS_MAX + 1];
    int argc = split(line, argv);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(fed_program_main(&program, argc, argv));
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_exit_codes(void)
{
    static const struct {
        fed_status status;
        int code;
    } expected[] = {
        {FED_OK, 0},          {FED_E_IO, 1},      {FED_E_TIMEOUT, 1},
        {FED_E_NOT_FOUND, 2}, {FED_E_INVALID, 3}, {FED_E_REFUSED, 3},
        {FED_E_AUTH, 3},      {FED_E_FORMAT, 3},  {FED_E_UNSUPPORTED, 3},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        answer = expected[i].status;
        CHECK_EQ(run_quietly("run plan"), expected[i].code);
    }
    answer = FED_OK;
    CHECK_EQ(run_quietly("run"), 2);
    CHECK_EQ(run_quietly("run --help"), 0);
    CHECK_EQ(run_quietly("--version"), 0);
    CHECK_EQ(run_quietly("task --help"), 0);
    CHECK_EQ(run_quietly("fly --help"), 2);
}

static void test_progress_line(void)
{
    fed_bytes line;
    fed_bytes_init(&line, 1024);
    fed_progress_render(&line, 79, "rounds", 50, 100, 25000, "accuracy 0.9");
    CHECK_STR(fed_bytes_text(&line),
              "rounds  50% [========>      ] 50/100  2.0/s  0:25 left  accuracy 0.9");
    fed_bytes_clear(&line);
    fed_progress_render(&line, 12, "rounds", 50, 100, 25000, "accuracy 0.9");
    CHECK_STR(fed_bytes_text(&line), "rounds  50% ");
    fed_bytes_clear(&line);
    fed_progress_render(&line, 79, "files", 7, 0, 1000, "\xc3\xa9");
    CHECK_STR(fed_bytes_text(&line), "files 7  7.0/s  \xc3\xa9");
    fed_bytes_clear(&line);
    fed_progress_render(&line, 79, "rounds", 9, 3, 0, "");
    CHECK_STR(fed_bytes_text(&line), "rounds 100% [===============] 9/3");
    fed_bytes_fini(&line);
}

static void test_stops_on_a_signal(void)
{
    pid_t child = fork();
    if (child == 0) {
        fed_error err;
        bool ok = fed_stop_init(&err) == FED_OK && !fed_stop_requested();
        ok = ok && !fed_stop_wait(1) && raise(SIGTERM) == 0 && fed_stop_requested();
        struct pollfd p = {.fd = fed_stop_fd(), .events = POLLIN};
        ok = ok && poll(&p, 1, 0) == 1 && fed_stop_wait(100000);
        if (!ok) _exit(1);
        raise(SIGTERM); /* the second one ends it */
        _exit(2);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "wait status %x",
              (unsigned)status);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_stores_every_kind),
        CASE(test_keeps_defaults_and_ends_options),
        CASE(test_refuses_by_name),
        CASE(test_bounds_the_counts),
        CASE(test_reads_a_config_file),
        CASE(test_refuses_a_config_file_by_line),
        CASE(test_refuses_a_long_config_line),
        CASE(test_survives_failing_allocations),
        CASE(test_help_follows_the_tables),
        CASE(test_help_lists_commands),
        CASE(test_help_fits_the_page),
        CASE(test_man_page_escapes),
        CASE(test_man_page_is_clean),
        CASE(test_exit_codes),
        CASE(test_progress_line),
        CASE(test_stops_on_a_signal),
    };
    return fed_run("cli", cases, sizeof cases / sizeof *cases);
}
