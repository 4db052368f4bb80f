/* The commands of fedsim, for its own files. */
#ifndef FEDSIM_H
#define FEDSIM_H

#include "cli.h"
#include "task.h"

extern const fed_option fed_sim_run_options[];
fed_status fed_sim_run(const fed_operands *operands, fed_error *err);

/** Read a whole file of at most `max` bytes. */
FED_MUST_CHECK fed_status fed_sim_read_file(const char *path, size_t max, fed_bytes *out,
                                            fed_error *err);
/** The plan in `path`, with the changes of `set` ("train.lr=0.1"), as a task. */
FED_MUST_CHECK fed_status fed_sim_load_task(fed_task **out, const char *path,
                                            const fed_list *set, uint64_t seed,
                                            fed_error *err);

#endif
