/*
 * codec: from an update to a small packet of integers, and back to the mean update.
 *
 *   Δ float32[d] ▸ + residual ▸ weight ▸ select ▸ clip ▸ rotate ▸ quantise ▸ ring ▸ pack
 *   server:        sum ▸ centre ▸ de-quantise ▸ un-rotate ▸ scatter ▸ mean float32[d]
 *
 * Each stage is linear in the sum, so all of it works under secure aggregation, save top_k,
 * sign and float32, which fed_codec_check() refuses there. The room knows vectors, not
 * layers. It draws no randomness of its own: what is public comes from the task's seed, what
 * is secret from a 32-byte key of the caller. The same inputs give the same integers on every
 * processor, kernel path and number of threads, and the same integers give the same mean.
 *
 *   ring.h          vectors over Z_2^B: adding, centring, packing
 *   codec_config.h  what to do, and fed_codec_check()
 *   codec_round.h   what is public in one model version: clip, step, support
 *   codec_device.h  the device's half
 *   codec_server.h  the server's half
 *   model_diff.h    a model as the difference from an earlier version
 */
#ifndef FED_CODEC_H
#define FED_CODEC_H

#include "ring.h"
#include "codec_config.h"
#include "codec_round.h"
#include "codec_device.h"
#include "codec_server.h"
#include "model_diff.h"

#endif
