/* Runs a block: its warps one after the other, each until it waits at a barrier, ends, or has had
 * its turn.
 *
 * The lanes of a warp that stand at the same step form a group. The group that stands first in the
 * text runs, until it reaches the next group and they become one: lanes that part at a branch so
 * meet again where nvcc lays the code out in order. Where it does not, a step that needs other
 * lanes (a shuffle, a barrier) makes its group wait, and the others run until they arrive; if they
 * can not, that is a divergent barrier. */
#include <string.h>

#include "kernels/ptx/decode.h"
#include "kernels/ptx/shared.h"

/* Instructions of one turn of a warp, and atomic loads. Whoever spins until somebody else has done
 * something lets the others go on then: other lanes of the warp, warps, and blocks where they take
 * turns. */
enum { TURN = 1 << 20, POLLS = 64 };

/* A block that executes more is endless, unless the launch says otherwise. */
#define EXECUTED_MAX (1ULL << 32)

static uint32_t lane_value(const pv_ptx_warp *warp, uint32_t at, uint32_t mask) {
  return ((const uint32_t *)(void *)(warp->registers + at))[__builtin_ctz(mask)];
}

static void fill(pv_ptx_warp *warp, char kind, uint32_t at, uint64_t value) {
  unsigned char *to = warp->registers + at;
  if (kind == 'p') {
    *(uint32_t *)(void *)to = (uint32_t)value;
    return;
  }
  for (unsigned l = 0; l < PV_PTX_LANES; l++) {
    if (kind == 'w')
      ((uint64_t *)(void *)to)[l] = value;
    else
      ((uint32_t *)(void *)to)[l] = (uint32_t)value;
  }
}

/* The value of a special register, for lane l of a warp. */
static uint32_t special(const pv_ptx_warp *warp, unsigned which, unsigned l) {
  const pv_ptx_block *b = warp->block;
  const pv_ptx_launch *launch = b->grid->launch;
  const unsigned *size = launch->block, axis = which % 3, below = (1u << l) - 1;
  const uint32_t thread = warp->index * PV_PTX_LANES + l;
  switch (which < PV_PTX_LANEID ? which - axis : which) {
    case PV_PTX_TID:
      return axis == 0   ? thread % size[0]
             : axis == 1 ? thread / size[0] % size[1]
                         : thread / size[0] / size[1];
    case PV_PTX_NTID:
      return size[axis];
    case PV_PTX_CTAID:
      return b->id[axis];
    case PV_PTX_NCTAID:
      return launch->grid[axis];
    case PV_PTX_LANEID:
      return l;
    case PV_PTX_WARPID:
      return warp->index;
    case PV_PTX_TOTAL_SMEM_SIZE:
      return b->shared_bytes;
    case PV_PTX_ENVREG1:
      return (uint32_t)(b->grid->workspace >> 32);
    case PV_PTX_ENVREG2:
      return (uint32_t)b->grid->workspace;
    case PV_PTX_LANEMASK_EQ:
      return 1u << l;
    case PV_PTX_LANEMASK_LT:
      return below;
    case PV_PTX_LANEMASK_LE:
      return below | 1u << l;
    case PV_PTX_LANEMASK_GT:
      return ~(below | 1u << l);
    case PV_PTX_LANEMASK_GE:
      return ~below;
    default:
      return launch->shared;
  }
}

static void pass_barrier(pv_ptx_block *b) {
  b->barrier_clock = pv_ptx_tick(b);
  b->barrier_time = pv_ptx_time(b);
}

static void start_warp(pv_ptx_block *b, uint32_t index) {
  const pv_ptx_code *code = b->code;
  const unsigned *size = b->grid->launch->block;
  const uint32_t threads = size[0] * size[1] * size[2], first = index * PV_PTX_LANES;
  const uint32_t mask =
      threads - first >= PV_PTX_LANES ? PV_PTX_ALL : (1u << (threads - first)) - 1;
  pv_ptx_warp *w = &b->warps[index];
  *w = (pv_ptx_warp){.registers = b->registers + (size_t)index * code->register_bytes,
                     .block = b,
                     .index = index,
                     .exited = ~mask,
                     .groups = {{0, mask, 0, false}},
                     .group_count = 1,
                     .synced = b->clock,
                     .met = b->clock,
                     .synced_time = b->barrier_time,
                     .met_time = b->barrier_time};
  /* What nobody wrote is undefined: a NaN of any size, a large integer, not what the block before
   * left. */
  if (b->grid->launch->observe) memset(w->registers, 0xff, code->register_bytes);
  for (size_t i = 0; i < code->fill_count; i++)
    fill(w, code->fills[i].kind, code->fills[i].at, code->fills[i].value);
  for (unsigned i = 0; i < PV_PTX_SPECIALS; i++)
    for (unsigned l = 0; l < PV_PTX_LANES && code->special[i] != 0; l++)
      ((uint32_t *)(void *)(w->registers + code->special[i]))[l] = special(w, i, l);
}

/* Adds lanes at a step to the groups. */
static void add_group(pv_ptx_warp *w, uint32_t at, uint32_t mask, bool waits) {
  if (mask != 0) w->groups[w->group_count++] = (pv_ptx_group){at, mask, w->turn, waits};
}

static void remove_group(pv_ptx_warp *w, uint32_t index) {
  w->groups[index] = w->groups[--w->group_count];
}

/* Groups at the same step become one. */
static void merge_groups(pv_ptx_warp *w) {
  for (uint32_t i = 0; i < w->group_count; i++)
    for (uint32_t j = w->group_count - 1; j > i; j--)
      if (w->groups[i].at == w->groups[j].at) {
        w->groups[i].mask |= w->groups[j].mask;
        w->groups[i].waits = false;
        if (w->groups[j].turn > w->groups[i].turn) w->groups[i].turn = w->groups[j].turn;
        remove_group(w, j);
      }
}

/* Runs the step once for each set of lanes with a member mask of its own. False when lanes are
 * missing. */
static bool converge(pv_ptx_warp *w, const pv_ptx_step *s, uint32_t mask) {
  for (int run = 0; run < 2; run++)
    for (uint32_t rest = mask; rest != 0;) {
      const uint32_t lane = rest & (0 - rest), members = lane_value(w, s->r[4], rest);
      const uint32_t set = rest & members;
      if ((members & lane) == 0) {
        pv_ptx_fail_at(w, s, lane, PV_PTX_DIVERGENT_BARRIER,
                       "the member mask 0x%08x lacks the lane that executes it", members);
        return true;
      }
      if ((members & ~w->exited & ~set) != 0) return false;
      if (run == 1) {
        w->met = pv_ptx_tick(w->block);
        w->met_time = pv_ptx_time(w->block);
        s->run(w, s, set);
      }
      if (w->block->failed) return true;
      rest &= ~set;
    }
  return true;
}

/* The whole warp is at a barrier: it waits there, or goes on and is counted. */
static void arrive(pv_ptx_warp *w, const pv_ptx_step *s, uint32_t at, uint32_t m, uint32_t others) {
  const uint32_t barrier = lane_value(w, s->r[0], m), threads = lane_value(w, s->r[1], m);
  if (others != 0) {
    pv_ptx_fail_at(w, s, others, PV_PTX_DIVERGENT_BARRIER, "the guard keeps lanes 0x%08x from it",
                   others);
  } else if (barrier >= PV_PTX_BARRIERS) {
    pv_ptx_fail_at(w, s, m, PV_PTX_OUT_OF_BOUNDS, "barrier %u of %d", barrier, PV_PTX_BARRIERS);
  } else if (s->offset == PV_PTX_BAR_ARRIVE) {
    w->block->arrived[barrier] += PV_PTX_LANES;
  } else {
    w->barrier = barrier;
    w->barrier_threads = threads;
    w->barrier_step = at;
    w->state = PV_PTX_AT_BARRIER;
  }
}

/* Where a group goes after a step that is not plain. True when it goes on at `*at` with `*mask`;
 * false when the groups have changed. */
static bool flow(pv_ptx_warp *w, uint32_t g, const pv_ptx_step *s, uint32_t m, uint32_t *at,
                 uint32_t *mask) {
  const uint32_t others = *mask & ~m;
  uint32_t target = s->target;
  switch (s->flow) {
    case PV_PTX_TABLE_BRANCH: {
      const uint32_t index = lane_value(w, s->r[0], m);
      uint32_t same = 0;
      for (unsigned l = 0; l < PV_PTX_LANES; l++)
        if (m >> l & 1u && lane_value(w, s->r[0], 1u << l) == index) same |= 1u << l;
      if (index >= (uint64_t)s->offset) {
        pv_ptx_fail_at(w, s, same, PV_PTX_OUT_OF_BOUNDS, "entry %u of a table of %lld", index,
                       (long long)s->offset);
        return false;
      }
      target = w->block->code->tables[s->target + index];
      remove_group(w, g);
      add_group(w, target, same, false);
      add_group(w, *at, m & ~same, false); /* the other entries, one after the other */
      add_group(w, *at + 1, others, false);
      return false;
    }
    case PV_PTX_BRANCH:
      if (others == 0 && w->group_count == 1) {
        *at = target;
        return true;
      }
      remove_group(w, g);
      add_group(w, target, m, false);
      add_group(w, *at + 1, others, false);
      return false;
    case PV_PTX_EXIT:
      w->exited |= m;
      remove_group(w, g);
      add_group(w, *at + 1, others, false);
      for (uint32_t i = 0; i < w->group_count; i++) w->groups[i].waits = false;
      if (w->group_count == 0) w->state = PV_PTX_DONE;
      return false;
    case PV_PTX_CONVERGE:
      if (converge(w, s, m)) {
        (*at)++;
        return !w->block->failed;
      }
      remove_group(w, g);
      add_group(w, *at, m, true);
      add_group(w, *at + 1, others, false);
      return false;
    default:
      if ((*mask | w->exited) != PV_PTX_ALL) {
        w->groups[g] = (pv_ptx_group){*at, *mask, w->turn, true};
        return false;
      }
      w->groups[g] = (pv_ptx_group){*at + 1, *mask, w->turn, false};
      arrive(w, s, *at, m, others);
      return false;
  }
}

static uint32_t guarded(const pv_ptx_warp *w, const pv_ptx_step *s, uint32_t mask) {
  if (s->guarded == PV_PTX_ALWAYS) return mask;
  const uint32_t p = *(const uint32_t *)(void *)(w->registers + s->guard);
  return mask & (s->guarded == PV_PTX_IF ? p : ~p);
}

/* Runs group g until it meets another one, or is changed. */
static void run_group(pv_ptx_warp *w, uint32_t g) {
  pv_ptx_block *b = w->block;
  const pv_ptx_step *steps = b->code->steps;
  uint32_t at = w->groups[g].at, mask = w->groups[g].mask, limit = UINT32_MAX;
  uint64_t executed = 0;
  for (uint32_t i = 0; i < w->group_count; i++)
    if (w->groups[i].at > at && w->groups[i].at < limit) limit = w->groups[i].at;
  do {
    const pv_ptx_step *s = &steps[at];
    const uint32_t m = guarded(w, s, mask);
    executed++;
    if (m == 0) {
      at++;
    } else if (s->flow == PV_PTX_GO_ON) {
      s->run(w, s, m);
      at++;
      if (b->failed) break;
    } else if (!flow(w, g, s, m, &at, &mask)) {
      b->executed += executed;
      return;
    } else if (executed > b->stop - b->executed) {
      break;
    }
  } while (at != limit && !b->failed);
  b->executed += executed;
  w->groups[g] = (pv_ptx_group){at, mask, w->turn, false};
}

/* The lanes of a warp wait for each other. */
static void fail_stuck(pv_ptx_warp *w) {
  const pv_ptx_group *g = &w->groups[0];
  const pv_ptx_step *s = &w->block->code->steps[g->at];
  pv_ptx_fail_at(w, s, g->mask, PV_PTX_DIVERGENT_BARRIER,
                 "lanes 0x%08x wait here for lanes 0x%08x, which wait elsewhere", g->mask,
                 ~(g->mask | w->exited));
}

void pv_ptx_poll(pv_ptx_block *b, bool at_once) {
  if (at_once || ++b->polls >= POLLS) b->stop = b->executed;
}

/* The turn of the lanes that ran last is over. */
static void end_turn(pv_ptx_warp *w, uint32_t lanes) {
  pv_ptx_block *b = w->block;
  for (uint32_t i = 0; i < w->group_count; i++)
    if ((w->groups[i].mask & lanes) != 0) w->groups[i].turn = w->turn + 1;
  if (b->executed >= b->allowed)
    pv_ptx_fail_at(w, &b->code->steps[w->groups[0].at], w->groups[0].mask, PV_PTX_ENDLESS,
                   "the block has executed more than %llu instructions",
                   (unsigned long long)b->allowed_here);
}

/* Until the warp waits, ends, or has had its turn. Of the groups those go first that have had the
 * fewest, so that lanes that spin do not keep those from running that they wait for. */
static void run_warp(pv_ptx_warp *w) {
  pv_ptx_block *b = w->block;
  const uint64_t left = b->allowed > b->executed ? b->allowed - b->executed : 0;
  b->stop = b->executed + (left < TURN ? left : TURN);
  b->polls = 0;
  while (w->state == PV_PTX_READY && !b->failed) {
    const pv_ptx_group *best = NULL;
    if (w->group_count > 1) merge_groups(w);
    for (uint32_t i = w->group_count; i-- > 0;) {
      const pv_ptx_group *g = &w->groups[i];
      if (!g->waits &&
          (best == NULL || g->turn < best->turn || (g->turn == best->turn && g->at < best->at)))
        best = g;
    }
    if (best == NULL) {
      fail_stuck(w);
      return;
    }
    const uint32_t lanes = best->mask;
    w->turn = best->turn;
    run_group(w, (uint32_t)(best - w->groups));
    if (w->state == PV_PTX_READY && b->executed >= b->stop && !b->failed) {
      end_turn(w, lanes);
      return;
    }
  }
}

/* Lets the warps go on whose barrier is complete: all that have not ended are at it, or as many
 * threads as it asks for. */
static bool release(pv_ptx_block *b, const pv_ptx_warp *at) {
  uint32_t waiting = 0, running = 0;
  for (uint32_t i = 0; i < b->warp_count; i++) {
    const pv_ptx_warp *w = &b->warps[i];
    running += w->state != PV_PTX_DONE;
    waiting += w->state == PV_PTX_AT_BARRIER && w->barrier == at->barrier &&
               w->barrier_threads == at->barrier_threads &&
               (w->barrier_step == at->barrier_step || at->barrier_threads != 0);
  }
  const uint32_t barrier = at->barrier, arrived = b->arrived[barrier];
  if (at->barrier_threads == 0 ? waiting != running
                               : waiting * PV_PTX_LANES + arrived != at->barrier_threads)
    return false;
  pv_ptx_barrier_reduce(b, barrier);
  b->arrived[barrier] = 0;
  for (uint32_t i = 0; i < b->warp_count; i++)
    if (b->warps[i].state == PV_PTX_AT_BARRIER && b->warps[i].barrier == barrier)
      b->warps[i].state = PV_PTX_READY;
  pass_barrier(b);
  for (uint32_t i = 0; i < b->warp_count; i++) {
    pv_ptx_warp *w = &b->warps[i];
    w->synced = w->met = b->clock;
    w->synced_time = w->met_time = b->barrier_time;
  }
  return true;
}

/* False when every warp has ended or the block is stuck. */
static bool go_on(pv_ptx_block *b) {
  const pv_ptx_warp *waits = NULL;
  bool ready = false;
  for (uint32_t i = 0; i < b->warp_count; i++) {
    ready |= b->warps[i].state == PV_PTX_READY;
    if (b->warps[i].state != PV_PTX_AT_BARRIER) continue;
    waits = &b->warps[i];
    if (release(b, waits)) return true;
  }
  if (ready) return true;
  if (waits != NULL)
    pv_ptx_fail_at(&b->warps[waits->index], &b->code->steps[waits->barrier_step], PV_PTX_ALL,
                   PV_PTX_DIVERGENT_BARRIER, "warp %u waits here for warps that wait elsewhere",
                   waits->index);
  return false;
}

void pv_ptx_block_start(pv_ptx_block *b, uint64_t position) {
  const pv_ptx_launch *launch = b->grid->launch;
  const uint64_t number = pv_ptx_schedule_at(launch, 0, b->grid->blocks, position);
  const uint64_t row = number / launch->grid[0];
  b->position = position;
  b->number = number;
  b->id[0] = (uint32_t)(number % launch->grid[0]);
  b->id[1] = (uint32_t)(row % launch->grid[1]);
  b->id[2] = (uint32_t)(row / launch->grid[1]);
  b->failed = false;
  b->allowed_here = launch->allowed != 0 ? launch->allowed : EXECUTED_MAX;
  b->allowed = b->executed + b->allowed_here;
  if (b->shared_bytes > 0) memset(b->shared_written, 0, b->shared_bytes);
  if (b->code->local_pitch > 0)
    memset(b->local_written, 0, (size_t)b->code->local_pitch * b->warp_count * PV_PTX_LANES);
  b->copy_count = 0;
  memset(b->arrived, 0, sizeof b->arrived);
  memset(b->committed, 0, sizeof b->committed);
  b->ordered = b->fenced_time = 0;
  b->fence_count = 0;
  pass_barrier(b);
  for (uint32_t i = 0; i < b->warp_count; i++) start_warp(b, i);
}

bool pv_ptx_block_turn(pv_ptx_block *b) {
  const uint64_t salt = b->number + b->ticked + 1;
  for (uint32_t i = 0; i < b->warp_count && !b->failed; i++)
    run_warp(&b->warps[pv_ptx_schedule_at(b->grid->launch, salt, b->warp_count, i)]);
  return !b->failed && go_on(b) && !b->failed;
}
