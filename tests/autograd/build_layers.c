#include "build_layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One attribute "name=value", "name=1,2" or "name=text" cut up in place. */
fed_attr_value parse_attr(char *text)
{
    char *value = strchr(text, '=');
    fed_attr_value v = {.name = text};
    *value++ = 0;
    v.text = value;
    v.number = strtod(value, NULL);
    for (char *at = value; at && v.n_items < FED_ATTR_ITEMS; v.n_items++) {
        v.items[v.n_items] = strtoll(at, NULL, 10);
        at = strchr(at, ',');
        if (at) at++;
    }
    return v;
}

static fed_status build_layer(fed_graph *graph, char *text, fed_error *err)
{
    fed_attr_value attrs[FED_ATTRS_MAX];
    const char *inputs[FED_INPUTS_MAX], *name = NULL, *op = NULL;
    size_t n_attrs = 0, n_inputs = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (!op)
            op = word;
        else if (*word == '<')
            inputs[n_inputs++] = word + 1;
        else if (*word == '@')
            name = word + 1;
        else
            attrs[n_attrs++] = parse_attr(word);
    return fed_graph_add_layer(graph, op, attrs, n_attrs, inputs, n_inputs, name, err);
}

fed_status build_layers(fed_graph *graph, const char *text, fed_error *err)
{
    char copy[1024], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *one = strtok_r(copy, "|", &rest); one; one = strtok_r(NULL, "|", &rest))
        FED_TRY(build_layer(graph, one, err));
    return FED_OK;
}
