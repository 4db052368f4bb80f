/* Which devices were asked to train in this round, and until when their place is theirs. A
 * hash table of public keys, which are as good as random: open addressing, linear probing. */
#ifndef FED_INVITATIONS_H
#define FED_INVITATIONS_H

#include "base.h"

typedef struct fed_invitation {
    uint8_t device[32];
    int64_t until_ms;
    bool used;   /* the slot is taken */
    bool placed; /* the device has come back with an update */
} fed_invitation;

typedef struct fed_invitations {
    fed_invitation *slots;
    size_t cap, n;
} fed_invitations;

/** Zeroed is empty. */
void fed_invitations_fini(fed_invitations *v);
void fed_invitations_clear(fed_invitations *v);
/** Forget those who have not come back with an update. */
void fed_invitations_forget_unplaced(fed_invitations *v);
fed_invitation *fed_invitations_find(const fed_invitations *v, const uint8_t device[32]);
/** The invitation of a device, made if there was none. NULL: out of memory. */
fed_invitation *fed_invitations_add(fed_invitations *v, const uint8_t device[32]);
/** Devices whose time is not up and who have no place yet. */
uint32_t fed_invitations_outstanding(const fed_invitations *v, int64_t now);

#endif
