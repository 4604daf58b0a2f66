/* What barriers make of predicates, clocks, and what threads ask about each other. */
#include "kernels/ptx/decode.h"

static uint32_t *words(const pv_ptx_warp *warp, uint32_t at) {
  return (uint32_t *)(void *)(warp->registers + at);
}

static void put_bits(const pv_ptx_warp *warp, uint32_t at, uint32_t mask, uint32_t bits) {
  uint32_t *to = words(warp, at);
  *to = (*to & ~mask) | (bits & mask);
}

static bool waits_at(const pv_ptx_warp *w, uint32_t barrier) {
  return w->state == PV_PTX_AT_BARRIER && w->barrier == barrier;
}

void pv_ptx_barrier_reduce(pv_ptx_block *b, uint32_t barrier) {
  uint32_t holds = 0, all = 0;
  for (uint32_t i = 0; i < b->warp_count; i++) {
    const pv_ptx_warp *w = &b->warps[i];
    if (!waits_at(w, barrier)) continue;
    const pv_ptx_step *s = &b->code->steps[w->barrier_step];
    if (s->offset < PV_PTX_BAR_POPC) continue;
    holds += (uint32_t)__builtin_popcount(*words(w, s->r[2]) & ~w->exited);
    all += (uint32_t)__builtin_popcount(~w->exited);
  }
  for (uint32_t i = 0; i < b->warp_count; i++) {
    const pv_ptx_warp *w = &b->warps[i];
    if (!waits_at(w, barrier)) continue;
    const pv_ptx_step *s = &b->code->steps[w->barrier_step];
    if (s->offset == PV_PTX_BAR_POPC)
      for (unsigned l = 0; l < PV_PTX_LANES; l++) words(w, s->r[3])[l] = holds;
    else if (s->offset > PV_PTX_BAR_POPC)
      put_bits(w, s->r[3], PV_PTX_ALL,
               (s->offset == PV_PTX_BAR_AND ? holds == all : holds > 0) ? PV_PTX_ALL : 0);
  }
}

void pv_ptx_run_elect(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const uint32_t first = (uint32_t)__builtin_ctz(mask);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1)
    words(warp, s->r[0])[__builtin_ctz(rest)] = first;
  put_bits(warp, s->r[1], mask, 1u << first);
}

static uint64_t value_of(const pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane) {
  const void *from = warp->registers + s->r[1];
  return s->wide ? ((const uint64_t *)from)[lane] : ((const uint32_t *)from)[lane];
}

void pv_ptx_run_match(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  uint32_t same[PV_PTX_LANES] = {0}, equal = PV_PTX_ALL;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned l = (unsigned)__builtin_ctz(rest);
    for (uint32_t other = mask; other != 0; other &= other - 1)
      if (value_of(warp, s, (unsigned)__builtin_ctz(other)) == value_of(warp, s, l))
        same[l] |= other & (0 - other);
    equal &= same[l] == mask ? PV_PTX_ALL : 0;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned l = (unsigned)__builtin_ctz(rest);
    words(warp, s->r[0])[l] = s->is_signed ? mask & equal : same[l];
  }
  if (s->r[2] != 0) put_bits(warp, s->r[2], mask, equal);
}

static bool lies_in(const pv_ptx_warp *warp, pv_ptx_space space, uint64_t address) {
  const uint64_t window = address - address % PV_PTX_WINDOW;
  switch (space) {
    case PV_PTX_SHARED:
      return window == PV_PTX_SHARED_WINDOW;
    case PV_PTX_LOCAL:
      return window == PV_PTX_LOCAL_WINDOW;
    case PV_PTX_PARAM:
      return window == PV_PTX_PARAM_WINDOW;
    default: {
      const pv_ptx_buffer *b = pv_ptx_buffer_at(warp->block->grid->memory, address, 1);
      const bool constant = b != NULL && b->variable != NULL && b->variable->space == PV_PTX_CONST;
      return window == 0 && constant == (space == PV_PTX_CONST);
    }
  }
}

void pv_ptx_run_isspacep(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  uint32_t holds = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned l = (unsigned)__builtin_ctz(rest);
    const uint64_t address = ((const uint64_t *)(const void *)(warp->registers + s->r[1]))[l];
    if (lies_in(warp, (pv_ptx_space)s->space, address)) holds |= 1u << l;
  }
  put_bits(warp, s->r[0], mask, holds);
}

/* The instructions that the host's thread has executed, and the clocks that were read: it grows
 * each time. Who waits for a time lets others go on. */
void pv_ptx_run_clock(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const uint64_t now = (warp->block->executed + ++warp->block->ticks) >> s->offset;
  for (; mask != 0; mask &= mask - 1) {
    const unsigned l = (unsigned)__builtin_ctz(mask);
    if (s->wide)
      ((uint64_t *)(void *)(warp->registers + s->r[0]))[l] = now;
    else
      words(warp, s->r[0])[l] = (uint32_t)now;
  }
  pv_ptx_poll(warp->block, false);
}

void pv_ptx_run_sleep(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  (void)s;
  (void)mask;
  pv_ptx_poll(warp->block, true);
}
