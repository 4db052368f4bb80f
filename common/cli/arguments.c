/* Matching a command line against a program's tables: first the command, by its one or two
 * words, then options and operands in any order. */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>

/* What makes parsing look no further: the program will only answer with a text. */
static bool asks_for_text(int argc, char **argv, fed_arguments *a)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        a->help |= !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");
        a->version |= !strcmp(argv[i], "--version") || !strcmp(argv[i], "-V");
        a->man |= !strcmp(argv[i], "--man");
    }
    return a->help || a->version || a->man;
}

bool fed_program_is_plain(const fed_program *program)
{
    return program->commands[0].name[0] == 0;
}

/* How many words of argv (from 1) spell the name of `c`; 0 when they do not. */
static int words_matching(const fed_command *c, int argc, char **argv)
{
    const char *space = strchr(c->name, ' ');
    size_t first = space ? (size_t)(space - c->name) : strlen(c->name);
    if (argc < 2 || strlen(argv[1]) != first || strncmp(argv[1], c->name, first) != 0)
        return 0;
    if (!space) return 1;
    return argc > 2 && strcmp(argv[2], space + 1) == 0 ? 2 : 0;
}

/* True when `word` is the first of a two-word command. */
static bool is_topic(const fed_program *program, const char *word)
{
    size_t n = strlen(word);
    for (const fed_command *c = program->commands; c->name; c++)
        if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ') return true;
    return false;
}

static fed_status unknown_command(fed_arguments *a, int argc, char **argv, fed_error *err)
{
    if (argc < 2) return fed_fail(err, FED_E_INVALID, "which command?");
    if (argv[1][0] == '-')
        return fed_fail(err, FED_E_INVALID,
                        "%s: the command comes first, then its options", argv[1]);
    if (is_topic(a->program, argv[1])) {
        a->topic = argv[1];
        if (argc > 2 && argv[2][0] != '-')
            return fed_fail(err, FED_E_INVALID, "%s %s: no such command", argv[1],
                            argv[2]);
        return fed_fail(err, FED_E_INVALID, "%s: what about it?", argv[1]);
    }
    return fed_fail(err, FED_E_INVALID, "%s: no such command", argv[1]);
}

/* Find the command; *next is the first word behind its name. */
static fed_status find_command(fed_arguments *a, int argc, char **argv, int *next,
                               fed_error *err)
{
    *next = 1;
    if (fed_program_is_plain(a->program)) {
        a->command = a->program->commands;
        return FED_OK;
    }
    for (const fed_command *c = a->program->commands; c->name; c++) {
        int words = words_matching(c, argc, argv);
        if (!words) continue;
        a->command = c;
        *next = 1 + words;
        return FED_OK;
    }
    return unknown_command(a, argc, argv, err);
}

static fed_status add_table(fed_arguments *a, const fed_option *table, fed_error *err)
{
    for (const fed_option *o = table; o && o->kind != FED_OPTION_END; o++) {
        if (a->n_options == FED_OPTIONS_MAX)
            return fed_fail(err, FED_E_INTERNAL, "more than %d options", FED_OPTIONS_MAX);
        a->options[a->n_options++] = o;
    }
    return FED_OK;
}

static fed_status gather_options(fed_arguments *a, fed_error *err)
{
    const fed_option builtin[FED_BUILTIN_OPTIONS] = {
        FED_OPT_HEADING("General"),
        FED_OPT_FLAG("help", 'h', &a->help, "show this help"),
        FED_OPT_FLAG("version", 'V', &a->version, "show the version"),
        FED_OPT_TEXT("config", 0, "FILE", &a->config, "read options from an ini file"),
        FED_OPT_CHOICE("log-level", 0, "debug|info|warn|error|off", &a->log_level,
                       "log from this level on, to standard error"),
        FED_OPT_FLAG("man", 0, &a->man, NULL),
        FED_OPT_END,
    };
    memcpy(a->builtin, builtin, sizeof builtin);
    if (a->command) FED_TRY(add_table(a, a->command->options, err));
    FED_TRY(add_table(a, a->program->options, err));
    return add_table(a, a->builtin, err);
}

size_t fed_arguments_find(const fed_arguments *a, const char *name, size_t n)
{
    for (size_t i = 0; i < a->n_options; i++) {
        const char *known = a->options[i]->name;
        if (known && strlen(known) == n && memcmp(known, name, n) == 0) return i;
    }
    return SIZE_MAX;
}

size_t fed_arguments_find_letter(const fed_arguments *a, char letter)
{
    for (size_t i = 0; i < a->n_options; i++)
        if (a->options[i]->letter && a->options[i]->letter == letter) return i;
    return SIZE_MAX;
}

/* Store one value from the command line; only a list may come twice. */
static fed_status store_given(fed_arguments *a, size_t index, const char *value,
                              fed_error *err)
{
    const fed_option *o = a->options[index];
    if (a->given[index] && o->kind != FED_OPTION_LIST)
        return fed_fail(err, FED_E_INVALID, "--%s: given twice", o->name);
    a->given[index] = true;
    return fed_option_store(o, "--", value, err);
}

/* argv[*i] is an option: take it and, when it needs one, its value. */
static fed_status take_option(fed_arguments *a, int argc, char **argv, int *i,
                              fed_error *err)
{
    const char *word = argv[*i], *value = NULL;
    size_t index;
    if (word[1] == '-') {
        size_t n = strcspn(word + 2, "=");
        index = fed_arguments_find(a, word + 2, n);
        if (word[2 + n] == '=') value = word + 2 + n + 1;
    } else {
        index = fed_arguments_find_letter(a, word[1]);
        if (word[2]) value = word + 2;
    }
    if (index == SIZE_MAX)
        return fed_fail(err, FED_E_INVALID, "%s: no such option", word);
    const fed_option *o = a->options[index];
    if (o->kind == FED_OPTION_FLAG) {
        if (value)
            return fed_fail(err, FED_E_INVALID, "--%s: takes no value, not \"%s\"",
                            o->name, value);
        return store_given(a, index, "yes", err);
    }
    if (!value && *i + 1 < argc) value = argv[++*i];
    if (!value)
        return fed_fail(err, FED_E_INVALID, "--%s: its value %s is missing", o->name,
                        o->argument);
    return store_given(a, index, value, err);
}

static fed_status take_operand(fed_arguments *a, const char *word, fed_error *err)
{
    if (a->operands.n == FED_OPERANDS_MAX)
        return fed_fail(err, FED_E_INVALID, "more than %d operands", FED_OPERANDS_MAX);
    a->operands.items[a->operands.n++] = word;
    return FED_OK;
}

static fed_status take_words(fed_arguments *a, int argc, char **argv, int next,
                             fed_error *err)
{
    bool only_operands = false;
    for (int i = next; i < argc; i++) {
        bool option = !only_operands && argv[i][0] == '-' && argv[i][1];
        if (option && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (option)
            FED_TRY(take_option(a, argc, argv, &i, err));
        else
            FED_TRY(take_operand(a, argv[i], err));
    }
    return FED_OK;
}

void fed_command_operand_range(const fed_command *c, size_t *min, size_t *max)
{
    *min = *max = 0;
    for (const char *p = c->operands; p && *p;) {
        size_t n = strcspn(p, " ");
        *min += p[0] != '[';
        *max += 1;
        if (n > 3 && memchr(p, '.', n))
            *max = FED_OPERANDS_MAX; /* "FILE...", "[FILE...]" */
        p += n + strspn(p + n, " ");
    }
}

static fed_status check_complete(const fed_arguments *a, fed_error *err)
{
    size_t min, max, n = a->operands.n;
    fed_command_operand_range(a->command, &min, &max);
    if (n < min)
        return fed_fail(err, FED_E_INVALID, "missing operand: it takes %s",
                        a->command->operands);
    if (n > max)
        return fed_fail(err, FED_E_INVALID, "%s: one operand too many",
                        a->operands.items[max]);
    for (size_t i = 0; i < a->n_options; i++)
        if (a->options[i]->required && !a->given[i])
            return fed_fail(err, FED_E_INVALID, "--%s %s is required",
                            a->options[i]->name, a->options[i]->argument);
    return FED_OK;
}

fed_status fed_arguments_parse(fed_arguments *a, const fed_program *program, int argc,
                               char **argv, fed_error *err)
{
    int next;
    memset(a, 0, sizeof *a);
    a->program = program;
    bool text_only = asks_for_text(argc, argv, a);
    fed_status status = find_command(a, argc, argv, &next, err);
    if (status != FED_OK && !(text_only && (argc < 2 || argv[1][0] == '-' || a->topic)))
        return status;
    FED_TRY(gather_options(a, err));
    if (text_only) return FED_OK;
    FED_TRY(take_words(a, argc, argv, next, err));
    if (a->config) FED_TRY(fed_arguments_read_config(a, err));
    return check_complete(a, err);
}

struct fed_kept_text {
    struct fed_kept_text *next;
    char text[];
};

const char *fed_arguments_keep(fed_arguments *a, const char *text)
{
    size_t n = strlen(text) + 1;
    fed_kept_text *kept = fed_malloc(sizeof *kept + n);
    if (!kept) return NULL;
    memcpy(kept->text, text, n);
    kept->next = a->kept;
    a->kept = kept;
    return kept->text;
}

void fed_arguments_fini(fed_arguments *a)
{
    while (a->kept) {
        fed_kept_text *next = a->kept->next;
        fed_free(a->kept);
        a->kept = next;
    }
}
