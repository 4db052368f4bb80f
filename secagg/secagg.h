/*
 * secagg: the server learns the sum over those who stayed, and nothing else. Others include
 * this one header. docs/threat-model.md says against whom, docs/secagg-parameters.md why the
 * numbers are what they are.
 *
 *   protocol     what both sides agree on: parameters, phases, the session
 *   device       the device's party
 *   server       the server's party
 *   certificate  who is enrolled
 *   enrolment    how a device gets there: token, request, certificate
 *   graph        how many neighbours a member has and how many of them it takes
 */
#ifndef FED_SECAGG_H
#define FED_SECAGG_H

#include "base.h"
#include "codec.h"
#include "crypto.h"

#include "sharegraph.h"
#include "certificate.h"
#include "enrolment.h"
#include "protocol.h"
#include "device.h"
#include "server.h"

#endif
