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
    {.name = "check",
     .operands = "PLAN",
     .help = "say what a plan will cost, or why it is refused",
     .details = "Prices PLAN without running it: shapes, parameters, operations and "
                "memory of the "
                "model, bytes of a device and of all rounds, and the epsilon of who sees "
                "the models and of the server. A plan that is malformed or unsound is "
                "refused with exit code 3; one that asks for what is not built is "
                "priced, and then refused.",
     .options = fed_sim_check_options,
     .run = fed_sim_check},
    {.name = "epsilon",
     .help = "say what a Gaussian mechanism costs, without a plan",
     .details =
         "Answers with the epsilon of T releases with Gaussian noise. A plan's own "
         "mechanism is priced by check.",
     .options = fed_sim_epsilon_options,
     .run = fed_sim_epsilon},
    {.name = "data",
     .operands = "SPEC",
     .help = "show a data set and what each client holds of it",
     .details =
         "Reads the data set that SPEC names, shares it out as a simulation would, "
         "and shows the rows and classes of the clients.",
     .options = fed_sim_data_options,
     .run = fed_sim_data},
    {0}};

static const fed_example examples[] = {
    {"fedsim run docs/plans/mnist-lr.json --data mnist:DIR --clients 1000 "
     "--partition shards:2 --seed 1 --json",
     "logistic regression over 1,000 clients with two digits each"},
    {"fedsim run PLAN --data mnist:DIR --fidelity protocol --faults faults.json",
     "every message of every device, with drop-outs"},
    {"fedsim run PLAN --data mnist:DIR --set train.lr=0.1,0.03 --report out",
     "two learning rates, compared on one page"},
    {"fedsim run PLAN --data mnist:DIR --seed 1 --replay trace.jsonl",
     "carry out again what a real federation did"},
    {"fedsim check docs/plans/mnist-cnn.json", "what a plan will cost"},
    {"fedsim check PLAN --epsilon 4", "which noise keeps the plan within epsilon 4"},
    {"fedsim epsilon --sigma 1.1 --q 0.01 --steps 1000 --delta 1e-6 --sampling poisson",
     "what 1,000 releases to a hundredth of the devices cost"},
    {"fedsim data 'mnist:DIR?partition=shards:2&clients=100'", "who holds which digits"},
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
