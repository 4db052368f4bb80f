/* Data sets drawn from a seed. Row i of a part is drawn from its own stream, named by the
 * data seed, the part and i: asking for more rows changes none of the first ones. */
#ifndef FED_SYNTHETIC_H
#define FED_SYNTHETIC_H

#include "../dataset.h"

enum { FED_DIGIT_SIDE = 28 };

/** synthetic:NAME with rows, test_rows, users, and classes or dims where they make
 *  sense. */
fed_status fed_synthetic_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                              fed_error *err);

/** Draw one picture of `digit` (0..9), 28 x 28 grey bytes, white on black as in MNIST. */
void fed_digit_draw(fed_stream *s, unsigned digit, uint8_t pixels[]);

#endif
