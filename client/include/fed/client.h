/*
 * libfedclient: a device's part in federated learning, inside an app.
 *
 * The app says how many examples it has and copies the ones it is asked for into memory of
 * the library; they go nowhere else. It calls fed_client_step() when it is convenient, on a
 * thread of its choice; one call does one bounded piece of the work: ask the server whether
 * this device is needed, fetch a task, train for some milliseconds, hand in the update. The
 * process may be killed at any moment: what must not be lost is on disk before anybody
 * hears of it, and the next start goes on from there.
 *
 *     fed_client_config config = FED_CLIENT_CONFIG_INIT;
 *     config.server = "https://fed.example.org";
 *     config.population = "keyboard";
 *     config.state_folder = "/var/lib/app/fed";
 *     memcpy(config.operator_key, key, sizeof config.operator_key);
 *     fed_client *c;
 *     if (fed_client_open(&config, &c, &err)) …
 *     if (fed_client_set_dataset(c, &(fed_dataset){count, fetch, ctx}, &err)) …
 *     for (;;) {
 *         int64_t wait_ms;
 *         if (fed_client_step(c, now(), &wait_ms, &err)) …
 *         fed_network_wait(fed_client_network(c), wait_ms, -1, &err);
 *     }
 *
 * Threads: different clients may be used by different threads; clients that share a network
 * are used by one thread, as the network is. fed_client_set_log() and
 * fed_client_set_allocator() concern the whole process and come before everything else.
 *
 * Errors: each call that can fail answers a fed_status; `err` (may be NULL) receives a text.
 */
#ifndef FED_CLIENT_H
#define FED_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fed/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One device: an identity, a state folder, a session with a server. */
typedef struct fed_client fed_client;
/** Connections, which several clients may share. */
typedef struct fed_network fed_network;

/* ---- network --------------------------------------------------------------------------- */

typedef struct fed_network_config {
    size_t size;         /**< sizeof(fed_network_config) */
    const char *ca_file; /**< PEM file of trusted authorities; NULL: the system's */
} fed_network_config;
#define FED_NETWORK_CONFIG_INIT                                                          \
    {                                                                                    \
        sizeof(fed_network_config), NULL                                                 \
    }

/** Open a network for several clients. The configuration is copied. Not thread-safe (it starts
 *  libcurl). FED_E_INVALID for a wrong `size`, FED_E_NOMEM, FED_E_INTERNAL. */
FED_API FED_MUST_CHECK fed_status fed_network_open(const fed_network_config *config,
                                                   fed_network **out, fed_error *err);
/** After the clients that use it were closed. NULL is fine. */
FED_API void fed_network_close(fed_network *network);
/** Move what can be moved, for at most `wait_ms` milliseconds; return as soon as something
 *  moved, the descriptor `fd` (-1: none) is readable, or fed_network_wake() was called. Then
 *  step the clients. FED_E_IO when the system cannot wait. */
FED_API FED_MUST_CHECK fed_status fed_network_wait(fed_network *network, int64_t wait_ms,
                                                   int fd, fed_error *err);
/** End a wait, from any thread. */
FED_API void fed_network_wake(fed_network *network);

/** For apps that bring their own HTTP: one request. All is borrowed until the answer was given
 *  or the request was cancelled. */
typedef struct fed_http_request {
    uint64_t id;
    bool post; /**< POST with a body; else GET */
    const char *url;
    const char *content_type; /**< of the body */
    const void *body;
    size_t body_bytes;
    size_t max_answer; /**< bytes; give a longer answer as status 0 */
} fed_http_request;

/** An app's own HTTP. Do not follow redirects; allow 40 s without a byte (the server holds
 *  some requests for 25 s). */
typedef struct fed_http {
    /** Begin the request and return at once; when it is over, call fed_client_answer() from the
     *  client's thread, not from inside this call. A failure counts as "no answer". */
    fed_status (*send)(void *ctx, fed_client *client, const fed_http_request *request);
    /** The request under way is not wanted any more. */
    void (*cancel)(void *ctx, fed_client *client, uint64_t id);
    void *ctx; /**< borrowed */
} fed_http;

/* ---- opening --------------------------------------------------------------------------- */

/** Circumstances that a task may ask for. */
typedef struct fed_client_conditions {
    bool charging;  /**< on mains, or charging */
    bool unmetered; /**< the network costs nothing by the byte */
    bool idle;      /**< nobody uses the device */
} fed_client_conditions;

typedef struct fed_client_config {
    size_t size;            /**< sizeof(fed_client_config) */
    const char *server;     /**< "https://host[:port]" */
    const char *population; /**< whose tasks are run: 1 to 64 characters */
    uint8_t
        operator_key[32]; /**< pinned Ed25519 key: only tasks signed with it are run */
    const char *state_folder; /**< made when it is not there; one per client */
    uint32_t max_step_ms;     /**< how long one step trains, about; 0: 50 */
    uint64_t max_model_bytes; /**< larger models are refused; 0: 256 MiB */
    /** The 32-byte key of the state at rest, called once by fed_client_open(). NULL: a file
     *  "key" in the state folder (mode 0600), made on the first start. */
    fed_status (*state_key)(void *ctx, uint8_t key[32]);
    void *state_key_ctx; /**< borrowed */
    /** Asked before each check-in. NULL: power from /sys/class/power_supply (without a battery
     *  a device counts as charging), unmetered and idle taken as given. */
    fed_client_conditions (*conditions)(void *ctx);
    void *conditions_ctx; /**< borrowed */
    fed_network *network; /**< borrowed, shared; NULL: one of the client's own */
    const fed_http *http; /**< copied; instead of a network; NULL: none */
    /** Pinned Ed25519 key that vouches for the devices of the population: its certificates are
     *  needed to join secure aggregation. NULL: none; such tasks are then refused. 32 bytes,
     *  copied. */
    const uint8_t *enrolment_key;
    /** Refuse tasks without secure aggregation, whoever signed them. */
    bool require_secagg;
    /** Refuse tasks without differential privacy. */
    bool require_privacy;
    /** Refuse tasks whose budget against the server (privacy.epsilon_server) is above this, at
     *  the plan's delta; 0: any. What was promised once stays promised in any case. */
    double max_epsilon;
    /** Refuse private tasks that may ask for more participations than this; 0: any. */
    uint64_t max_participations;
} fed_client_config;
#define FED_CLIENT_CONFIG_INIT                                                           \
    {                                                                                    \
        sizeof(fed_client_config), NULL, NULL, {0}, NULL, 0, 0, NULL, NULL, NULL, NULL,  \
            NULL, NULL, NULL, false, false, 0, 0                                         \
    }

/** Open a device: make or lock its state folder, read what is in it. The configuration is
 *  copied. FED_E_INVALID names the field; FED_E_EXISTS when another process has the folder;
 *  FED_E_AUTH or FED_E_FORMAT when the folder is damaged or the key is not its own (the
 *  text says which file): then nothing was changed, and only removing the folder, and
 *  with it the device's identity, helps; FED_E_IO, FED_E_NOMEM, FED_E_CRYPTO. */
FED_API FED_MUST_CHECK fed_status fed_client_open(const fed_client_config *config,
                                                  fed_client **out, fed_error *err);
/** At any moment. What is unfinished goes on at the next start. NULL is fine. */
FED_API void fed_client_close(fed_client *client);

/* ---- enrolment ------------------------------------------------------------------------- */

/** The request with which this device answers a one-time token: one line of text, for the
 *  enrolment desk (fedctl enrol sign). `out` receives it with its NUL; 512 bytes are enough.
 *  FED_E_FORMAT for what is no token, FED_E_LIMIT, FED_E_CRYPTO. */
FED_API FED_MUST_CHECK fed_status fed_client_enrolment_request(const fed_client *client,
                                                               const char *token,
                                                               char *out, size_t size,
                                                               fed_error *err);
/** Take the certificate that the desk gave, one line of text, and keep it. Not from inside a
 *  callback. FED_E_AUTH when it is not signed with the pinned key or has expired,
 *  FED_E_INVALID when it is another device's, FED_E_STATE without a pinned key. */
FED_API FED_MUST_CHECK fed_status fed_client_set_certificate(fed_client *client,
                                                             const char *certificate,
                                                             fed_error *err);

/* ---- data ------------------------------------------------------------------------------ */

/** A device's examples. Their number is fixed during a task. */
typedef struct fed_dataset {
    uint32_t count;
    /** Copy `n` rows, given by number below `count`, into buffers of the library: `inputs`
     *  holds n times the model's input (float32, or int32 tokens), `targets` n times what
     *  its loss compares with (int32 classes, or float32 values). A failure ends the
     *  training. Called inside fed_client_step(). */
    fed_status (*fetch)(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                        void *targets);
    void *ctx; /**< borrowed as long as the client uses this set */
} fed_dataset;

/** Say what there is to train on; before the first step, and again when it has changed (a
 *  training under way then begins again). Copied. FED_E_INVALID without rows or fetch. */
FED_API FED_MUST_CHECK fed_status fed_client_set_dataset(fed_client *client,
                                                         const fed_dataset *dataset,
                                                         fed_error *err);

/* ---- work ------------------------------------------------------------------------------ */

/**
 * Do one bounded piece of work, or nothing when there is none. `now` is in milliseconds, of a
 * clock that never goes back while the client is open (CLOCK_MONOTONIC). `*wait_ms` tells
 * how long nothing needs to be done unless the network moves; 0: call again at once.
 *
 * It never waits for the network. Training takes about max_step_ms, at least one batch; what
 * is done once a round (unpacking a model, encoding and sealing an update) takes time in
 * proportion to the model, about 10 ms for a million parameters.
 *
 * A server that is away, or a task that is refused, is not a failure: the client comes back to
 * it later (fed_client_describe() tells). Failures are the device's own: FED_E_STATE without
 * a dataset, FED_E_IO (disk), FED_E_AUTH or FED_E_FORMAT (damaged state), FED_E_NOMEM,
 * FED_E_CRYPTO. After one the client goes back to what is on disk; step it again after
 * *wait_ms.
 */
FED_API FED_MUST_CHECK fed_status fed_client_step(fed_client *client, int64_t now,
                                                  int64_t *wait_ms, fed_error *err);
/** The network to wait for: its own or the shared one; NULL with an app's own HTTP. */
FED_API fed_network *fed_client_network(fed_client *client);
/** With an app's own HTTP: the answer to request `id`. `status` is HTTP's, 0 for no answer.
 *  The body is copied. An `id` that is not under way any more is ignored. FED_E_LIMIT for a
 *  body above max_answer and FED_E_NOMEM: then it counts as "no answer". */
FED_API FED_MUST_CHECK fed_status fed_client_answer(fed_client *client, uint64_t id,
                                                    unsigned status, const void *body,
                                                    size_t body_bytes, fed_error *err);

/**
 * Run the accepted model on one example. `input` holds `input_bytes` bytes (float32, or int32
 * tokens, as in fed_dataset), `output` receives `outputs` float32: the model's output before
 * its loss (logits for a classifier). FED_E_STATE when there is no model yet (one is
 * fetched with the first task after each start); FED_E_INVALID names the size that fits.
 */
FED_API FED_MUST_CHECK fed_status fed_client_predict(fed_client *client,
                                                     const void *input,
                                                     size_t input_bytes, float *output,
                                                     size_t outputs, fed_error *err);

/** What an app may show. Counters are of this process. */
typedef struct fed_client_info {
    const char *state;      /**< "wait", "checkin", "fetch", "train", "place", "join",
                                  "input", "result"; static */
    uint8_t device_key[32]; /**< the device's public identity */
    uint8_t task[32];       /**< zeros: none yet */
    uint64_t version;       /**< of the model at hand */
    uint64_t trained, delivered, lost; /**< updates */
    uint64_t refused;                  /**< offers that were not what they had to be */
    double last_loss;                  /**< mean over the last training */
    uint64_t participations; /**< in private tasks, ever; the device keeps a ledger */
    double epsilon;  /**< what they gave away to the server and its colluders, at most */
    uint64_t zeroed; /**< updates that could not be sent as they were: zeros were */
    uint64_t saturated; /**< numbers of updates that were cut off, or wrapped around */
    char last_refusal[200]; /**< why the last offer or update was given up; may be "" */
    uint64_t bytes_sent, bytes_received; /**< of bodies, as they were sent */
    uint64_t rebuilt;   /**< models that came as a difference from the one before */
    uint64_t fell_back; /**< differences that did not do: a model was loaded whole */
    uint64_t loaded;    /**< models that came whole */
} fed_client_info;

FED_API void fed_client_describe(const fed_client *client, fed_client_info *info);

/* ---- the whole process ----------------------------------------------------------------- */

/** Receives events; `fields` is "key=value key=value". Levels: 0 debug, 1 info, 2 warning,
 *  3 error. May be called from any thread that uses the library. */
typedef void (*fed_client_log)(void *ctx, int level, const char *event,
                               const char *fields);
/** Send events from `level` on to `log`; NULL: silence, as it is at first. Not thread-safe. */
FED_API void fed_client_set_log(int level, fed_client_log log, void *ctx);

/** Use the app's allocator, with the contracts of malloc, realloc and free, in everything but
 *  OpenSSL and libcurl, which have their own hooks. Before any other call. All NULL: the C
 *  library's. */
FED_API void fed_client_set_allocator(void *(*alloc)(void *ctx, size_t bytes),
                                      void *(*resize)(void *ctx, void *block,
                                                      size_t bytes),
                                      void (*release)(void *ctx, void *block), void *ctx);

/** "0.1.0". Static. */
FED_API const char *fed_client_version(void);

#ifdef __cplusplus
}
#endif
#endif
