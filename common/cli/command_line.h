/*
 * A program described by tables. Parsing, --help, --man, --config and the texts of errors
 * all follow from them, so they cannot disagree.
 *
 *     static struct { const char *server; uint64_t clients; bool json; } opt = {.clients = 10};
 *
 *     static const fed_option run_options[] = {
 *         FED_OPT_HEADING("Population"),
 *         FED_OPT_U64("clients", 'n', "N", &opt.clients, 1, 1000000, "simulated devices"),
 *         FED_OPT_HEADING("Output"),
 *         FED_OPT_FLAG("json", 0, &opt.json, "print one JSON object"),
 *         FED_OPT_END};
 *
 *     static const fed_command commands[] = {
 *         {.name = "run", .operands = "PLAN", .help = "simulate a plan",
 *          .options = run_options, .run = run},
 *         {0}};
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const fed_program program = {
 *             .name = "fedsim", .summary = "simulate a federation", .commands = commands};
 *         return fed_program_main(&program, argc, argv);
 *     }
 *
 * The value that a target holds before parsing is its default, and is shown as such. Every
 * program also has --help, --version, --config and --log-level (and --man, for the build).
 * A configuration file holds `option-name = value` lines; those under `[command]` count for
 * that command alone. The command line wins over the file.
 */
#ifndef FED_COMMAND_LINE_H
#define FED_COMMAND_LINE_H

#include "base.h"

/** What every program answers to its caller. */
typedef enum fed_exit {
    FED_EXIT_OK = 0,       /* done */
    FED_EXIT_FAILED = 1,   /* tried and did not succeed: network, disk, a peer, time */
    FED_EXIT_USAGE = 2,    /* wrong command line, or something it names is not there */
    FED_EXIT_REFUSED = 3,  /* read and refused: malformed, out of bounds, unsound, not
                              verified, over budget, or not built */
    FED_EXIT_STOPPED = 130 /* ended early by SIGINT or SIGTERM */
} fed_exit;

enum {
    FED_LIST_MAX = 64,     /* values of one repeatable option */
    FED_OPERANDS_MAX = 64, /* operands of one command line */
    FED_OPTIONS_MAX = 96   /* options and headings that one command may have in all */
};

/** The values of a repeatable option, in the order given; borrowed. */
typedef struct fed_list {
    const char *items[FED_LIST_MAX];
    size_t n;
} fed_list;

typedef enum fed_option_kind {
    FED_OPTION_END,
    FED_OPTION_HEADING,
    FED_OPTION_FLAG,
    FED_OPTION_TEXT,
    FED_OPTION_CHOICE, /* text that must be one of the words of `argument`: "sum|protocol" */
    FED_OPTION_U64,
    FED_OPTION_I64,
    FED_OPTION_REAL,
    FED_OPTION_LIST
} fed_option_kind;

/** One line of an option table; made with the macros below. Texts that parsing stores in a
 *  target live until fed_program_main returns. */
typedef struct fed_option {
    fed_option_kind kind;
    const char *name;     /* without dashes */
    char letter;          /* its short form, or 0 */
    const char *argument; /* what its value is called in help; NULL for a flag */
    const char *help;     /* one line; of a heading: its text */
    bool required;
    union {
        bool *flag;
        const char **text;
        uint64_t *u64;
        int64_t *i64;
        double *real;
        fed_list *list;
    } to;
    union {
        struct {
            uint64_t min, max;
        } u64;
        struct {
            int64_t min, max;
        } i64;
        struct {
            double min, max;
        } real;
    } bound;
} fed_option;

/* clang-format off */
#define FED_OPT_HEADING(text_) {.kind = FED_OPTION_HEADING, .help = (text_)}
#define FED_OPT_FLAG(name_, letter_, to_, help_)                                         \
    {.kind = FED_OPTION_FLAG, .name = (name_), .letter = (letter_), .help = (help_),     \
     .to.flag = (to_)}
#define FED_OPT_TEXT(name_, letter_, argument_, to_, help_)                              \
    {.kind = FED_OPTION_TEXT, .name = (name_), .letter = (letter_),                      \
     .argument = (argument_), .help = (help_), .to.text = (to_)}
#define FED_OPT_REQUIRED(name_, letter_, argument_, to_, help_)                          \
    {.kind = FED_OPTION_TEXT, .name = (name_), .letter = (letter_),                      \
     .argument = (argument_), .help = (help_), .required = true, .to.text = (to_)}
#define FED_OPT_CHOICE(name_, letter_, words_, to_, help_)                               \
    {.kind = FED_OPTION_CHOICE, .name = (name_), .letter = (letter_),                    \
     .argument = (words_), .help = (help_), .to.text = (to_)}
#define FED_OPT_U64(name_, letter_, argument_, to_, min_, max_, help_)                   \
    {.kind = FED_OPTION_U64, .name = (name_), .letter = (letter_),                       \
     .argument = (argument_), .help = (help_), .to.u64 = (to_),                          \
     .bound.u64 = {(min_), (max_)}}
#define FED_OPT_I64(name_, letter_, argument_, to_, min_, max_, help_)                   \
    {.kind = FED_OPTION_I64, .name = (name_), .letter = (letter_),                       \
     .argument = (argument_), .help = (help_), .to.i64 = (to_),                          \
     .bound.i64 = {(min_), (max_)}}
#define FED_OPT_REAL(name_, letter_, argument_, to_, min_, max_, help_)                  \
    {.kind = FED_OPTION_REAL, .name = (name_), .letter = (letter_),                      \
     .argument = (argument_), .help = (help_), .to.real = (to_),                         \
     .bound.real = {(min_), (max_)}}
#define FED_OPT_LIST(name_, letter_, argument_, to_, help_)                              \
    {.kind = FED_OPTION_LIST, .name = (name_), .letter = (letter_),                      \
     .argument = (argument_), .help = (help_), .to.list = (to_)}
#define FED_OPT_END {.kind = FED_OPTION_END}
/* clang-format on */

/** The words of a command line that are not options; borrowed. */
typedef struct fed_operands {
    const char *items[FED_OPERANDS_MAX];
    size_t n;
} fed_operands;

/** What a command does. On failure the program prints the text of `err` and exits with
 *  fed_exit_code() of the status. */
typedef fed_status fed_command_run(const fed_operands *operands, fed_error *err);

/** One command. A table of them ends with {0}. A program without commands has a table of
 *  one, whose name is "". */
typedef struct fed_command {
    const char *name;          /* one or two words: "run", "task create" */
    const char *operands;      /* "PLAN", "[ID]", "FILE..."; NULL: none */
    const char *help;          /* one line */
    const char *details;       /* a paragraph more for help and man page, or NULL */
    const fed_option *options; /* ends with FED_OPT_END; NULL: none */
    fed_command_run *run;
} fed_command;

/** A command line worth showing. A table ends with {0}. */
typedef struct fed_example {
    const char *line;
    const char *what; /* what it does, one line */
} fed_example;

typedef struct fed_program {
    const char *name;
    const char *summary;     /* one line, without a full stop */
    const char *description; /* a paragraph, or NULL */
    const fed_command *commands;
    const fed_option *options;   /* of every command, below a heading; NULL: none */
    const fed_example *examples; /* or NULL */
    const char *see_also;        /* "fedctl(1), fedsim(1)", or NULL */
    fed_log_level log_level;     /* when --log-level is not given; FED_LOG_DEBUG counts as
                                    "not said", which means warn */
} fed_program;

/** Parse, run, answer: the whole of a program's main(). */
int fed_program_main(const fed_program *program, int argc, char **argv);

/** The exit code that belongs to a status. */
fed_exit fed_exit_code(fed_status status);

#endif
