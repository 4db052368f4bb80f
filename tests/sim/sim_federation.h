/* A small simulated federation for tests: one plan, in either fidelity, version by version. */
#ifndef FED_SIM_FEDERATION_H
#define FED_SIM_FEDERATION_H

#include "harness.h"
#include "population.h"
#include "sumrun.h"
#include "turnout.h"
#include "virtualnet.h"

enum { FEDERATION_VERSIONS_MAX = 64, FEDERATION_SEATS_MAX = 1200 };

typedef struct federation {
    const char *update, *rounds, *secagg, *privacy, *eligibility,
        *download; /* members of these in the plan */
    fed_faults faults;
    uint64_t seed;
    uint32_t clients, rows; /* rows of data, all together; 0: 900 */
    unsigned threads;
    bool is_protocol;
} federation;

/** What came out. */
typedef struct history {
    size_t n; /* versions made */
    uint8_t models[FEDERATION_VERSIONS_MAX + 1]
                  [32]; /* SHA-256 of each one's parameters */
    fed_seat seats[FEDERATION_VERSIONS_MAX][FEDERATION_SEATS_MAX];
    size_t n_seats[FEDERATION_VERSIONS_MAX];
    fed_round_result total; /* sums over all rounds */
    unsigned attempts, aborted, filling;
    double epsilon_output, epsilon_server; /* at the end */
    bool is_spent, is_exhausted;
    int64_t virtual_ms;
    uint64_t events;
} history;

/** Run until the plan's rounds.count versions are made, or its privacy allows no more. */
void federation_run(const federation *f, history *out);
/** Replay the rosters of `of` and fill `out` with the models. */
void federation_replay(const federation *f, const history *of, history *out);

#endif
