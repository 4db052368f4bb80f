/*
 * control: the operator's side of the server's API. Others include this one header.
 *
 *   operator_client  one request at a time, over libcurl
 *   task_offer       a plan made into the signed body that creates a task
 *   text_table       aligned columns for people
 */
#ifndef FED_CONTROL_H
#define FED_CONTROL_H

#include "operator_client.h"
#include "task_offer.h"
#include "text_table.h"

#endif
