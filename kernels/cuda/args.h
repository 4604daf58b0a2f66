/* What the headers beside the kernels are made of; read by the host's compiler and by nvcc.
 *
 * A kernel is NAME.cu and NAME.h. NAME.h holds the kernel's argument (one struct, passed by value),
 * its constants, and a row for each kernel of the file that says how it is launched; the limits of
 * the sizes stand there too. list.h names the headers: that line is all else that a kernel needs.
 *
 * Addresses are device addresses. Sizes were narrowed to 32 bits with a check by the backend;
 * strides that may pass 2^32 bytes are 64 bits wide. */
#ifndef PV_CUDA_ARGS_H
#define PV_CUDA_ARGS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/arith/act.h"
#include "kernels/quant/layout.h"

#ifdef __CUDACC__
#define PV_DEVICE(type) type *
#define PV_CONSTANT     __host__ __device__ constexpr
#else
#define PV_DEVICE(type) uint64_t
#define PV_CONSTANT     static inline
#endif

/* A row: PV_KERNEL(name, argument, PV_GRID(x, y, z), threads, shared, operation, limit, writes...)
 *
 *   threads    of a block: what the kernel is compiled for
 *   shared     bytes of dynamic shared memory
 *   operation  what it stands for, in the words of kernels/cpu/cpu.h
 *   limit      what its argument must satisfy; a call that does not is refused
 *   writes     PV_WRITES(argument, member): all that it may write. The interpreter takes a store to
 *              any other buffer for a fault.
 *
 * PV_KERNEL_IN(header, ...) is a row made of another list (gemv_f64acc.h): its header is named.
 *
 * Grid, shared and limit are expressions over `a`, the argument as the host sees it, and `rows`:
 * how many rows of the batch (slots, or tiles, where the row's comment says so) one launch covers.
 * They stand in `pv kernel list` as written. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and members are no expressions */
#define PV_KERNEL(...)    PV_KERNEL_IN(__FILE__, __VA_ARGS__)
#define PV_KERNEL_IN(...) PV_KERNEL_AS(__VA_ARGS__)
#define PV_GRID(x, y, z)  x, y, z
#define PV_WRITES(argument, member) \
  { (uint16_t) offsetof(argument, member), #member }
#define PV_WRITES_ACTS(argument, member) \
  PV_WRITES(argument, member.q), PV_WRITES(argument, member.d), PV_WRITES(argument, member.sum)
/* NOLINTEND(bugprone-macro-parentheses) */
/* Read by itself, a row declares the kernel to nvcc and is nothing to the host; see kernels.h. */
#define PV_KERNEL_AS PV_KERNEL_DECLARE
#ifdef __CUDACC__
#define PV_KERNEL_DECLARE(header, name, argument, ...) \
  extern "C" __global__ void name(const argument a);
#else
#define PV_KERNEL_DECLARE(header, name, argument, ...)
#endif

/* An argument's layout is the same for both compilers: its size, and where its last member lies. */
#define PV_LAYOUT(argument, bytes, last, at) \
  static_assert(sizeof(argument) == (bytes) && offsetof(argument, last) == (at), #argument)

enum {
  PV_CUDA_BLOCK = 256, /* threads of most kernels */
  PV_CUDA_WARPS = PV_CUDA_BLOCK / 32,
  PV_CUDA_GRID_MAX = 65535, /* blocks in the second and third dimension of a grid */
  PV_CUDA_ACT_BYTES = 64,   /* of a segment of rounded activations */
  PV_CUDA_PAIR_BYTES = 144  /* of two of them in shared memory: padded, see pv_cuda_act_shared */
};

/* What changes from one batch to the next. It lies in device memory, so that a captured graph
 * stays valid. */
typedef struct pv_cuda_step {
  uint32_t position; /* of the batch's first row */
  uint32_t count;    /* rows */
  uint32_t logits;   /* the last rows, that get logits */
  uint32_t zero;
} pv_cuda_step;
PV_LAYOUT(pv_cuda_step, 16, zero, 12);

/* Rows of activations for a matrix product (kernels/arith/act.h). `q` holds 64 bytes for a segment
 * of 32: for t = 0..3 the high bytes of elements 8t..8t+7, then their low bytes, q_i = 256 high_i +
 * low_i: a thread's operands of an 8-bit tensor-core product are one load of 16 bytes, and their
 * elements are neighbours, as those of weights are. */
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
PV_LAYOUT(pv_cuda_acts, 48, share, 44);

/* A tensor's rows. `experts` selects the expert of each output row, or is 0. */
typedef struct pv_cuda_rows {
  PV_DEVICE(const uint8_t) data;
  uint64_t row_bytes, expert_bytes;
  uint32_t type; /* pv_type */
  uint32_t count;
} pv_cuda_rows;
PV_LAYOUT(pv_cuda_rows, 32, count, 28);

/* Up to three matrices are multiplied with the same activations. */
enum { PV_CUDA_JOBS = 3 };
typedef struct pv_cuda_job {
  pv_cuda_rows rows;
  PV_DEVICE(float) out;
  uint32_t rows_per_block; /* of gemv */
} pv_cuda_job;
PV_LAYOUT(pv_cuda_job, 48, rows_per_block, 40);

/* Weights that every block of the next launch reads first. The blocks of this one ask for them,
 * each for a part: behind the matrices that the next one asks for they would wait. */
typedef struct pv_cuda_ahead {
  PV_DEVICE(const uint8_t) data;
  uint64_t bytes;
} pv_cuda_ahead;
PV_LAYOUT(pv_cuda_ahead, 16, bytes, 8);

/* Rows of activations that one block of a matrix product takes together: entries first .. first +
 * count - 1 of `slots`, all of one expert. */
enum { PV_CUDA_TILE = 32 };
typedef struct pv_cuda_tile {
  uint32_t expert, first, count;
} pv_cuda_tile;
PV_LAYOUT(pv_cuda_tile, 12, count, 8);

static inline size_t pv_cuda_parts(size_t n, size_t size) {
  return (n + size - 1) / size;
}

/* Pairs of segments of a row of k activations; the last may be half a pair, and its segment a part.
 */
#define PV_CUDA_PAIRS(k) ((((k) + PV_SEGMENT - 1) / PV_SEGMENT + 1) / 2)

/* Bytes of shared memory for a row of k rounded activations: shared_layout of segments.cuh, without
 * the unrounded row. */
static inline size_t pv_cuda_act_shared(size_t k) {
  return PV_CUDA_PAIRS(k) * (PV_CUDA_PAIR_BYTES + 2 * (sizeof(float) + sizeof(int32_t)));
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, ...) \
  case PV_TYPE_##NAME:         \
    return true;
static inline bool pv_cuda_quantised(uint32_t type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return false;
}
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(NAME, name, number, elements, ...) \
  case PV_TYPE_##NAME:                                 \
    return (elements) == 256;
/* Whether a block of the type is 256 weights, so that activations are rounded in 256 as well. */
PV_CONSTANT bool pv_cuda_whole(uint32_t type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return false;
}
#undef PV_TYPE_ROW
#define PV_TYPE_ROW(...)

/* Most weights are of these types: there are kernels for them and for usual lengths of rows alone.
 * A kernel for all types is ten times as long, and from one layer to the next its code and its
 * tables of jumps leave a processor's caches. */
static inline bool pv_cuda_frequent(uint32_t type) {
  return type == PV_TYPE_Q4_K || type == PV_TYPE_Q6_K;
}

#endif
