/* fedsim as people run it: arguments, exit codes, the last line, traces, reports. */
#include "fedsim_process.h"

#include <stdio.h>
#include <sys/stat.h>

static const char plan[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"small\",\"model\":{\"input\":{\"shape\":[12]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5},\"update\":{\"select\":\"dense\",\"bits\":8},"
    "\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":6,\"cohort\":5,\"over_select\":1.2},"
    "\"evaluate\":{\"every\":2,\"on\":\"holdout\"}}";

#define DATA "--data 'synthetic:gaussian?dims=12&classes=4&rows=900' --clients 30 "

static void write_file(const char *name, const char *text)
{
    CHECK_MSG(fedsim_put_file(name, text), "%s: not written", name);
}

static void model_of(const char *arguments, char model[65])
{
    char all[2048];
    snprintf(all, sizeof all, "run plan.json " DATA "--json %s", arguments);
    model[0] = 0;
    if (!CHECK_MSG(fedsim_run(all) == 0, "fedsim %s: %s", all, fedsim_output)) return;
    json_t *json = fedsim_last_line();
    const char *text = json_string_value(json_object_get(json, "model_sha256"));
    if (CHECK(text && strlen(text) == 64)) memcpy(model, text, 65);
    json_decref(json);
}

/* ---- what is asked of the program -------------------------------------------------------- */

static void test_json(void)
{
    CHECK_EQ(fedsim_run("run plan.json " DATA "--json"), 0);
    json_t *json = fedsim_last_line();
    CHECK_EQ(json_integer_value(json_object_get(json, "rounds")), 6);
    CHECK(json_real_value(json_object_get(json, "accuracy")) > 0.5);
    CHECK(json_is_real(json_object_get(json, "loss")));
    CHECK(json_integer_value(json_object_get(json, "upload_bytes_per_device")) > 400);
    CHECK(json_integer_value(json_object_get(json, "download_bytes_per_device")) > 200);
    CHECK(json_is_real(json_object_get(json, "wall_s")));
    CHECK(json_is_null(json_object_get(json, "epsilon_output")));
    CHECK(json_is_null(json_object_get(json, "epsilon_server")));
    json_decref(json);
    fedsim_check("run plan.json " DATA, 0, "no noise was added: no guarantee");
}

static void test_one_model(void)
{
    char one[65], other[65];
    model_of("--threads 1", one);
    model_of("--threads 2", other);
    CHECK_STR(other, one);
    model_of("--threads 2 --fidelity protocol", other);
    CHECK_STR(other, one);
    model_of("--seed 2", other);
    CHECK(strcmp(one, other) != 0);
}

static void test_faults(void)
{
    char one[65], other[65];
    write_file("faults.json",
               "{\"format\":\"fed-faults/1\",\"drop\":{\"before_input\":0.2,"
               "\"after_input\":0.1},\"garbage\":0.1}");
    model_of("--faults faults.json", one);
    model_of("--faults faults.json --fidelity protocol", other);
    CHECK_STR(other, one);
    model_of("", other);
    CHECK(strcmp(one, other) != 0);
    write_file("crash.json", "{\"format\":\"fed-faults/1\",\"server_crash\":0.05}");
    fedsim_check("run plan.json " DATA "--faults crash.json", 3, "server_crash");
    model_of("--faults crash.json --fidelity protocol", other);
    write_file("bad.json", "{\"format\":\"fed-faults/1\",\"drop\":{\"lunch\":0.2}}");
    fedsim_check("run plan.json " DATA "--faults bad.json", 3, "drop.lunch");
    fedsim_check("run plan.json " DATA "--faults missing.json", 2, "missing.json");
}

static void test_replay(void)
{
    char one[65], other[65];
    model_of("--fidelity protocol --faults faults.json --trace t.jsonl", one);
    model_of("--replay t.jsonl", other);
    CHECK_STR(other, one);
    fedsim_check("run plan.json " DATA "--replay t.jsonl --seed 2", 1,
                 "version 1: device ");
    fedsim_check("run plan.json " DATA "--replay t.jsonl --set train.lr=0.2", 3,
                 "the plan of the trace");
    fedsim_check("run plan.json " DATA "--replay t.jsonl --rounds 2", 3, "--replay");
    fedsim_check("run plan.json " DATA "--replay missing.jsonl", 2, "missing.jsonl");
    /* A trace that tells another story: the first difference is named. */
    char *text = fedsim_read_file("t.jsonl");
    char *model = strstr(text, "\"version\":3");
    if (CHECK(model)) model = strstr(model, "\"model_sha256\":\"");
    if (CHECK(model)) {
        memset(model + strlen("\"model_sha256\":\""), '0', 64);
        write_file("lie.jsonl", text);
        fedsim_check("run plan.json " DATA "--replay lie.jsonl", 1, "version 3 is");
    }
    write_file("cut.jsonl", "{}\n");
    fedsim_check("run plan.json " DATA "--replay cut.jsonl", 3, "line 1");
}

static void test_report(void)
{
    struct stat info;
    char path[FED_FOLDER_MAX + 64];
    fedsim_check("run plan.json " DATA "--set train.lr=0.1,0.01 --report out", 0,
                 "train.lr=0.01");
    CHECK(strstr(fedsim_read_file("out/index.html"), "<svg") != NULL);
    CHECK(strstr(fedsim_read_file("out/rounds.csv"), "\"train.lr=0.01\",6,6,") != NULL);
    CHECK(strstr(fedsim_read_file("out/summary.json"), "\"runs\":[") != NULL);
    snprintf(path, sizeof path, "%s/out/model-2.safetensors", fedsim_folder());
    CHECK(stat(path, &info) == 0 && info.st_size > 200);
    CHECK_EQ(fedsim_run("run plan.json " DATA "--set train.lr=0.1,0.01 --json"), 0);
    json_t *json = fedsim_last_line();
    CHECK_EQ(json_array_size(json_object_get(json, "runs")), 2);
    json_decref(json);
    fedsim_check("run plan.json " DATA "--set train.lr=0.1,0.01 --trace t2.jsonl", 3,
                 "one run only");
}

static void test_check(void)
{
    fedsim_check("check plan.json", 0, "no noise, no guarantee");
    fedsim_check("check plan.json --clients 1000", 0, "takes part 0.036 times");
    fedsim_check("check plan.json --resolved", 0, "\"over_select\":1.2");
    CHECK_EQ(fedsim_run("check plan.json --json"), 0);
    json_t *json = fedsim_last_line();
    CHECK_EQ(json_integer_value(json_object_get(json, "params")), 52);
    CHECK_EQ(json_integer_value(json_object_get(json, "invited")), 6);
    CHECK_EQ(json_array_size(json_object_get(json, "layers")), 1);
    json_decref(json);
    CHECK_EQ(fedsim_run("check plan.json --resolved > resolved.json"), 0);
    fedsim_check("check resolved.json", 0, "parameters");
}

static void test_data(void)
{
    fedsim_check("data 'synthetic:gaussian?dims=12&classes=4&rows=900' --clients 30", 0,
                 "rows of a client: 30 to 30");
    CHECK_EQ(
        fedsim_run("data 'synthetic:gaussian?dims=12&classes=4&rows=900' --clients 30 "
                   "--partition shards:2 --json"),
        0);
    json_t *json = fedsim_last_line(), *clients = json_object_get(json, "clients");
    CHECK_EQ(json_array_size(clients), 30);
    json_int_t sum = 0;
    for (size_t i = 0; i < json_array_size(clients); i++) {
        json_t *classes = json_object_get(json_array_get(clients, i), "classes");
        for (size_t c = 0; c < json_array_size(classes); c++)
            sum += json_integer_value(json_array_get(classes, c));
    }
    CHECK_EQ(sum, 900);
    json_decref(json);
    fedsim_check("data nonsense:x", 3, "nonsense");
}

static void test_refusals(void)
{
    fedsim_check("", 2, "--help");
    fedsim_check("run plan.json", 2, "--data");
    fedsim_check("run plan.json " DATA "--fidelity exact", 2, "exact");
    fedsim_check("run missing.json " DATA, 2, "missing.json");
    fedsim_check("run plan.json " DATA "--rounds 7", 3, "rounds.count");
    fedsim_check("run plan.json " DATA "--set train.lr=-1", 3, "train.lr");
    fedsim_check("run plan.json " DATA "--set nonsense=1", 3, "nonsense");
    fedsim_check("run plan.json " DATA "--set rounds.cohort=100", 3, "rounds.cohort");
    fedsim_check("check plan.json --set evaluate.on=devices", 3, "evaluate.on");
    fedsim_check("run plan.json --data synthetic:linear --clients 9", 3, "model");
    fedsim_check("run plan.json --data mnist:/nowhere", 2, "nowhere");
}

/* ---- plans that come with the project ---------------------------------------------------- */

static void run_plan(const char *name, const char *data, const char *more)
{
    char all[2048];
    snprintf(all, sizeof all, "run '" PLANS "/%s.json' --data '%s' --json %s", name, data,
             more);
    if (!CHECK_MSG(fedsim_run(all) == 0, "fedsim %s: %s", all, fedsim_output)) return;
    json_t *json = fedsim_last_line();
    fed_note("%s: accuracy %.4f, %.2f s", name,
             json_real_value(json_object_get(json, "accuracy")),
             json_real_value(json_object_get(json, "wall_s")));
    CHECK(json_real_value(json_object_get(json, "accuracy")) > 0.2);
    json_decref(json);
}

static void test_plans_check(void)
{
    static const char *const names[] = {"mnist-lr", "mnist-mlp", "mnist-cnn",
                                        "mnist-demo", "har-mlp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char all[1024];
        snprintf(all, sizeof all, "check '" PLANS "/%s.json'", names[i]);
        fedsim_check(all, 0, "no guarantee");
    }
}

static void test_plans_mnist(void)
{
    char data[512];
    const char *path = fed_data_path("mnist");
    if (!path) return;
    snprintf(data, sizeof data, "mnist:%s", path);
    run_plan("mnist-lr", data, "--clients 1000 --partition shards:2 --rounds 20");
    run_plan("mnist-mlp", data, "--clients 1000 --rounds 3");
    run_plan("mnist-demo", data, "--clients 100 --rounds 3 --fidelity protocol");
    run_plan("mnist-cnn", data,
             "--clients 1000 --rounds 2 --set train.epochs=2 --set evaluate.every=2");
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_json),        CASE(test_one_model),
                                     CASE(test_faults),      CASE(test_replay),
                                     CASE(test_report),      CASE(test_check),
                                     CASE(test_data),        CASE(test_refusals),
                                     CASE(test_plans_check), CASE(test_plans_mnist)};
    if (!fedsim_folder_make() || !fedsim_put_file("plan.json", plan)) return 1;
    return fedsim_folder_remove(fed_run("fedsim", cases, sizeof cases / sizeof *cases));
}
