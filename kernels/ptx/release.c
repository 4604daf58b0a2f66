/* What orders blocks: fences, releases, and what they cover. See watch.h. */
#include "kernels/ptx/shared.h"
#include "kernels/ptx/watch.h"

void pv_ptx_watch_fence(pv_ptx_warp *warp, uint32_t mask) {
  pv_ptx_block *b = warp->block;
  pv_ptx_watch *w = b->grid->watch;
  uint32_t left = 0;
  for (uint32_t i = 0; i < b->fence_count; i++) { /* the last one of each lane counts */
    if (b->fences[i].warp == warp->index) b->fences[i].mask &= ~mask;
    if (b->fences[i].mask != 0) b->fences[left++] = b->fences[i];
  }
  b->fences[left++] =
      (pv_ptx_fence){warp->index, mask, w->clock++, b->barrier_time, warp->synced_time};
  b->fence_count = left;
  b->fenced_time = w->clock;
}

static bool keep(pv_ptx_watch *w, pv_ptx_fence fence) {
  if (!pv_ptx_watch_room(w, &w->fences, w->fence_count, &w->fence_room, sizeof fence)) return false;
  w->fences[w->fence_count++] = fence;
  return true;
}

/* Notes the fences that are in effect for a lane: its own, and those that a barrier, or a meeting
 * of its warp, orders before it. False: no room. */
static bool note_fences(pv_ptx_warp *warp, unsigned lane) {
  const pv_ptx_block *b = warp->block;
  for (uint32_t i = 0; i < b->fence_count; i++) {
    pv_ptx_fence f = b->fences[i];
    const bool own = f.warp == warp->index;
    if (f.time >= b->barrier_time && !(own && f.time < warp->synced_time)) {
      if (!own) continue;
      f.mask &= 1u << lane;
    }
    if (f.mask != 0 && !keep(b->grid->watch, f)) return false;
  }
  return true;
}

bool pv_ptx_watch_release(pv_ptx_warp *warp, unsigned lane, bool releases) {
  pv_ptx_block *b = warp->block;
  pv_ptx_watch *w = b->grid->watch;
  const uint32_t thread = warp->index * PV_PTX_LANES + lane, last = w->last[b->number];
  const pv_ptx_release *before = &w->releases[last];
  /* Nothing is new since the thread's last release: that one covers the same. */
  if (!releases && last != 0 && before->thread == thread && before->time >= b->fenced_time &&
      before->time >= b->barrier_time && before->time >= warp->synced_time)
    return true;
  const size_t first = w->fence_count;
  const pv_ptx_fence own = {warp->index, 1u << lane, w->clock, b->barrier_time, warp->synced_time};
  if (!note_fences(warp, lane) || (releases && !keep(w, own))) return false;
  if (w->fence_count == first) return false;
  if (!pv_ptx_watch_room(w, &w->releases, w->release_count, &w->release_room,
                         sizeof *w->releases) ||
      w->release_count >= UINT32_MAX)
    return false;
  w->releases[w->release_count] =
      (pv_ptx_release){w->clock, last, thread, first, w->fence_count - first};
  w->last[b->number] = (uint32_t)w->release_count++;
  return true;
}

/* The lanes that a warp of the launch has. */
static uint32_t lanes_of(const pv_ptx_watch *w, uint32_t warp) {
  const uint32_t left = w->block[0] * w->block[1] * w->block[2] - warp * PV_PTX_LANES;
  return left >= PV_PTX_LANES ? PV_PTX_ALL : (1u << left) - 1;
}

bool pv_ptx_watch_covers(const pv_ptx_block *block, const pv_ptx_entry *e) {
  const pv_ptx_watch *w = block->grid->watch;
  const uint32_t warp = pv_ptx_warp_of(e->who);
  const uint32_t all = e->who < PV_PTX_LANES_OF ? 1u << e->who % PV_PTX_LANES : lanes_of(w, warp);
  uint32_t covered = 0;
  for (uint32_t r = w->last[e->block]; r != 0; r = w->releases[r].older) {
    const pv_ptx_release *release = &w->releases[r];
    if (release->time < e->time) return false; /* so are the older ones */
    if (release->time > block->ordered) continue;
    for (size_t i = 0; i < release->count; i++) {
      const pv_ptx_fence *f = &w->fences[release->first + i];
      if (e->time < f->barrier || (f->warp == warp && e->time < f->synced)) return true;
      if (f->warp == warp && e->time <= f->time) covered |= f->mask;
    }
    if ((all & ~covered) == 0) return true;
  }
  return false;
}
