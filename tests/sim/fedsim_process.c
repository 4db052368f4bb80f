#include "fedsim_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

char fedsim_output[1 << 16];

static char folder[] = "/tmp/test_fedsim.XXXXXX";

bool fedsim_folder_make(void)
{
    return mkdtemp(folder) != NULL;
}

const char *fedsim_folder(void)
{
    return folder;
}

int fedsim_folder_remove(int code)
{
    char command[FED_FOLDER_MAX];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) ? 1 : code;
}

bool fedsim_put_file(const char *name, const char *text)
{
    char path[FED_FOLDER_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    bool ok = fwrite(text, 1, strlen(text), f) == strlen(text);
    return fclose(f) == 0 && ok;
}

char *fedsim_read_file(const char *name)
{
    static char text[1 << 20];
    char path[FED_FOLDER_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    text[0] = 0;
    if (!CHECK_MSG(f != NULL, "%s is not there", name)) return text;
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

int fedsim_run(const char *arguments)
{
    char command[4096];
    snprintf(command, sizeof command, "cd '%s' && '%s' %s 2>&1", folder, FEDSIM,
             arguments);
    FILE *f = popen(command, "r");
    if (!CHECK(f != NULL)) return -1;
    size_t n = fread(fedsim_output, 1, sizeof fedsim_output - 1, f);
    fedsim_output[n] = 0;
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void fedsim_check(const char *arguments, int code, const char *part)
{
    int got = fedsim_run(arguments);
    CHECK_MSG(got == code && strstr(fedsim_output, part),
              "fedsim %s: exit %d, wanted %d and \"%s\": %s", arguments, got, code, part,
              fedsim_output);
}

json_t *fedsim_last_line(void)
{
    char *end = fedsim_output + strlen(fedsim_output);
    if (CHECK(end > fedsim_output && end[-1] == '\n')) end[-1] = 0;
    char *line = strrchr(fedsim_output, '\n');
    json_t *json = json_loads(line ? line + 1 : fedsim_output, 0, NULL);
    CHECK_MSG(json_is_object(json), "last line: %s", line ? line + 1 : fedsim_output);
    return json;
}
