/* Internal: the texts that follow from a program's tables. */
#ifndef FED_PAGE_H
#define FED_PAGE_H

#include "arguments.h"

enum { FED_PAGE_MAX = 1 << 18 }; /* bytes of a help text or man page */

/** The answer to --help: of the command, of the commands that begin with a->topic, or of
 *  the program. */
void fed_page_help(const fed_arguments *a, fed_bytes *out);
/** The man page, as roff. */
void fed_page_man(const fed_program *program, fed_bytes *out);

/** "[1..100, default 10]" for an option, or an empty text. */
void fed_option_range(const fed_option *o, fed_bytes *out);
/** "PLAN --server URL [option...]": what follows a command's name. */
void fed_page_usage(const fed_command *c, const fed_option *shared, fed_bytes *out);
/** The meaning of an exit code; NULL behind the last. */
typedef struct fed_exit_meaning {
    fed_exit code;
    const char *text;
} fed_exit_meaning;
extern const fed_exit_meaning fed_exit_meanings[];

#endif
