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
  warp->synced_time = warp->met_time;
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
