/* The bodies of cohort messages, and the server's answers. The first byte chooses. */
#include <stdint.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    fed_span body = {data + 1, size - 1};
    fed_error err;
    union {
        fed_place place;
        fed_placed placed;
        fed_join join;
        fed_answer answer;
        fed_inbox_query query;
    } m;
    switch (data[0] % 5) {
    case 0:
        return (void)!fed_place_get(&m.place, body, &err), 0;
    case 1:
        return (void)!fed_placed_get(&m.placed, body, &err), 0;
    case 2:
        return (void)!fed_join_get(&m.join, body, &err), 0;
    case 3:
        return (void)!fed_answer_get(&m.answer, body, &err), 0;
    default:
        return (void)!fed_inbox_query_get(&m.query, body, &err), 0;
    }
}
