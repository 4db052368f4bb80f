/*
 * model: model files and signed documents. Others include this one header.
 *
 *   address         SHA-256 names for blobs, plans, tasks and models
 *   safetensors     the container that model files are
 *   parameters      a flat float32 vector to a model file and back, bit for bit
 *   taskdocument    what devices are asked to run, signed by the operator
 *   versiondocument which model is the current one, signed by the server
 *   keyfile         Ed25519 keys as one line of text
 *   blob            zstd with a mandatory maximum
 *
 * For all of them: functions are thread-safe on distinct objects; bytes from outside are
 * FED_E_FORMAT when they do not parse, FED_E_LIMIT when they break a stated maximum and
 * FED_E_AUTH when a signature does not verify.
 */
#ifndef FED_MODEL_H
#define FED_MODEL_H

#include "base.h"

#include "address.h"
#include "safetensors.h"
#include "parameters.h"
#include "taskdocument.h"
#include "versiondocument.h"
#include "keyfile.h"
#include "blob.h"

#endif
