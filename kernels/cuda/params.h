/* Arguments of the kernels, one struct each, passed by value: the same header for the host and
 * for the device. Addresses are device addresses. Sizes were narrowed to 32 bits with a check by
 * the backend; strides that may pass 2^32 bytes are 64 bits wide. */
#ifndef PV_CUDA_PARAMS_H
#define PV_CUDA_PARAMS_H

#include <stdint.h>

#ifdef __CUDACC__
#define PV_DEVICE(type) type *
#else
#define PV_DEVICE(type) uint64_t
#endif

/* What changes from one batch to the next. It lies in device memory, so that a captured graph
 * stays valid. */
typedef struct pv_cuda_step {
  uint32_t position; /* of the batch's first row */
  uint32_t count;    /* rows */
  uint32_t logits;   /* the last rows, that get logits */
  uint32_t zero;
} pv_cuda_step;

/* Rows of activations for a matrix product (kernels/arith/act.h). `q` holds 64 bytes for a segment
 * of 32: for t = 0..3 the high bytes of elements 4t..4t+3 and 16+4t..16+4t+3, then their low
 * bytes, q_i = 256 high_i + low_i: a thread's operands of an 8-bit tensor-core product are one
 * load of 16 bytes. */
typedef struct pv_cuda_acts {
  PV_DEVICE(float) x; /* as they were: rows of `stride` floats */
  PV_DEVICE(uint8_t) q;
  PV_DEVICE(float) d;
  PV_DEVICE(int32_t) sum;
  uint32_t k;        /* elements in a row */
  uint32_t stride;   /* of x */
  uint32_t segments; /* stride of d and sum; 64 times it is that of q */
  uint32_t share;    /* consecutive output rows that use one row of activations */
} pv_cuda_acts;

/* A tensor's rows. `experts` selects the expert of each output row, or is 0. */
typedef struct pv_cuda_rows {
  PV_DEVICE(const uint8_t) data;
  uint64_t row_bytes, expert_bytes;
  uint32_t type; /* pv_type */
  uint32_t count;
} pv_cuda_rows;

typedef struct pv_cuda_embed {
  pv_cuda_rows rows;
  PV_DEVICE(const uint32_t) ids;
  PV_DEVICE(float) out;
  uint32_t k;
} pv_cuda_embed;

typedef struct pv_cuda_norm {
  PV_DEVICE(const float) x;
  PV_DEVICE(const float) weight;
  PV_DEVICE(const pv_cuda_step) step; /* not 0: x begins at row count - logits of the batch */
  PV_DEVICE(float) out;
  pv_cuda_acts acts;
  uint32_t n;
  float eps;
  float max; /* PV_ACT16_MAX or PV_ACT8_MAX */
} pv_cuda_norm;

enum { PV_CUDA_JOBS = 3 };
typedef struct pv_cuda_job {
  pv_cuda_rows rows;
  PV_DEVICE(float) out;
  uint32_t rows_per_block; /* of gemv */
} pv_cuda_job;

/* Weights that every block of the next launch reads first. The blocks of this one ask for them,
 * each for a part: behind the matrices that the next one asks for they would wait. */
typedef struct pv_cuda_ahead {
  PV_DEVICE(const uint8_t) data;
  uint64_t bytes;
} pv_cuda_ahead;

/* Products of up to three matrices with the same activations. */
typedef struct pv_cuda_gemv {
  pv_cuda_job job[PV_CUDA_JOBS];
  pv_cuda_acts acts;
  pv_cuda_norm norm; /* norm.x not 0: the activations are this norm's result */
  PV_DEVICE(const int32_t) experts;
  PV_DEVICE(const float) add; /* not 0: total = add + out, for the first job */
  PV_DEVICE(float) total;
  pv_cuda_ahead ahead;
  uint32_t jobs;
} pv_cuda_gemv;

/* Rows of activations that one block of a matrix product takes together: entries first .. first +
 * count - 1 of `slots`, all of one expert. */
enum { PV_CUDA_TILE = 32 };
typedef struct pv_cuda_tile {
  uint32_t expert, first, count;
} pv_cuda_tile;

/* Products of up to three matrices with the rows of activations that `slots` lists, tile by tile.
 * Without `tiles`, slots are 0 .. count - 1 and there is one expert. */
typedef struct pv_cuda_gemm {
  pv_cuda_job job[PV_CUDA_JOBS];
  pv_cuda_acts acts;
  PV_DEVICE(const uint32_t) slots;
  PV_DEVICE(const pv_cuda_tile) tiles;
  PV_DEVICE(const uint32_t) tile_count;
  uint32_t jobs;
  uint32_t count;
} pv_cuda_gemm;

typedef struct pv_cuda_group {
  PV_DEVICE(const int32_t) indices; /* expert of each slot */
  PV_DEVICE(uint32_t) order;        /* slots by expert */
  PV_DEVICE(pv_cuda_tile) tiles;    /* room for slots / PV_CUDA_TILE + experts */
  PV_DEVICE(uint32_t) tile_count;
  uint32_t slots, experts;
} pv_cuda_group;

typedef struct pv_cuda_heads {
  PV_DEVICE(const float) q;
  PV_DEVICE(const float) k;
  PV_DEVICE(const float) v;
  PV_DEVICE(const float) q_weight;
  PV_DEVICE(const float) k_weight;
  PV_DEVICE(float) q_out;
  PV_DEVICE(float) k_out;
  PV_DEVICE(float) keys; /* of the layer: rows of kv_heads * dim */
  PV_DEVICE(float) values;
  PV_DEVICE(const float) cos;
  PV_DEVICE(const float) sin;
  PV_DEVICE(const pv_cuda_step) step;
  uint32_t heads, kv_heads, dim;
  float eps;
} pv_cuda_heads;

typedef struct pv_cuda_attend {
  PV_DEVICE(const float) q;
  PV_DEVICE(const float) keys;
  PV_DEVICE(const float) values;
  PV_DEVICE(const pv_cuda_step) step;
  PV_DEVICE(float) top; /* [row][head][chunks] */
  PV_DEVICE(float) sum;
  PV_DEVICE(float) value; /* [row][head][chunks][dim] */
  PV_DEVICE(float) out;
  pv_cuda_acts acts;
  uint32_t heads, kv_heads, dim;
  uint32_t chunks; /* for which top, sum and value have room */
  uint32_t first;  /* row of the batch that block row 0 stands for */
  float scale, max;
} pv_cuda_attend;

/* Both for one decoded position. */
typedef struct pv_cuda_attend_step {
  pv_cuda_heads heads;
  pv_cuda_attend attend;
  uint32_t whole; /* there is one chunk: its values are the result */
} pv_cuda_attend_step;

typedef struct pv_cuda_route {
  PV_DEVICE(const float) logits;
  PV_DEVICE(int32_t) indices;
  PV_DEVICE(float) weights;
  uint32_t experts, used;
} pv_cuda_route;

/* Routing, gate and up products of the chosen experts, SwiGLU, and the rounding of its result. */
typedef struct pv_cuda_gate_up {
  pv_cuda_rows gate, up;
  pv_cuda_route route;
  pv_cuda_acts in;
  PV_DEVICE(float) gate_out;
  PV_DEVICE(float) up_out;
  PV_DEVICE(float) out;
  pv_cuda_acts acts;
  float max;
} pv_cuda_gate_up;

/* Down products of the chosen experts, their weighted sum by rank, and the residual. */
typedef struct pv_cuda_down {
  pv_cuda_rows rows;
  PV_DEVICE(const int32_t) experts;
  PV_DEVICE(const float) weights;
  PV_DEVICE(const float) residual;
  pv_cuda_acts in;
  PV_DEVICE(float) out; /* [row][used][hidden] */
  PV_DEVICE(float) sum; /* [row][hidden] */
  PV_DEVICE(float) total;
  pv_cuda_ahead ahead;
  uint32_t used;
} pv_cuda_down;

typedef struct pv_cuda_add {
  PV_DEVICE(const float) a;
  PV_DEVICE(const float) b;
  PV_DEVICE(float) out;
  uint64_t n;
} pv_cuda_add;

typedef struct pv_cuda_scan {
  PV_DEVICE(const uint8_t) words;
  PV_DEVICE(uint32_t) out;
  uint64_t count; /* of 16 bytes */
} pv_cuda_scan;

typedef struct pv_cuda_argmax {
  PV_DEVICE(const float) x;
  PV_DEVICE(int32_t) part; /* [row][parts] */
  PV_DEVICE(int32_t) out;
  uint32_t n, parts;
} pv_cuda_argmax;

#endif
