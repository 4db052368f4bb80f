/* A model as the difference from the version before: server and device arrive at the same
 * bits, and nothing is lost on the way. */
#include "codec_fixture.h"

enum { D = 1000 };

static void test_server_and_device_agree(void)
{
    for (unsigned bits = 2; bits <= 16; bits++) {
        static float server[D], device[D], target[D], error[D], update[D];
        fed_error err;
        fixture_update(server, D, 1, 10);
        memcpy(device, server, sizeof device);
        memset(error, 0, sizeof error);
        for (uint64_t version = 0; version < 20; version++) {
            fed_bytes diff;
            fed_bytes_init(&diff, 1 << 16);
            fixture_update(update, D, version, 0.3);
            for (int i = 0; i < D; i++)
                target[i] = server[i] + update[i];
            CHECK_OK(fed_model_diff_publish(server, target, error, D, bits, &diff, &err),
                     &err);
            CHECK_OK(
                fed_model_diff_apply(device, D, (fed_span){diff.data, diff.len}, &err),
                &err);
            CHECK_MEM(server, device, sizeof server);
            fed_bytes_fini(&diff);
        }
    }
}

/* The carried error makes up for rounding: after many versions the published model is one
 * step away from the exact sum of all updates, not many. */
static void test_error_is_carried(void)
{
    static float model[D], target[D], error[D], update[D];
    static double exact[D];
    fed_error err;
    double step = 0;
    fixture_update(model, D, 1, 1);
    for (int i = 0; i < D; i++)
        exact[i] = model[i];
    memset(error, 0, sizeof error);
    for (uint64_t version = 0; version < 100; version++) {
        fed_bytes diff;
        fed_bytes_init(&diff, 1 << 16);
        fixture_update(update, D, version, 0.3);
        float largest = 0;
        for (int i = 0; i < D; i++) {
            target[i] = model[i] + update[i];
            exact[i] += update[i];
            largest = fmaxf(largest, fabsf(update[i]));
        }
        step = fmax(step, largest / 7);
        CHECK_OK(fed_model_diff_publish(model, target, error, D, 4, &diff, &err), &err);
        fed_bytes_fini(&diff);
    }
    double worst = 0, rest = 0;
    for (int i = 0; i < D; i++) {
        worst = fmax(worst, fabs(model[i] - exact[i]));
        rest = fmax(rest, fabs(model[i] + (double)error[i] - exact[i]));
    }
    CHECK_MSG(worst < 1.5 * step, "worst %g, step %g", worst, step);
    CHECK_MSG(rest < 1e-5, "published + error is off by %g", rest);
}

static void test_unchanged_chunks_cost_a_bit(void)
{
    static float model[D], target[D];
    fed_error err;
    fed_bytes diff;
    fed_bytes_init(&diff, 1 << 16);
    fixture_update(model, D, 1, 1);
    memcpy(target, model, sizeof target);
    CHECK_OK(fed_model_diff_publish(model, target, NULL, D, 8, &diff, &err), &err);
    CHECK_EQ(diff.len, 9 + 1);
    target[300] += 1;
    CHECK_OK(fed_model_diff_publish(model, target, NULL, D, 8, &diff, &err), &err);
    CHECK_EQ(diff.len, 10 + 10 + 4 + 256);
    CHECK_NEAR(model[300], target[300], 1e-6);
    fed_bytes_fini(&diff);
}

static void check_refused(fed_bytes *diff, size_t len, const char *text)
{
    static float model[D], before[D];
    fed_error err;
    fixture_update(model, D, 1, 1);
    memcpy(before, model, sizeof before);
    CHECK_FAILS(fed_model_diff_apply(model, D, (fed_span){diff->data, len}, &err),
                FED_E_FORMAT, &err, text);
    CHECK_MEM(model, before, sizeof before);
}

static void check_spoilt(fed_bytes *diff, size_t at, uint8_t to, const char *text)
{
    uint8_t was = diff->data[at];
    diff->data[at] = to;
    check_refused(diff, diff->len, text);
    diff->data[at] = was;
}

static void test_hostile_bytes_are_refused(void)
{
    static float model[D], target[D];
    fed_error err;
    fed_bytes diff;
    fed_bytes_init(&diff, 1 << 16);
    fixture_update(model, D, 1, 1);
    fixture_update(target, D, 2, 1);
    CHECK_OK(fed_model_diff_publish(model, target, NULL, D, 8, &diff, &err), &err);
    for (size_t n = 0; n < diff.len; n += 1 + n / 7)
        check_refused(&diff, n, "");
    fed_bytes_put_u8(&diff, 0);
    check_refused(&diff, diff.len, "packed vector");
    diff.len--;
    check_spoilt(&diff, 0, 'X', "FMD1");
    check_spoilt(&diff, 4, 1, "coordinates, not 1000");
    check_spoilt(&diff, 8, 1, "1 bits");
    check_spoilt(&diff, 8, 17, "17 bits");
    check_spoilt(&diff, 9, 0x1f, "chunk 4 of 4");
    check_spoilt(&diff, 9, 0x07, "packed vector");
    check_spoilt(&diff, 13, 0x7f, "chunk 0 has step");
    check_spoilt(&diff, 13, 0xff, "chunk 0 has step");
    check_spoilt(&diff, 13, 0x00, "chunk 0 has step");
    check_spoilt(&diff, 26, 0x80, "out of range");
    fed_bytes_fini(&diff);
}

static void test_what_is_not_a_number_is_refused(void)
{
    static float model[D], target[D], before[D];
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    fed_error err;
    fed_bytes diff;
    fed_bytes_init(&diff, 1 << 16);
    fixture_update(model, D, 1, 1);
    memcpy(before, model, sizeof before);
    for (int b = 0; b < 4; b++) {
        memcpy(target, model, sizeof target);
        target[999] = bad[b];
        CHECK_FAILS(fed_model_diff_publish(model, target, NULL, D, 8, &diff, &err),
                    FED_E_NUMERIC, &err, "coordinate 999");
        CHECK_MEM(model, before, sizeof before);
    }
    CHECK_FAILS(fed_model_diff_publish(model, target, NULL, D, 17, &diff, &err),
                FED_E_INVALID, &err, "17 bits");
    fed_bytes_fini(&diff);
}

static fed_status torture_scenario(void *ctx)
{
    static float model[D], target[D];
    fed_bytes diff;
    fed_bytes_init(&diff, 1 << 16);
    fixture_update(model, D, 1, 1);
    fixture_update(target, D, 2, 1);
    fed_status status = fed_model_diff_publish(model, target, NULL, D, 8, &diff, NULL);
    if (!status)
        status = fed_model_diff_apply(ctx, D, (fed_span){diff.data, diff.len}, NULL);
    fed_bytes_fini(&diff);
    return status;
}

static void test_torture(void)
{
    static float model[D];
    CHECK(fed_torture(torture_scenario, model) >= 4);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_server_and_device_agree),         CASE(test_error_is_carried),
        CASE(test_unchanged_chunks_cost_a_bit),     CASE(test_hostile_bytes_are_refused),
        CASE(test_what_is_not_a_number_is_refused), CASE(test_torture)};
    return fed_run("model_diff", cases, sizeof cases / sizeof *cases);
}
