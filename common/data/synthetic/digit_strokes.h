/* The skeletons of the ten digits, in a box of 100 x 100, y downwards. */
#ifndef FED_DIGIT_STROKES_H
#define FED_DIGIT_STROKES_H

#include <stdbool.h>
#include <stdint.h>

enum { FED_STROKE_POINTS = 10, FED_SHAPE_STROKES = 3, FED_DIGIT_SHAPES = 3 };

typedef struct fed_stroke {
    uint8_t n;   /* 0: no stroke */
    bool closed; /* the last point leads back to the first */
    uint8_t xy[FED_STROKE_POINTS][2];
} fed_stroke;

/** The ways to write a digit. */
typedef struct fed_digit_shapes {
    unsigned n;
    fed_stroke shapes[FED_DIGIT_SHAPES][FED_SHAPE_STROKES];
} fed_digit_shapes;

extern const fed_digit_shapes fed_digit_table[10];

#endif
