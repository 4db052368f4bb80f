/* A federation of real processes in a folder of its own: fedserver, fedctl and a fedclient for
 * each device, any of which may be killed and started again. */
#ifndef FED_FEDERATION_H
#define FED_FEDERATION_H

#include "harness.h"
#include "process.h"

enum { FED_FEDERATION_DEVICES_MAX = 16 };

typedef struct fed_federation {
    char folder[FED_FOLDER_MAX];
    char url[64], listen[64];
    const char *plan; /* text */
    const char *data; /* SPEC without partition and clients */
    const char *partition;
    unsigned devices;
    unsigned seed; /* of the devices; 0: fedclient with the system's randomness */
    bool enrolled; /* the devices hold certificates, and refuse tasks without masks */
    const char *holdout;   /* SPEC, on which the server evaluates; NULL: nothing */
    const char *log_level; /* of server and devices; NULL: theirs */
    pid_t server;
    pid_t clients[FED_FEDERATION_DEVICES_MAX];
    char task[65];
} fed_federation;

/** Make the folder and the keys, start the server, enrol the devices. False after a failed
 *  check. */
bool fed_federation_begin(fed_federation *f);
/** Kill what runs and remove the folder. */
void fed_federation_end(fed_federation *f);
bool fed_federation_start_server(fed_federation *f);
bool fed_federation_start_device(fed_federation *f, unsigned i);
/** All devices in one process. */
bool fed_federation_start_together(fed_federation *f);
bool fed_federation_create_task(fed_federation *f);
/** Let the operator stop it: no version follows. */
bool fed_federation_stop_task(fed_federation *f);
/** Wait until the task is done, at most `ms`. */
bool fed_federation_wait(fed_federation *f, int64_t ms);
/** What `fedctl task show --json` says under `field`, a whole number; -1 when it is away. */
long long fed_federation_number(fed_federation *f, const char *field);
/** What device `i`, started on its own, said last of itself under `field` (fedclient
 *  --status): a whole number; -1 when it has not said anything. */
long long fed_federation_device_number(const fed_federation *f, unsigned i,
                                       const char *field);
/** The trace, as the server's journal and fedctl tell it: `versions` of them, each made once,
 *  no device twice in one, no update in two. */
void fed_federation_check_trace(fed_federation *f, unsigned versions);
/** Let fedsim repeat the trace, and compare the models. */
void fed_federation_check_replay(fed_federation *f);

#endif
