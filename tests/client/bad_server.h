/* A server of one thread that answers as a test says, well or badly. */
#ifndef FED_BAD_SERVER_H
#define FED_BAD_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fed_manner {
    FED_MANNER_OK,         /* 200, "fine" */
    FED_MANNER_HELD,       /* 202 after 300 ms */
    FED_MANNER_SILENT,     /* reads, and never answers */
    FED_MANNER_TRICKLE,    /* a byte of the body every 100 ms, without end */
    FED_MANNER_ENDLESS,    /* a chunked body without end, as fast as it goes */
    FED_MANNER_HUGE,       /* claims a body of 1 TB */
    FED_MANNER_LONG_ERROR, /* 500 with a body of 100,000 bytes */
    FED_MANNER_CUT,        /* closes in the middle of the body */
    FED_MANNER_GARBAGE,    /* bytes that are not HTTP */
    FED_MANNER_HANG_UP,    /* closes without a word */
    FED_MANNER_REDIRECT,   /* 302 to itself */
    FED_MANNER_HEADERS,    /* headers without end */
    FED_MANNER_PACKED,     /* 200, "fine", compressed (zstd) */
    FED_MANNER_PACKED_CUT, /* the same without its last byte */
    FED_MANNER_BOMB,       /* 47 bytes of zstd that are a mebibyte */
    FED_MANNER_ENCODED     /* an encoding that nobody asked for */
} fed_manner;

typedef struct fed_bad_server fed_bad_server;

/** Listen on a port of loopback. NULL on failure. */
fed_bad_server *fed_bad_server_new(void);
void fed_bad_server_free(fed_bad_server *s);
/** "http://127.0.0.1:PORT" */
const char *fed_bad_server_url(const fed_bad_server *s);
void fed_bad_server_behave(fed_bad_server *s, fed_manner manner);
/** Connections accepted and requests read so far. */
unsigned fed_bad_server_connections(const fed_bad_server *s);
unsigned fed_bad_server_requests(const fed_bad_server *s);
/** The first line of the last request, and the length of its body. */
void fed_bad_server_last(fed_bad_server *s, char *line, size_t size, size_t *body);

#endif
