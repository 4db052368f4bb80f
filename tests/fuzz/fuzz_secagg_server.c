/* A server in each phase, and whatever a member may send. First byte: the phase; second:
 * even, the rest is the message; odd, the rest are changes to member 0's right one. */
#include "secagg_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fixture *f = fix_get();
    fed_bytes body;
    uint32_t member;
    if (size < 2) return 0;
    unsigned phase = 1 + data[0] % FIX_PHASES;
    fed_secagg_server *s = fix_server(f);
    fix_must(fed_secagg_server_replay(
        s, (fed_span){f->journal.data, f->journal_at[phase]}, NULL));
    if (data[1] % 2) {
        fix_change(&f->message[phase], data + 2, size - 2, &body);
    } else {
        fed_bytes_init(&body, 1 << 20);
        fed_bytes_put(&body, data + 2, size - 2);
    }
    fed_status status =
        phase == FED_SECAGG_JOIN
            ? fed_secagg_server_join(s, fix_span(&body), FIX_NOW, &member, NULL, NULL)
            : fed_secagg_server_receive(s, data[1] / 2 % (FIX_N + 1), fix_span(&body),
                                        NULL, NULL);
    if (status && phase != FED_SECAGG_JOIN && data[1] / 2 % (FIX_N + 1) < FIX_N &&
        fed_secagg_server_has(s, data[1] / 2 % (FIX_N + 1)))
        abort(); /* what is refused must not count */
    fix_must(fed_secagg_server_close(s, NULL, NULL));
    fed_bytes_fini(&body);
    fed_secagg_server_free(s);
    return 0;
}
