/* What the lanes of a warp do together. Each runs once all lanes of its member mask are there:
 * `mask`. */
#include "kernels/ptx/decode.h"

static uint32_t *lanes(const pv_ptx_warp *warp, uint32_t at) {
  return (uint32_t *)(void *)(warp->registers + at);
}

static void set_lanes(const pv_ptx_warp *warp, uint32_t at, uint32_t mask, uint32_t value) {
  uint32_t *to = lanes(warp, at);
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    if (mask >> l & 1u) to[l] = value;
}

static void set_predicate(const pv_ptx_warp *warp, uint32_t at, uint32_t mask, uint32_t value) {
  uint32_t *to = lanes(warp, at);
  *to = (*to & ~mask) | (value & mask);
}

/* bar.warp.sync: from here on its lanes see what the others stored. */
void pv_ptx_run_sync(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  (void)step;
  (void)mask;
  warp->synced = warp->met;
}

/* The lane that `lane` reads, PTX ISA 9.7.9.6; itself where that lies outside its segment. */
static unsigned source_lane(int64_t mode, unsigned lane, uint32_t b, uint32_t c, bool *inside) {
  const unsigned segment = c >> 8 & 31u, by = b & 31u;
  const unsigned most = (lane & segment) | (c & 31u & ~segment), least = lane & segment;
  unsigned from = lane;
  switch (mode) {
    case PV_PTX_SHFL_UP:
      *inside = (int)lane - (int)by >= (int)most;
      from = lane - by;
      break;
    case PV_PTX_SHFL_DOWN:
      from = lane + by;
      *inside = from <= most;
      break;
    case PV_PTX_SHFL_BFLY:
      from = lane ^ by;
      *inside = from <= most;
      break;
    default:
      from = least | (by & ~segment);
      *inside = from <= most;
      break;
  }
  return *inside ? from : lane;
}

void pv_ptx_run_shfl(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const uint32_t *a = lanes(warp, step->r[1]), *b = lanes(warp, step->r[2]),
                 *c = lanes(warp, step->r[3]);
  uint32_t result[PV_PTX_LANES], predicate = 0, *d = lanes(warp, step->r[0]);
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    bool inside = false;
    if ((mask >> l & 1u) == 0) continue;
    const unsigned from = source_lane(step->offset, l, b[l], c[l], &inside);
    if ((mask >> from & 1u) == 0) {
      pv_ptx_fail_at(warp, step, 1u << l, PV_PTX_UNINITIALISED,
                     "reads lane %u, which does not take part", from);
      return;
    }
    result[l] = a[from];
    predicate |= (uint32_t)inside << l;
  }
  for (unsigned l = 0; l < PV_PTX_LANES; l++)
    if (mask >> l & 1u) d[l] = result[l];
  if (step->target != 0) set_predicate(warp, step->target, mask, predicate);
}

void pv_ptx_run_vote(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const uint32_t yes = *lanes(warp, step->r[1]) & mask;
  switch (step->offset) {
    case PV_PTX_BALLOT:
      set_lanes(warp, step->r[0], mask, yes);
      break;
    case PV_PTX_VOTE_ALL:
      set_predicate(warp, step->r[0], mask, yes == mask ? PV_PTX_ALL : 0);
      break;
    case PV_PTX_VOTE_ANY:
      set_predicate(warp, step->r[0], mask, yes != 0 ? PV_PTX_ALL : 0);
      break;
    default:
      set_predicate(warp, step->r[0], mask, yes == mask || yes == 0 ? PV_PTX_ALL : 0);
      break;
  }
}

void pv_ptx_run_redux(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  const uint32_t *a = lanes(warp, step->r[1]);
  const uint32_t flip = step->is_signed ? 0x80000000u : 0; /* orders signed as unsigned */
  uint32_t r = a[__builtin_ctz(mask)];
  for (uint32_t rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
    const uint32_t x = a[__builtin_ctz(rest)];
    switch (step->offset) {
      case PV_PTX_REDUX_ADD:
        r += x;
        break;
      case PV_PTX_REDUX_MIN:
        r = (x ^ flip) < (r ^ flip) ? x : r;
        break;
      case PV_PTX_REDUX_MAX:
        r = (x ^ flip) > (r ^ flip) ? x : r;
        break;
      case PV_PTX_REDUX_AND:
        r &= x;
        break;
      case PV_PTX_REDUX_OR:
        r |= x;
        break;
      default:
        r ^= x;
        break;
    }
  }
  set_lanes(warp, step->r[0], mask, r);
}

void pv_ptx_run_activemask(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask) {
  set_lanes(warp, step->r[0], mask, mask);
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
      result[i][l] = lanes(warp, c_at[i])[l] + (uint32_t)sum;
    }
  for (unsigned i = 0; i < 4; i++)
    for (unsigned l = 0; l < PV_PTX_LANES; l++) lanes(warp, d_at[i])[l] = result[i][l];
}
