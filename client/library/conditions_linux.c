/*
 * Power, as Linux shows it: a folder for each supply with the files `type` ("Mains", "USB",
 * "Battery", ...), `online` of a source, `status` of a battery, and `scope`, which is
 * "Device" for the battery of a mouse (Documentation/ABI/testing/sysfs-class-power).
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "client_internal.h"

enum { WORD_MAX = 32 };

/* The first word of a small file, "" when there is none. */
static void read_word(const char *folder, const char *supply, const char *file,
                      char word[WORD_MAX])
{
    char path[FED_PATH_MAX];
    word[0] = 0;
    if (snprintf(path, sizeof path, "%s/%s/%s", folder, supply, file) >= (int)sizeof path)
        return;
    FILE *f = fopen(path, "re");
    if (!f) return;
    if (!fgets(word, WORD_MAX, f)) word[0] = 0;
    word[strcspn(word, " \n")] = 0;
    fclose(f);
}

typedef struct supplies {
    bool source, battery, charging;
} supplies;

static void look_at(const char *folder, const char *supply, supplies *seen)
{
    char type[WORD_MAX], word[WORD_MAX];
    read_word(folder, supply, "scope", word);
    if (strcmp(word, "Device") == 0) return;
    read_word(folder, supply, "type", type);
    if (strcmp(type, "Battery") == 0) {
        read_word(folder, supply, "status", word);
        seen->battery = true;
        if (strcmp(word, "Charging") == 0 || strcmp(word, "Full") == 0)
            seen->charging = true;
    } else {
        read_word(folder, supply, "online", word);
        if (strcmp(word, "1") == 0) seen->source = true;
    }
}

fed_client_conditions fed_conditions_of_linux(const char *folder)
{
    supplies seen = {0};
    DIR *all = opendir(folder);
    const struct dirent *supply;
    while (all && (supply = readdir(all)))
        if (supply->d_name[0] != '.') look_at(folder, supply->d_name, &seen);
    if (all) closedir(all);
    return (fed_client_conditions){.charging =
                                       !seen.battery || seen.source || seen.charging,
                                   .unmetered = true,
                                   .idle = true};
}
