/*
 * A server in memory that offers one task and answers everything that a session asks, truly or
 * with one lie. No cohort is behind it: it says what a cohort of one would say.
 */
#ifndef FED_SCRIPTED_SERVER_H
#define FED_SCRIPTED_SERVER_H

#include "model.h"
#include "task.h"
#include "wire.h"

typedef enum fed_lie {
    FED_LIE_NONE,
    FED_LIE_OPERATOR,     /* the task is signed by somebody else */
    FED_LIE_OTHER_TASK,   /* the task is signed, and not the one that was offered */
    FED_LIE_POPULATION,   /* for other devices */
    FED_LIE_EXPIRED,      /* it was good once */
    FED_LIE_MODEL_LENGTH, /* it promises a model that is too large */
    FED_LIE_PLAN_FIELD,   /* a signed plan with a field that nobody knows */
    FED_LIE_PLAN_AUTHOR,  /* a signed plan with defaults left open */
    FED_LIE_PLAN_TEXT,    /* a signed plan that is no JSON */
    FED_LIE_SERVER_KEY,   /* the version is signed by somebody else */
    FED_LIE_VERSION,      /* the version is not the one that was offered */
    FED_LIE_VERSION_TASK, /* the version is of another task */
    FED_LIE_ROUND,        /* a signed round that does not parse */
    FED_LIE_MODEL_SHAPE,  /* a signed model of another shape */
    FED_LIE_TASK_BYTES,   /* a byte of the blob is changed */
    FED_LIE_PLAN_BYTES,
    FED_LIE_VERSION_BYTES,
    FED_LIE_MODEL_BYTES,
    FED_LIE_MODEL_CUT, /* the last byte of the blob is missing */
    FED_LIE_COUNT,
    /* About the difference from the version before, which a device need not believe: */
    FED_LIE_DIFFERENCE_GONE = FED_LIE_COUNT,
    FED_LIE_DIFFERENCE_BYTES, /* a byte of the blob is changed */
    FED_LIE_DIFFERENCE_TEXT,  /* signed, and no difference at all */
    FED_LIE_DIFFERENCE_BOMB,  /* signed, and 1 MiB when it is decompressed */
    FED_LIE_DIFFERENCE_WRONG, /* signed, and leads to another model */
    FED_LIE_END,
    /* And no lie at all: the operator signs the same plan and models under a new name. */
    FED_LIE_NEW_TASK = FED_LIE_END
} fed_lie;

enum {
    FED_SCRIPT_FEATURES = 6,
    FED_SCRIPT_CLASSES = 3,
    FED_SCRIPT_ROWS = 30,
    FED_SCRIPT_BLOBS = 5 /* task, plan, version, model, difference */
};

typedef struct fed_script {
    uint8_t operator_seed[32], server_seed[32];
    uint8_t operator_key[32];
    fed_lie lie;
    uint64_t version;
    fed_task_document document;
    fed_address task_id;
    fed_bytes blobs[FED_SCRIPT_BLOBS]; /* as they are served */
    fed_address addresses[FED_SCRIPT_BLOBS];
    uint32_t requests; /* answered so far */
} fed_script;

/** Make the offer of version `version`. */
FED_MUST_CHECK fed_status fed_script_init(fed_script *s, fed_lie lie, uint64_t version,
                                          fed_error *err);
/** The same with fields of the plan changed, as `train.lr=0.1 train.batch=2`; NULL: none. */
FED_MUST_CHECK fed_status fed_script_init_changed(fed_script *s, fed_lie lie,
                                                  uint64_t version, const char *changes,
                                                  fed_error *err);
void fed_script_fini(fed_script *s);
/** Answer a request of a session: HTTP's status, the body appended to `out`. */
uint32_t fed_script_answer(fed_script *s, uint32_t type, fed_span body, fed_bytes *out);
/** Rows that a linear model can tell apart. */
fed_status fed_script_fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                            void *targets);

#endif
