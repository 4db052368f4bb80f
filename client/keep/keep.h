/*
 * keep: what a device keeps, encrypted, in one folder.
 *
 *   DIR/manifest   which records there are, and the small ones themselves
 *   DIR/r-NUMBER   a large record
 *   DIR/key        32 bytes, mode 0600; not there when the app provides the key
 *   DIR/lock       held while a process has the folder open
 *
 * Manifest and records are sealed (common/crypto/sealed.h), each under a context that names
 * it. A change writes new record files, syncs them, and then puts a new manifest in the
 * place of the old one: that rename is the moment at which all records of a step become
 * true together. Files that no manifest names are left-overs of a crash; opening removes
 * them. So the process may be killed, or the power fail, at any moment.
 *
 * What is not noticed: somebody who puts an older copy of the whole folder back.
 */
#ifndef FED_KEEP_H
#define FED_KEEP_H

#include "base.h"
#include "crypto.h"

enum {
    FED_KEEP_INLINE_MAX = 16384, /* larger records get a file each */
    FED_KEEP_RECORDS_MAX = 1024,
    FED_KEEP_NAME_MAX = 128 /* bytes of a record's key */
};

typedef struct fed_keep fed_keep;

typedef struct fed_keep_config {
    const char *folder; /* made when it is not there */
    fed_random random;  /* salts, and the default key */
    /** Where the key comes from; NULL: DIR/key, made on the first start. Called once. */
    fed_status (*key)(void *ctx, uint8_t key[FED_SEALED_KEY]);
    void *key_ctx;
} fed_keep_config;

/** Open the folder and lock it. The configuration is copied. FED_E_EXISTS when another
 *  process has it; FED_E_AUTH when the key is not the folder's or the manifest was changed;
 *  FED_E_FORMAT when a part is missing or torn; FED_E_REFUSED when others can read the key
 *  file; FED_E_IO, FED_E_NOMEM, and what `key` answered. */
FED_MUST_CHECK fed_status fed_keep_open(fed_keep **out, const fed_keep_config *config,
                                        fed_error *err);
void fed_keep_close(fed_keep *keep);
/** Carry out the records of an outbox (they stay in it): all or none, durable on return.
 *  After a failure the next call looks at the disk again. One thread at a time. */
FED_MUST_CHECK fed_status fed_keep_apply(fed_keep *keep, const fed_outbox *outbox,
                                         fed_error *err);
/** Read access, valid as long as `keep`. A record that was changed on disk is FED_E_AUTH or
 *  FED_E_FORMAT, with its file's name. */
fed_journal fed_keep_journal(fed_keep *keep);

#endif
