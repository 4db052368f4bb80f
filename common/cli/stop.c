#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t requested;
static int descriptor = -1;

static void on_signal(int number)
{
    int saved = errno;
    uint64_t one = 1;
    requested = 1;
    signal(number, SIG_DFL); /* the second one ends the process */
    ssize_t n = write(descriptor, &one, sizeof one);
    (void)
        n; /* the counter of an eventfd does not run over after one signal of each kind */
    errno = saved;
}

static bool catch_signal(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) == 0;
}

fed_status fed_stop_init(fed_error *err)
{
    if (descriptor < 0) descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return fed_fail(err, FED_E_IO, "eventfd: %s", strerror(errno));
    if (!catch_signal(SIGINT, on_signal) || !catch_signal(SIGTERM, on_signal) ||
        !catch_signal(SIGPIPE, SIG_IGN))
        return fed_fail(err, FED_E_IO, "sigaction: %s", strerror(errno));
    return FED_OK;
}

bool fed_stop_requested(void)
{
    return requested != 0;
}

int fed_stop_fd(void)
{
    return descriptor;
}

bool fed_stop_wait(int64_t ms)
{
    struct pollfd p = {.fd = descriptor, .events = POLLIN};
    int64_t until = fed_clock_monotonic_ms() + ms;
    while (!requested) {
        int64_t left = until - fed_clock_monotonic_ms();
        if (left <= 0) break;
        poll(&p, 1, left > 60000 ? 60000 : (int)left);
    }
    return requested != 0;
}
