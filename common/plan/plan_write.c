/* From plan to resolved text, and from that to the plan's address. */
#include <string.h>

#include "crypto.h"
#include "plan_values.h"

/* Close the groups of `before` that `path` is not in, then open those that are new. Paths
 * end in the name of a field. */
static void move_to(fed_bytes *out, const char *before, const char *path)
{
    size_t shared = 0;
    for (size_t i = 0; before[i] && before[i] == path[i]; i++)
        if (path[i] == '.') shared = i + 1;
    for (const char *p = before + shared; (p = strchr(p, '.')); p++)
        fed_bytes_put_text(out, "}");
    fed_bytes_put_text(out, *before ? "," : "{");
    const char *name = path + shared;
    for (const char *dot; (dot = strchr(name, '.')); name = dot + 1)
        fed_bytes_printf(out, "\"%.*s\":{", (int)(dot - name), name);
    fed_bytes_printf(out, "\"%s\":", name);
}

fed_status fed_plan_write(const fed_plan *plan, fed_bytes *out, fed_error *err)
{
    const char *before = "";
    for (size_t i = 0; i < fed_plan_n_fields; i++) {
        move_to(out, before, fed_plan_fields[i].path);
        fed_plan_print_value(out, plan, &fed_plan_fields[i]);
        before = fed_plan_fields[i].path;
    }
    for (const char *p = before; (p = strchr(p, '.')); p++)
        fed_bytes_put_text(out, "}");
    fed_bytes_put_text(out, "}");
    if (out->status == FED_OK) return FED_OK;
    return fed_fail(err, out->status, "the plan: its resolved form: %s",
                    fed_status_name(out->status));
}

fed_status fed_plan_address(const fed_plan *plan, uint8_t address[FED_PLAN_ADDRESS_BYTES],
                            fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_status status = fed_plan_write(plan, &text, err);
    if (status == FED_OK) status = fed_sha256(text.data, text.len, address, err);
    fed_bytes_fini(&text);
    return status;
}
