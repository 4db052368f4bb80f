/* Lines of a text in memory, and how outside text is shown in an error. */
#ifndef FED_LINE_READER_H
#define FED_LINE_READER_H

#include "base.h"

typedef struct fed_lines {
    fed_span rest;
    uint32_t number; /* of the line that was read last, from 1 */
    size_t max;      /* bytes of one line */
} fed_lines;

void fed_lines_init(fed_lines *lines, fed_span text, size_t max);
/** The next line, borrowed, without its end (LF or CRLF). FED_E_NOT_FOUND at the end;
 *  FED_E_LIMIT, with a text, for a line that is too long. */
fed_status fed_lines_next(fed_lines *lines, fed_span *line, fed_error *err);
/** True when nothing is left. */
bool fed_lines_done(const fed_lines *lines);

/** A field as an error may show it: cut, and with no byte that a terminal would obey. */
typedef struct fed_shown {
    char text[48];
} fed_shown;
fed_shown fed_show(fed_span field);

/** Without spaces and tabs at both ends. */
fed_span fed_span_trim(fed_span text);
/** The bytes of a C string. */
fed_span fed_span_of(const char *text);

#endif
