/* Which devices of a population have shown a certificate of the enrolment key: those among
 * whom a draw by secret coins is made. Nobody enters it by a mere name, so a stranger cannot
 * make the population look larger than it is. */
#ifndef FED_ENROLLED_H
#define FED_ENROLLED_H

#include "base.h"
#include "wire.h"

enum { FED_ENROLLED_MAX = 1 << 22 /* devices of one population */ };

typedef struct fed_enrolled_device {
    uint8_t key[32];
    int64_t expires_s; /* of its certificate */
    uint32_t number;   /* of its record */
} fed_enrolled_device;

/** In the order in which they came. One thread at a time. */
typedef struct fed_enrolled {
    char population[FED_POPULATION_MAX + 1];
    fed_enrolled_device *devices;
    uint32_t n, cap;
    uint32_t next_number;
    uint32_t *slots; /* open addressing: position + 1, 0 is free */
    size_t n_slots;
} fed_enrolled;

FED_MUST_CHECK fed_status fed_enrolled_new(fed_enrolled **out, const char *population,
                                           fed_error *err);
void fed_enrolled_free(fed_enrolled *e);
/** NULL when it is not there. Borrowed until the next addition or removal. */
fed_enrolled_device *fed_enrolled_find(const fed_enrolled *e, const uint8_t key[32]);
/** Add a device that is not there, under a record's number. FED_E_NOMEM, FED_E_LIMIT. */
FED_MUST_CHECK fed_status fed_enrolled_add(fed_enrolled *e,
                                           const fed_enrolled_device *device,
                                           fed_error *err);
/** Take out those whose certificate has expired at `now_s`; `gone` is told of each. */
FED_MUST_CHECK fed_status fed_enrolled_prune(
    fed_enrolled *e, int64_t now_s,
    fed_status (*gone)(void *ctx, const fed_enrolled_device *device), void *ctx);

#endif
