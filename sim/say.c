/* What the commands of fedsim print in the same way. */
#include "fedsim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

fed_status fed_sim_say_json(json_t *json, fed_error *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    printf("%s\n", text);
    free(text);
    return FED_OK;
}

json_t *fed_sim_epsilon_json(double epsilon)
{
    return isfinite(epsilon) ? json_real(epsilon) : json_null();
}
