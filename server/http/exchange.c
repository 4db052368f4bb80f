#include "exchange.h"

void fed_exchange_say(fed_exchange *x, unsigned status, const char *text)
{
    x->answered = true;
    x->status = status;
    fed_bytes_clear(&x->answer);
    fed_bytes_put_text(&x->answer, text);
}

void fed_exchange_drop_body(fed_exchange *x)
{
    fed_bytes_fini(&x->body);
    if (x->slot) atomic_fetch_sub(x->slot, 1);
    x->slot = NULL;
}
