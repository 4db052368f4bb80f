/* The three ways to show a run. */
#include "harness.h"

#include <jansson.h>

#include "report.h"

enum { ROWS = 3 };

static void make(fed_report *run, const char *label)
{
    fed_error err;
    fed_report_init(run);
    memcpy(run->label, label, strlen(label) + 1);
    memcpy(run->plan, "a<b>&\"c", 8);
    run->kernel = "avx2";
    run->clients = 100;
    run->wall_s = 2;
    memset(run->model_sha256, 'f', 64);
    for (int i = 0; i < ROWS; i++) {
        fed_report_row row = {.version = (uint64_t)i + 1,
                              .committed = true,
                              .accuracy = i == 1 ? NAN : 0.5 + 0.1 * i,
                              .loss = i == 1 ? NAN : 1.0 / (i + 1),
                              .train_loss = 0.25,
                              .upload_bytes = 1000,
                              .download_bytes = 3000,
                              .invited = 10,
                              .trained = 6,
                              .survivors = 5,
                              .dropped = 2};
        CHECK_OK(fed_report_add(run, &row, 5, &err), &err);
    }
}

static void test_totals(void)
{
    fed_report run;
    make(&run, "");
    CHECK_EQ(run.rounds, ROWS);
    CHECK_EQ(fed_report_upload_per_device(&run), 200);
    CHECK_EQ(fed_report_download_per_device(&run), 500);
    CHECK_NEAR(run.accuracy, 0.7, 1e-12);
    CHECK_EQ(run.dropped, 6);
    fed_report_fini(&run);
    CHECK_EQ(fed_report_upload_per_device(&run), 0);
}

static json_t *parse(const fed_report *runs, size_t n)
{
    fed_error err;
    fed_bytes text;
    fed_bytes_init(&text, 1 << 20);
    CHECK_OK(fed_report_json(runs, n, &text, &err), &err);
    json_t *json = json_loadb((const char *)text.data, text.len, 0, NULL);
    fed_bytes_fini(&text);
    CHECK(json != NULL);
    return json;
}

static void test_json(void)
{
    fed_report runs[2];
    make(&runs[0], "");
    make(&runs[1], "train.lr=0.1");
    json_t *one = parse(runs, 1), *two = parse(runs, 2);
    CHECK_STR(json_string_value(json_object_get(one, "plan")), "a<b>&\"c");
    CHECK_EQ(json_integer_value(json_object_get(one, "rounds")), 3);
    CHECK_EQ(json_integer_value(json_object_get(one, "upload_bytes_per_device")), 200);
    CHECK_EQ(json_integer_value(json_object_get(one, "download_bytes_per_device")), 500);
    CHECK_NEAR(json_real_value(json_object_get(one, "accuracy")), 0.7, 1e-9);
    CHECK(json_is_null(json_object_get(one, "epsilon_output")));
    CHECK(json_is_null(json_object_get(one, "epsilon_server")));
    CHECK(!json_object_get(one, "label"));
    json_t *list = json_object_get(two, "runs");
    CHECK_EQ(json_array_size(list), 2);
    CHECK_STR(json_string_value(json_object_get(json_array_get(list, 1), "label")),
              "train.lr=0.1");
    json_decref(one);
    json_decref(two);
    fed_report_fini(&runs[0]);
    fed_report_fini(&runs[1]);
}

/* Before anything was measured there is nothing to say, and that is not zero. */
static void test_empty(void)
{
    fed_report run;
    fed_error err;
    fed_bytes page;
    fed_report_init(&run);
    json_t *json = parse(&run, 1);
    CHECK(json_is_null(json_object_get(json, "accuracy")));
    CHECK(json_is_null(json_object_get(json, "loss")));
    json_decref(json);
    fed_bytes_init(&page, 1 << 20);
    CHECK_OK(fed_report_page(&run, 1, &page, &err), &err);
    CHECK(!strstr(fed_bytes_text(&page), "nan"));
    fed_bytes_fini(&page);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void test_csv(void)
{
    fed_report run;
    fed_error err;
    fed_bytes text;
    make(&run, "name=\"x\"");
    fed_bytes_init(&text, 1 << 20);
    CHECK_OK(fed_report_csv(&run, 1, &text, &err), &err);
    const char *csv = fed_bytes_text(&text);
    CHECK_EQ(count(csv, "\n"), 1 + ROWS);
    CHECK(strstr(csv, "\"name=\"\"x\"\"\",1,1,0.5,1,0.25,1000,3000,10,6,5,2,0,0,0,,\n"));
    CHECK(strstr(csv, ",2,2,,,0.25,"));
    fed_bytes_fini(&text);
    fed_report_fini(&run);
}

static void test_page(void)
{
    fed_report runs[2];
    fed_error err;
    fed_bytes text;
    make(&runs[0], "<script>");
    make(&runs[1], "b");
    fed_bytes_init(&text, 1 << 20);
    CHECK_OK(fed_report_page(runs, 2, &text, &err), &err);
    const char *page = fed_bytes_text(&text);
    CHECK(!strstr(page, "<script"));
    CHECK(strstr(page, "&lt;script>") != NULL);
    CHECK(!strstr(page, "a<b>"));
    CHECK(!strstr(page, "http"));
    CHECK(!strstr(page, "nan"));
    CHECK_EQ(count(page, "<svg"), 6);
    CHECK_EQ(count(page, "<svg"), count(page, "</svg>"));
    CHECK_EQ(count(page, "<polyline"), 12);
    fed_bytes_fini(&text);
    fed_report_fini(&runs[0]);
    fed_report_fini(&runs[1]);
}

/* Two numbers side by side, and a word where there is none. */
static void test_privacy(void)
{
    fed_report run;
    fed_error err;
    fed_bytes text;
    make(&run, "");
    run.is_private = true;
    run.delta = 1e-5;
    for (size_t i = 0; i < run.n_rows; i++) {
        run.rows[i].epsilon_output = (double)(i + 1) / 2;
        run.rows[i].epsilon_server = INFINITY;
    }
    run.epsilon_output = 1.5, run.epsilon_server = INFINITY;
    json_t *json = parse(&run, 1);
    CHECK_NEAR(json_real_value(json_object_get(json, "epsilon_output")), 1.5, 1e-9);
    CHECK(json_is_null(json_object_get(json, "epsilon_server")));
    CHECK_NEAR(json_real_value(json_object_get(json, "delta")), 1e-5, 1e-12);
    json_decref(json);
    fed_bytes_init(&text, 1 << 20);
    CHECK_OK(fed_report_csv(&run, 1, &text, &err), &err);
    CHECK(strstr(fed_bytes_text(&text), ",0,0,0,0.5,\n") != NULL);
    fed_bytes_clear(&text);
    CHECK_OK(fed_report_page(&run, 1, &text, &err), &err);
    const char *page = fed_bytes_text(&text);
    CHECK_EQ(count(page, "<svg"), 7); /* no curve where nothing is promised */
    CHECK(strstr(page, "<td>1.5<td>none promised") != NULL);
    CHECK(strstr(page, "No noise") == NULL && strstr(page, "inf") == NULL);
    fed_bytes_fini(&text);
    fed_report_fini(&run);
}

static void test_limit(void)
{
    fed_report run;
    fed_error err;
    fed_bytes text;
    make(&run, "");
    fed_bytes_init(&text, 100);
    CHECK_FAILS(fed_report_page(&run, 1, &text, &err), FED_E_LIMIT, &err, "report");
    fed_bytes_fini(&text);
    fed_report_fini(&run);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_totals), CASE(test_json),    CASE(test_empty), CASE(test_csv),
        CASE(test_page),   CASE(test_privacy), CASE(test_limit)};
    return fed_run("report", cases, sizeof cases / sizeof *cases);
}
