/* Identity f32-f64acc: float32 activations, float64 products and sums in 32 lanes, rounded to
 * float32 before the lanes are folded (kernels/arith/act.h). Any weight type. */
#include "kernels/arith/fold.h"
#include "kernels/cpu/vector.h"

#define LANES 32
#define CHUNK 256

static void chunk_add(const double *w, const float *x, size_t n, double *lane) {
  double chunk[LANES] = {0};
  for (size_t i = 0; i < n; i += LANES) {
    const size_t m = n - i < LANES ? n - i : LANES;
    for (size_t l = 0; l < m; l++) chunk[l] = pv_fma_f64(w[i + l], (double)x[i + l], chunk[l]);
  }
  for (size_t l = 0; l < LANES; l++) lane[l] += chunk[l];
}

void PV_PATH(mm_f64acc)(const pv_mm *mm) {
  const pv_type_info *type = pv_type_get(mm->type);
  enum { TILE = 8 };
  for (size_t r = 0; r < mm->row_count; r++) {
    const unsigned char *row = mm->rows + r * mm->row_bytes;
    for (size_t t0 = 0; t0 < mm->act_count; t0 += TILE) {
      const size_t tile = mm->act_count - t0 < TILE ? mm->act_count - t0 : TILE;
      double lane[TILE][LANES] = {{0}};
      for (size_t c = 0; c < mm->k; c += CHUNK) {
        double w[CHUNK];
        const size_t n = mm->k - c < CHUNK ? mm->k - c : CHUNK;
        pv_dequant_f64(mm->type, row + c / type->block_elements * type->block_bytes, n, w);
        for (size_t t = 0; t < tile; t++) chunk_add(w, mm->acts[t0 + t].x + c, n, lane[t]);
      }
      for (size_t t = 0; t < tile; t++) {
        float rounded[LANES];
        for (size_t l = 0; l < LANES; l++) rounded[l] = (float)lane[t][l];
        mm->out[t0 + t][mm->first_out + r] = pv_fold_f32(rounded, LANES);
      }
    }
  }
}
