#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REDRAW_MS = 100, BAR_MAX = 30, TEXT_MAX = 256, LINE_MAX_BYTES = 1024 };

static struct {
    pthread_mutex_t lock;
    bool active, drawn;
    const char *title;
    uint64_t done, total;
    int64_t started_ms, drawn_ms;
    char text[TEXT_MAX];
} bar = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put_duration(fed_bytes *out, int64_t seconds)
{
    if (seconds >= 3600)
        fed_bytes_printf(out, "%" PRId64 ":%02d:%02d", seconds / 3600,
                         (int)(seconds / 60 % 60), (int)(seconds % 60));
    else
        fed_bytes_printf(out, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

static void put_rate(fed_bytes *out, uint64_t done, uint64_t total, int64_t elapsed_ms)
{
    if (!done || elapsed_ms <= 0) return;
    double rate = (double)done * 1000.0 / (double)elapsed_ms;
    fed_bytes_printf(out, rate < 10 ? "  %.1f/s" : "  %.0f/s", rate);
    if (total <= done) return;
    fed_bytes_put_text(out, "  ");
    put_duration(out, (int64_t)((double)(total - done) / rate + 0.5));
    fed_bytes_put_text(out, " left");
}

static void put_bar(fed_bytes *out, unsigned width, double share)
{
    unsigned full = (unsigned)(share * width + 0.5);
    fed_bytes_put_text(out, " [");
    for (unsigned i = 0; i < width; i++)
        fed_bytes_put_text(out, i < full ? "=" : i == full ? ">" : " ");
    fed_bytes_put_text(out, "]");
}

/* Cut to `columns` characters (not bytes: the text may be UTF-8). */
static void cut(fed_bytes *out, unsigned columns)
{
    size_t i = 0;
    for (unsigned n = 0; i < out->len; i++)
        if ((out->data[i] & 0xc0) != 0x80 && n++ == columns) break;
    out->len = i;
}

void fed_progress_render(fed_bytes *out, unsigned columns, const char *title,
                         uint64_t done, uint64_t total, int64_t elapsed_ms,
                         const char *text)
{
    fed_bytes_put_text(out, title);
    if (total) {
        double share = done >= total ? 1.0 : (double)done / (double)total;
        fed_bytes_printf(out, " %3d%%", (int)(share * 100));
        if (columns >= 60) put_bar(out, columns >= 100 ? BAR_MAX : BAR_MAX / 2, share);
        fed_bytes_printf(out, " %" PRIu64 "/%" PRIu64, done, total);
    } else {
        fed_bytes_printf(out, " %" PRIu64, done);
    }
    put_rate(out, done, total, elapsed_ms);
    if (*text) fed_bytes_printf(out, "  %s", text);
    cut(out, columns);
}

static unsigned terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col - 1u;
    return 79;
}

/* All of these with the lock held. */

static void erase(void)
{
    if (bar.drawn) fputs("\r\033[K", stderr);
    bar.drawn = false;
}

static void draw(int64_t now)
{
    fed_bytes line;
    fed_bytes_init(&line, LINE_MAX_BYTES);
    fed_progress_render(&line, terminal_columns(), bar.title, bar.done, bar.total,
                        now - bar.started_ms, bar.text);
    const char *text = fed_bytes_text(&line);
    if (text) fprintf(stderr, "\r%s\033[K", text);
    fed_bytes_fini(&line);
    fflush(stderr);
    bar.drawn = true;
    bar.drawn_ms = now;
}

void fed_progress_start(const char *title, uint64_t total)
{
    pthread_mutex_lock(&bar.lock);
    erase();
    bar.active = isatty(STDERR_FILENO);
    bar.title = title;
    bar.total = total;
    bar.done = 0;
    bar.text[0] = 0;
    bar.started_ms = fed_clock_monotonic_ms();
    if (bar.active) draw(bar.started_ms);
    pthread_mutex_unlock(&bar.lock);
}

void fed_progress_update(uint64_t done, const char *format, ...)
{
    pthread_mutex_lock(&bar.lock);
    if (bar.active) {
        int64_t now = fed_clock_monotonic_ms();
        bar.done = done;
        if (now - bar.drawn_ms >= REDRAW_MS || done == bar.total) {
            va_list args;
            va_start(args, format);
            vsnprintf(bar.text, sizeof bar.text, format, args);
            va_end(args);
            draw(now);
        }
    }
    pthread_mutex_unlock(&bar.lock);
}

void fed_progress_end(void)
{
    pthread_mutex_lock(&bar.lock);
    erase();
    bar.active = false;
    pthread_mutex_unlock(&bar.lock);
}

void fed_progress_log(void *ctx, fed_log_level level, const char *event,
                      const char *fields)
{
    (void)ctx;
    pthread_mutex_lock(&bar.lock);
    bool drawn = bar.drawn;
    erase();
    fed_log_to_stderr(level, event, fields);
    if (drawn) draw(fed_clock_monotonic_ms());
    pthread_mutex_unlock(&bar.lock);
}
