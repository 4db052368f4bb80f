/* fedsim epsilon: what a Gaussian mechanism costs, without a plan. */
#include "fedsim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static struct {
    double sigma, q, delta;
    uint64_t steps;
    const char *accountant, *sampling;
    bool json;
} opt = {.q = 1, .accountant = "pld", .sampling = "none"};

const fed_option fed_sim_epsilon_options[] = {
    FED_OPT_HEADING("Mechanism"),
    {.kind = FED_OPTION_REAL,
     .name = "sigma",
     .argument = "S",
     .help = "noise multiplier: standard deviation over what one device can add",
     .required = true,
     .to.real = &opt.sigma,
     .bound.real = {1e-3, 1e6}},
    FED_OPT_REAL("q", 0, "Q", &opt.q, 1e-12, 1,
                 "sampling rate: share of the devices that is drawn"),
    {.kind = FED_OPTION_U64,
     .name = "steps",
     .argument = "T",
     .help = "releases",
     .required = true,
     .to.u64 = &opt.steps,
     .bound.u64 = {1, (uint64_t)1 << 40}},
    FED_OPT_CHOICE(
        "sampling", 0, "poisson|fixed_size|none", &opt.sampling,
        "how devices are drawn: by independent coins, so many of all, or not by "
        "chance"),
    FED_OPT_HEADING("Guarantee"),
    {.kind = FED_OPTION_REAL,
     .name = "delta",
     .argument = "D",
     .help = "delta of the guarantee",
     .required = true,
     .to.real = &opt.delta,
     .bound.real = {1e-300, 0.999999}},
    FED_OPT_CHOICE("accountant", 0, "rdp|pld", &opt.accountant,
                   "Renyi divergence, or privacy loss distributions"),
    FED_OPT_HEADING("Output"),
    FED_OPT_FLAG("json", 0, &opt.json, "print one JSON object"),
    FED_OPT_END};

static fed_status say_json(double epsilon, fed_error *err)
{
    json_t *json = json_pack("{s:o,s:f,s:f,s:f,s:I,s:s,s:s}", "epsilon",
                             fed_sim_epsilon_json(epsilon), "delta", opt.delta, "sigma",
                             opt.sigma, "q", opt.q, "steps", (json_int_t)opt.steps,
                             "accountant", opt.accountant, "sampling", opt.sampling);
    return fed_sim_say_json(json, err);
}

static void say(double epsilon)
{
    printf("epsilon %.6g at delta %g: %" PRIu64 " release%s, noise multiplier %g, ",
           epsilon, opt.delta, opt.steps, opt.steps == 1 ? "" : "s", opt.sigma);
    if (fed_sampling_from_name(opt.sampling) == FED_SAMPLING_NONE)
        printf("no sampling, accountant %s\n", opt.accountant);
    else
        printf("%s sampling at rate %g, accountant %s\n", opt.sampling, opt.q,
               opt.accountant);
}

fed_status fed_sim_epsilon(const fed_operands *operands, fed_error *err)
{
    (void)operands;
    double epsilon;
    fed_dp_event event = fed_dp_gaussian(opt.sigma, fed_sampling_from_name(opt.sampling),
                                         opt.q, opt.steps);
    FED_TRY(fed_dp_epsilon(&event, 1, fed_accountant_from_name(opt.accountant), opt.delta,
                           &epsilon, err));
    if (opt.json) return say_json(epsilon, err);
    say(epsilon);
    return FED_OK;
}
