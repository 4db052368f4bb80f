/* The commands of fedctl, for its own files. */
#ifndef FEDCTL_H
#define FEDCTL_H

#include "cli.h"
#include "control.h"

/** What commands have in common; each is set by the options of the command that runs. */
typedef struct fed_ctl_options {
    const char *server; /* its URL */
    const char *key;    /* file of the operator's private key */
    const char *out;
    bool json, force;
} fed_ctl_options;
extern fed_ctl_options fed_ctl;

#define FED_CTL_OPT_SERVER                                                               \
    FED_OPT_TEXT("server", 's', "URL", &fed_ctl.server, "the server")
#define FED_CTL_OPT_KEY                                                                  \
    FED_OPT_REQUIRED("key", 'k', "FILE", &fed_ctl.key, "the operator's private key")
#define FED_CTL_OPT_JSON FED_OPT_FLAG("json", 0, &fed_ctl.json, "print one JSON object")

extern const fed_option fed_ctl_keygen_options[], fed_ctl_create_options[],
    fed_ctl_stop_options[], fed_ctl_wait_options[], fed_ctl_view_options[],
    fed_ctl_plain_options[], fed_ctl_model_get_options[], fed_ctl_enrol_tokens_options[],
    fed_ctl_enrol_sign_options[];
fed_command_run fed_ctl_keygen, fed_ctl_task_create, fed_ctl_task_list, fed_ctl_task_show,
    fed_ctl_task_stop, fed_ctl_task_trace, fed_ctl_task_wait, fed_ctl_model_list,
    fed_ctl_model_get, fed_ctl_enrol_tokens, fed_ctl_enrol_sign;

/** Read a key file of that kind; the text names `path`. */
FED_MUST_CHECK fed_status fed_ctl_read_key(const char *path, fed_key_kind kind,
                                           uint8_t key[32], fed_error *err);
/** The task whose id begins with `prefix` (NULL: the only one there is), as the server
 *  describes it; the caller's. */
FED_MUST_CHECK fed_status fed_ctl_find_task(fed_operator_client *client,
                                            const char *prefix, json_t **out,
                                            fed_error *err);
/** A text or a whole number of an object; "" or 0 when it is not there. */
const char *fed_ctl_text(const json_t *object, const char *name);
int64_t fed_ctl_number(const json_t *object, const char *name);
/** Print an object on one line. */
FED_MUST_CHECK fed_status fed_ctl_print_json(const json_t *object, fed_error *err);
/** Print a table, and empty it. */
FED_MUST_CHECK fed_status fed_ctl_print_table(fed_text_table *table, fed_error *err);

#endif
