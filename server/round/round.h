/*
 * round: the server's pure machines. Others include this one header.
 *
 *   coordinator    tasks, check-in, cohorts, commits: one machine, fed_coordinator_step()
 *   cohort         one aggregation session: place ▸ join ▸ input ▸ commit
 *   version_state  a model on its way: parameters, server optimiser, public round state
 *   population_ledger  what a population has given away, and whether one more round fits
 *   records        what of all this is durable, and under which keys
 *
 * The HTTP server and the simulator are shells around the coordinator.
 */
#ifndef FED_ROUND_H
#define FED_ROUND_H

#include "base.h"
#include "task.h"
#include "version_state.h"
#include "records.h"
#include "population_ledger.h"
#include "cohort.h"
#include "coordinator.h"

#endif
