/* What a launch that observes remembers of device memory: who touched each byte, and what orders
 * the blocks. Private to the machine.
 *
 * Blocks run on one thread of the host, so that a race shows only in who touched a byte and when,
 * as in shared.h. When: the clock of the launch, which ticks at each barrier, each time the lanes
 * of a warp meet, at each fence and each release. An access is weak (any that is not atomic) or
 * strong (atomic, volatile, relaxed, acquire, release). Two strong ones are no race, except that
 * one of the scope of a block is weak for other blocks.
 *
 * Blocks are ordered by atomics alone. A fence of a thread covers what the thread did before, and
 * what its block did before the barrier before. A strong write is a release of what the writer's
 * fences cover, and those of its block that a barrier orders before it. What is released is
 * released at one time of the clock; a block whose strong read finds such a write is from then on
 * ordered after everything that was released until then, in whatever word: a little more than is
 * true. The reader's fence is not asked for. */
#ifndef PV_PTX_WATCH_H
#define PV_PTX_WATCH_H

#include "kernels/ptx/step.h"

enum { PV_PTX_READS = 1, PV_PTX_WRITES = 2 }; /* both: an atomic that does both */

typedef struct pv_ptx_entry { /* an access to some bytes of a word */
  uint64_t time;
  uint32_t block, step; /* its number; of its code */
  uint32_t next;        /* in its list, 0: none */
  uint16_t who;         /* a thread, or PV_PTX_LANES_OF + warp: several of its lanes */
  uint8_t bytes;        /* a bit for each */
  uint8_t deed;         /* PV_PTX_READS, PV_PTX_WRITES */
  uint8_t order;        /* pv_ptx_strength bits */
} pv_ptx_entry;

/* An aligned word of 4 bytes: lists of entries, 0: none. Each weak write is ordered after all that
 * it removes from the lists. */
struct pv_ptx_word {
  uint32_t writes, reads, strong, meeting;
};

typedef struct pv_ptx_meeting { /* a word that releases were made to */
  uint64_t released, by;        /* the last time, block and thread (block << 10 | thread) */
  uint64_t other;               /* the last time by anybody else */
  bool in_block;                /* accesses of the scope of a block were made */
} pv_ptx_meeting;

typedef struct pv_ptx_release {
  uint64_t time;
  uint32_t older; /* of the same block, 0: none */
  uint32_t thread;
  size_t first, count; /* fences that are in effect */
} pv_ptx_release;

struct pv_ptx_watch {
  const pv_ptx_code *code;
  unsigned grid[3], block[3];
  uint64_t clock;
  pv_ptx_entry *entries; /* entry 0 is none */
  size_t entry_count, entry_room;
  uint32_t unused;          /* list of entries that were given back */
  pv_ptx_meeting *meetings; /* meeting 0 is none */
  size_t meeting_count, meeting_room;
  pv_ptx_release *releases; /* release 0 is none */
  size_t release_count, release_room;
  pv_ptx_fence *fences;
  size_t fence_count, fence_room;
  uint32_t *last; /* release of each block */
  bool full;      /* there is no more room: the launch stops */
};

/* Of a launch over `blocks` blocks. NULL: out of memory. */
pv_ptx_watch *pv_ptx_watch_open(const pv_ptx_code *code, const pv_ptx_launch *launch,
                                uint64_t blocks);
void pv_ptx_watch_close(pv_ptx_watch *watch);

/* An access of a lane to a buffer that is watched. False: the block has stopped, at a race or for
 * want of room. */
bool pv_ptx_watch_access(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane,
                         const pv_ptx_buffer *buffer, uint64_t address, unsigned bytes,
                         unsigned deed);

/* The last store to a byte of a buffer that is watched. */
bool pv_ptx_watch_stored(const pv_ptx_watch *watch, const pv_ptx_buffer *buffer, uint64_t address,
                         pv_ptx_store *out);

/* Adds the other side of a race in shared memory to a fault: `who` of the block, at a step. */
void pv_ptx_watch_tell(const pv_ptx_block *block, uint32_t who, uint32_t step, pv_ptx_fault *fault);

/* release.c. A fence of the lanes of `mask`, for all blocks. */
void pv_ptx_watch_fence(pv_ptx_warp *warp, uint32_t mask);
/* A strong write of `lane`, which may release something by itself. Whether it released. */
bool pv_ptx_watch_release(pv_ptx_warp *warp, unsigned lane, bool releases);
/* Whether the releases that `block` is ordered after cover the access. */
bool pv_ptx_watch_covers(const pv_ptx_block *block, const pv_ptx_entry *entry);

/* Room for one more item. False, and the launch stops, when there is none. */
bool pv_ptx_watch_room(pv_ptx_watch *watch, void *items, size_t count, size_t *room, size_t size);

#endif
