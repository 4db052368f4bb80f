/* A folder for a test, with what nftw needs. */
#define _XOPEN_SOURCE 700

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

bool fed_folder_make(char path[FED_FOLDER_MAX])
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(path, FED_FOLDER_MAX, "%s/fed-test-XXXXXX", base ? base : "/tmp");
    return CHECK(n > 0 && n < FED_FOLDER_MAX) && CHECK(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void fed_folder_remove(const char *path)
{
    if (getenv("FED_KEEP"))
        fed_note("kept: %s", path);
    else
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
