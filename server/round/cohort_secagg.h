/* The cohort's dealings with the server's party of secure aggregation. Internal. */
#ifndef FED_COHORT_SECAGG_H
#define FED_COHORT_SECAGG_H

#include "cohort.h"

FED_MUST_CHECK fed_status fed_cohort_join_party(fed_cohort *c, fed_member *m,
                                                fed_span bundle, int64_t wall_s,
                                                fed_error *err);
/** Close the party's phase and follow it; in DONE the sum is in c->sum. */
FED_MUST_CHECK fed_status fed_cohort_close_party(fed_cohort *c, const fed_task *task,
                                                 const fed_codec_round *round,
                                                 fed_error *err);
FED_MUST_CHECK fed_status fed_cohort_party_answer(const fed_cohort *c,
                                                  const fed_member *m, fed_phase after,
                                                  fed_answer *answer, fed_bytes *payload,
                                                  unsigned *status, fed_error *err);

#endif
