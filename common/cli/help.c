/* The answer to --help: usage, what it does, options in aligned columns, examples. */
#include <string.h>

#include "page.h"

enum { LEFT_MAX = 30, WIDTH = 88 };

/* The printed width of a text: its bytes without UTF-8 continuation bytes. */
static size_t text_width(const char *text, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* Words of `text` wrapped at WIDTH; the first line starts at column `at`, others at
 * `indent`. Ends the line. */
static void put_wrapped(fed_bytes *out, const char *text, size_t at, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " ");
        size_t width = text_width(text, n);
        if (!first && at + 1 + width > WIDTH) {
            fed_bytes_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fed_bytes_put_text(out, " ");
            at++;
        }
        fed_bytes_put(out, text, n);
        at += width;
        first = false;
        text += n + strspn(text + n, " ");
    }
    fed_bytes_put_text(out, "\n");
}

/* Two columns: `left` padded to `column`, or on a line of its own when it is longer. */
static void put_row(fed_bytes *out, const char *left, size_t column, const char *right)
{
    size_t width = text_width(left, strlen(left));
    fed_bytes_put_text(out, left);
    if (width + 2 > column) {
        fed_bytes_put_text(out, "\n");
        width = 0;
    }
    fed_bytes_printf(out, "%*s", (int)(column - width), "");
    put_wrapped(out, right, column, column);
}

static void option_left(const fed_option *o, fed_bytes *left)
{
    fed_bytes_clear(left);
    if (o->letter)
        fed_bytes_printf(left, "  -%c, --%s", o->letter, o->name);
    else
        fed_bytes_printf(left, "      --%s", o->name);
    if (o->argument) fed_bytes_printf(left, " %s", o->argument);
}

static size_t options_column(const fed_arguments *a, fed_bytes *left)
{
    size_t column = 0;
    for (size_t i = 0; i < a->n_options; i++) {
        if (!a->options[i]->name || !a->options[i]->help) continue;
        option_left(a->options[i], left);
        if (left->len > column && left->len <= LEFT_MAX) column = left->len;
    }
    return column + 2;
}

static void put_options(const fed_arguments *a, fed_bytes *out)
{
    fed_bytes left, right;
    fed_bytes_init(&left, FED_PAGE_MAX);
    fed_bytes_init(&right, FED_PAGE_MAX);
    size_t column = options_column(a, &left);
    if (a->n_options && a->options[0]->kind != FED_OPTION_HEADING)
        fed_bytes_put_text(out, "\nOptions:\n");
    for (size_t i = 0; i < a->n_options; i++) {
        const fed_option *o = a->options[i];
        if (o->kind == FED_OPTION_HEADING) fed_bytes_printf(out, "\n%s:\n", o->help);
        if (!o->name || !o->help) continue; /* --man is for the build */
        option_left(o, &left);
        fed_bytes_clear(&right);
        fed_bytes_put_text(&right, o->help);
        fed_option_range(o, &right);
        const char *l = fed_bytes_text(&left), *r = fed_bytes_text(&right);
        if (l && r) put_row(out, l, column, r);
    }
    fed_bytes_fini(&left);
    fed_bytes_fini(&right);
}

static void put_commands(const fed_arguments *a, fed_bytes *out)
{
    size_t column = 0, n = a->topic ? strlen(a->topic) : 0;
    for (const fed_command *c = a->program->commands; c->name; c++)
        if (strlen(c->name) > column) column = strlen(c->name);
    fed_bytes_put_text(out, "\nCommands:\n");
    for (const fed_command *c = a->program->commands; c->name; c++) {
        if (a->topic && (strncmp(c->name, a->topic, n) != 0 || c->name[n] != ' '))
            continue;
        fed_bytes_printf(out, "  %-*s  ", (int)column, c->name);
        put_wrapped(out, c->help, column + 4, column + 4);
    }
}

static bool example_fits(const fed_arguments *a, const fed_example *e)
{
    if (!a->command || fed_program_is_plain(a->program)) return true;
    size_t n = strlen(a->program->name), m = strlen(a->command->name);
    return strlen(e->line) > n + 1 + m &&
           strncmp(e->line + n + 1, a->command->name, m) == 0 &&
           e->line[n + 1 + m] == ' ';
}

static void put_examples(const fed_arguments *a, fed_bytes *out)
{
    bool any = false;
    for (const fed_example *e = a->program->examples; e && e->line; e++) {
        if (!example_fits(a, e)) continue;
        fed_bytes_printf(out, "%s  # %s\n  %s\n", any ? "" : "\nExamples:\n", e->what,
                         e->line);
        any = true;
    }
}

static void put_required(const fed_option *o, fed_bytes *out)
{
    for (; o && o->kind != FED_OPTION_END; o++)
        if (o->required) fed_bytes_printf(out, " --%s %s", o->name, o->argument);
}

void fed_page_usage(const fed_command *c, const fed_option *shared, fed_bytes *out)
{
    if (c->operands) fed_bytes_printf(out, " %s", c->operands);
    put_required(c->options, out);
    put_required(shared, out);
    fed_bytes_put_text(out, " [OPTION...]");
}

static void help_command(const fed_arguments *a, fed_bytes *out)
{
    const fed_command *c = a->command;
    fed_bytes_printf(out, "Usage: %s%s%s", a->program->name, *c->name ? " " : "",
                     c->name);
    fed_page_usage(c, a->program->options, out);
    fed_bytes_put_text(out, "\n\n");
    bool plain = fed_program_is_plain(a->program);
    put_wrapped(out, plain ? a->program->summary : c->help, 0, 0);
    const char *details = plain && !c->details ? a->program->description : c->details;
    if (details) {
        fed_bytes_put_text(out, "\n");
        put_wrapped(out, details, 0, 0);
    }
}

static void help_program(const fed_arguments *a, fed_bytes *out)
{
    fed_bytes_printf(out, "Usage: %s %s [OPERAND...] [OPTION...]\n\n", a->program->name,
                     a->topic ? a->topic : "COMMAND");
    put_wrapped(out, a->program->summary, 0, 0);
    if (a->program->description && !a->topic) {
        fed_bytes_put_text(out, "\n");
        put_wrapped(out, a->program->description, 0, 0);
    }
    put_commands(a, out);
}

void fed_page_help(const fed_arguments *a, fed_bytes *out)
{
    if (a->command)
        help_command(a, out);
    else
        help_program(a, out);
    put_options(a, out);
    if (!a->topic) put_examples(a, out);
    if (!a->command)
        fed_bytes_printf(out, "\n'%s COMMAND --help' tells more about a command.\n",
                         a->program->name);
}
