#include "http_fixture.h"

#include <stdio.h>

http_rig server;
http_reply reply;
fed_task *task;
fed_address task_id;

/* A model whose upload takes a slot: 30,000 · 2 + 2 parameters. */
const char large_plan[] =
    "{\"format\":\"fed-plan/"
    "1\",\"name\":\"large\",\"model\":{\"input\":{\"shape\":[30000]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":4},\"update\":{\"select\":\"dense\",\"bits\":8,"
    "\"clip\":1,\"rotate\":\"none\"},\"secagg\":{\"enabled\":false},\"evaluate\":{\"on\":"
    "\"none\"},\"rounds\":{" ROUNDS "}}";

const char *small_plan(void)
{
    return rig_plan_with("\"evaluate\":{\"on\":\"none\"},", ROUNDS);
}

void start_with(const char *plan)
{
    CHECK(http_start(&server));
    unsigned status = http_create(&server, plan, "t", &task_id, &task, &reply);
    CHECK_MSG(status == 200, "%u %s", status, fed_bytes_text(&reply.body));
    CHECK_EQ(reply.body.len, 32);
    http_reply_fini(&reply);
}

void end(void)
{
    http_close(&server);
    CHECK_MSG(server.status == FED_OK, "%s", server.err.text);
    fed_task_free(task);
    task = NULL;
}

void task_path(char path[160], const char *leaf)
{
    char hex[FED_ADDRESS_TEXT];
    fed_address_to_text(&task_id, hex);
    snprintf(path, 160, "/v1/tasks/%s%s", hex, leaf);
}

json_t *get_json(const char *path)
{
    http_ask(&server, "GET", path, NULL, 0, &reply);
    CHECK_MSG(reply.status == 200, "%s: %u", path, reply.status);
    CHECK_STR(http_header(&reply, "Content-Type"), "application/json");
    json_t *json = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
    CHECK_MSG(json_is_object(json), "%s: not JSON", path);
    http_reply_fini(&reply);
    return json;
}

/* ---- devices ------------------------------------------------------------------------------ */

void send_message(device *d, fed_request type, fed_span body)
{
    char path[FED_ROUTE_MAX];
    fed_bytes message;
    rig_seal(&message, type, d->number, type == FED_REQUEST_PLACE ? NULL : d->cohort,
             body);
    CHECK(fed_request_to_path(type, message.data, message.len, path));
    http_send(d->fd, "POST", path, "", message.data, message.len);
    fed_bytes_fini(&message);
}

void place_body(fed_bytes *body, const uint8_t round[32])
{
    fed_place m = {.update_id = {1}};
    memcpy(m.task, task_id.bytes, 32);
    memcpy(m.round, round, 32);
    fed_bytes_init(body, FED_PLACE_BYTES);
    fed_place_put(body, &m);
}

/* The address of the present version's document, as a check-in tells it. */
void round_address(uint8_t out[32])
{
    char path[160], hex[FED_ADDRESS_TEXT] = "";
    task_path(path, "/versions");
    json_t *json = get_json(path);
    json_t *list = json_object_get(json, "versions");
    json_t *last = json_array_get(list, json_array_size(list) - 1);
    const char *text = json_string_value(json_object_get(last, "document"));
    snprintf(hex, sizeof hex, "%s", text ? text : "");
    CHECK(fed_hex_decode(out, 32, hex));
    json_decref(json);
}

void enter(device *d, unsigned number)
{
    fed_error err;
    fed_bytes body;
    fed_placed placed = {.join_by_ms = 0};
    uint8_t round[32];
    round_address(round);
    d->number = number;
    d->fd = http_connect(&server);
    place_body(&body, round);
    send_message(d, FED_REQUEST_PLACE, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    CHECK(http_receive(d->fd, &reply));
    CHECK_MSG(reply.status == 200, "place: %u %s", reply.status,
              fed_bytes_text(&reply.body));
    CHECK_OK(fed_placed_get(&placed, (fed_span){reply.body.data, reply.body.len}, &err),
             &err);
    memcpy(d->cohort, placed.cohort, 32);
    http_reply_fini(&reply);
}

void send_join(device *d)
{
    fed_bytes body;
    fed_bytes_init(&body, 256);
    fed_join_put(&body, &(fed_join){.update_id = {1}});
    send_message(d, FED_REQUEST_JOIN, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
}

void send_input(device *d)
{
    fed_error err;
    fed_bytes update;
    fed_codec_round *round = NULL;
    size_t n = fed_task_numbers_of(task)->params;
    float *delta = fed_calloc(n, sizeof *delta);
    uint8_t key[32] = {(uint8_t)d->number};
    CHECK_OK(fed_codec_round_first(fed_task_codec(task), 0, &round, &err), &err);
    fed_task_update u = {.delta = delta, .examples = 3, .key = key};
    fed_bytes_init(&update, 1 << 24);
    CHECK_OK(fed_task_encode(task, round, &u, NULL, &update, NULL, &err), &err);
    send_message(d, FED_REQUEST_INPUT, (fed_span){update.data, update.len});
    fed_bytes_fini(&update);
    fed_codec_round_free(round);
    fed_free(delta);
}

unsigned receive_status(device *d)
{
    bool there = http_receive(d->fd, &reply);
    http_reply_fini(&reply);
    return there ? reply.status : 0;
}

unsigned count_lines(const char *path)
{
    unsigned lines = 0;
    http_ask(&server, "GET", path, NULL, 0, &reply);
    CHECK_STR(http_header(&reply, "Content-Type"), "application/x-ndjson");
    const char *text = fed_bytes_text(&reply.body);
    for (const char *at = text; at && *at; lines++) {
        size_t n = strcspn(at, "\n");
        json_t *json = json_loadb(at, n, 0, NULL);
        CHECK_MSG(json_is_object(json), "%.*s", (int)n, at);
        json_decref(json);
        at += n + (at[n] == '\n');
    }
    http_reply_fini(&reply);
    return lines;
}
