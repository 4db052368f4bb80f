/* Reading the reference tables: a header line, then rows of comma-separated fields. */
#ifndef FED_CSV_ROWS_H
#define FED_CSV_ROWS_H

#include <stdbool.h>
#include <stdio.h>

enum { CSV_COLUMNS = 24, CSV_LINE = 2048 };

typedef struct csv_rows {
    FILE *file;
    char header[CSV_LINE], line[CSV_LINE];
    char *name[CSV_COLUMNS], *field[CSV_COLUMNS];
    int columns;
} csv_rows;

/** Open $FED_REFERENCE/dp/<name>, or else the committed sample tests/dp/sample/<name>. */
bool csv_open(csv_rows *csv, const char *name);
/** The next row; closes the file after the last. */
bool csv_next(csv_rows *csv);
/** A field of the row by its column's name; "" when there is none. */
const char *csv_text(const csv_rows *csv, const char *column);
/** The same as a number; NAN when empty. */
double csv_number(const csv_rows *csv, const char *column);

#endif
