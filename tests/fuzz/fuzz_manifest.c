/* What a device says that its state folder holds: what parses is written, keys in order, in a
 * form that parses to the same. */
#include <stdlib.h>
#include <string.h>

#include "keep_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_keep_table table = {0}, again = {0};
    fed_bytes out, same;
    fed_bytes_init(&out, SIZE_MAX);
    fed_bytes_init(&same, SIZE_MAX);
    if (fed_keep_table_read(&table, (fed_span){data, size}, NULL) == FED_OK &&
        (fed_keep_table_write(&table, &out, NULL) || out.len != size ||
         fed_keep_table_read(&again, (fed_span){out.data, out.len}, NULL) ||
         fed_keep_table_write(&again, &same, NULL) || same.len != out.len ||
         memcmp(same.data, out.data, out.len) != 0))
        abort();
    fed_keep_table_fini(&table);
    fed_keep_table_fini(&again);
    fed_bytes_fini(&out);
    fed_bytes_fini(&same);
    return 0;
}
