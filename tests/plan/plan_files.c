#include "plan_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static bool read_file(fed_bytes *out, const char *top, const char *name)
{
    char path[1024];
    uint8_t buffer[4096];
    snprintf(path, sizeof path, "%s/%s", top, name);
    FILE *f = fopen(path, "rb");
    if (!CHECK_MSG(f != NULL, "%s cannot be read", path)) return false;
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;)
        fed_bytes_put(out, buffer, n);
    fclose(f);
    return CHECK_EQ(out->status, FED_OK);
}

bool plan_read(fed_bytes *out, const char *name)
{
    return read_file(out, PLAN_FOLDER, name);
}

bool plan_read_top(fed_bytes *out, const char *name)
{
    return read_file(out, TOP_FOLDER, name);
}

static int is_plan(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".json");
}

static size_t each(const char *top, const char *folder, void (*body)(const char *name))
{
    struct dirent **entries = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", top, folder);
    int n = scandir(path, &entries, is_plan, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        body(path);
        free(entries[i]);
    }
    free(entries);
    return n < 0 ? 0 : (size_t)n;
}

size_t plan_each(const char *folder, void (*body)(const char *name))
{
    return each(PLAN_FOLDER, folder, body);
}

size_t plan_each_top(const char *folder, void (*body)(const char *name))
{
    return each(TOP_FOLDER, folder, body);
}

bool plan_with(fed_bytes *out, const char *assignments)
{
    char one[256];
    fed_bytes next;
    fed_error err = {0};
    bool ok = plan_read(out, "valid/small.json");
    fed_bytes_init(&next, FED_PLAN_MAX_BYTES);
    while (ok && *assignments) {
        size_t n = strcspn(assignments, " ");
        snprintf(one, sizeof one, "%.*s", (int)n, assignments);
        fed_bytes_clear(&next);
        ok = CHECK_OK(fed_plan_set(out->data, out->len, one, &next, &err), &err);
        fed_bytes_clear(out);
        fed_bytes_put(out, next.data, next.len);
        assignments += n + (assignments[n] == ' ');
    }
    fed_bytes_fini(&next);
    return ok;
}
