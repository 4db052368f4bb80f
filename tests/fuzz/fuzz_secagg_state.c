/* What was stored: device states, server records, certificates, changed at will. */
#include "secagg_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_state(fixture *f, fed_span state)
{
    fed_secagg_device *d = NULL;
    fed_bytes out;
    fed_bytes_init(&out, 1 << 20);
    if (fed_secagg_device_restore(&d, &f->configs[0], state, NULL) == FED_OK) {
        fix_must(fed_secagg_device_encode(d, &out, NULL));
        fix_message(f, d, 0, &out);
    }
    fed_secagg_device_free(d);
    fed_bytes_fini(&out);
}

static void try_records(fixture *f, fed_span records)
{
    fed_secagg_server *s = fix_server(f);
    if (fed_secagg_server_replay(s, records, NULL) == FED_OK &&
        fed_secagg_server_phase(s) < FED_SECAGG_DONE)
        fix_must(fed_secagg_server_close(s, NULL, NULL));
    fed_secagg_server_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fixture *f = fix_get();
    fed_certificate certificate;
    fed_bytes body;
    if (size < 1) return 0;
    unsigned phase = 1 + data[0] / 4 % FIX_PHASES;
    fed_span rest = {data + 1, size - 1};
    if (fed_certificate_parse(&certificate, rest, NULL) == FED_OK) {
        uint8_t again[FED_CERTIFICATE_BYTES];
        fed_certificate_encode(&certificate, again);
        if (memcmp(again, rest.data, sizeof again) != 0) abort();
    }
    fix_change(data[0] % 2 ? &f->journal : &f->state[phase], rest.data, rest.len, &body);
    if (data[0] % 4 == 0)
        try_state(f, fix_span(&body));
    else if (data[0] % 4 == 1)
        try_records(f, fix_span(&body));
    else if (data[0] % 4 == 2)
        try_state(f, rest);
    else
        try_records(f, rest);
    fed_bytes_fini(&body);
    return 0;
}
