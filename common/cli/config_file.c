/* Options from an ini file, read with inih. The library reads a line into a small buffer and
 * cuts what is longer without a word, so lines pass through a reader that refuses them. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"

typedef struct config_reading {
    fed_arguments *a;
    FILE *file;
    bool on_command_line[FED_OPTIONS_MAX];
    int line;
    fed_status status; /* of the first failure; nothing is stored after it */
    fed_error error;
} config_reading;

static char *read_line(char *line, int size, void *stream)
{
    config_reading *r = stream;
    if (r->status != FED_OK || !fgets(line, size, r->file)) return NULL;
    r->line++;
    size_t n = strlen(line);
    if (n + 1 == (size_t)size && line[n - 1] != '\n' && !feof(r->file)) {
        r->status =
            fed_fail(&r->error, FED_E_INVALID, "longer than %d characters", size - 2);
        return NULL;
    }
    return line;
}

/* A section counts when it is the command's own; before the first, everything does. */
static bool section_counts(const config_reading *r, const char *section)
{
    return !*section || strcmp(section, r->a->command->name) == 0;
}

static bool table_has(const fed_option *table, const char *name)
{
    for (; table && table->kind != FED_OPTION_END; table++)
        if (table->name && strcmp(table->name, name) == 0) return true;
    return false;
}

/* A file may serve several commands: an option of another command is no error. */
static bool belongs_elsewhere(const config_reading *r, const char *name)
{
    for (const fed_command *c = r->a->program->commands; c->name; c++)
        if (table_has(c->options, name)) return true;
    return false;
}

static bool is_command(const fed_program *program, const char *section)
{
    for (const fed_command *c = program->commands; c->name; c++)
        if (strcmp(c->name, section) == 0) return true;
    return false;
}

static fed_status store_line(config_reading *r, size_t index, const char *value)
{
    fed_arguments *a = r->a;
    const fed_option *o = a->options[index];
    if (r->on_command_line[index]) return FED_OK;
    if (a->given[index] && o->kind != FED_OPTION_LIST)
        return fed_fail(&r->error, FED_E_INVALID, "%s: given twice", o->name);
    const char *kept = fed_arguments_keep(a, value);
    if (!kept) return fed_fail_nomem(&r->error, strlen(value) + 1);
    a->given[index] = true;
    return fed_option_store(o, "", kept, &r->error);
}

static fed_status take_line(config_reading *r, const char *section, const char *name,
                            const char *value)
{
    if (*section && !is_command(r->a->program, section))
        return fed_fail(&r->error, FED_E_INVALID, "[%s]: no such command", section);
    if (!section_counts(r, section)) return FED_OK;
    size_t index = fed_arguments_find(r->a, name, strlen(name));
    if (index != SIZE_MAX && r->a->options[index] >= r->a->builtin &&
        r->a->options[index] < r->a->builtin + FED_BUILTIN_OPTIONS &&
        strcmp(name, "log-level") != 0)
        return fed_fail(&r->error, FED_E_INVALID, "%s: only on the command line", name);
    if (index != SIZE_MAX) return store_line(r, index, value);
    if (!*section && belongs_elsewhere(r, name)) return FED_OK;
    return fed_fail(&r->error, FED_E_INVALID, "%s: no such option", name);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    config_reading *r = user;
    if (r->status == FED_OK) r->status = take_line(r, section, name, value);
    return r->status == FED_OK;
}

fed_status fed_arguments_read_config(fed_arguments *a, fed_error *err)
{
    config_reading r = {.a = a};
    memcpy(r.on_command_line, a->given, sizeof a->given);
    r.file = fopen(a->config, "r");
    if (!r.file)
        return fed_fail(err, FED_E_NOT_FOUND, "--config: %s: %s", a->config,
                        strerror(errno));
    int bad_line = ini_parse_stream(read_line, &r, on_line, &r);
    fclose(r.file);
    if (r.status != FED_OK)
        return fed_fail(err, r.status, "%s:%d: %s", a->config, r.line, r.error.text);
    if (bad_line > 0)
        return fed_fail(err, FED_E_INVALID, "%s:%d: neither [command] nor option = value",
                        a->config, bad_line);
    if (bad_line < 0) return fed_fail_nomem(err, 0);
    return FED_OK;
}
