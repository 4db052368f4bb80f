/*
 * secagg: the server learns the sum over those who stayed, and nothing else. Others include
 * this one header. docs/threat-model.md says against whom, docs/secagg-parameters.md why the
 * numbers are what they are.
 *
 *   graph    how many neighbours a member has and how many of them it takes
 *   shamir   secrets in shares, and back, with some of the shares wrong
 */
#ifndef FED_SECAGG_H
#define FED_SECAGG_H

#include "base.h"
#include "crypto.h"

#include "graph.h"
#include "shamir.h"

#endif
