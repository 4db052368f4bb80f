#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fed_task_state_name(fed_task_state state)
{
    static const char *const names[] = {"unknown", "running", "done",
                                        "stopped", "expired", "budget_spent"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : names[0];
}

void fed_key_task(char key[FED_KEY_MAX], const fed_address *task, const char *leaf)
{
    char text[FED_ADDRESS_TEXT];
    fed_address_to_text(task, text);
    snprintf(key, FED_KEY_MAX, "task/%s/%s", text, leaf);
}

void fed_key_trace(char key[FED_KEY_MAX], const fed_address *task, uint64_t version)
{
    char leaf[32];
    snprintf(leaf, sizeof leaf, "trace/%016" PRIu64, version);
    fed_key_task(key, task, leaf);
}

void fed_key_noise(char key[FED_KEY_MAX], const fed_address *task, uint32_t place)
{
    char leaf[32];
    snprintf(leaf, sizeof leaf, "noise/%05" PRIu32, place);
    fed_key_task(key, task, leaf);
}

void fed_key_cohort(char key[FED_KEY_MAX], const uint8_t cohort[FED_COHORT_ID_BYTES])
{
    char text[2 * FED_COHORT_ID_BYTES + 1];
    fed_hex_encode(text, cohort, FED_COHORT_ID_BYTES);
    snprintf(key, FED_KEY_MAX, "cohort/%s", text);
}

void fed_key_cohort_log(char key[FED_KEY_MAX], const uint8_t cohort[FED_COHORT_ID_BYTES],
                        uint32_t number)
{
    fed_key_cohort(key, cohort);
    size_t n = strlen(key);
    snprintf(key + n, FED_KEY_MAX - n, "/log/%08u", number);
}

void fed_key_ledger(char key[FED_KEY_MAX], const char *population, uint32_t number)
{
    snprintf(key, FED_KEY_MAX, "ledger/%s/%08" PRIu32, population, number);
}

void fed_key_blob(char key[FED_KEY_MAX], const fed_address *address)
{
    char text[FED_ADDRESS_TEXT];
    fed_address_to_text(address, text);
    snprintf(key, FED_KEY_MAX, "blob/%s", text);
}

static void put_kept(fed_bytes *out, const fed_address *blobs)
{
    uint8_t n = FED_KEPT_BLOBS;
    while (n && fed_address_is_zero(&blobs[n - 1]))
        n--;
    fed_bytes_put_u8(out, n);
    for (uint8_t k = 0; k < n; k++)
        fed_bytes_put(out, blobs[k].bytes, FED_ADDRESS_BYTES);
}

/* False when there are more than fit, or not all of them needed: a list has one form. */
static bool get_kept(fed_reader *r, fed_address *blobs)
{
    uint8_t n = fed_reader_u8(r);
    memset(blobs, 0, FED_KEPT_BLOBS * sizeof *blobs);
    for (uint8_t k = 0; k < n && n <= FED_KEPT_BLOBS; k++)
        fed_reader_copy(r, blobs[k].bytes, FED_ADDRESS_BYTES);
    return n <= FED_KEPT_BLOBS && (!n || !fed_address_is_zero(&blobs[n - 1]));
}

void fed_key_enrolled(char key[FED_KEY_MAX], const uint8_t enrolment_key[32],
                      const char *population, uint32_t number)
{
    char text[17];
    fed_hex_encode(text, enrolment_key, 8);
    snprintf(key, FED_KEY_MAX, "enrolled/%s/%.*s/%010u", text, FED_POPULATION_MAX,
             population, number);
}

void fed_head_put(fed_bytes *out, const fed_head *head)
{
    fed_bytes_put_u8(out, (uint8_t)head->state);
    fed_bytes_put_u64(out, head->version);
    fed_bytes_put(out, head->model.bytes, sizeof head->model.bytes);
    fed_bytes_put(out, head->version_blob.bytes, sizeof head->version_blob.bytes);
    fed_bytes_put(out, head->task_blob.bytes, sizeof head->task_blob.bytes);
    for (int i = 0; i < FED_VERSIONS_KEPT; i++)
        put_kept(out, head->kept[i]);
    fed_bytes_put_u64(out, head->upload_bytes);
}

fed_status fed_head_get(fed_head *head, fed_span bytes, fed_error *err)
{
    fed_reader r;
    bool fits = true;
    fed_reader_init(&r, bytes.data, bytes.len);
    head->state = (fed_task_state)fed_reader_u8(&r);
    head->version = fed_reader_u64(&r);
    fed_reader_copy(&r, head->model.bytes, sizeof head->model.bytes);
    fed_reader_copy(&r, head->version_blob.bytes, sizeof head->version_blob.bytes);
    fed_reader_copy(&r, head->task_blob.bytes, sizeof head->task_blob.bytes);
    for (int i = 0; i < FED_VERSIONS_KEPT; i++)
        fits &= get_kept(&r, head->kept[i]);
    head->upload_bytes = fed_reader_u64(&r);
    if (fed_reader_finish(&r) || !fits || head->state < FED_TASK_RUNNING ||
        head->state > FED_TASK_SPENT)
        return fed_fail(err, FED_E_FORMAT, "task head: %zu bytes do not parse",
                        bytes.len);
    return FED_OK;
}

void fed_roster_fini(fed_roster *r)
{
    fed_free(r->members);
    r->members = NULL;
    r->n = 0;
}

void fed_roster_put(fed_bytes *out, const fed_roster *roster)
{
    fed_bytes_put(out, roster->task.bytes, sizeof roster->task.bytes);
    fed_bytes_put(out, roster->cohort, sizeof roster->cohort);
    fed_bytes_put_u64(out, roster->version);
    fed_bytes_put_u8(out, (uint8_t)roster->phase);
    fed_bytes_put_block(out, roster->reason, strlen(roster->reason));
    fed_bytes_put_u32(out, roster->n);
    for (uint32_t i = 0; i < roster->n; i++) {
        const fed_roster_member *m = &roster->members[i];
        fed_bytes_put(out, m->device, sizeof m->device);
        fed_bytes_put(out, m->update_id, sizeof m->update_id);
        fed_bytes_put_u8(out, m->survived);
    }
}

enum { MEMBER_BYTES = 32 + FED_UPDATE_ID_BYTES + 1 };

static fed_status get_members(fed_roster *roster, fed_reader *r, fed_error *err)
{
    uint32_t n = fed_reader_u32(r);
    if (r->failed || fed_reader_left(r) != (size_t)n * MEMBER_BYTES)
        return fed_fail(err, FED_E_FORMAT, "cohort: %zu bytes do not hold %u members",
                        fed_reader_left(r), n);
    roster->members = fed_calloc(n, sizeof *roster->members);
    if (!roster->members) return fed_fail_nomem(err, n * sizeof *roster->members);
    roster->n = n;
    for (uint32_t i = 0; i < n; i++) {
        fed_roster_member *m = &roster->members[i];
        fed_reader_copy(r, m->device, sizeof m->device);
        fed_reader_copy(r, m->update_id, sizeof m->update_id);
        m->survived = fed_reader_u8(r) != 0;
    }
    return FED_OK;
}

fed_status fed_roster_get(fed_roster *roster, fed_span bytes, fed_error *err)
{
    fed_reader r;
    *roster = (fed_roster){0};
    fed_reader_init(&r, bytes.data, bytes.len);
    fed_reader_copy(&r, roster->task.bytes, sizeof roster->task.bytes);
    fed_reader_copy(&r, roster->cohort, sizeof roster->cohort);
    roster->version = fed_reader_u64(&r);
    roster->phase = (fed_phase)fed_reader_u8(&r);
    fed_span reason = fed_reader_block(&r, sizeof roster->reason - 1);
    memcpy(roster->reason, reason.data, reason.len);
    if (r.failed || roster->phase > FED_PHASE_ABORTED)
        return fed_fail(err, FED_E_FORMAT, "cohort: %zu bytes do not parse", bytes.len);
    return get_members(roster, &r, err);
}

/* ---- draws ------------------------------------------------------------------------------- */

enum { KEY_BYTES = sizeof *((fed_drawn *)NULL)->devices };

void fed_drawn_fini(fed_drawn *drawn)
{
    if (drawn->devices) fed_wipe(drawn->devices, (size_t)drawn->n * KEY_BYTES);
    fed_free(drawn->devices);
    *drawn = (fed_drawn){0};
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, KEY_BYTES);
}

bool fed_drawn_has(const fed_drawn *drawn, const uint8_t device[32])
{
    return drawn->n &&
           bsearch(device, drawn->devices, drawn->n, KEY_BYTES, compare_keys) != NULL;
}

void fed_drawn_put(fed_bytes *out, const fed_drawn *drawn)
{
    fed_bytes_put_u64(out, drawn->version);
    fed_bytes_put_u32(out, drawn->attempt);
    fed_bytes_put_u32(out, drawn->enrolled);
    fed_bytes_put_u32(out, drawn->n);
    fed_bytes_put(out, drawn->devices, (size_t)drawn->n * KEY_BYTES);
}

static bool is_ascending(const fed_drawn *drawn)
{
    for (uint32_t i = 1; i < drawn->n; i++)
        if (compare_keys(drawn->devices[i - 1], drawn->devices[i]) >= 0) return false;
    return true;
}

fed_status fed_drawn_get(fed_drawn *drawn, fed_span bytes, fed_error *err)
{
    fed_reader r;
    *drawn = (fed_drawn){0};
    fed_reader_init(&r, bytes.data, bytes.len);
    uint64_t version = fed_reader_u64(&r);
    uint32_t attempt = fed_reader_u32(&r), enrolled = fed_reader_u32(&r);
    uint32_t n = fed_reader_u32(&r);
    if (r.failed || !attempt || n > enrolled ||
        fed_reader_left(&r) != (size_t)n * KEY_BYTES)
        return fed_fail(err, FED_E_FORMAT, "draw: %zu bytes do not parse", bytes.len);
    drawn->devices = fed_calloc(n, KEY_BYTES);
    if (!drawn->devices) return fed_fail_nomem(err, (size_t)n * KEY_BYTES);
    *drawn = (fed_drawn){version, attempt, enrolled, n, drawn->devices};
    fed_reader_copy(&r, drawn->devices, (size_t)n * KEY_BYTES);
    if (is_ascending(drawn)) return FED_OK;
    fed_drawn_fini(drawn);
    return fed_fail(err, FED_E_FORMAT, "draw: its devices do not ascend");
}
