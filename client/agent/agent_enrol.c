/* Enrolment from the command line: requests out, certificates in, a line for each device. */
#include <stdio.h>
#include <string.h>

#include "agent_internal.h"
#include "secagg.h"

enum { LINES_BYTES_MAX = FED_AGENT_DEVICES_MAX * FED_ENROLMENT_LINE_MAX };

/* The next line of `text`, without its end; NULL behind the last. Cuts the text up. */
static char *next_line(char **text)
{
    char *line = *text;
    if (!line || !*line) return NULL;
    char *end = strchr(line, '\n');
    *text = end ? end + 1 : NULL;
    if (end) *end = 0;
    return line;
}

static fed_status read_text(const char *path, fed_bytes *text, fed_error *err)
{
    fed_bytes_init(text, LINES_BYTES_MAX);
    FED_TRY(fed_file_read(path, text, err));
    return fed_bytes_text(text) ? FED_OK : fed_fail_nomem(err, text->len);
}

static fed_status write_requests(const fed_agent *a, char *tokens, fed_bytes *out,
                                 fed_error *err)
{
    char request[FED_ENROLMENT_LINE_MAX];
    for (size_t i = 0; i < a->n; i++) {
        const char *token = next_line(&tokens);
        if (!token)
            return fed_fail(err, FED_E_INVALID, "--enrol: %zu tokens for %zu devices", i,
                            a->n);
        FED_TRY(fed_client_enrolment_request(a->devices[i].client, token, request,
                                             sizeof request, err));
        fed_bytes_put_text(out, request);
    }
    return out->status;
}

fed_status fed_agent_write_requests(const fed_agent *a, fed_error *err)
{
    fed_bytes tokens, out;
    fed_bytes_init(&out, LINES_BYTES_MAX);
    fed_status status = read_text(a->options->enrol, &tokens, err);
    if (!status) status = write_requests(a, (char *)tokens.data, &out, err);
    if (!status)
        status = fed_file_write(a->options->request, (fed_span){out.data, out.len}, 0600,
                                FED_FILE_REPLACE, err);
    fed_bytes_wipe(&tokens);
    fed_bytes_wipe(&out);
    return status;
}

/* A file may hold the certificates of many devices: each takes its own. */
static fed_status take_certificate(fed_agent_device *d, fed_span text, fed_error *err)
{
    char line[FED_ENROLMENT_LINE_MAX];
    fed_client_info info;
    fed_client_describe(d->client, &info);
    const char *at = (const char *)text.data, *end = at + text.len;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        fed_certificate c;
        fed_span span = {(const uint8_t *)at, n};
        at += n + 1;
        if (n >= sizeof line || fed_certificate_read(span, &c, NULL) ||
            memcmp(c.device_key, info.device_key, sizeof c.device_key) != 0)
            continue;
        memcpy(line, span.data, n);
        line[n] = 0;
        return fed_client_set_certificate(d->client, line, err);
    }
    return fed_fail(err, FED_E_NOT_FOUND, "--certificate: none for client %u", d->number);
}

fed_status fed_agent_take_certificates(fed_agent *a, fed_error *err)
{
    fed_bytes text;
    if (!a->options->certificate) return FED_OK;
    fed_status status = read_text(a->options->certificate, &text, err);
    for (size_t i = 0; !status && i < a->n; i++)
        status = take_certificate(&a->devices[i], (fed_span){text.data, text.len}, err);
    fed_bytes_fini(&text);
    return status;
}
