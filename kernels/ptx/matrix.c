/* What the lanes of a warp do together with matrices: loads and stores of 8 by 8 elements of 16
 * bits, and products. Which lane holds what: PTX ISA, "Matrix Fragments". */
#include <math.h>
#include <string.h>

#include "kernels/ptx/decode.h"

static uint32_t *lanes(const pv_ptx_warp *warp, uint32_t at) {
  return (uint32_t *)(void *)(warp->registers + at);
}

/* The address of row `row` of all matrices: lane `row` has it. Each is 16 bytes, aligned. */
static bool row_address(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned row, uint64_t *out) {
  const unsigned char *base = warp->registers + s->r[0];
  *out = (s->narrow_address ? ((const uint32_t *)(const void *)base)[row]
                            : ((const uint64_t *)(const void *)base)[row]) +
         (uint64_t)s->offset;
  if (*out % 16 == 0) return true;
  pv_ptx_fail_access(warp, s, row, PV_PTX_MISALIGNED, *out,
                     "a row begins at a multiple of 16 bytes");
  return false;
}

/* Elements of one matrix as [row][column], in two words of four. */
typedef struct matrix {
  uint64_t words[8][2];
} matrix;

static uint32_t element_of(const matrix *m, unsigned row, unsigned column) {
  return (uint32_t)(m->words[row][column / 4] >> (16 * (column % 4))) & 0xffffu;
}

static void set_element(matrix *m, unsigned row, unsigned column, uint32_t value) {
  m->words[row][column / 4] |= (uint64_t)(value & 0xffffu) << (16 * (column % 4));
}

/* A register of each lane with two neighbours of a row, or of a column where it is transposed. */
static void spread_matrix(const matrix *m, bool transposed, uint32_t *to) {
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    const unsigned row = l / 4, column = l % 4 * 2;
    to[l] = transposed ? element_of(m, column, row) | element_of(m, column + 1, row) << 16
                       : element_of(m, row, column) | element_of(m, row, column + 1) << 16;
  }
}

static matrix gather_matrix(const uint32_t *from, bool transposed) {
  matrix m = {0};
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    const unsigned row = l / 4, column = l % 4 * 2;
    for (unsigned h = 0; h < 2; h++)
      set_element(&m, transposed ? column + h : row, transposed ? row : column + h,
                  from[l] >> (16 * h));
  }
  return m;
}

/* `count` matrices, `more` their registers; is_signed: transposed. All lanes read before one
 * writes: a destination may hold addresses. */
void pv_ptx_run_ldmatrix(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  matrix all[4];
  (void)mask; /* all: the step waits for the whole warp */
  for (unsigned row = 0; row < 8u * s->count; row++) {
    uint64_t address = 0, *to = all[row / 8].words[row % 8];
    if (!row_address(warp, s, row, &address) || !pv_ptx_read(warp, s, row, address, 8, &to[0]) ||
        !pv_ptx_read(warp, s, row, address + 8, 8, &to[1]))
      return;
  }
  for (unsigned i = 0; i < s->count; i++)
    spread_matrix(&all[i], s->is_signed, lanes(warp, s->more[i]));
}

void pv_ptx_run_stmatrix(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  (void)mask;
  for (unsigned i = 0; i < s->count; i++) {
    const matrix m = gather_matrix(lanes(warp, s->more[i]), s->is_signed);
    for (unsigned row = 0; row < 8; row++) {
      uint64_t address = 0;
      if (!row_address(warp, s, 8 * i + row, &address) ||
          !pv_ptx_write(warp, s, 8 * i + row, address, 8, m.words[row][0]) ||
          !pv_ptx_write(warp, s, 8 * i + row, address + 8, 8, m.words[row][1]))
        return;
    }
  }
}

void pv_ptx_run_movmatrix(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const matrix m = gather_matrix(lanes(warp, s->r[1]), false);
  (void)mask;
  spread_matrix(&m, true, lanes(warp, s->r[0]));
}

/* Four bytes of a register as numbers. */
static void spread(uint32_t bytes, bool is_signed, int16_t *out) {
  for (unsigned i = 0; i < 4; i++) {
    const uint8_t byte = (uint8_t)(bytes >> (8 * i));
    out[i] = is_signed ? (int16_t)(int8_t)byte : (int16_t)byte;
  }
}

/* D = A B + C, 16 x K by K x 8. Which lane holds what: PTX ISA, "Matrix Fragments for mma.m16n8k16
 * / k32 with integer type". */
void pv_ptx_run_mma(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  enum { M = 16, N = 8, K_MAX = 32 };
  int16_t a[M][K_MAX], b[N][K_MAX];
  const unsigned k = (unsigned)step->offset, halves = k / 16;
  const uint32_t *d_at = step->more, *a_at = d_at + 4, *b_at = a_at + 2 * halves,
                 *c_at = b_at + halves;
  (void)mask; /* all: the step waits for the whole warp */
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    const unsigned group = l / 4, column = l % 4 * 4;
    for (unsigned h = 0; h < halves; h++) {
      for (unsigned r = 0; r < 2; r++)
        spread(lanes(warp, a_at[2 * h + r])[l], step->is_signed & 1u,
               &a[group + 8 * r][16 * h + column]);
      spread(lanes(warp, b_at[h])[l], step->is_signed & 2u, &b[group][16 * h + column]);
    }
  }
  uint32_t result[4][PV_PTX_LANES];
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    for (unsigned i = 0; i < 4; i++) {
      const int16_t *row = a[l / 4 + i / 2 * 8], *column = b[l % 4 * 2 + i % 2];
      int32_t sum = 0; /* at most 32 * 255 * 255 */
      for (unsigned j = 0; j < k; j++) sum += row[j] * column[j];
      const int64_t whole = (int64_t)(int32_t)lanes(warp, c_at[i])[l] + sum;
      result[i][l] = (uint32_t)((step->is_signed & 4u) == 0 ? whole
                                : whole > INT32_MAX         ? INT32_MAX
                                : whole < INT32_MIN         ? INT32_MIN
                                                            : whole);
    }
  for (unsigned i = 0; i < 4; i++)
    for (unsigned l = 0; l < PV_PTX_LANES; l++) lanes(warp, d_at[i])[l] = result[i][l];
}

/* 16 by k by 8, of elements of 16 or 32 bits: each register of A holds columns of eight rows, each
 * of B rows of eight columns. */
void pv_ptx_run_product(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const pv_ptx_product *p = (const pv_ptx_product *)(const void *)s->more;
  enum { M = 16, N = 8, K_MAX = 16 };
  uint32_t a[M][K_MAX], b[N][K_MAX], result[4][PV_PTX_LANES];
  const unsigned width = p->tensor.width, each = 32 / width, block = 4 * each;
  const uint32_t ones = UINT32_MAX >> (32 - width);
  (void)mask;
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    for (unsigned h = 0; h < each; h++) {
      const unsigned column = l % 4 * each + h;
      for (unsigned r = 0; r < 2 * p->k / block; r++)
        a[l / 4 + 8 * (r % 2)][column + block * (r / 2)] =
            lanes(warp, p->a[r])[l] >> (width * h) & ones;
      for (unsigned r = 0; r < p->k / block; r++)
        b[l / 4][column + block * r] = lanes(warp, p->b[r])[l] >> (width * h) & ones;
    }
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    for (unsigned i = 0; i < 4; i++) {
      const uint32_t c = p->tensor.half ? lanes(warp, p->c[i / 2])[l] >> (16 * (i % 2)) & 0xffffu
                                        : lanes(warp, p->c[i])[l];
      result[i][l] =
          pv_ptx_tensor_sum(&p->tensor, a[l / 4 + i / 2 * 8], b[l % 4 * 2 + i % 2], p->k, c);
    }
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    for (unsigned i = 0; i < (p->tensor.half ? 2u : 4u); i++)
      lanes(warp, p->d[i])[l] =
          p->tensor.half ? result[2 * i][l] | result[2 * i + 1][l] << 16 : result[i][l];
}

/* The NaN of an fma as fma.rn.f64 makes it: the payload of b, else of c, else of a. */
static double fuse(double a, double b, double c) {
  const double r = fma(a, b, c);
  uint64_t bits = 0xfff8ULL << 48;
  if (r == r) return r;
  const double *from = b != b ? &b : c != c ? &c : a != a ? &a : NULL;
  if (from != NULL) memcpy(&bits, from, sizeof bits);
  bits |= 1ULL << 51;
  double nan = 0;
  memcpy(&nan, &bits, sizeof nan);
  return nan;
}

/* 8 by 4 by 8 of f64: one after the other, each product and sum rounded once. */
void pv_ptx_run_product_f64(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const pv_ptx_product *p = (const pv_ptx_product *)(const void *)s->more;
  const double *a = (const double *)(const void *)(warp->registers + p->a[0]);
  const double *b = (const double *)(const void *)(warp->registers + p->b[0]);
  double result[2][PV_PTX_LANES];
  (void)mask;
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    for (unsigned i = 0; i < 2; i++) {
      double sum = ((const double *)(const void *)(warp->registers + p->c[i]))[l];
      for (unsigned k = 0; k < 4; k++)
        sum = fuse(a[l / 4 * 4 + k], b[(l % 4 * 2 + i) * 4 + k], sum);
      result[i][l] = sum;
    }
  for (unsigned i = 0; i < 2; i++)
    for (unsigned l = 0; l < PV_PTX_LANES; l++)
      ((double *)(void *)(warp->registers + p->d[i]))[l] = result[i][l];
}
