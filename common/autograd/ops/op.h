/*
 * What an operator is made of. One file holds one operator (or one family that shares its
 * loops) and ends with its row of the table; ops/table.c lists the rows. To add one: one
 * file, one line there, one test.
 *
 * Files in ops/ and kernels/ are compiled once for each kernel path (plain C, AVX2, ...),
 * with the path's compiler flags. So a plain loop in here is vectorised for each path, and
 * the names that leave the file carry the path as a suffix: see kernels/path.h.
 */
#ifndef FED_OP_H
#define FED_OP_H

#include "graph.h"
#include "kernels/path.h"

enum {
    FED_PARAMS_MAX = 4, /* parameters of one operator */
    FED_SAVED_MAX = 4   /* buffers that live from forward to backward */
};

/** How a parameter starts. */
typedef enum fed_init { FED_INIT_ZERO, FED_INIT_ONE, FED_INIT_UNIFORM } fed_init;

typedef struct fed_param {
    const char *name;
    fed_shape shape;
    fed_init init;
    double bound;   /* UNIFORM in [-bound, bound) */
    bool statistic; /* changed by after(), not by the optimiser */
    size_t offset;  /* into the flat vector; set when the graph is compiled */
} fed_param;

/** Floats for a whole batch: `each` for every example and `fixed` once. */
typedef struct fed_room_size {
    size_t each, fixed;
} fed_room_size;

/** A window that slides over height and width: convolution and pooling. */
typedef struct fed_window {
    size_t in_h, in_w, in_c;
    size_t out_h, out_w, out_c;
    size_t kernel_h, kernel_w;
    size_t stride_h, stride_w;
    size_t pad_h, pad_w; /* before the first row and column */
} fed_window;

typedef struct fed_node fed_node;
typedef struct fed_call fed_call;
typedef struct fed_loss_call fed_loss_call;

enum {
    FED_VIEW = 1,         /* output is the input's memory under another shape */
    FED_IN_PLACE = 2,     /* elementwise: y may be x, and dx may be dy */
    FED_TAKES_RELU = 4,   /* forward applies a rectifier when call->relu is set */
    FED_TRAIN_ONLY = 8,   /* does nothing outside training (dropout) */
    FED_MIXES_BATCH = 16, /* an example's output depends on the others */
    FED_TAKES_TOKENS =
        32,          /* reads call->tokens, the input of the graph; n[0] bounds them */
    FED_PER_ROW = 64 /* a loss on values that averages over rows, not single values */
};

/** The table row: the public part, and what the compiler and the run call. */
typedef struct fed_op_row {
    fed_op op;
    unsigned flags;
    /** Shape rule: set node->shape, params, saved, work, needs; refuse with the field, the
     *  value and the bound. `in` are the shapes of the inputs. */
    fed_status (*infer)(fed_node *node, const fed_shape *in, fed_error *err);
    void (*forward)(const fed_call *call);
    /** Write (never add to) each dx that is not NULL; write or, with call->accumulate, add to
     *  each g that is not NULL. NULL: a view. */
    void (*backward)(const fed_call *call);
    /** After a training step: move the statistics. NULL for most. */
    void (*after)(const fed_call *call, float *const *params);
    /** Losses instead of forward and backward. */
    void (*loss)(fed_loss_call *call);
} fed_op_row;

struct fed_node {
    const fed_op_row *row;
    fed_attr_value attrs[FED_ATTRS_MAX]; /* resolved, in the order of the table */
    size_t layer;
    size_t inputs[FED_INPUTS_MAX], n_inputs;
    bool frozen;

    /* filled by infer() */
    fed_shape shape;
    fed_param params[FED_PARAMS_MAX];
    size_t n_params;
    fed_room_size saved[FED_SAVED_MAX];
    size_t n_saved;
    fed_room_size forward_work, backward_work;
    unsigned needs_x; /* bit i: backward reads input i */
    bool needs_y;     /* backward reads the output */
    size_t
        step_batch; /* up to this many examples backward takes a step, see fed_call; 0: never */
    double flops; /* forward, one example */
    fed_window window;
    size_t n[8];                 /* whatever numbers the operator wants to keep */
    size_t part[FED_INPUTS_MAX]; /* the same, one for each input */
};

/** One kernel call. Pointers are to whole batches. */
struct fed_call {
    const fed_node *node;
    size_t batch;
    bool train;
    bool accumulate; /* add to parameter gradients */
    bool relu;       /* apply a rectifier to the output, see FED_TAKES_RELU */
    const float *x[FED_INPUTS_MAX];
    const int32_t *tokens;
    float *y;
    const float *dy;
    float *dx[FED_INPUTS_MAX]; /* NULL: not wanted */
    const float *p[FED_PARAMS_MAX];
    float *g[FED_PARAMS_MAX]; /* NULL: frozen */
    struct fed_step *step; /* not NULL: g[0] is parameter 0 itself, which is to be moved
                                    (kernels/gemm.h) when nothing reads it any more */
    float *saved[FED_SAVED_MAX]; /* there in forward and backward, whatever the mode */
    float *work;
    float *scratch; /* for fed_gemm_run() */
    fed_stream *stream;
};

struct fed_loss_call {
    const fed_node *node;
    size_t batch, rows, width; /* output is [batch * rows][width] */
    const float *y;
    const int32_t *classes;
    const float *values;
    float *dy;                 /* NULL: evaluation only */
    double scale;              /* of the gradient: 1 / (what the loss is averaged over) */
    double sum;                /* out */
    uint64_t correct, counted; /* out */
};

/* Reading resolved attributes by their position in the table. */
static inline size_t fed_attr_size(const fed_node *node, size_t index)
{
    return (size_t)node->attrs[index].number;
}
/** Item `i` of a list; a shorter list repeats its last item. */
static inline size_t fed_attr_item(const fed_node *node, size_t index, size_t i)
{
    const fed_attr_value *v = &node->attrs[index];
    return (size_t)v->items[i < v->n_items ? i : v->n_items - 1];
}
static inline bool fed_attr_is(const fed_node *node, size_t index, const char *text)
{
    return strcmp(node->attrs[index].text, text) == 0;
}

/** A float room for each example. */
static inline fed_room_size fed_each(size_t floats)
{
    return (fed_room_size){floats, 0};
}
/** Add a parameter to a node; `bound` counts for FED_INIT_UNIFORM. */
static inline void fed_node_add_param(fed_node *node, const char *name, fed_shape shape,
                                      fed_init init, double bound)
{
    node->params[node->n_params++] = (fed_param){name, shape, init, bound, false, 0};
}
static inline fed_shape fed_shape1(size_t a)
{
    return (fed_shape){1, {a}};
}
static inline fed_shape fed_shape2(size_t a, size_t b)
{
    return (fed_shape){2, {a, b}};
}
static inline fed_shape fed_shape3(size_t a, size_t b, size_t c)
{
    return (fed_shape){3, {a, b, c}};
}
static inline fed_shape fed_shape4(size_t a, size_t b, size_t c, size_t d)
{
    return (fed_shape){4, {a, b, c, d}};
}

/* The rows, one for each operator of each path: fed_op_linear_avx2 and so on. */
#define FED_ROW(name) FED_IN_PATH(fed_op_##name)

#endif
