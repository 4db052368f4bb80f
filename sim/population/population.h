/*
 * population: the devices of a simulation. Client i owns the rows that the partition gives
 * it; everything secret of it derives from fed_seeded_device_seed(seed, i), as it does in the
 * test build of the real client, so that a real federation can be repeated here.
 */
#ifndef FED_POPULATION_H
#define FED_POPULATION_H

#include "base.h"
#include "data.h"
#include "seeded.h"
#include "task.h"

typedef struct fed_population_config {
    const char *data; /* SPEC; its own partition=, clients= and seed= are used unless */
    const char *partition; /* this one, NULL: the SPEC's or the data's */
    uint32_t clients;      /* and this one, 0: the SPEC's or the data's, are given */
    uint64_t seed;
} fed_population_config;

/** Immutable once made; any number of threads may read it. */
typedef struct fed_population fed_population;

FED_MUST_CHECK fed_status fed_population_new(fed_population **out,
                                             const fed_population_config *config,
                                             fed_error *err);
void fed_population_free(fed_population *p);

uint32_t fed_population_clients(const fed_population *p);
/** The seed of everything secret in it, the simulated server's included. */
uint64_t fed_population_seed(const fed_population *p);
const fed_data *fed_population_data(const fed_population *p);
const fed_partition *fed_population_partition(const fed_population *p);
/** The test part of the data, opened when first asked for; borrowed. One thread. */
FED_MUST_CHECK fed_status fed_population_holdout(fed_population *p, fed_examples *out,
                                                 fed_error *err);

/** A client: its seed is also its identity. The examples borrow from the client, which must
 *  stay where it is while they are used. */
typedef struct fed_client_view {
    const fed_population *population;
    const uint32_t *rows;
    fed_seeded secret; /* device seed, identity seed, and the seed of secret randomness */
    fed_examples examples;
} fed_client_view;
/** Fill `view` for client `index`, below fed_population_clients(). */
void fed_population_client(const fed_population *p, uint32_t index,
                           fed_client_view *view);
/** The public key of a client. */
FED_MUST_CHECK fed_status fed_population_key(const fed_population *p, uint32_t index,
                                             uint8_t key[32], fed_error *err);

/** Refuse, with both numbers, when the data do not fit the task's model. */
FED_MUST_CHECK fed_status fed_population_check(const fed_population *p,
                                               const fed_task *task, fed_error *err);

#endif
