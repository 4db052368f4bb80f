/*
 * Correlated noise in the store (docs/decisions/020-correlated-noise.md). The noise of a round takes
 * back part of that of earlier ones, so what is needed of those is kept as integers: as they
 * were drawn, whatever a later release of this program would draw from the same keys. Each
 * version writes one place, in the transaction that commits it. Whoever reads the store can
 * take that noise off models that are out; so what no later round needs is erased in the same
 * step, and all of it when the task ends.
 */
#include "coordinator_internal.h"

static fed_status erase(fed_step *s, const fed_served_task *t, uint32_t place)
{
    char key[FED_KEY_MAX];
    fed_key_noise(key, &t->id, place);
    return fed_outbox_erase(s->outbox, key);
}

static fed_status write(fed_step *s, const fed_served_task *t, uint32_t place)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_bytes_init(&value, SIZE_MAX);
    fed_key_noise(key, &t->id, place);
    fed_status status =
        fed_matrix_stream_write(t->state.past_noise, place, &value, s->err);
    if (!status) return fed_outbox_store_taken(s->outbox, key, &value);
    fed_bytes_wipe(&value);
    return status;
}

/* Places below the newest of a tree were closed by it. With bands it takes the place of the
 * oldest, and the other places stay. */
fed_status fed_store_past_noise(fed_step *s, const fed_served_task *t)
{
    const fed_matrix_stream *past = t->state.past_noise;
    if (!past || !fed_matrix_stream_round(past)) return FED_OK;
    uint32_t newest = fed_matrix_stream_newest(past);
    for (uint32_t place = 0; place < newest; place++)
        if (!fed_matrix_stream_holds(past, place)) FED_TRY(erase(s, t, place));
    return fed_matrix_stream_holds(past, newest) ? write(s, t, newest) : FED_OK;
}

fed_status fed_erase_past_noise(fed_step *s, fed_served_task *t)
{
    fed_matrix_stream *past = t->state.past_noise;
    t->state.past_noise = NULL;
    fed_status status = FED_OK;
    uint32_t n = past ? fed_matrix_stream_places(past) : 0;
    uint32_t rounds = past ? fed_matrix_stream_round(past) : 0;
    for (uint32_t place = 0; place < n && place < rounds && !status; place++)
        status = erase(s, t, place);
    fed_matrix_stream_free(past);
    return status;
}

fed_status fed_restore_past_noise(const fed_journal *journal, fed_served_task *t,
                                  fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_matrix_stream *past = t->state.past_noise;
    fed_status status = FED_OK;
    if (!past) return FED_OK;
    if (t->head.state != FED_TASK_RUNNING) {
        fed_matrix_stream_free(past);
        t->state.past_noise = NULL;
        return FED_OK;
    }
    for (uint32_t place = 0; place < fed_matrix_stream_places(past) && !status; place++) {
        fed_bytes value;
        if (!fed_matrix_stream_holds(past, place)) continue;
        fed_bytes_init(&value, SIZE_MAX);
        fed_key_noise(key, &t->id, place);
        status = journal->get(journal->ctx, key, &value, err);
        if (status == FED_E_NOT_FOUND)
            status = fed_fail(err, FED_E_FORMAT, "it is missing");
        if (!status)
            status = fed_matrix_stream_read(past, place,
                                            (fed_span){value.data, value.len}, err);
        fed_bytes_wipe(&value);
        status = fed_fail_in(err, status, "%s", key);
    }
    return status;
}
