/* What is understood but not built is refused by name, never ignored. A line leaves this
 * file when the thing it names is carried out by device, server and simulator alike. */
#include "task_internal.h"

typedef struct refusal {
    bool applies;
    const char *text;
} refusal;

static bool strategy_is_built(fed_plan_strategy_name name)
{
    switch (name) {
    case FED_STRATEGY_FEDAVG:
    case FED_STRATEGY_FEDAVGM:
    case FED_STRATEGY_FEDPROX:
    case FED_STRATEGY_FEDADAGRAD:
    case FED_STRATEGY_FEDADAM:
    case FED_STRATEGY_FEDYOGI:
        return true;
    default:
        return false;
    }
}

fed_status fed_task_refuse(const fed_plan *plan, fed_error *err)
{
    const refusal refusals[] = {
        {plan->rounds.max_staleness > 0,
         "rounds.max_staleness: asynchronous rounds are not carried out yet; say 0"},
        {!strategy_is_built(plan->strategy.name),
         "strategy.name: only fedavg, fedprox, fedavgm, fedadagrad, fedadam and fedyogi "
         "are carried out yet"},
        {plan->evaluate.on == FED_EVALUATE_DEVICES,
         "evaluate.on: \"devices\" is not carried out yet; say \"holdout\" or \"none\""},
        {plan->model.init.given,
         "model.init: starting from a stored model is not carried out yet"},
        {plan->eligibility.tags.n > 0, "eligibility.tags: not carried out yet"},
        {plan->eligibility.min_battery > 0,
         "eligibility.min_battery: not carried out yet; say 0"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].applies)
            return fed_fail(err, FED_E_UNSUPPORTED, "%s", refusals[i].text);
    return FED_OK;
}
