/*
 * wire: the messages that devices and server both speak, and their parsing.
 *
 *   route      request types and the HTTP paths they travel on
 *   envelope   the signed frame of every cohort message
 *   cohort     the bodies inside: place, join, input and what the server answers
 *   checkin    the JSON of check-in
 *
 * Cohort messages are binary, little-endian, with magic, version and type; the signature
 * covers exactly the bytes before it. Check-in speaks JSON. Whatever parses here refuses
 * left-over bytes and names the field, the value and the bound.
 */
#ifndef FED_WIRE_H
#define FED_WIRE_H

#include "base.h"
#include "route.h"
#include "envelope.h"
#include "cohort_messages.h"
#include "checkin.h"

#endif
