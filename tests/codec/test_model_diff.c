/* A model as the difference from an earlier version: server and device arrive at the same
 * bits, and nothing is lost on the way. */
#include "codec_fixture.h"

enum { D = 1000, VERSIONS = 20 };

static fed_bytes new_bytes(void)
{
    fed_bytes b;
    fed_bytes_init(&b, 1 << 16);
    return b;
}

static fed_span span_of(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

/* From every version to every later one, on grids coarse and fine. */
static void test_any_version_leads_to_any_later_one(void)
{
    for (unsigned bits = 4; bits <= 20; bits += 4) {
        static float versions[VERSIONS][D], carry[D], update[D], device[D];
        fed_error err;
        fixture_update(versions[0], D, 1, 10);
        fed_model_grid_round(versions[0], NULL, D, bits);
        memset(carry, 0, sizeof carry);
        for (uint64_t v = 1; v < VERSIONS; v++) {
            fixture_update(update, D, v, 0.3);
            for (int i = 0; i < D; i++)
                versions[v][i] = versions[v - 1][i] + update[i];
            fed_model_grid_round(versions[v], carry, D, bits);
            for (uint64_t from = 0; from <= v; from++) {
                fed_bytes diff = new_bytes();
                CHECK_OK(fed_model_diff_encode(versions[from], versions[v], D, bits,
                                               &diff, &err),
                         &err);
                memcpy(device, versions[from], sizeof device);
                CHECK_OK(fed_model_diff_apply(device, D, bits, span_of(&diff), &err),
                         &err);
                CHECK_MEM(device, versions[v], sizeof device);
                fed_bytes_fini(&diff);
            }
        }
    }
}

/* The carry makes up for rounding: after many versions the published model is half a step
 * away from the exact sum of all updates, and with the carry no further than float32 is. */
static void test_what_rounding_takes_is_carried(void)
{
    enum { BITS = 6 };
    static float model[D], carry[D], update[D];
    static double exact[D];
    double worst = 0, rest = 0, step = ldexp(1, -BITS);
    fixture_update(model, D, 1, 1);
    fed_model_grid_round(model, NULL, D, BITS);
    for (int i = 0; i < D; i++)
        exact[i] = model[i];
    memset(carry, 0, sizeof carry);
    for (uint64_t version = 0; version < 100; version++) {
        fixture_update(update, D, version, 0.03);
        for (int i = 0; i < D; i++) {
            model[i] += update[i];
            exact[i] += update[i];
        }
        fed_model_grid_round(model, carry, D, BITS);
    }
    for (int i = 0; i < D; i++) {
        worst = fmax(worst, fabs(model[i] - exact[i]));
        rest = fmax(rest, fabs(model[i] + (double)carry[i] - exact[i]));
        CHECK(model[i] == (float)(step * round(model[i] / step)));
    }
    CHECK_MSG(worst < 0.51 * step, "worst %g, step %g", worst, step);
    CHECK_MSG(rest < 1e-5, "published + carry is off by %g", rest);
}

/* Ties go up; what the grid cannot hold stays as it is. */
static void test_rounding_of_single_values(void)
{
    float values[] = {0.25f, -0.25f, 0.74f, -0.76f, -0.0f, 1e30f, INFINITY, NAN};
    float carry[] = {0, 0, 0, 0, 0, 5, 5, 5};
    fed_model_grid_round(values, carry, 8, 1);
    static const float wanted[] = {0.5f, 0, 0.5f, -1, 0, 1e30f, INFINITY};
    for (int i = 0; i < 7; i++)
        CHECK(values[i] == wanted[i]);
    CHECK(isnan(values[7]) && !signbit(values[4]));
    CHECK(carry[0] == -0.25f && carry[1] == -0.25f);
    CHECK(carry[5] == 0 && carry[6] == 0 && carry[7] == 0);
}

/* A model that stands still moves where most is carried, and what it is with its carry does
 * not change. */
static void test_a_nudge(void)
{
    float values[] = {1, 2, 3}, carry[] = {0.125f, -0.25f, 0.0625f};
    fed_model_grid_nudge(values, carry, 3, 1);
    CHECK(values[0] == 1 && values[1] == 1.5f && values[2] == 3);
    CHECK(carry[0] == 0.125f && carry[1] == 0.25f && carry[2] == 0.0625f);
    memset(carry, 0, sizeof carry);
    fed_model_grid_nudge(values, carry, 3, 1);
    CHECK(values[1] == 1.5f);
    fed_model_grid_nudge(values, carry, 0, 1);
}

/* What stands in the file, byte by byte, as the essay of model_diff.c says. */
static void test_the_bytes_are_as_described(void)
{
    static const float from[] = {0, 0, 1, 1}, to[] = {0, -0.5f, 2, 129};
    static const uint8_t wanted[] = {'F', 'M', 'D', '1', 4, 0, 0, 0, 2,
                                     0,   1,   4,   0,   0, 0, 0, 2};
    fed_error err;
    fed_bytes diff = new_bytes();
    CHECK_OK(fed_model_diff_encode(from, to, 4, 1, &diff, &err), &err);
    CHECK_EQ(diff.len, sizeof wanted);
    CHECK_MEM(diff.data, wanted, sizeof wanted);
    fed_bytes_clear(&diff);
    CHECK_OK(fed_model_diff_encode(from, from, 4, 1, &diff, &err), &err);
    CHECK_EQ(diff.len, 9); /* nothing changes: no plane */
    fed_bytes_fini(&diff);
}

static void check_refused(const fed_bytes *diff, size_t len, const char *text)
{
    static float model[D], before[D];
    fed_error err;
    fixture_update(model, D, 1, 1);
    model[D - 1] = 3.4e38f;
    memcpy(before, model, sizeof before);
    CHECK_FAILS(fed_model_diff_apply(model, D, 12, (fed_span){diff->data, len}, &err),
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
    static float model[D], target[D], huge[1] = {3.4e38f};
    fed_error err;
    fed_bytes diff = new_bytes();
    fixture_update(model, D, 1, 1);
    fixture_update(target, D, 2, 1);
    fed_model_grid_round(model, NULL, D, 12);
    fed_model_grid_round(target, NULL, D, 12);
    CHECK_OK(fed_model_diff_encode(model, target, D, 12, &diff, &err), &err);
    CHECK(diff.len <= fed_model_diff_bytes_max(D));
    for (size_t n = 0; n < diff.len; n += 1 + n / 7)
        check_refused(&diff, n, "");
    check_spoilt(&diff, 0, 'X', "FMD1");
    check_spoilt(&diff, 4, 1, "weights, not 1000");
    check_spoilt(&diff, 8, 5, "5 planes");
    check_spoilt(&diff, 8, 1, "do not hold 1 planes");
    fed_bytes_put_u8(&diff, 0);
    check_refused(&diff, diff.len, "do not hold");
    fed_bytes_clear(&diff);
    static const uint8_t far[] = {'F', 'M', 'D', '1', 1, 0, 0, 0, 4, 254, 255, 255, 255};
    CHECK_OK(fed_model_diff_apply(huge, 1, 1, (fed_span){far, sizeof far}, &err), &err);
    CHECK(huge[0] == 3.4e38f); /* 2^30 is less than its last bit */
    fed_bytes_fini(&diff);
}

static void test_what_is_not_on_the_grid_has_no_difference(void)
{
    static float model[D], target[D];
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f, 0.3f, -0.0f};
    fed_error err;
    fed_bytes diff = new_bytes();
    memset(model, 0, sizeof model);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
        memcpy(target, model, sizeof target);
        target[999] = bad[b];
        CHECK_FAILS(fed_model_diff_encode(model, target, D, 8, &diff, &err),
                    FED_E_NUMERIC, &err, "multiples of 2^-8");
        CHECK_EQ(diff.len, 0);
    }
    CHECK_FAILS(fed_model_diff_encode(model, model, 0, 8, &diff, &err), FED_E_INVALID,
                &err, "of 0 weights");
    CHECK_FAILS(fed_model_diff_apply(model, 0, 8, span_of(&diff), &err), FED_E_INVALID,
                &err, "of 0 weights");
    fed_bytes_fini(&diff);
}

static fed_status torture_scenario(void *ctx)
{
    static float model[D], target[D];
    fed_bytes diff = new_bytes();
    fixture_update(target, D, 2, 1);
    fed_model_grid_round(target, NULL, D, 8);
    fed_status status = fed_model_diff_encode(model, target, D, 8, &diff, NULL);
    memset(ctx, 0, D * sizeof(float));
    if (!status) status = fed_model_diff_apply(ctx, D, 8, span_of(&diff), NULL);
    fed_bytes_fini(&diff);
    return status;
}

static void test_torture(void)
{
    static float model[D];
    CHECK(fed_torture(torture_scenario, model) >= 2);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_any_version_leads_to_any_later_one),
                                     CASE(test_what_rounding_takes_is_carried),
                                     CASE(test_rounding_of_single_values),
                                     CASE(test_a_nudge),
                                     CASE(test_the_bytes_are_as_described),
                                     CASE(test_hostile_bytes_are_refused),
                                     CASE(test_what_is_not_on_the_grid_has_no_difference),
                                     CASE(test_torture)};
    return fed_run("model_diff", cases, sizeof cases / sizeof *cases);
}
