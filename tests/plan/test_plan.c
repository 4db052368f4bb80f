/* The parser and the resolved form. */
#include "harness.h"

#include "plan.h"

static const char small[] =
    "{\"model\":{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"linear\",\"units\":3}],"
    "\"loss\":\"softmax_cross_entropy\"},\"train\":{\"lr\":0.1}}";

static fed_plan *parse(const char *text)
{
    fed_plan *plan = NULL;
    fed_error err = {0};
    CHECK_OK(fed_plan_parse(&plan, text, strlen(text), FED_PLAN_AUTHOR, &err), &err);
    return plan;
}

static void test_defaults(void)
{
    fed_plan *plan = parse(small);
    if (!plan) return;
    CHECK_STR(plan->name, "plan");
    CHECK_EQ(plan->model.n_layers, 1);
    CHECK_STR(plan->model.layers[0].name, "linear_0");
    CHECK_STR(fed_plan_from_name(&plan->model, &plan->model.layers[0], 0), "input");
    CHECK(plan->train.lr == 0.1);
    CHECK_EQ(plan->train.batch, 10);
    CHECK(plan->secagg.enabled);
    CHECK_EQ(plan->update.bits, 8);
    CHECK(!plan->update.residual);
    CHECK_EQ(fed_plan_invited(plan), 13);
    fed_plan_free(plan);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_defaults)};
    return fed_run("plan", cases, sizeof cases / sizeof *cases);
}
