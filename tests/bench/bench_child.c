#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

struct fed_bench_child {
    pid_t pid;
    FILE *to, *from;
};

static void become(const int ask[2], const int answer[2], const char *const *argv)
{
    dup2(ask[0], STDIN_FILENO);
    dup2(answer[1], STDOUT_FILENO);
    close(ask[1]);
    close(answer[0]);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static bool read_answer(fed_bench_child *child, char *line, int size)
{
    if (!fgets(line, size, child->from)) return false;
    line[strcspn(line, "\n")] = 0;
    return true;
}

fed_bench_child *fed_bench_child_start(const char *const *argv)
{
    int ask[2], answer[2];
    char line[128];
    fed_bench_child *child = fed_calloc(1, sizeof *child);
    if (!child || pipe(ask) != 0 || pipe(answer) != 0) {
        fed_free(child);
        return NULL;
    }
    child->pid = fork();
    if (child->pid == 0) become(ask, answer, argv);
    close(ask[0]);
    close(answer[1]);
    signal(SIGPIPE, SIG_IGN); /* a child that ended shows as a failed write */
    child->to = fdopen(ask[1], "w");
    child->from = fdopen(answer[0], "r");
    if (child->pid > 0 && child->to && child->from &&
        read_answer(child, line, sizeof line) && strcmp(line, "ready") == 0)
        return child;
    fed_bench_child_stop(child);
    return NULL;
}

double fed_bench_child_ask(fed_bench_child *child, const char *question)
{
    char line[128];
    double v;
    if (!child || fprintf(child->to, "%s\n", question) < 0 || fflush(child->to) != 0)
        return NAN;
    if (!read_answer(child, line, sizeof line)) return NAN;
    return fed_text_to_double(line, strlen(line), &v) ? v : NAN;
}

void fed_bench_child_stop(fed_bench_child *child)
{
    if (!child) return;
    if (child->to) fclose(child->to); /* the end of its input tells it to end */
    if (child->from) fclose(child->from);
    if (child->pid > 0) waitpid(child->pid, NULL, 0);
    fed_free(child);
}
