/* From the public keys of a trace to the clients that hold them here. */
#ifndef FED_KEY_MAP_H
#define FED_KEY_MAP_H

#include "population.h"

typedef struct fed_key_map_entry {
    uint8_t key[32];
    uint32_t client;
    fed_status status; /* of making the key */
} fed_key_map_entry;

/** Zeroed is empty. */
typedef struct fed_key_map {
    fed_key_map_entry *entries; /* in the order of the keys */
    size_t n;
} fed_key_map;

/** The keys of all clients: some 20 microseconds each. */
FED_MUST_CHECK fed_status fed_key_map_init(fed_key_map *m,
                                           const fed_population *population,
                                           const fed_parallel *parallel, fed_error *err);
void fed_key_map_fini(fed_key_map *m);
/** FED_E_STATE names the key. */
FED_MUST_CHECK fed_status fed_key_map_find(const fed_key_map *m, const uint8_t key[32],
                                           uint32_t *client, fed_error *err);

#endif
