/* fedserver's connections: who waits and for how long, slots, limits, stopping. */
#include "http_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOT_BODY = 65536, CHECKINS = 1000 };

/* ---- waiting ------------------------------------------------------------------------------ */

static void test_hold(void)
{
    device d[3];
    http_open(&server);
    start_with(small_plan());
    enter(&d[0], 0);
    int64_t start = fed_clock_monotonic_ms();
    send_join(&d[0]);
    CHECK_EQ(receive_status(&d[0]), 202);
    int64_t took = fed_clock_monotonic_ms() - start;
    CHECK_MSG(took >= server.config.hold_ms && took < 5000, "held for %d ms", (int)took);
    end();
    close(d[0].fd);
}

/* The last one to come frees those who wait, long before their hold is over. */
static void test_resume(void)
{
    device d[3];
    http_open(&server);
    server.config.hold_ms = 20000;
    start_with(small_plan());
    for (unsigned i = 0; i < 3; i++)
        enter(&d[i], i);
    int64_t start = fed_clock_monotonic_ms();
    for (unsigned i = 0; i < 3; i++)
        send_join(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(receive_status(&d[i]), 200);
    for (unsigned i = 0; i < 3; i++)
        send_input(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(receive_status(&d[i]), 200);
    CHECK(fed_clock_monotonic_ms() - start < 10000);
    char path[160];
    task_path(path, "");
    json_t *json = get_json(path);
    CHECK_EQ(json_integer_value(json_object_get(json, "version")), 1);
    CHECK_EQ(json_integer_value(json_object_get(json, "last_survivors")), 3);
    json_decref(json);
    for (unsigned i = 0; i < 3; i++)
        close(d[i].fd);
    end();
}

static void test_trace(void)
{
    device d[3];
    char path[160];
    http_open(&server);
    start_with(small_plan());
    task_path(path, "/trace");
    CHECK_EQ(count_lines(path), 2);
    for (unsigned i = 0; i < 3; i++)
        enter(&d[i], i);
    for (unsigned i = 0; i < 3; i++)
        send_join(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        receive_status(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        send_input(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        receive_status(&d[i]), close(d[i].fd);
    CHECK_EQ(count_lines(path), 3);
    task_path(path, "/trace?from=1");
    CHECK_EQ(count_lines(path), 2);
    task_path(path, "/trace?from=2");
    CHECK_EQ(count_lines(path), 1);
    end();
}

/* With one slot, whoever waits for others must not keep it. */
static void test_slots(void)
{
    device d[3];
    http_open(&server);
    server.config.upload_slots = 1;
    server.config.hold_ms = 20000;
    start_with(large_plan);
    CHECK(fed_task_numbers_of(task)->update_bytes > SLOT_BODY);
    for (unsigned i = 0; i < 3; i++)
        enter(&d[i], i);
    for (unsigned i = 0; i < 3; i++)
        send_join(&d[i]);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(receive_status(&d[i]), 200);
    /* half a body takes the slot: another large one is told to come again */
    int fd = http_connect(&server);
    char head[200], hex[65], *half = calloc(1, SLOT_BODY + 4096);
    fed_hex_encode(hex, d[0].cohort, 32);
    snprintf(head, sizeof head,
             "POST /v1/cohorts/%s/input HTTP/1.1\r\nHost: x\r\nContent-Length: "
             "200000\r\n\r\n",
             hex);
    http_send_raw(fd, head, strlen(head));
    http_send_raw(fd, half, SLOT_BODY + 4096);
    for (int i = 0; i < 100 && fed_clock_monotonic_ms(); i++) {
        http_ask(&server, "GET", "/metrics", NULL, 0, &reply);
        bool taken = strstr(fed_bytes_text(&reply.body), "upload_slots_used 1\n") != NULL;
        http_reply_fini(&reply);
        if (taken) break;
    }
    send_input(&d[0]);
    CHECK(http_receive(d[0].fd, &reply));
    CHECK_EQ(reply.status, 503);
    CHECK_STR(http_header(&reply, "Retry-After"), "1");
    http_reply_fini(&reply);
    close(fd);
    free(half);
    /* now that it is free, three devices share it one after another */
    for (unsigned i = 0; i < 3; i++) {
        unsigned status = 503;
        for (int tries = 0; status == 503 && tries < 200; tries++) {
            send_input(&d[i]);
            if (i < 2) { /* it waits: what is seen is that no 503 comes */
                struct timeval soon = {0, 200000};
                setsockopt(d[i].fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
            }
            status = receive_status(&d[i]);
        }
        CHECK_EQ(status, i < 2 ? 0 : 200);
    }
    for (unsigned i = 0; i < 3; i++)
        close(d[i].fd);
    end();
}

/* ---- connections -------------------------------------------------------------------------- */

static void test_keep_alive(void)
{
    fed_error err;
    fed_bytes body;
    uint8_t seed[32];
    fed_checkin m = {.population = "p", .examples = 5};
    http_open(&server);
    start_with(small_plan());
    int fd = http_connect(&server);
    int64_t start = fed_clock_monotonic_ms();
    unsigned tasks = 0;
    for (unsigned i = 0; i < CHECKINS; i++) {
        rig_identity(i, seed, m.device);
        fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
        CHECK_OK(fed_checkin_put(&body, &m, &err), &err);
        http_send(fd, "POST", "/v1/checkin", "", body.data, body.len);
        fed_bytes_fini(&body);
        fed_checkin_answer a = {.has_task = false};
        if (!CHECK(http_receive(fd, &reply)) || !CHECK_EQ(reply.status, 200)) break;
        CHECK_OK(
            fed_checkin_answer_get(&a, (fed_span){reply.body.data, reply.body.len}, &err),
            &err);
        if (!a.has_task) CHECK(a.retry_after_ms >= 2500 && a.retry_after_ms < 5000);
        tasks += a.has_task;
        http_reply_fini(&reply);
    }
    CHECK_EQ(tasks, 3);
    fed_note("%u check-ins on one connection: %d ms", CHECKINS,
             (int)(fed_clock_monotonic_ms() - start));
    close(fd);
    end();
}

/* Whoever sends half a header, or nothing at all, is cut off. */
static void test_idle(void)
{
    http_open(&server);
    server.config.idle_s = 1;
    start_with(small_plan());
    int64_t start = fed_clock_monotonic_ms();
    int slow = http_connect(&server), silent = http_connect(&server);
    http_send_raw(slow, "GET /healthz HTTP/1.1\r\nHo", 25);
    CHECK(!http_receive(slow, &reply));
    http_reply_fini(&reply);
    CHECK(!http_receive(silent, &reply));
    http_reply_fini(&reply);
    int64_t took = fed_clock_monotonic_ms() - start;
    CHECK_MSG(took >= 900 && took < 10000, "cut off after %d ms", (int)took);
    close(slow);
    close(silent);
    end();
}

/* Only so many connections are served; the next one is when one of them ends. */
static void test_connection_limit(void)
{
    enum { LIMIT = 4 };
    int fds[LIMIT];
    http_open(&server);
    server.config.threads = 1;
    server.config.connections = LIMIT;
    start_with(small_plan());
    for (int i = 0; i < LIMIT; i++) {
        fds[i] = http_connect(&server);
        http_send(fds[i], "GET", "/healthz", "", NULL, 0);
        CHECK(http_receive(fds[i], &reply));
        http_reply_fini(&reply);
    }
    for (int i = 0; i < LIMIT; i++)
        close(fds[i]);
    CHECK_EQ(http_get(&server, "/healthz"), 200);
    end();
}

static void check_listen(const char *address, bool insecure, fed_status status,
                         const char *part)
{
    http_open(&server);
    server.config.listen = address;
    server.config.insecure = insecure;
    CHECK(!http_start(&server));
    CHECK_FAILS(server.status, status, &server.err, part);
    http_close(&server);
}

static void test_listen(void)
{
    char taken[32];
    check_listen("0.0.0.0:0", false, FED_E_REFUSED, "--insecure");
    check_listen("[::]:0", false, FED_E_REFUSED, "--insecure");
    check_listen("localhost:80", false, FED_E_INVALID, "ADDRESS:PORT");
    check_listen("127.0.0.1", false, FED_E_INVALID, "ADDRESS:PORT");
    check_listen("127.0.0.1:70000", false, FED_E_INVALID, "ADDRESS:PORT");
    http_rig other;
    http_open(&server);
    CHECK(http_start(&server));
    snprintf(taken, sizeof taken, "127.0.0.1:%u", server.port);
    http_open(&other);
    other.config.listen = taken;
    other.config.insecure = true;
    CHECK(!http_start(&other));
    CHECK_FAILS(other.status, FED_E_IO, &other.err, "could not be bound");
    http_close(&other);
    http_open(&other);
    other.config.folder = server.folder;
    CHECK(!http_start(&other));
    CHECK_FAILS(other.status, FED_E_EXISTS, &other.err, "another process");
    http_close(&other);
    http_close(&server);
    http_open(&server);
    server.config.listen = "0.0.0.0:0";
    server.config.insecure = true;
    CHECK(http_start(&server));
    CHECK_EQ(http_get(&server, "/healthz"), 200);
    http_close(&server);
    http_open(&server);
    server.config.connections = UINT32_MAX - 1000;
    CHECK(!http_start(&server));
    CHECK_MSG(strstr(server.err.text, "--connections"), "%s", server.err.text);
    http_close(&server);
}

/* ---- ending ------------------------------------------------------------------------------- */

static void test_stop_while_waiting(void)
{
    device d[2];
    http_open(&server);
    server.config.hold_ms = 25000;
    start_with(small_plan());
    enter(&d[0], 0);
    enter(&d[1], 1);
    send_join(&d[0]);
    send_join(&d[1]);
    usleep(100000);
    int64_t start = fed_clock_monotonic_ms();
    http_stop(&server);
    CHECK_MSG(fed_clock_monotonic_ms() - start < 5000, "it takes too long to stop");
    for (unsigned i = 0; i < 2; i++) {
        CHECK(http_receive(d[i].fd, &reply));
        CHECK_EQ(reply.status, 503);
        CHECK_STR(http_header(&reply, "Retry-After"), "5");
        http_reply_fini(&reply);
        close(d[i].fd);
    }
    end();
}

/* Full: 429 says how long to stay away, in the configuration's own terms. */
static void test_retry_after(void)
{
    device d[3];
    fed_bytes body;
    uint8_t round[32];
    http_open(&server);
    start_with(small_plan());
    for (unsigned i = 0; i < 3; i++)
        enter(&d[i], i);
    device late = {.number = 9, .fd = http_connect(&server)};
    round_address(round);
    place_body(&body, round);
    send_message(&late, FED_REQUEST_PLACE, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    CHECK(http_receive(late.fd, &reply));
    CHECK_EQ(reply.status, 429);
    CHECK_STR(http_header(&reply, "Retry-After"), "3"); /* ceil(2500 ms) */
    http_reply_fini(&reply);
    close(late.fd);
    for (unsigned i = 0; i < 3; i++)
        close(d[i].fd);
    end();
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_hold),
                                     CASE(test_resume),
                                     CASE(test_trace),
                                     CASE(test_slots),
                                     CASE(test_keep_alive),
                                     CASE(test_idle),
                                     CASE(test_connection_limit),
                                     CASE(test_listen),
                                     CASE(test_stop_while_waiting),
                                     CASE(test_retry_after)};
    return fed_run("http_waiting", cases, sizeof cases / sizeof *cases);
}
