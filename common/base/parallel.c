#include "parallel.h"

void fed_parallel_for(const fed_parallel *parallel, size_t n, fed_loop_body body,
                      void *arg)
{
    if (parallel && parallel->threads > 1 && n > 1) {
        parallel->run(parallel->ctx, n, body, arg);
        return;
    }
    for (size_t i = 0; i < n; i++)
        body(arg, i, 0);
}

unsigned fed_parallel_threads(const fed_parallel *parallel)
{
    return parallel && parallel->threads ? parallel->threads : 1;
}
