/* The commands of fedsim, for its own files. */
#ifndef FEDSIM_H
#define FEDSIM_H

#include <jansson.h>

#include "cli.h"
#include "simulation.h"
#include "task.h"

extern const fed_option fed_sim_run_options[];
extern const fed_option fed_sim_check_options[];
extern const fed_option fed_sim_epsilon_options[];
extern const fed_option fed_sim_data_options[];
fed_status fed_sim_run(const fed_operands *operands, fed_error *err);
fed_status fed_sim_check(const fed_operands *operands, fed_error *err);
fed_status fed_sim_epsilon(const fed_operands *operands, fed_error *err);
fed_status fed_sim_data(const fed_operands *operands, fed_error *err);

/** The plan in `path`, with the changes of `set` ("train.lr=0.1"), as a task with this
 *  public seed. */
FED_MUST_CHECK fed_status fed_sim_load_task(fed_task **out, const char *path,
                                            const fed_list *set,
                                            const uint8_t seed[FED_SEED_BYTES],
                                            fed_error *err);
/** The same for its price alone (fed_task_price). */
FED_MUST_CHECK fed_status fed_sim_price_task(fed_task **out, const char *path,
                                             const fed_list *set,
                                             const uint8_t seed[FED_SEED_BYTES],
                                             fed_error *err);

/** Print one JSON object (taken; NULL: there was no memory) as a line. */
FED_MUST_CHECK fed_status fed_sim_say_json(json_t *json, fed_error *err);
/** An epsilon, or null where there is no bound. */
json_t *fed_sim_epsilon_json(double epsilon);

/** What fedsim check is asked about privacy; 0: not asked. */
typedef struct fed_sim_privacy_query {
    double epsilon;    /* noise multiplier for this budget? */
    double rounds_for; /* rounds and participations within this budget? */
} fed_sim_privacy_query;

/** The answers: the promise of the plan as it is, and to the query. */
typedef struct fed_sim_privacy_price {
    const fed_privacy *promise; /* NULL: the plan promises nothing */
    fed_privacy_views views;
    double budget_output, budget_server; /* INFINITY: none */
    bool is_exceeded;                    /* the plan costs more than they are */
    fed_task_allowance allowed;          /* then: what they allow */
    fed_sim_privacy_query query;
    double noise_multiplier;
    fed_task_allowance within;
} fed_sim_privacy_price;

FED_MUST_CHECK fed_status fed_sim_price_privacy(const fed_task *task,
                                                const fed_sim_privacy_query *query,
                                                fed_sim_privacy_price *out,
                                                fed_error *err);
void fed_sim_say_privacy(const fed_task *task, const fed_sim_privacy_price *price);
/** NULL without memory. */
json_t *fed_sim_privacy_json(const fed_task *task, const fed_sim_privacy_price *price);

/** Every combination of the values of a sweep: "train.lr=0.1,0.03" gives two. */
typedef struct fed_sweep {
    fed_list set;     /* what --set said */
    size_t runs;      /* combinations; 1 when nothing is swept */
    fed_list current; /* the changes of one run, in `texts` */
    char texts[FED_LIST_MAX][FED_REPORT_LABEL_MAX];
    char label[FED_REPORT_LABEL_MAX]; /* of what differs in this run */
} fed_sweep;

enum { FED_SWEEP_MAX = 256 };

/** FED_E_INVALID beyond FED_SWEEP_MAX combinations or with texts that are too long. */
FED_MUST_CHECK fed_status fed_sweep_init(fed_sweep *s, const fed_list *set,
                                         fed_error *err);
/** Fill `current` and `label` for run number `index`. */
void fed_sweep_choose(fed_sweep *s, size_t index);

#endif
