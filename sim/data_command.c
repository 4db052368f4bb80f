/* fedsim data: what a data set looks like, and what each client would hold of it. */
#include "fedsim.h"

#include <inttypes.h>
#include <stdio.h>

enum { SHOWN = 20, CLASSES_SHOWN = 16 }; /* of clients and classes, to people */

static struct {
    const char *partition;
    uint64_t clients, seed;
    bool json;
} opt = {.seed = 1};

const fed_option fed_sim_data_options[] = {
    FED_OPT_HEADING("Population"),
    FED_OPT_TEXT("partition", 0, "P", &opt.partition,
                 "iid, shards:K, dirichlet:A, powerlaw:K or user"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 0, 10000000,
                "simulated devices; 0: what the data say"),
    FED_OPT_U64("seed", 0, "S", &opt.seed, 0, UINT64_MAX, "seed of the partition"),
    FED_OPT_HEADING("Output"),
    FED_OPT_FLAG("json", 0, &opt.json, "print one JSON object, all clients in it"),
    FED_OPT_END};

/* A client's rows and, when targets are classes, how many there are of each. */
typedef struct holding {
    uint32_t rows;
    uint32_t *counts;
} holding;

static holding look(const fed_population *p, uint32_t client, uint32_t *counts)
{
    const uint32_t *rows;
    const fed_data *data = fed_population_data(p);
    uint32_t n = fed_partition_rows(fed_population_partition(p), client, &rows);
    bool has_classes = fed_data_describe(data)->target == FED_TARGET_CLASS;
    if (has_classes) fed_data_count_classes(data, rows, n, counts);
    return (holding){n, has_classes ? counts : NULL};
}

/* ---- for people ------------------------------------------------------------------------ */

static void say_set(const fed_population *p, uint32_t test_rows)
{
    static const char *const targets[] = {"a class", "the next tokens", "numbers"};
    const fed_data_info *info = fed_data_describe(fed_population_data(p));
    printf("%-10s %u rows for training, %u for testing\n", "rows", info->rows, test_rows);
    printf("%-10s %u %s, shape", "input", info->input_len,
           info->input == FED_INPUT_TOKEN ? "tokens" : "numbers");
    for (uint32_t i = 0; i < info->rank; i++)
        printf("%s%u", i ? "x" : " ", info->shape[i]);
    printf("\n%-10s %s", "target", targets[info->target]);
    if (info->classes) printf(", %u classes", info->classes);
    printf("\n%-10s %u\n\n", "clients", fed_population_clients(p));
}

static void say_client(uint32_t client, const holding *h, uint32_t classes)
{
    printf("%8u %8u ", client, h->rows);
    for (uint32_t c = 0; h->counts && c < classes && c < CLASSES_SHOWN; c++)
        printf(" %5u", h->counts[c]);
    printf("%s\n", h->counts && classes > CLASSES_SHOWN ? " ..." : "");
}

static void say_clients(const fed_population *p, uint32_t *counts)
{
    uint32_t n = fed_population_clients(p), least = UINT32_MAX, most = 0;
    uint32_t classes = fed_data_describe(fed_population_data(p))->classes;
    uint64_t sum = 0;
    printf("%8s %8s  %s\n", "client", "rows", "rows of each class");
    for (uint32_t i = 0; i < n; i++) {
        holding h = look(p, i, counts);
        sum += h.rows;
        if (h.rows < least) least = h.rows;
        if (h.rows > most) most = h.rows;
        if (i < SHOWN) say_client(i, &h, classes);
    }
    if (n > SHOWN) printf("     ... %u more; --json shows all\n", n - SHOWN);
    printf("\nrows of a client: %u to %u, %.1f on average\n", least, most,
           (double)sum / n);
}

/* ---- for scripts ----------------------------------------------------------------------- */

static json_t *clients_json(const fed_population *p, uint32_t *counts)
{
    json_t *list = json_array();
    uint32_t classes = fed_data_describe(fed_population_data(p))->classes;
    for (uint32_t i = 0; list && i < fed_population_clients(p); i++) {
        holding h = look(p, i, counts);
        json_t *of_classes = h.counts ? json_array() : json_null();
        for (uint32_t c = 0; h.counts && c < classes; c++)
            json_array_append_new(of_classes, json_integer(h.counts[c]));
        json_array_append_new(list,
                              json_pack("{s:I,s:I,s:o}", "client", (json_int_t)i, "rows",
                                        (json_int_t)h.rows, "classes", of_classes));
    }
    return list;
}

static fed_status say_json(const fed_population *p, uint32_t test_rows, uint32_t *counts,
                           fed_error *err)
{
    const fed_data_info *info = fed_data_describe(fed_population_data(p));
    json_t *shape = json_array();
    for (uint32_t i = 0; i < info->rank; i++)
        json_array_append_new(shape, json_integer(info->shape[i]));
    json_t *json =
        json_pack("{s:I,s:I,s:s,s:o,s:I,s:I,s:I,s:o}", "rows", (json_int_t)info->rows,
                  "test_rows", (json_int_t)test_rows, "input",
                  info->input == FED_INPUT_TOKEN ? "tokens" : "numbers", "shape", shape,
                  "classes", (json_int_t)info->classes, "vocab", (json_int_t)info->vocab,
                  "users", (json_int_t)info->users, "clients", clients_json(p, counts));
    return fed_sim_say_json(json, err);
}

/* ---- the command ----------------------------------------------------------------------- */

/* A set without a test part is a set all the same. */
static uint32_t test_rows_of(fed_population *p)
{
    fed_examples test;
    return fed_population_holdout(p, &test, NULL) == FED_OK ? test.count : 0;
}

fed_status fed_sim_data(const fed_operands *operands, fed_error *err)
{
    fed_population *p = NULL;
    fed_population_config config = {operands->items[0], opt.partition,
                                    (uint32_t)opt.clients, opt.seed};
    FED_TRY(fed_population_new(&p, &config, err));
    uint32_t classes = fed_data_describe(fed_population_data(p))->classes;
    uint32_t test_rows = test_rows_of(p);
    uint32_t *counts = fed_calloc(classes + 1, sizeof *counts);
    fed_status status = FED_OK;
    if (!counts) {
        status = fed_fail_nomem(err, classes * sizeof *counts);
    } else if (opt.json) {
        status = say_json(p, test_rows, counts, err);
    } else {
        say_set(p, test_rows);
        say_clients(p, counts);
    }
    fed_free(counts);
    fed_population_free(p);
    return status;
}
