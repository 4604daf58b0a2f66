/* Rows of the token embedding, decoded to float32, times a number. Reference: pv_dequant_f32 and
 * scale of kernels/cpu. */
#ifndef PV_CUDA_EMBED_H
#define PV_CUDA_EMBED_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_embed {
  pv_cuda_rows rows;
  PV_DEVICE(const uint32_t) ids;
  PV_DEVICE(float) out;
  uint32_t k;
  float scale; /* 0: none */
} pv_cuda_embed;
PV_LAYOUT(pv_cuda_embed, 56, scale, 52);

#endif

PV_KERNEL(embed, pv_cuda_embed, PV_GRID(rows, 1, 1), PV_CUDA_BLOCK, 0, "dequantise, scale",
          a->k > 0, PV_WRITES(pv_cuda_embed, out))
