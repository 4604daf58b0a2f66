/* Rows of the token embedding, decoded to float32. Reference: pv_dequant_f32. */
#ifndef PV_CUDA_EMBED_H
#define PV_CUDA_EMBED_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_embed {
  pv_cuda_rows rows;
  PV_DEVICE(const uint32_t) ids;
  PV_DEVICE(float) out;
  uint32_t k;
} pv_cuda_embed;
PV_LAYOUT(pv_cuda_embed, 56, k, 48);

#endif

PV_KERNEL(embed, pv_cuda_embed, PV_GRID(rows, 1, 1), PV_CUDA_BLOCK, 0, "dequantise", a->k > 0,
          PV_WRITES(pv_cuda_embed, out))
