/* Enrolment: a request for the desk, a certificate from it, and keeping that. */
#include <stdio.h>
#include <string.h>

#include "client_internal.h"

static const char key_certificate[] = "device/certificate";

fed_status fed_client_enrolment_request(const fed_client *c, const char *token, char *out,
                                        size_t size, fed_error *err)
{
    uint8_t raw[FED_TOKEN_BYTES];
    fed_bytes line;
    FED_TRY(fed_token_read((fed_span){(const uint8_t *)token, strlen(token)}, raw, err));
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    fed_status status =
        fed_enrolment_request_write(raw, c->session_config.identity_seed, &line, err);
    if (!status && line.len >= size)
        status = fed_fail(err, FED_E_LIMIT, "request: %zu bytes, there is room for %zu",
                          line.len + 1, size);
    if (!status) {
        memcpy(out, line.data, line.len);
        out[line.len] = 0;
    }
    fed_bytes_wipe(&line);
    fed_wipe(raw, sizeof raw);
    return status;
}

/* It must be this device's, and signed with the key that the app pins. */
static fed_status accept(fed_client *c, fed_span line, fed_error *err)
{
    fed_certificate certificate;
    uint8_t own[32];
    if (!c->has_enrolment_key)
        return fed_fail(err, FED_E_STATE, "certificate: config.enrolment_key is not set");
    FED_TRY(fed_certificate_read(line, &certificate, err));
    FED_TRY(fed_ed25519_public(c->session_config.identity_seed, own, err));
    if (memcmp(own, certificate.device_key, sizeof own) != 0)
        return fed_fail(err, FED_E_INVALID, "certificate: of another device");
    FED_TRY(fed_certificate_verify(&certificate, c->session_config.enrolment_key,
                                   fed_clock_wall_ms() / 1000, err));
    c->session_config.certificate = certificate;
    c->session_config.is_enrolled = true;
    return FED_OK;
}

fed_status fed_client_load_certificate(fed_client *c, fed_error *err)
{
    fed_bytes line;
    fed_journal journal = fed_keep_journal(c->keep);
    if (!c->has_enrolment_key) return FED_OK;
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    fed_status status = journal.get(journal.ctx, key_certificate, &line, err);
    if (!status) {
        status = accept(c, (fed_span){line.data, line.len}, err);
        if (status == FED_E_AUTH) { /* expired, or another key is pinned now */
            fed_log(FED_LOG_WARN, "certificate_not_usable", "reason=\"%s\"",
                    err ? err->text : "");
            status = FED_OK;
        }
    }
    fed_bytes_fini(&line);
    return status == FED_E_NOT_FOUND ? FED_OK : status;
}

fed_status fed_client_set_certificate(fed_client *c, const char *certificate,
                                      fed_error *err)
{
    fed_outbox o;
    FED_TRY(
        accept(c, (fed_span){(const uint8_t *)certificate, strlen(certificate)}, err));
    fed_outbox_init(&o);
    fed_status status =
        fed_outbox_store(&o, key_certificate, certificate, strlen(certificate));
    if (status)
        status = fed_fail_nomem(err, strlen(certificate));
    else
        status = fed_keep_apply(c->keep, &o, err);
    fed_outbox_fini(&o);
    if (status) return status;
    fed_session_free(c->session);
    c->session = NULL;
    return fed_client_restore(c, err);
}
