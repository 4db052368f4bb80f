#include "command_line.h"

#include <stdio.h>
#include <string.h>

#include "page.h"
#include "progress.h"
#include "stop.h"

fed_exit fed_exit_code(fed_status status)
{
    switch (status) {
    case FED_OK:
        return FED_EXIT_OK;
    case FED_E_NOT_FOUND:
        return FED_EXIT_USAGE;
    case FED_E_INVALID:
    case FED_E_FORMAT:
    case FED_E_LIMIT:
    case FED_E_AUTH:
    case FED_E_REFUSED:
    case FED_E_UNSUPPORTED:
    case FED_E_BUDGET:
        return FED_EXIT_REFUSED;
    default:
        return FED_EXIT_FAILED;
    }
}

static fed_exit wrong_usage(const fed_arguments *a, const fed_error *err)
{
    const char *name = a->program->name;
    const char *word = a->command ? a->command->name : a->topic ? a->topic : "";
    fprintf(stderr, "%s: %s\n'%s%s%s --help' shows what there is.\n", name, err->text,
            name, *word ? " " : "", word);
    return FED_EXIT_USAGE;
}

static fed_exit print_text(const fed_arguments *a)
{
    fed_bytes page;
    fed_bytes_init(&page, FED_PAGE_MAX);
    if (a->man)
        fed_page_man(a->program, &page);
    else if (a->help)
        fed_page_help(a, &page);
    else
        fed_bytes_printf(&page, "%s (libfed) %s\n", a->program->name, FED_VERSION);
    const char *text = fed_bytes_text(&page);
    bool ok = text && fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    fed_bytes_fini(&page);
    return ok ? FED_EXIT_OK : FED_EXIT_FAILED;
}

static void set_log(const fed_arguments *a)
{
    fed_log_level level = a->program->log_level;
    if (level == FED_LOG_DEBUG) level = FED_LOG_WARN;
    if (a->log_level) level = (fed_log_level)fed_log_level_from_name(a->log_level);
    fed_log_configure(level, fed_progress_log, NULL);
}

static fed_exit run_command(const fed_arguments *a)
{
    fed_error err = {0};
    set_log(a);
    fed_status status = a->command->run(&a->operands, &err);
    fed_progress_end();
    if (status == FED_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = fed_fail(&err, FED_E_IO, "standard output cannot be written");
    if (status == FED_OK) return FED_EXIT_OK;
    fprintf(stderr, "%s: %s\n", a->program->name,
            err.text[0] ? err.text : fed_status_name(status));
    return fed_stop_requested() ? FED_EXIT_STOPPED : fed_exit_code(status);
}

int fed_program_main(const fed_program *program, int argc, char **argv)
{
    fed_arguments a;
    fed_error err = {0};
    fed_exit code;
    if (fed_arguments_parse(&a, program, argc, argv, &err) != FED_OK)
        code = wrong_usage(&a, &err);
    else if (a.help || a.version || a.man)
        code = print_text(&a);
    else
        code = run_command(&a);
    fed_arguments_fini(&a);
    return code;
}
