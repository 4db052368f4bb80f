#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t start(const char *const *argv, int out, int err)
{
    pid_t pid = fork();
    if (pid) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, 1);
    dup2(err, 2);
    execv(argv[0], (char *const *)(uintptr_t)argv); /* execv does not write to them */
    _exit(127);
}

pid_t fed_process_start(const char *const *argv, const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    pid_t pid = start(argv, fd, fd);
    close(fd);
    return pid;
}

void fed_process_sleep(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

bool fed_process_wait(pid_t pid, int64_t ms, int *code)
{
    int status = 0;
    int64_t until = fed_clock_monotonic_ms() + ms;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        if (fed_clock_monotonic_ms() > until) return false;
        fed_process_sleep(5);
    }
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

void fed_process_kill(pid_t pid)
{
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Until the end of the child's output, or the end of the time. */
static void gather(int fd, int64_t until, fed_bytes *out)
{
    char chunk[4096];
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        int64_t left = until - fed_clock_monotonic_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) return;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0) return;
        fed_bytes_put(out, chunk, (size_t)n);
    }
}

int fed_process_run(const char *const *argv, int64_t ms, fed_bytes *out)
{
    int ends[2], code = -1;
    int64_t until = fed_clock_monotonic_ms() + ms;
    if (pipe(ends)) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = start(argv, ends[1], ends[1]);
    close(ends[1]);
    if (pid > 0) {
        gather(ends[0], until, out);
        if (!fed_process_wait(pid, until - fed_clock_monotonic_ms() + 100, &code))
            fed_process_kill(pid);
    }
    close(ends[0]);
    return code;
}
