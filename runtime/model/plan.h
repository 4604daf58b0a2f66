/* A forward as data: which stage is made from which, by which operation, with which weights, and
 * how wide it is. Each architecture has one such table, in a file of its own (arch/NAME.c);
 * loading, every driver, the traces and what reads them are derived from it. The number of a stage
 * is its row. */
#ifndef PV_MODEL_PLAN_H
#define PV_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/arith/act.h"
#include "kernels/arith/rope.h"

typedef enum pv_op {
  PV_OP_GATHER,  /* the row of the weight that the token id names, times the shape's scale */
  PV_OP_NORM,    /* RMSNorm with a gain */
  PV_OP_MATMUL,  /* the weight's matrix times in[0]; in[1]: which experts' matrices */
  PV_OP_HEADS,   /* RMSNorm of each head of in[0] with a gain, then RoPE */
  PV_OP_ATTEND,  /* causal attention of the queries in[0] over the cached in[1] and in[2], within
                    the shape's window; its weight: a sink for each head */
  PV_OP_ADD,     /* in[0] + in[1] */
  PV_OP_ROUTE,   /* weights of the best of in[0] by rank, of the shape's form */
  PV_OP_TOPK,    /* which those are */
  PV_OP_SWIGLU,  /* silu(in[0]) * in[1] */
  PV_OP_COMBINE, /* sum over the parts of in[0], weighted with in[1] */
  PV_OP_ARGMAX,  /* the largest of in[0] */
  PV_OP_ROPE,    /* RoPE of each head of in[0] */
  PV_OP_BIAS,    /* in[0] + a vector; in[1]: which experts' vectors */
  PV_OP_GEGLU,   /* gelu(in[0]) * in[1], GELU in its tanh form */
  PV_OP_SWIGLU_CLAMPED, /* of gpt-oss: g sigmoid(1.702 g) (u + 1), g = min(in[0], 7),
                           u = in[1] between -7 and 7 */
  PV_OP_GATE            /* in[0] * sigmoid(in[1]), which is one number */
} pv_op;

/* Elements of a row, or of each of its parts. */
typedef enum pv_dim {
  PV_DIM_ONE,
  PV_DIM_HIDDEN,
  PV_DIM_HEAD,
  PV_DIM_Q,  /* heads * head_dim */
  PV_DIM_KV, /* kv_heads * head_dim */
  PV_DIM_FFN,
  PV_DIM_EXPERTS,
  PV_DIM_USED,
  PV_DIM_SHARED, /* of a feed-forward network beside the experts */
  PV_DIM_VOCAB
} pv_dim;

/* What a stage is to who asks for it, whatever the architecture calls it. One stage has a role. */
typedef enum pv_role {
  PV_ROLE_NONE,
  PV_ROLE_EMBEDDING,
  PV_ROLE_FFN_IN, /* what the experts, or the one feed-forward network, are given */
  PV_ROLE_ROUTER_LOGITS,
  PV_ROLE_ROUTER_WEIGHTS,
  PV_ROLE_ROUTER_INDICES,
  PV_ROLE_EXPERTS_OUT, /* before they are weighted */
  PV_ROLE_FFN_OUT,
  PV_ROLE_LAYER_OUT, /* what the next layer is given */
  PV_ROLE_LOGITS,
  PV_ROLE_TOP, /* the token with the largest logit */
  PV_ROLES
} pv_role;

enum {
  PV_ROW_ONCE = 1,        /* once per forward, not once per layer */
  PV_ROW_INDEX = 2,       /* int32 elements; all others are real */
  PV_ROW_BY_EXPERT = 4,   /* a part for each chosen expert by rank; its weight has all experts' */
  PV_ROW_APPENDS = 8,     /* enters the cache */
  PV_ROW_LAST_ROWS = 16,  /* of the positions alone whose logits are asked for */
  PV_ROW_STEP = 32,       /* begins a step: what is computed before anybody looks */
  PV_ROW_BLOCK = 64,      /* a block of the layer begins from it */
  PV_ROW_TIED = 128,      /* without a weight of its own it takes that of the embedding */
  PV_ROW_NEIGHBOURS = 256 /* RoPE turns elements 2 i and 2 i + 1, else i and i + head_dim / 2 */
};

enum { PV_STAGES_MAX = 64, PV_STEP_ROWS = 3, PV_STREAM = 255 };

typedef unsigned pv_stage_id; /* a row of a plan */

typedef struct pv_stage_row {
  const char *name; /* in traces, reports and contracts */
  pv_op op;
  pv_role role;
  /* Rows of this table; PV_STREAM: what enters the layer, or leaves the last one. 0 ends the list:
   * row 0 is only ever the stream. */
  uint8_t in[3];
  /* "attn_q" is blk.N.attn_q.weight, of BIAS blk.N.attn_q.bias, outside the layers output.weight;
   * NULL: none. Its shape follows from the operation. */
  const char *weight;
  pv_dim width;
  unsigned flags;
} pv_stage_row;

typedef struct pv_shape { /* a number is 0 where the architecture has none of it */
  uint32_t layers, hidden, heads, kv_heads, head_dim, experts, used, ffn, vocab, context;
  uint32_t shared; /* width of the network beside the experts */
  /* A sliding layer sees the last `window` positions, its own among them; layer i slides where
   * i % period < period - 1. window 0: none slides. */
  uint32_t window, window_period;
  pv_rope rope, rope_sliding; /* the second of sliding layers; its base 0: the same */
  pv_route_form route;
  float embedding_scale; /* 0: none */
  float score_scale;     /* of attention; 0: 1 / sqrt(head_dim) */
  float eps;             /* of RMSNorm */
  bool tied;             /* the head is the token embedding */
} pv_shape;

typedef struct pv_model_key pv_model_key; /* metadata.h */

enum {                             /* of a plan */
       PV_PLAN_SCALES_SLIDING = 1, /* scaling of RoPE concerns the sliding layers, too */
       PV_PLAN_ROPE_FACTORS = 2 /* files may have rope_freqs.weight: divisors of the frequencies */
};

/* Files of one architecture may have experts or none: then it has two plans. */
typedef struct pv_plan {
  const char *name;         /* one word, of this plan alone */
  const char *architecture; /* general.architecture, and what its metadata keys begin with */
  const char *about;        /* "Qwen3 Mixture-of-Experts models" */
  const pv_stage_row *rows;
  size_t count;
  const pv_model_key *keys; /* its own metadata keys; ends with an entry without a name */
  unsigned flags;
  pv_shape start; /* what no key tells, and what holds where a key that may be absent is */
  void (*finish)(pv_shape *shape); /* what follows from numbers that were read; NULL: nothing */
} pv_plan;

static inline bool pv_shape_slides(const pv_shape *s, uint32_t layer) {
  return s->window > 0 && layer % s->window_period + 1 < s->window_period;
}
/* The first position that `position` sees. */
static inline size_t pv_shape_first(const pv_shape *s, uint32_t layer, size_t position) {
  return pv_shape_slides(s, layer) && position >= s->window ? position + 1 - s->window : 0;
}
static inline const pv_rope *pv_shape_rope(const pv_shape *s, uint32_t layer) {
  return pv_shape_slides(s, layer) && s->rope_sliding.base > 0.0 ? &s->rope_sliding : &s->rope;
}

/* Limits beyond which a model is refused. */
#define PV_MODEL_LAYERS_MAX  1024
#define PV_MODEL_EXPERTS_MAX 1024
#define PV_MODEL_WIDTH_MAX   65536 /* hidden, heads * head_dim, ffn */

/* The table of architectures: NULL past the last. */
const pv_plan *pv_plan_at(size_t n);
/* That of files with experts or of those without, by the architecture's name, which need not end
 * with a NUL; where it has only one of both, that one. NULL: unknown. */
const pv_plan *pv_plan_find(const char *architecture, size_t length, bool experts);
/* By its own name; NULL: unknown. */
const pv_plan *pv_plan_named(const char *name);
/* All of them as "A, B or C": names, or what they are about. Cut to `size` bytes. */
enum { PV_PLAN_LIST = 512 }; /* room for all */
void pv_plan_list(bool about, char *out, size_t size);

/* Why the table is none that can be computed, or NULL: an input that is not there yet or of another
 * kind than the operation takes, a name, weight or role twice, a width that does not follow from
 * the inputs, keys or values that are not cached, rows outside the layers between those inside, a
 * role that every forward has, or that experts need, and that no row has. `*row` is where. */
const char *pv_plan_flaw(const pv_plan *plan, size_t *row);

static inline bool pv_plan_is(const pv_plan *plan, size_t row, unsigned flag) {
  return (plan->rows[row].flags & flag) != 0;
}
static inline bool pv_plan_is_layered(const pv_plan *plan, size_t row) {
  return !pv_plan_is(plan, row, PV_ROW_ONCE); /* once per layer, else once per forward */
}
/* "q of layer 2", and "logits" for a stage outside the layers, whatever `layer` is. Returns `out`.
 */
enum { PV_PLACE_LENGTH = 48 };
const char *pv_plan_place(const pv_plan *plan, size_t row, uint32_t layer,
                          char out[PV_PLACE_LENGTH]);

/* The row with a role, -1: none. */
int pv_plan_role(const pv_plan *plan, pv_role role);
/* The first row of an operation, -1: none. */
int pv_plan_op(const pv_plan *plan, pv_op op);
/* Whether experts are chosen: then the plan has all roles of the router and of experts. */
static inline bool pv_plan_has_experts(const pv_plan *plan) {
  return pv_plan_role(plan, PV_ROLE_ROUTER_INDICES) >= 0;
}
/* The row of that name, -1: none. */
int pv_plan_stage(const pv_plan *plan, const char *name);

/* Elements of a row of a stage, and of each of its parts. */
size_t pv_plan_width(const pv_plan *plan, size_t row, const pv_shape *shape);
size_t pv_plan_part(const pv_plan *plan, size_t row, const pv_shape *shape);
size_t pv_dim_size(pv_dim dim, const pv_shape *shape);

/* Input `k` of a stage in one of `layers`: its row, and its layer in `*at` (0 outside the layers).
 * -1 past the last input. `at` may be NULL. */
int pv_plan_input(const pv_plan *plan, size_t row, size_t k, uint32_t layer, uint32_t layers,
                  uint32_t *at);

/* Dimensions of a stage's weight, as a GGUF file has them; unused ones are 1. False: none. */
bool pv_plan_weight(const pv_plan *plan, size_t row, const pv_shape *shape, uint64_t dims[3]);
enum { PV_WEIGHT_NAME = 80 };
const char *pv_plan_weight_name(const pv_plan *plan, size_t row, uint32_t layer,
                                char out[PV_WEIGHT_NAME]);
/* Whether a stage's weight is made of vectors, which are never quantised: gains, biases, sinks. */
bool pv_plan_is_vector(const pv_plan *plan, size_t row);

/* A step: rows first .. first + count - 1, of one layer. */
typedef struct pv_step {
  size_t first, count;
  uint32_t layer; /* 0 outside the layers */
} pv_step;
/* The next of a forward, those of LAST_ROWS last; after {0} the first. False: it was the last. */
bool pv_plan_next(const pv_plan *plan, uint32_t layers, pv_step *step);
/* How many there are. */
size_t pv_plan_steps(const pv_plan *plan, uint32_t layers);
/* Where in a step the row with a role is; -1: not there. */
int pv_step_find(const pv_plan *plan, const pv_step *step, pv_role role);

#endif
