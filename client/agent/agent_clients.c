#include <string.h>

#include "agent_internal.h"

typedef struct number_list {
    uint32_t *items;
    size_t n;
} number_list;

static fed_status add(number_list *list, uint64_t first, uint64_t last, fed_error *err)
{
    for (uint64_t v = first; v <= last; v++) {
        if (list->n == FED_AGENT_DEVICES_MAX)
            return fed_fail(err, FED_E_LIMIT, "--client: at most %d devices",
                            FED_AGENT_DEVICES_MAX);
        for (size_t i = 0; i < list->n; i++)
            if (list->items[i] == v)
                return fed_fail(err, FED_E_INVALID, "--client: %u is there twice",
                                (unsigned)v);
        list->items[list->n++] = (uint32_t)v;
    }
    return FED_OK;
}

/* One part between commas: "3" or "0-9". */
static fed_status add_part(number_list *list, const char *text, size_t n, fed_error *err)
{
    char part[32] = "";
    uint64_t first, last;
    if (n < sizeof part) memcpy(part, text, n);
    char *dash = strchr(part, '-');
    if (dash) *dash = 0;
    if (!fed_text_to_u64(part, UINT32_MAX - 1, &first) ||
        !fed_text_to_u64(dash ? dash + 1 : part, UINT32_MAX - 1, &last) || last < first)
        return fed_fail(err, FED_E_INVALID,
                        "--client: \"%.*s\" is not a number or FIRST-LAST",
                        (int)(n < 64 ? n : 64), text);
    return add(list, first, last, err);
}

fed_status fed_agent_parse_clients(const char *text, uint32_t **numbers, size_t *n,
                                   fed_error *err)
{
    number_list list = {fed_calloc(FED_AGENT_DEVICES_MAX, sizeof *list.items), 0};
    fed_status status = list.items ? FED_OK : fed_fail_nomem(err, FED_AGENT_DEVICES_MAX);
    while (!status) {
        size_t length = strcspn(text, ",");
        status = add_part(&list, text, length, err);
        if (!text[length]) break;
        text += length + 1;
    }
    if (status) fed_free(list.items);
    *numbers = status ? NULL : list.items;
    *n = status ? 0 : list.n;
    return status;
}
