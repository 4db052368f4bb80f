#include "key_map.h"

#include <stdlib.h>
#include <string.h>

typedef struct making {
    fed_key_map *map;
    const fed_population *population;
} making;

static void make_key(void *arg, size_t i, unsigned worker)
{
    making *m = arg;
    fed_key_map_entry *e = &m->map->entries[i];
    (void)worker;
    e->client = (uint32_t)i;
    e->status = fed_population_key(m->population, e->client, e->key, NULL);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const fed_key_map_entry *)a)->key,
                  ((const fed_key_map_entry *)b)->key, 32);
}

fed_status fed_key_map_init(fed_key_map *m, const fed_population *population,
                            const fed_parallel *parallel, fed_error *err)
{
    making all = {m, population};
    m->n = fed_population_clients(population);
    m->entries = fed_calloc(m->n, sizeof *m->entries);
    if (!m->entries) return fed_fail_nomem(err, m->n * sizeof *m->entries);
    fed_parallel_for(parallel, m->n, make_key, &all);
    for (size_t i = 0; i < m->n; i++)
        if (m->entries[i].status)
            return fed_fail(err, m->entries[i].status, "client %zu: no public key", i);
    qsort(m->entries, m->n, sizeof *m->entries, by_key);
    return FED_OK;
}

void fed_key_map_fini(fed_key_map *m)
{
    fed_free(m->entries);
    *m = (fed_key_map){0};
}

fed_status fed_key_map_find(const fed_key_map *m, const uint8_t key[32], uint32_t *client,
                            fed_error *err)
{
    fed_key_map_entry wanted;
    char text[65];
    memcpy(wanted.key, key, sizeof wanted.key);
    const fed_key_map_entry *found =
        bsearch(&wanted, m->entries, m->n, sizeof wanted, by_key);
    if (found) {
        *client = found->client;
        return FED_OK;
    }
    fed_hex_encode(text, key, 32);
    return fed_fail(err, FED_E_STATE,
                    "device %s is none of the %zu clients: another --seed or --clients?",
                    text, m->n);
}
