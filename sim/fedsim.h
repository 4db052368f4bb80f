/* The commands of fedsim, for its own files. */
#ifndef FEDSIM_H
#define FEDSIM_H

#include "cli.h"
#include "simulation.h"
#include "task.h"

extern const fed_option fed_sim_run_options[];
extern const fed_option fed_sim_check_options[];
extern const fed_option fed_sim_data_options[];
fed_status fed_sim_run(const fed_operands *operands, fed_error *err);
fed_status fed_sim_check(const fed_operands *operands, fed_error *err);
fed_status fed_sim_data(const fed_operands *operands, fed_error *err);

/** The plan in `path`, with the changes of `set` ("train.lr=0.1"), as a task with this
 *  public seed. */
FED_MUST_CHECK fed_status fed_sim_load_task(fed_task **out, const char *path,
                                            const fed_list *set,
                                            const uint8_t seed[FED_SEED_BYTES],
                                            fed_error *err);

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
