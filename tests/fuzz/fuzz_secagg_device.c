/* A device in each phase, and whatever a server may answer. First byte: the phase; second:
 * even, the rest is the answer; odd, the rest are changes to the right answer. */
#include "secagg_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fixture *f = fix_get();
    fed_secagg_device *d = NULL;
    fed_bytes body;
    if (size < 2) return 0;
    unsigned phase = 1 + data[0] % FIX_PHASES;
    fix_must(
        fed_secagg_device_restore(&d, &f->configs[0], fix_span(&f->state[phase]), NULL));
    if (data[1] % 2) {
        fix_change(&f->answer[phase], data + 2, size - 2, &body);
    } else {
        fed_bytes_init(&body, 1 << 20);
        fed_bytes_put(&body, data + 2, size - 2);
    }
    fed_error err;
    fed_status status = fed_secagg_device_receive(d, fix_span(&body), &err);
    bool same = body.len == f->answer[phase].len &&
                memcmp(body.data, f->answer[phase].data, body.len) == 0;
    if (same && status) abort();
    fix_message(f, d, 0, &body);
    fed_bytes_fini(&body);
    fed_secagg_device_free(d);
    return 0;
}
