/* Atomics. The lanes of a warp are served in their order, so that floats are added in it. Blocks
 * run on several threads of the host: each is an atomic of the host too, in one order for all. */
#include "kernels/ptx/decode.h"
#include "kernels/ptx/shared.h"

static uint64_t get(const pv_ptx_warp *warp, uint32_t at, unsigned lane, bool wide) {
  const void *from = warp->registers + at;
  return wide ? ((const uint64_t *)from)[lane] : ((const uint32_t *)from)[lane];
}

static void put(pv_ptx_warp *warp, uint32_t at, unsigned lane, bool wide, uint64_t value) {
  void *to = warp->registers + at;
  if (wide)
    ((uint64_t *)to)[lane] = value;
  else
    ((uint32_t *)to)[lane] = (uint32_t)value;
}

/* A subnormal float32 becomes a zero of its sign. */
static uint64_t flush(uint64_t bits) {
  return (bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits;
}

/* One lane of a row of alu.h. */
static uint64_t combine(pv_ptx_warp *warp, const pv_ptx_atomic *a, unsigned lane, bool wide,
                        uint64_t old, uint64_t by) {
  put(warp, a->row.r[1], lane, wide, old);
  put(warp, a->row.r[2], lane, wide, by);
  a->row.run(warp, &a->row, 1u << lane);
  return get(warp, a->row.r[0], lane, wide);
}

/* What the place holds from then on. */
static uint64_t next_value(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, bool global,
                           uint64_t old) {
  const pv_ptx_atomic *a = (const pv_ptx_atomic *)(const void *)s->more;
  const uint64_t b = get(warp, s->r[2], lane, s->wide);
  const uint64_t mask = s->bytes == 8 ? UINT64_MAX : (1ULL << (8u * s->bytes)) - 1;
  switch (a->op) {
    case PV_PTX_ATOMIC_EXCH:
      return b;
    case PV_PTX_ATOMIC_CAS:
      return old == (b & mask) ? get(warp, s->r[3], lane, s->wide) & mask : old;
    case PV_PTX_ATOMIC_INC:
      return old >= b ? 0 : old + 1;
    case PV_PTX_ATOMIC_DEC:
      return old == 0 || old > b ? b : old - 1;
    case PV_PTX_ATOMIC_ADD_F32:
      if (global) return flush(combine(warp, a, lane, false, flush(old), flush(b)));
      return combine(warp, a, lane, false, old, b);
    default:
      return combine(warp, a, lane, s->wide, old, b) & mask;
  }
}

/* Puts the next value into the place; what was there. */
#define EXCHANGE(type)                                                                       \
  {                                                                                          \
    type old = __atomic_load_n((type *)at, __ATOMIC_SEQ_CST);                                \
    while (!__atomic_compare_exchange_n((type *)at, &old,                                    \
                                        (type)next_value(warp, s, lane, global, old), false, \
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {               \
    }                                                                                        \
    return old;                                                                              \
  }

static uint64_t exchange(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, void *at) {
  const unsigned char *shared = warp->block->shared, *place = at;
  const bool global = place < shared || place >= shared + warp->block->shared_bytes;
  switch (s->bytes) {
    case 2:
      EXCHANGE(uint16_t)
    case 4:
      EXCHANGE(uint32_t)
    default:
      EXCHANGE(uint64_t)
  }
}

void pv_ptx_run_atomic(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const pv_ptx_atomic *a = (const pv_ptx_atomic *)(const void *)s->more;
  const bool reads = a->op != PV_PTX_ATOMIC_EXCH || a->wanted;
  for (; mask != 0; mask &= mask - 1) {
    const unsigned lane = (unsigned)__builtin_ctz(mask);
    void *at = pv_ptx_atomic_place(warp, s, lane, reads);
    if (at == NULL) return;
    put(warp, s->r[1], lane, s->wide, exchange(warp, s, lane, at));
  }
  warp->polled = true;
  pv_ptx_poll(warp->block, false);
  if ((s->order & PV_PTX_ACQUIRES) != 0) pv_ptx_acquire(warp);
}

/* What other warps did before is seen by a warp that has read something from them. */
void pv_ptx_run_fence(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  if (warp->block->grid->watch != NULL && s->offset != 0) pv_ptx_watch_fence(warp, mask);
  if (warp->polled) pv_ptx_acquire(warp);
  warp->polled = false;
}
