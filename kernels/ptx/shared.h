/* Races in shared memory: two threads touch a byte, one of them writes, and no barrier lies
 * between. Private to memory.c.
 *
 * Warps run one after the other, so a race shows only in who touched a byte and when. Each byte
 * remembers the last writer and the last reader as `when << 11 | who`. When: the block's clock,
 * which ticks at each barrier and each time the lanes of a warp meet. Who: a thread (0..1023),
 * several lanes of one warp (1024 + warp), or several warps. What another warp did counts if it was
 * since the last barrier of the block. Of another lane of the same warp a store counts if it was
 * since the warp's last bar.warp.sync; a load that a store overwrites only if it was since the
 * lanes last met at all, in a shuffle for instance: its value has arrived by then.
 *
 * Atomic accesses (atom, red, and what is volatile, relaxed, acquire or release) are kept apart:
 * they are no race with each other. A warp that loads so, or acquires, or passes a fence after an
 * atomic, is ordered after all that other warps did until then: a little more than is true. */
#ifndef PV_PTX_SHARED_H
#define PV_PTX_SHARED_H

#include <string.h>

#include "kernels/ptx/watch.h"

enum { PV_PTX_WHO_BITS = 11, PV_PTX_LANES_OF = 1024, PV_PTX_MANY_WARPS = 1024 + PV_PTX_WARPS_MAX };
#define PV_PTX_CLOCK_MAX (UINT32_MAX >> PV_PTX_WHO_BITS)

/* The warp behind `who`, PV_PTX_WARPS_MAX for several. */
static inline uint32_t pv_ptx_warp_of(uint32_t who) {
  return who < PV_PTX_LANES_OF ? who / PV_PTX_LANES : who - PV_PTX_LANES_OF;
}

/* Whether what is remembered is not ordered before what `thread` of `warp` does now. `own`: since
 * when another lane of the same warp counts. */
static inline bool pv_ptx_is_unordered(const pv_ptx_warp *warp, uint32_t thread, uint32_t touch,
                                       uint32_t own) {
  const uint32_t who = touch & ((1u << PV_PTX_WHO_BITS) - 1), when = touch >> PV_PTX_WHO_BITS;
  if (touch == 0 || who == thread) return false;
  if (pv_ptx_warp_of(who) == warp->index) return when >= own;
  return when >= warp->block->barrier_clock && when >= warp->acquired;
}

/* What is remembered after one more read. */
static inline uint32_t pv_ptx_after_read(const pv_ptx_warp *warp, uint32_t thread, uint32_t touch) {
  const uint32_t who = touch & ((1u << PV_PTX_WHO_BITS) - 1);
  uint32_t now = thread;
  if (pv_ptx_is_unordered(warp, thread, touch, warp->met))
    now = pv_ptx_warp_of(who) == warp->index ? PV_PTX_LANES_OF + warp->index : PV_PTX_MANY_WARPS;
  return warp->block->clock << PV_PTX_WHO_BITS | now;
}

/* When the clock would overflow, everything is forgotten. */
static inline uint32_t pv_ptx_tick(pv_ptx_block *block) {
  if (block->grid->watch != NULL) block->grid->watch->clock++;
  block->ticked++;
  if (block->clock < PV_PTX_CLOCK_MAX) return ++block->clock;
  memset(block->touched, 0, block->touched_room * sizeof *block->touched);
  memset(block->strong, 0, block->touched_room * sizeof *block->strong);
  for (uint32_t i = 0; i < block->warp_count; i++) {
    pv_ptx_warp *w = &block->warps[i];
    w->synced = w->met = w->acquired = 1;
  }
  return block->clock = block->barrier_clock = 1;
}

/* The clock of the launch. */
static inline uint64_t pv_ptx_time(const pv_ptx_block *block) {
  return block->grid->watch != NULL ? block->grid->watch->clock : 0;
}

/* What other warps did until now is ordered before what the warp does from here on. */
static inline void pv_ptx_acquire(pv_ptx_warp *warp) {
  if (warp->block->warp_count == 1) return;
  warp->acquired = pv_ptx_tick(warp->block);
  warp->acquired_time = pv_ptx_time(warp->block);
}

#endif
