/* plan_docs FOLDER: write plan.schema.json and plan-reference.md into the folder. */
#include <stdio.h>

#include "plan_docs.h"

static int write_file(const char *folder, const char *name, const fed_bytes *bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(bytes->data, 1, bytes->len, f) == bytes->len;
    ok = f && fclose(f) == 0 && ok;
    if (!ok) fprintf(stderr, "plan_docs: cannot write %s\n", path);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    fed_bytes schema, reference;
    fed_error err = {0};
    int failed = 1;
    if (argc != 2) {
        fprintf(stderr, "usage: plan_docs FOLDER\n");
        return 2;
    }
    fed_bytes_init(&schema, 1 << 22);
    fed_bytes_init(&reference, 1 << 22);
    fed_plan_write_reference(&reference);
    if (fed_plan_write_schema(&schema, &err) != FED_OK)
        fprintf(stderr, "plan_docs: %s\n", err.text);
    else
        failed = write_file(argv[1], "plan.schema.json", &schema) |
                 write_file(argv[1], "plan-reference.md", &reference);
    fed_bytes_fini(&schema);
    fed_bytes_fini(&reference);
    return failed;
}
