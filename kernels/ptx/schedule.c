/* Orders of blocks and warps: a permutation that needs no memory. */
#include "base/random.h"
#include "kernels/ptx/step.h"

/* A Feistel network over 2 * `half` bits: one to one, whatever the rounds compute. */
static uint64_t mix(uint64_t seed, unsigned half, uint64_t x) {
  const uint64_t low = (UINT64_C(1) << half) - 1;
  uint64_t left = x >> half, right = x & low;
  for (uint64_t round = 0; round < 4; round++) {
    const uint64_t next = left ^ (pv_random_mix(seed + (right << 2 | round)) & low);
    left = right;
    right = next;
  }
  return left << half | right;
}

uint64_t pv_ptx_schedule_at(const pv_ptx_launch *launch, uint64_t salt, uint64_t count,
                            uint64_t position) {
  if (launch->order == PV_PTX_ASCENDING) return position;
  if (launch->order == PV_PTX_DESCENDING) return count - 1 - position;
  const uint64_t seed = pv_random_mix(launch->seed + PV_RANDOM_STEP * (salt + 1));
  unsigned half = 1;
  while (half < 31 && UINT64_C(1) << 2 * half < count) half++;
  uint64_t at = position;
  do at = mix(seed, half, at); /* what lies outside goes round again: it comes back inside */
  while (at >= count);
  return at;
}
