/* One simulation, from a plan to its last model, in either fidelity. For fedsim's files. */
#ifndef FED_SIMULATION_H
#define FED_SIMULATION_H

#include <stdio.h>

#include "cli.h"
#include "key_map.h"
#include "model.h"
#include "population.h"
#include "report.h"
#include "sumrun.h"
#include "task.h"
#include "trace.h"
#include "turnout.h"
#include "virtualnet.h"

typedef struct fed_simulation_config {
    const char *plan; /* file */
    const fed_list *set;
    const char *data, *partition;
    const char *trace, *replay; /* files, or NULL */
    uint64_t clients, rounds, seed;
    bool is_protocol;
    fed_faults faults;
    const fed_parallel *parallel;
} fed_simulation_config;

typedef struct fed_simulation {
    fed_simulation_config config;
    fed_task *task;
    fed_population *population;
    fed_turnout *turnout;
    fed_sumrun *sum; /* one of these two */
    fed_virtualnet *net;
    fed_trace replay; /* the versions to carry out, when config.replay is given */
    fed_key_map keys;
    fed_examples holdout;
    bool evaluates;
    uint64_t versions; /* to make */
    uint32_t failed;   /* rounds in a row that made none */
    FILE *trace_file;
    fed_report run; /* what is reported */
    int64_t started_ns;
} fed_simulation;

/** Load and check everything. Call _fini in any case. */
FED_MUST_CHECK fed_status fed_simulation_init(fed_simulation *s,
                                              const fed_simulation_config *config,
                                              fed_error *err);
void fed_simulation_fini(fed_simulation *s);

/** Versions made so far. */
uint64_t fed_simulation_version(const fed_simulation *s);
/** Nothing is left to do: all versions are made, or the plan's promise allows no more;
 *  `s->run.ended` says which. */
bool fed_simulation_is_over(fed_simulation *s);
/** One round; with --replay one version. */
FED_MUST_CHECK fed_status fed_simulation_round(fed_simulation *s, fed_error *err);
/** Write the end of the trace, compare with that of a replay, fill in s->run. */
FED_MUST_CHECK fed_status fed_simulation_finish(fed_simulation *s, fed_error *err);
/** Append the present model's file. */
FED_MUST_CHECK fed_status fed_simulation_write_model(const fed_simulation *s,
                                                     fed_bytes *out, fed_error *err);

#endif
