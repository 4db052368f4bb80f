/* The man page that follows from a program's tables, as roff (man(7)). */
#include <string.h>

#include "page.h"

const fed_exit_meaning fed_exit_meanings[] = {
    {FED_EXIT_OK, "Done."},
    {FED_EXIT_FAILED,
     "Tried and did not succeed: the network, a disk, a peer, a deadline."},
    {FED_EXIT_USAGE, "The command line is wrong, or something it names is not there."},
    {FED_EXIT_REFUSED, "What was given was read and refused: malformed, out of bounds, "
                       "unsound, not verified, over budget, or not built yet."},
    {FED_EXIT_STOPPED, "Ended early by SIGINT or SIGTERM."},
    {FED_EXIT_OK, NULL},
};

/* Text for roff: backslashes and hyphens escaped, no line begins with a control character. */
static void put_roff(fed_bytes *out, const char *text)
{
    if (*text == '.' || *text == '\'') fed_bytes_put_text(out, "\\&");
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            fed_bytes_put_text(out, "\\e");
        else if (*p == '-')
            fed_bytes_put_text(out, "\\-");
        else
            fed_bytes_put_u8(out, (uint8_t)*p);
    }
}

static void put_paragraph(fed_bytes *out, const char *text)
{
    fed_bytes_put_text(out, ".PP\n");
    put_roff(out, text);
    fed_bytes_put_text(out, "\n");
}

static void put_option(fed_bytes *out, const fed_option *o)
{
    fed_bytes_put_text(out, ".TP\n");
    if (o->letter) fed_bytes_printf(out, "\\fB\\-%c\\fR, ", o->letter);
    fed_bytes_put_text(out, "\\fB\\-\\-");
    put_roff(out, o->name);
    fed_bytes_put_text(out, "\\fR");
    if (o->argument) {
        fed_bytes_put_text(out, " \\fI");
        put_roff(out, o->argument);
        fed_bytes_put_text(out, "\\fR");
    }
    fed_bytes range;
    fed_bytes_init(&range, 8192);
    fed_option_range(o, &range);
    fed_bytes_put_text(out, "\n");
    put_roff(out, o->help);
    const char *text = fed_bytes_text(&range);
    if (text) put_roff(out, text);
    fed_bytes_put_text(out, "\n");
    fed_bytes_fini(&range);
}

static void put_table(fed_bytes *out, const fed_option *o)
{
    for (; o && o->kind != FED_OPTION_END; o++) {
        if (o->kind == FED_OPTION_HEADING) {
            fed_bytes_put_text(out, ".PP\n");
            put_roff(out, o->help);
            fed_bytes_put_text(out, ":\n");
        } else if (o->help) {
            put_option(out, o);
        }
    }
}

static void put_synopsis(fed_bytes *out, const fed_program *program)
{
    fed_bytes_put_text(out, ".SH SYNOPSIS\n");
    for (const fed_command *c = program->commands; c->name; c++) {
        fed_bytes usage;
        fed_bytes_init(&usage, 8192);
        fed_page_usage(c, program->options, &usage);
        const char *text = fed_bytes_text(&usage);
        fed_bytes_printf(out, "%s\\fB%s%s%s\\fR", c == program->commands ? "" : ".br\n",
                         program->name, *c->name ? " " : "", c->name);
        if (text) put_roff(out, text);
        fed_bytes_put_text(out, "\n");
        fed_bytes_fini(&usage);
    }
}

static void put_commands(fed_bytes *out, const fed_program *program)
{
    if (!fed_program_is_plain(program)) fed_bytes_put_text(out, ".SH COMMANDS\n");
    for (const fed_command *c = program->commands; c->name; c++) {
        if (*c->name) {
            fed_bytes_printf(out, ".SS %s", c->name);
            if (c->operands) fed_bytes_printf(out, " %s", c->operands);
            fed_bytes_put_text(out, "\n");
            put_paragraph(out, c->help);
        }
        if (c->details) put_paragraph(out, c->details);
        if (!*c->name) fed_bytes_put_text(out, ".SH OPTIONS\n");
        put_table(out, c->options);
    }
}

static void put_general(fed_bytes *out, const fed_program *program)
{
    fed_arguments a;
    fed_error err;
    char name[] = "", word[] = "--help", *argv[] = {name, word, NULL};
    if (!fed_program_is_plain(program)) fed_bytes_put_text(out, ".SH OPTIONS\n");
    put_table(out, program->options);
    if (fed_arguments_parse(&a, program, 2, argv, &err) == FED_OK)
        put_table(out, a.builtin);
    fed_arguments_fini(&a);
}

static void put_exit_status(fed_bytes *out)
{
    fed_bytes_put_text(out, ".SH EXIT STATUS\n");
    for (const fed_exit_meaning *m = fed_exit_meanings; m->text; m++) {
        fed_bytes_printf(out, ".TP\n\\fB%d\\fR\n", (int)m->code);
        put_roff(out, m->text);
        fed_bytes_put_text(out, "\n");
    }
}

static void put_examples(fed_bytes *out, const fed_program *program)
{
    if (!program->examples) return;
    fed_bytes_put_text(out, ".SH EXAMPLES\n");
    for (const fed_example *e = program->examples; e->line; e++) {
        fed_bytes_put_text(out, ".TP\n");
        put_roff(out, e->what);
        fed_bytes_put_text(out, "\n\\fB");
        put_roff(out, e->line);
        fed_bytes_put_text(out, "\\fR\n");
    }
}

void fed_page_man(const fed_program *program, fed_bytes *out)
{
    fed_bytes_printf(out, ".TH %s 1 \"\" \"libfed %s\" \"libfed\"\n", program->name,
                     FED_VERSION);
    fed_bytes_printf(out, ".SH NAME\n%s \\- ", program->name);
    put_roff(out, program->summary);
    fed_bytes_put_text(out, "\n");
    put_synopsis(out, program);
    if (program->description) {
        fed_bytes_put_text(out, ".SH DESCRIPTION\n");
        put_paragraph(out, program->description);
    }
    put_commands(out, program);
    put_general(out, program);
    put_exit_status(out);
    put_examples(out, program);
    if (program->see_also) {
        fed_bytes_put_text(out, ".SH SEE ALSO\n");
        put_roff(out, program->see_also);
        fed_bytes_put_text(out, "\n");
    }
}
