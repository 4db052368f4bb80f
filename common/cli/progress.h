/*
 * The one progress bar: a line at the bottom of a terminal, redrawn in place on standard
 * error. Not a terminal: silence. Log lines pass above it.
 *
 *     fed_progress_start("rounds", 100);
 *     for (r = 0; r < 100; r++)
 *         fed_progress_update(r, "accuracy %.3f", accuracy);
 *     fed_progress_end();
 */
#ifndef FED_PROGRESS_H
#define FED_PROGRESS_H

#include "base.h"

/** Show a bar of `total` steps (0: unknown) named `title` (borrowed until _end). There is
 *  one terminal, so there is one bar: a second start replaces the first. All calls are
 *  thread-safe. */
void fed_progress_start(const char *title, uint64_t total);
/** `done` steps are done; the text behind the bar says how things stand (at most 255
 *  bytes). Drawn at most ten times a second, so it may be called at every step. */
void fed_progress_update(uint64_t done, const char *format, ...) FED_PRINTF(2, 3);
/** Remove the bar from the screen. */
void fed_progress_end(void);

/** A log sink that keeps log lines and the bar apart; fed_program_main installs it. */
void fed_progress_log(void *ctx, fed_log_level level, const char *event,
                      const char *fields);

/** One line of at most `columns` characters, as it is drawn: percent, bar, count, rate, time
 *  left, text. `total` 0: count, rate and text only. */
void fed_progress_render(fed_bytes *out, unsigned columns, const char *title,
                         uint64_t done, uint64_t total, int64_t elapsed_ms,
                         const char *text);

#endif
