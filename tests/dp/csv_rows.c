#include "csv_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static int cut(char *line, char **field)
{
    int n = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *at = line; at && n < CSV_COLUMNS;) {
        field[n++] = at;
        at = strchr(at, ',');
        if (at) *at++ = 0;
    }
    return n;
}

bool csv_open(csv_rows *csv, const char *name)
{
    char path[1024];
    const char *reference = getenv("FED_REFERENCE");
    memset(csv, 0, sizeof *csv);
    if (reference) {
        snprintf(path, sizeof path, "%s/dp/%s", reference, name);
        csv->file = fopen(path, "r");
    }
    if (!csv->file) {
        snprintf(path, sizeof path, "%s/%s", FED_DP_SAMPLES, name);
        csv->file = fopen(path, "r");
        if (csv->file) fed_note("%s: the committed sample", name);
    }
    if (!csv->file || !fgets(csv->header, sizeof csv->header, csv->file)) {
        CHECK_MSG(false, "no table %s", name);
        return false;
    }
    csv->columns = cut(csv->header, csv->name);
    return true;
}

bool csv_next(csv_rows *csv)
{
    for (int i = 0; i < CSV_COLUMNS; i++)
        csv->field[i] = NULL;
    if (csv->file && fgets(csv->line, sizeof csv->line, csv->file)) {
        cut(csv->line, csv->field);
        return true;
    }
    if (csv->file) fclose(csv->file);
    csv->file = NULL;
    return false;
}

const char *csv_text(const csv_rows *csv, const char *column)
{
    for (int i = 0; i < csv->columns; i++)
        if (!strcmp(csv->name[i], column)) return csv->field[i] ? csv->field[i] : "";
    return "";
}

double csv_number(const csv_rows *csv, const char *column)
{
    const char *text = csv_text(csv, column);
    return *text ? strtod(text, NULL) : NAN;
}
