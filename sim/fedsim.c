/* fedsim: the simulator's command line. */
#include "fedsim.h"

static const fed_command commands[] = {
    {.name = "run",
     .operands = "PLAN",
     .help = "simulate a plan",
     .details =
         "Runs the federation that PLAN describes over the clients of a data set, and "
         "says what it reached and what it cost.",
     .options = fed_sim_run_options,
     .run = fed_sim_run},
    {0}};

static const fed_example examples[] = {
    {"fedsim run docs/plans/mnist-lr.json --data mnist:DIR --clients 1000 "
     "--partition shards:2 --seed 1 --json",
     "logistic regression over 1,000 clients with two digits each"},
    {0}};

int main(int argc, char **argv)
{
    static const fed_program program = {
        .name = "fedsim",
        .summary = "simulate a federation on one machine",
        .description =
            "Runs the production code of device and server for thousands of devices "
            "under a virtual clock, from a seed: the same seed gives the same model, "
            "bit for bit, on any number of threads.",
        .commands = commands,
        .examples = examples,
        .see_also = "fedserver(1), fedclient(1), fedctl(1)"};
    return fed_program_main(&program, argc, argv);
}
