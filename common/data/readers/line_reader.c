#include "line_reader.h"

#include <string.h>

void fed_lines_init(fed_lines *lines, fed_span text, size_t max)
{
    *lines = (fed_lines){.rest = text, .max = max};
}

bool fed_lines_done(const fed_lines *lines)
{
    return lines->rest.len == 0;
}

fed_status fed_lines_next(fed_lines *lines, fed_span *line, fed_error *err)
{
    fed_span rest = lines->rest;
    if (!rest.len) return FED_E_NOT_FOUND;
    const uint8_t *end = memchr(rest.data, '\n', rest.len);
    size_t n = end ? (size_t)(end - rest.data) : rest.len;
    size_t used = n + (end != NULL);
    lines->number++;
    if (n > lines->max)
        return fed_fail(err, FED_E_LIMIT, "line %u: %zu bytes, more than %zu",
                        lines->number, n, lines->max);
    if (n && rest.data[n - 1] == '\r') n--;
    *line = (fed_span){rest.data, n};
    lines->rest = (fed_span){rest.data + used, rest.len - used};
    return FED_OK;
}

fed_shown fed_show(fed_span field)
{
    fed_shown shown;
    size_t room = sizeof shown.text - 4, n = field.len < room ? field.len : room;
    for (size_t i = 0; i < n; i++)
        shown.text[i] =
            (char)(field.data[i] < 32 || field.data[i] > 126 ? '?' : field.data[i]);
    memcpy(shown.text + n, field.len > n ? "..." : "", field.len > n ? 4 : 1);
    return shown;
}

fed_span fed_span_trim(fed_span text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text.data++, text.len--;
    while (text.len &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

fed_span fed_span_of(const char *text)
{
    return (fed_span){(const uint8_t *)text, strlen(text)};
}
