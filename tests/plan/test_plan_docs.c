/* The documents that are made from the table, and the plans that are ready to run. */
#include "plan_files.h"

#include <jansson.h>
#include <stdio.h>

#include "plan_docs.h"

/* ---- what is made is what is committed ---- */

static void check_same(fed_bytes *made, const char *name)
{
    fed_bytes file;
    fed_bytes_init(&file, 1 << 22);
    if (plan_read_top(&file, name))
        CHECK_MSG(file.len == made->len && !memcmp(file.data, made->data, file.len),
                  "%s is out of date: run plan_docs docs", name);
    fed_bytes_fini(&file);
}

static void test_schema_is_current(void)
{
    fed_bytes made;
    fed_error err = {0};
    fed_bytes_init(&made, 1 << 22);
    CHECK_OK(fed_plan_write_schema(&made, &err), &err);
    check_same(&made, "docs/plan.schema.json");
    fed_bytes_fini(&made);
}

static void test_reference_is_current(void)
{
    fed_bytes made;
    fed_bytes_init(&made, 1 << 22);
    fed_plan_write_reference(&made);
    CHECK_EQ(made.status, FED_OK);
    check_same(&made, "docs/plan-reference.md");
    fed_bytes_fini(&made);
}

/* ---- the table itself ---- */

/* Every default passes the check of its own field, in every context that it is for: plans
 * with only what is required are parsed in test_plan.c; here each row is looked at. */
static void test_table_is_sound(void)
{
    for (size_t i = 0; i < fed_plan_n_fields; i++) {
        const fed_plan_field *f = &fed_plan_fields[i];
        size_t prefix = (size_t)(fed_plan_leaf(f->path) - f->path);
        char group[FED_PLAN_MAX_NAME + 1];
        snprintf(group, sizeof group, "%.*s", (int)(prefix ? prefix - 1 : 0), f->path);
        CHECK_MSG(fed_plan_find_group(group) != NULL, "%s has no group", f->path);
        CHECK_MSG(fed_plan_find_field(f->path) == f, "%s stands there twice", f->path);
        CHECK_MSG(f->doc && f->doc[strlen(f->doc) - 1] == '.', "%s: doc", f->path);
        for (const fed_plan_word *w = f->words; w && w->word; w++)
            CHECK_MSG(f->kind == FED_FIELD_CHOICE || f->kind == FED_FIELD_ADDRESS ||
                          w->value < f->min || w->value > f->max ||
                          (w->value == f->min && f->above_min),
                      "%s: \"%s\" stands for a number within bounds", f->path, w->word);
        json_t *value =
            f->fallback ? json_loads(f->fallback, JSON_DECODE_ANY, NULL) : NULL;
        CHECK_MSG(!f->fallback || value, "%s: its default is no JSON", f->path);
        json_decref(value);
    }
    for (size_t i = 0; i < fed_plan_n_exceptions; i++) {
        const fed_plan_exception *e = &fed_plan_exceptions[i];
        const fed_plan_field *when = fed_plan_find_field(e->when);
        CHECK(fed_plan_find_field(e->path) != NULL);
        CHECK(when && fed_plan_find_word(when, e->is));
    }
}

/* ---- ready plans ---- */

static void check_ready(const char *name)
{
    fed_bytes text, resolved;
    fed_plan *plan = NULL, *again = NULL;
    fed_error err = {0};
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_bytes_init(&resolved, FED_PLAN_MAX_BYTES);
    if (plan_read_top(&text, name) &&
        CHECK_OK(fed_plan_parse(&plan, text.data, text.len, FED_PLAN_AUTHOR, &err),
                 &err) &&
        CHECK_OK(fed_plan_write(plan, &resolved, &err), &err))
        CHECK_OK(
            fed_plan_parse(&again, resolved.data, resolved.len, FED_PLAN_RESOLVED, &err),
            &err);
    /* a plan is called as its file */
    char file[128];
    if (plan) {
        snprintf(file, sizeof file, "docs/plans/%s.json", plan->name);
        CHECK_STR(name, file);
    }
    fed_plan_free(plan);
    fed_plan_free(again);
    fed_bytes_fini(&text);
    fed_bytes_fini(&resolved);
}

static void test_ready_plans(void)
{
    size_t n = plan_each_top("docs/plans", check_ready);
    CHECK(n >= 4);
    fed_note("%zu plans", n);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_schema_is_current),
        CASE(test_reference_is_current),
        CASE(test_table_is_sound),
        CASE(test_ready_plans),
    };
    return fed_run("plan_docs", cases, sizeof cases / sizeof *cases);
}
