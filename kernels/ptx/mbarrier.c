/* An mbarrier object is one word of 64 bits in shared memory. From the lowest bit on: the arrivals
 * that are missing in this phase (20), those of a phase (20), the clock of the block when the last
 * phase was complete (21), whether the phase is an odd one, and a mark of what is one. */
#include <string.h>

#include "kernels/ptx/decode.h"
#include "kernels/ptx/shared.h"

enum { COUNT_BITS = 20, CLOCK_AT = 40, PHASE_AT = 61 };
#define MARK  (3ULL << 62)
#define PHASE (1ULL << PHASE_AT)

static uint64_t missing(uint64_t word) {
  return word & PV_PTX_MBARRIER_MAX;
}

static uint64_t expected(uint64_t word) {
  return word >> COUNT_BITS & PV_PTX_MBARRIER_MAX;
}

static uint64_t make(uint64_t left, uint64_t all, uint64_t clock, uint64_t phase) {
  return left | all << COUNT_BITS | clock << CLOCK_AT | phase | MARK;
}

static uint32_t narrow(const pv_ptx_warp *warp, uint32_t at, unsigned lane) {
  return ((const uint32_t *)(const void *)(warp->registers + at))[lane];
}

static bool fail(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, const char *what) {
  pv_ptx_fail_at(warp, s, 1u << lane, PV_PTX_DIVERGENT_BARRIER, "%s", what);
  return false;
}

static bool init(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, uint64_t *word) {
  const uint32_t count = narrow(warp, s->r[1], lane);
  if (count == 0 || count > PV_PTX_MBARRIER_MAX)
    return fail(warp, s, lane, "an mbarrier expects 1 to 1048575 arrivals");
  *word = make(count, count, 0, 0);
  return true;
}

/* `dropped` arrivals are expected no more from the next phase on. */
static bool arrive(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, bool drops,
                   uint64_t *word) {
  const uint32_t count = narrow(warp, s->r[1], lane);
  const uint64_t left = missing(*word), all = expected(*word) - (drops ? count : 0);
  const uint64_t phase = *word & PHASE;
  if (count == 0 || count > left)
    return fail(warp, s, lane, "more arrive at the mbarrier than it expects");
  ((uint64_t *)(void *)(warp->registers + s->r[2]))[lane] = *word;
  if (count < left)
    *word = make(left - count, all, *word >> CLOCK_AT & PV_PTX_CLOCK_MAX, phase);
  else
    *word = make(all, all, pv_ptx_tick(warp->block), phase ^ PHASE);
  return true;
}

/* Behind a phase that is complete the warp is ordered after what was done until then. */
static void wait_for(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, uint64_t word) {
  const uint64_t given =
      s->is_signed ? (uint64_t)(narrow(warp, s->r[1], lane) & 1u) << PHASE_AT
                   : ((const uint64_t *)(const void *)(warp->registers + s->r[1]))[lane] & PHASE;
  uint32_t *predicate = (uint32_t *)(void *)(warp->registers + s->r[2]);
  const uint32_t clock = (uint32_t)(word >> CLOCK_AT) & PV_PTX_CLOCK_MAX;
  if ((word & PHASE) == given) {
    *predicate &= ~(1u << lane);
    pv_ptx_poll(warp->block, true);
    return;
  }
  *predicate |= 1u << lane;
  warp->acquired_time = pv_ptx_time(warp->block);
  if (clock > warp->block->clock) return; /* it has begun anew since */
  if (clock > warp->acquired) warp->acquired = clock;
  if (clock > warp->synced) warp->synced = clock;
}

static bool run_lane(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane) {
  const pv_ptx_mbarrier op = *(const pv_ptx_mbarrier *)(const void *)s->more;
  pv_ptx_block *b = warp->block;
  unsigned char *at = pv_ptx_atomic_place(warp, s, lane, op != PV_PTX_MBARRIER_INIT);
  uint64_t word = 0;
  if (at == NULL) return false;
  if (at < b->shared || at >= b->shared + b->shared_bytes)
    return fail(warp, s, lane, "an mbarrier that is not in shared memory");
  memcpy(&word, at, sizeof word);
  if (op != PV_PTX_MBARRIER_INIT && (word & MARK) != MARK)
    return fail(warp, s, lane, "what lies there is no mbarrier");
  bool good = true;
  if (op == PV_PTX_MBARRIER_INIT)
    good = init(warp, s, lane, &word);
  else if (op == PV_PTX_MBARRIER_WAIT)
    wait_for(warp, s, lane, word);
  else if (op == PV_PTX_MBARRIER_INVAL)
    memset(b->shared_written + (at - b->shared), 0, sizeof word);
  else
    good = arrive(warp, s, lane, op == PV_PTX_MBARRIER_DROP, &word);
  memcpy(at, &word, sizeof word);
  return good;
}

void pv_ptx_run_mbarrier(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  for (; mask != 0; mask &= mask - 1)
    if (!run_lane(warp, s, (unsigned)__builtin_ctz(mask))) return;
}
