/*
 * draw: who may take part in a round, by secret coins over all enrolled devices.
 *
 * A plan that says privacy.sampling claims that whoever sees the released models cannot know
 * who took part. So the coordinator draws before it invites anybody, admits only those drawn,
 * and replaces nobody. The simulator draws with the same function.
 *
 *   poisson      each device by a coin of its own, with chance rounds.cohort / enrolled
 *   fixed_size   a uniform subset of ⌈rounds.cohort · rounds.over_select⌉
 *
 * A Poisson draw of more devices than a cohort holds, or of fewer than may survive, is thrown
 * away and made again; docs/decisions/017-secret-draws.md shows what that costs.
 */
#ifndef FED_TASK_DRAW_H
#define FED_TASK_DRAW_H

#include "base.h"

struct fed_task;

/** Share of privacy.delta that Poisson draws may cost because some are made again. */
#define FED_DRAW_DELTA_SHARE 0.01

/** How often rounds.deadline_s passes with too few of those drawn before others are. */
enum { FED_DRAW_PATIENCE = 8 };

/** The name under which a secret is drawn; the index is (version << 20) + attempt. */
#define FED_DRAW_PURPOSE "round draw"

/** A round's devices, as their numbers among those enrolled. */
typedef struct fed_draw {
    uint32_t attempt; /* draws for this version up to and including this one, from 1 */
    uint32_t n;
    uint32_t *numbers; /* ascending; owned */
} fed_draw;

/** Does the plan ask for a draw (privacy.sampling)? */
bool fed_task_is_drawn(const struct fed_task *task);
/** Draw among devices 0 … enrolled-1, at least privacy.population of them. `draw->attempt`
 *  goes on from where it is (0: none for this version yet); earlier numbers are freed. The
 *  secret is wiped. */
FED_MUST_CHECK fed_status fed_draw_make(fed_draw *draw, const struct fed_task *task,
                                        const fed_random *random, uint64_t version,
                                        uint32_t enrolled, fed_error *err);
/** Zeroed is empty. */
void fed_draw_fini(fed_draw *draw);

#endif
