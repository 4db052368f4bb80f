/* Internal: a command line and a configuration file, matched against a program's tables. */
#ifndef FED_ARGUMENTS_H
#define FED_ARGUMENTS_H

#include "command_line.h"

enum {
    FED_BUILTIN_OPTIONS = 7
}; /* heading, help, version, config, log-level, man, end */

/** A text that came from a file and outlives its line. */
typedef struct fed_kept_text fed_kept_text;

typedef struct fed_arguments {
    const fed_program *program;
    const fed_command *command; /* NULL: none named (help and version do without) */
    const char *topic;          /* first word of an incomplete command, or NULL */
    fed_operands operands;
    const fed_option *options[FED_OPTIONS_MAX]; /* the command's, the program's, ours */
    bool given[FED_OPTIONS_MAX];
    size_t n_options;
    fed_option builtin[FED_BUILTIN_OPTIONS];
    bool help, version, man;
    const char *config, *log_level;
    fed_kept_text *kept;
} fed_arguments;

/** Match `argv` and, when it says --config, that file, and store every value in its target.
 *  FED_E_INVALID with the option, the value and the bound. Nothing is stored in a target of
 *  the program when --help, --version or --man is given. Call _fini in any case. */
FED_MUST_CHECK fed_status fed_arguments_parse(fed_arguments *a,
                                              const fed_program *program, int argc,
                                              char **argv, fed_error *err);
void fed_arguments_fini(fed_arguments *a);

/** The option of that long name, or of that letter when `name` is one character of a short
 *  form; SIZE_MAX when there is none. */
size_t fed_arguments_find(const fed_arguments *a, const char *name, size_t n);
size_t fed_arguments_find_letter(const fed_arguments *a, char letter);

/** Check `value` and store it. `where` stands before the option's name in an error text
 *  ("--", or "file.ini: "). */
FED_MUST_CHECK fed_status fed_option_store(const fed_option *o, const char *where,
                                           const char *value, fed_error *err);

/** Read the configuration file `a->config` into whatever the command line left open. */
FED_MUST_CHECK fed_status fed_arguments_read_config(fed_arguments *a, fed_error *err);
/** A copy of `text` that lives as long as `a`, or NULL. */
const char *fed_arguments_keep(fed_arguments *a, const char *text);

/** How many operands a command takes at least and at most, from its `operands` text. */
void fed_command_operand_range(const fed_command *c, size_t *min, size_t *max);
/** True when the program has no commands to choose from. */
bool fed_program_is_plain(const fed_program *program);

#endif
