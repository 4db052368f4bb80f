/* What concerns the whole process: log, allocator, version. */
#include "client_internal.h"

static struct {
    fed_client_log log;
    void *ctx;
} listener;

static void to_listener(void *ctx, fed_log_level level, const char *event,
                        const char *fields)
{
    (void)ctx;
    listener.log(listener.ctx, (int)level, event, fields);
}

void fed_client_set_log(int level, fed_client_log log, void *ctx)
{
    if (level < FED_LOG_DEBUG) level = FED_LOG_DEBUG;
    if (level > FED_LOG_OFF || !log) level = FED_LOG_OFF;
    listener.log = log;
    listener.ctx = ctx;
    fed_log_configure((fed_log_level)level, log ? to_listener : NULL, NULL);
}

void fed_client_set_allocator(void *(*alloc)(void *ctx, size_t bytes),
                              void *(*resize)(void *ctx, void *block, size_t bytes),
                              void (*release)(void *ctx, void *block), void *ctx)
{
    static fed_allocator allocator;
    allocator = (fed_allocator){alloc, resize, release, ctx};
    fed_memory_set_allocator(alloc && resize && release ? &allocator : NULL);
}

const char *fed_client_version(void)
{
    return FED_VERSION;
}
