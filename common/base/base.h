/*
 * base: what every room stands on. Others include this one header.
 *
 *   status   one error type: fed_status, fed_error, fed_fail()
 *   memory   the allocator that can be injected, and wiping
 *   bytes    growable buffers with a stated maximum; writing and reading little-endian
 *   stream   ChaCha20 streams: public and device randomness
 *   random   the interface through which secret randomness is passed in
 *   machine  events and outbox: the one shape of every state machine
 *   journal  what is durable, as machines see it
 *   parallel fed_parallel_for and a thread pool
 *   cpu      which kernels this processor can run
 *   clock    time, for shells only
 *   durable  files that survive a crash, for shells only
 *   log      one log
 *   text     hex, and numbers from text
 */
#ifndef FED_BASE_H
#define FED_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "public/fed/status.h"
#include "memory.h"
#include "fail.h"
#include "bytes.h"
#include "reader.h"
#include "stream.h"
#include "random.h"
#include "machine.h"
#include "journal.h"
#include "parallel.h"
#include "cpu.h"
#include "clock.h"
#include "durable.h"
#include "log.h"
#include "text.h"

#endif
