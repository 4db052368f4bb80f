/* A device is killed, misses versions, and comes back: it loads a difference when there is one
 * from the version on its disk, and else the model. Whichever way, fedsim repeats the model. */
#include "federation.h"
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AWAY = 3 /* the device that is away */, DEVICES = 5, PATIENCE = 1200 };

#define PLAN(differences)                                                                \
    "{\"format\":\"fed-plan/"                                                            \
    "1\",\"name\":\"missed\",\"model\":{\"input\":{\"shape\":[20]},"                     \
    "\"layers\":[{\"op\":\"linear\",\"units\":8,\"activation\":\"relu\"},"               \
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"              \
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":2},"                                   \
    "\"update\":{\"select\":\"dense\",\"bits\":8},"                                      \
    "\"download\":{\"differences\":" differences "},\"secagg\":{\"enabled\":false},"     \
    "\"rounds\":{\"count\":1000,\"cohort\":2,\"over_select\":1.0,"                       \
    "\"min_survivors\":2,\"deadline_s\":3,"                                              \
    "\"phase_s\":2}}"

static bool wait_for_version(fed_federation *f, long long version)
{
    for (int i = 0; i < PATIENCE && fed_federation_number(f, "version") < version; i++)
        fed_process_sleep(50);
    return CHECK(fed_federation_number(f, "version") >= version);
}

static bool wait_for_device(const fed_federation *f, unsigned i, const char *field,
                            long long at_least)
{
    for (int k = 0; k < PATIENCE; k++) {
        if (fed_federation_device_number(f, i, field) >= at_least) return true;
        fed_process_sleep(50);
    }
    return CHECK_MSG(false, "device %u: %s stays at %lld", i, field,
                     fed_federation_device_number(f, i, field));
}

static void stop_device(fed_federation *f, unsigned i)
{
    fed_process_kill(f->clients[i]);
    f->clients[i] = 0;
}

/* Device AWAY delivers, is killed, and misses three versions or more. Then all others but one
 * are killed, so that the federation stands still: a version takes two. */
static bool miss_versions(fed_federation *f)
{
    if (!fed_federation_begin(f) || !fed_federation_create_task(f)) return false;
    for (unsigned i = 0; i < f->devices; i++)
        if (!CHECK(fed_federation_start_device(f, i))) return false;
    if (!wait_for_device(f, AWAY, "delivered", 1)) return false;
    stop_device(f, AWAY);
    if (!wait_for_version(f, fed_federation_number(f, "version") + 3)) return false;
    for (unsigned i = 0; i < AWAY; i++)
        stop_device(f, i);
    return true;
}

/* It comes back and fetches the version at which the others stand; then they go on. It delivers
 * three updates of this life: a fourth may be of the life before, whose cohort was not done.
 * Then it is killed, so that what it said of itself stays as it is. */
static bool come_back(fed_federation *f)
{
    char path[300];
    long long version = fed_federation_number(f, "version");
    snprintf(path, sizeof path, "%s/status-%d", f->folder, AWAY);
    unlink(path); /* of its earlier life */
    if (!CHECK(fed_federation_start_device(f, AWAY)) ||
        !wait_for_device(f, AWAY, "version", version))
        return false;
    for (unsigned i = 0; i < AWAY; i++)
        if (!CHECK(fed_federation_start_device(f, i))) return false;
    bool ok = wait_for_device(f, AWAY, "delivered", 4);
    stop_device(f, AWAY);
    return ok;
}

static void finish(fed_federation *f, bool ok)
{
    if (ok && CHECK(fed_federation_stop_task(f))) fed_federation_check_replay(f);
    fed_federation_end(f);
}

static fed_federation federation(const char *plan)
{
    return (fed_federation){.plan = plan,
                            .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                            .partition = "iid",
                            .devices = DEVICES,
                            .seed = 5};
}

static long long said(const fed_federation *f, const char *field)
{
    return fed_federation_device_number(f, AWAY, field);
}

static void test_within_reach(void)
{
    fed_federation f = federation(PLAN("32"));
    bool ok = miss_versions(&f) && come_back(&f);
    if (ok) {
        CHECK_EQ(said(&f, "fell_back"), 0);
        CHECK_EQ(said(&f, "loaded"), 0);
        CHECK(said(&f, "rebuilt") >= 3);
    }
    finish(&f, ok);
}

static void test_beyond_reach(void)
{
    fed_federation f = federation(PLAN("1"));
    bool ok = miss_versions(&f) && come_back(&f);
    if (ok) {
        CHECK_EQ(said(&f, "fell_back"), 0);
        CHECK(said(&f, "loaded") >= 1);
    }
    finish(&f, ok);
}

/* ---- what is not there ------------------------------------------------------------------ */

static bool is_zstd_frame(int folder, const char *name)
{
    static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    uint8_t start[4] = {0};
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && read(fd, start, 4) == 4 && memcmp(start, magic, 4) == 0;
    if (fd >= 0) close(fd);
    return is && !strstr(name, ".zst");
}

/* Of all blobs only differences are zstd frames by themselves. */
static unsigned remove_differences(const fed_federation *f)
{
    unsigned removed = 0;
    for (unsigned i = 0; i < 256; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/server/blobs/%02x", f->folder, i);
        DIR *dir = opendir(path);
        if (!CHECK(dir != NULL)) return removed;
        for (struct dirent *e; (e = readdir(dir));)
            if (is_zstd_frame(dirfd(dir), e->d_name))
                removed += !unlinkat(dirfd(dir), e->d_name, 0);
        closedir(dir);
    }
    return removed;
}

static void test_differences_are_away(void)
{
    fed_federation f = federation(PLAN("32"));
    bool ok = miss_versions(&f);
    if (ok) {
        fed_process_sleep(500); /* what was under way when it came to a stand */
        ok = CHECK(remove_differences(&f) >= 3) && come_back(&f);
    }
    if (ok) {
        CHECK_EQ(said(&f, "fell_back"), 1);
        CHECK_EQ(said(&f, "loaded"), 1);
        CHECK(said(&f, "rebuilt") >= 2);
    }
    finish(&f, ok);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_within_reach), CASE(test_beyond_reach),
                                     CASE(test_differences_are_away)};
    return fed_run("missed", cases, sizeof cases / sizeof *cases);
}
