/* The compact form that a kernel is decoded to, and the state that executes it. Private to the
 * machine.
 *
 * A register is 32 lanes, one after the other: lanes of 4 bytes for types of at most 32 bits (a
 * reader takes the low bits that its type has), lanes of 8 bytes for 64 bits, and one word with a
 * bit for each lane for a predicate. All lie in one block of memory for each warp; an operand is an
 * offset into it. Constants and special registers are registers that are filled beforehand. */
#ifndef PV_PTX_STEP_H
#define PV_PTX_STEP_H

#include <pthread.h>
#include <stdatomic.h>

#include "kernels/ptx/machine.h"
#include "kernels/ptx/ptx.h"

enum {
  PV_PTX_LANES = 32,
  PV_PTX_WARPS_MAX = 32,
  PV_PTX_NARROW = 128, /* bytes of a register */
  PV_PTX_WIDE = 256,
  PV_PTX_BUFFERS_MAX = 256,
  PV_PTX_SLOTS = 5, /* operands that lie in a step itself */
  PV_PTX_BARRIERS = 16
};
#define PV_PTX_ALL UINT32_MAX /* every lane */

/* Generic addresses: windows over what is not global. */
#define PV_PTX_WINDOW        (1ULL << 56)
#define PV_PTX_SHARED_WINDOW (1ULL << 56)
#define PV_PTX_LOCAL_WINDOW  (2ULL << 56)
#define PV_PTX_PARAM_WINDOW  (3ULL << 56)

typedef struct pv_ptx_warp pv_ptx_warp;
typedef struct pv_ptx_step pv_ptx_step;
/* Executes a step for the lanes of `mask`, which is not empty. */
typedef void (*pv_ptx_run)(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);

typedef enum pv_ptx_flow_kind {
  PV_PTX_GO_ON = 0, /* run, then the next step */
  PV_PTX_BRANCH,    /* to step `target` */
  PV_PTX_TABLE_BRANCH,
  PV_PTX_EXIT,
  PV_PTX_CONVERGE, /* run, once the lanes of the member mask (operand r[4]) are all here */
  PV_PTX_BARRIER   /* of the block, once all lanes of the warp are here */
} pv_ptx_flow_kind;

/* How an access to memory counts where threads meet: as an atomic one or not. */
typedef enum pv_ptx_strength {
  PV_PTX_STRONG = 1,          /* for all blocks */
  PV_PTX_STRONG_IN_BLOCK = 2, /* for the threads of the block alone */
  PV_PTX_RELEASES = 4,        /* what the thread did before, without a fence */
  PV_PTX_ACQUIRES = 8         /* what others released */
} pv_ptx_strength;

/* The `offset` of a barrier. */
typedef enum pv_ptx_bar {
  PV_PTX_BAR_SYNC = 0,
  PV_PTX_BAR_ARRIVE,
  PV_PTX_BAR_POPC, /* the result in r[3] is made of the predicate r[2] of all threads */
  PV_PTX_BAR_AND,
  PV_PTX_BAR_OR
} pv_ptx_bar;

typedef enum pv_ptx_guard { PV_PTX_ALWAYS = 0, PV_PTX_IF, PV_PTX_UNLESS } pv_ptx_guard;

struct pv_ptx_step {
  pv_ptx_run run;
  const uint32_t *more; /* operands beyond `r`, in the arena */
  int64_t offset;       /* of an address; else whatever `run` documents */
  uint32_t r[PV_PTX_SLOTS];
  uint32_t guard;  /* the predicate */
  uint32_t target; /* of a branch; else of a memory access: its place in the cache of buffers */
  uint32_t source; /* of the instruction: in code->sources */
  uint8_t flow;    /* pv_ptx_flow_kind */
  uint8_t guarded; /* pv_ptx_guard */
  uint8_t bytes;   /* of one element of a memory access */
  uint8_t count;   /* elements */
  uint8_t space;   /* pv_ptx_space; PV_PTX_NO_SPACE: a generic address */
  bool wide : 1;   /* the registers of the elements have lanes of 8 bytes */
  bool narrow_address : 1; /* the address register has lanes of 4 bytes */
  uint8_t is_signed;
  uint8_t order; /* of a memory access: pv_ptx_strength */
};

typedef struct pv_ptx_fill { /* a register that holds one value in all lanes */
  char kind;                 /* n, w or p: see pv_ptx_alu */
  uint32_t at;
  uint64_t value;
} pv_ptx_fill;

typedef enum pv_ptx_special { /* x, y and z follow each other */
                              PV_PTX_TID,
                              PV_PTX_NTID = 3,
                              PV_PTX_CTAID = 6,
                              PV_PTX_NCTAID = 9,
                              PV_PTX_LANEID = 12,
                              PV_PTX_WARPID,
                              PV_PTX_LANEMASK_EQ,
                              PV_PTX_LANEMASK_LT,
                              PV_PTX_LANEMASK_LE,
                              PV_PTX_LANEMASK_GT,
                              PV_PTX_LANEMASK_GE,
                              PV_PTX_DYNAMIC_SMEM_SIZE,
                              PV_PTX_TOTAL_SMEM_SIZE,
                              PV_PTX_ENVREG1, /* where a cooperative grid meets: the upper half */
                              PV_PTX_ENVREG2, /* and the lower */
                              PV_PTX_SPECIALS
} pv_ptx_special;

typedef struct pv_ptx_code { /* a kernel */
  const pv_ptx_module *module;
  const pv_ptx_function *function;
  pv_ptx_step *steps;
  uint32_t step_count;
  uint32_t register_bytes;            /* of a warp */
  const pv_ptx_instruction **sources; /* of the steps; those of a function at each expansion */
  size_t source_count;
  pv_ptx_fill *fills;
  size_t fill_count;
  uint32_t special[PV_PTX_SPECIALS]; /* offsets, 0: not used */
  uint32_t *tables;                  /* step of each label of each branch table */
  uint32_t shared_bytes;             /* static; dynamic shared memory begins behind them */
  uint32_t dynamic_align;
  uint32_t local_bytes; /* of a thread */
  uint32_t local_pitch; /* from one thread's to the next: aligned for any element */
  uint32_t param_bytes;
  uint32_t caches;       /* memory accesses that look a buffer up */
  uint32_t approximates; /* line of the first instruction that is not defined bit for bit, or 0 */
} pv_ptx_code;

typedef struct pv_ptx_watch pv_ptx_watch; /* see watch.h */
struct pv_ptx_word;

typedef struct pv_ptx_buffer {
  uint64_t address, bytes;
  unsigned char *data;
  unsigned char *written;          /* for each byte 1 when it was uploaded or stored */
  struct pv_ptx_word *words;       /* of the last launch, where it observed the buffer; else NULL */
  bool writable;                   /* by the launch under way */
  const pv_ptx_variable *variable; /* of a module, whose memory this is; or NULL */
} pv_ptx_buffer;

typedef struct pv_ptx_memory { /* in the order of addresses */
  pv_ptx_buffer buffers[PV_PTX_BUFFERS_MAX];
  uint32_t count;
} pv_ptx_memory;

typedef struct pv_ptx_group { /* lanes of a warp that are at the same step */
  uint32_t at, mask;
  uint32_t turn; /* how often it had to let the other lanes go on */
  bool waits;    /* for others, at a step that needs them */
} pv_ptx_group;

typedef enum pv_ptx_warp_state {
  PV_PTX_READY = 0,
  PV_PTX_AT_BARRIER,
  PV_PTX_DONE
} pv_ptx_warp_state;

struct pv_ptx_block;

struct pv_ptx_warp {
  unsigned char *registers; /* aligned to 64 bytes */
  struct pv_ptx_block *block;
  uint32_t index;  /* in the block */
  uint32_t exited; /* lanes, those that never were included */
  pv_ptx_group groups[PV_PTX_LANES];
  uint32_t group_count;
  uint32_t turn; /* of the group that runs */
  pv_ptx_warp_state state;
  uint32_t barrier, barrier_threads, barrier_step; /* where it waits; threads 0: all */
  uint32_t synced, met; /* the clock at its last bar.warp.sync; when its lanes last met at all */
  uint32_t acquired;    /* the clock when it last acquired what other warps did */
  uint64_t synced_time, met_time, acquired_time; /* by the clock of a launch that observes */
  bool polled;                                   /* it has read by an atomic since its last fence */
};

typedef struct pv_ptx_fence { /* of some lanes of a warp, and when it was: see watch.h */
  uint32_t warp, mask;
  uint64_t time, barrier, synced; /* the last barrier, bar.warp.sync before it */
} pv_ptx_fence;

/* Which thread touched a byte of shared memory last, and when: see shared.c. */
typedef struct pv_ptx_touch {
  uint32_t write, read;
} pv_ptx_touch;

typedef struct pv_ptx_copy { /* under way from global to shared memory (cp.async) */
  const pv_ptx_step *step;
  uint32_t thread, group; /* of the thread's groups of copies, from 0 */
  uint64_t to;
  unsigned char data[16];
} pv_ptx_copy;

typedef struct pv_ptx_block { /* one for each thread of the host, used for block after block */
  struct pv_ptx_grid *grid;
  const pv_ptx_code *code;
  uint32_t id[3];
  uint64_t position, number; /* which it is in the order of the launch, and in the grid */
  pv_ptx_warp warps[PV_PTX_WARPS_MAX];
  uint32_t warp_count;
  unsigned char *memory; /* `room` bytes, in which lies what the block points to below */
  size_t room;
  unsigned char *registers; /* of all warps */
  unsigned char *shared, *shared_written;
  pv_ptx_touch *touched_by;       /* which steps, where the launch observes; else NULL */
  pv_ptx_touch *touched, *strong; /* by plain accesses; by atomic ones; `touched_room` of each */
  size_t touched_room;
  bool has_strong;     /* there was one */
  pv_ptx_copy *copies; /* room for shared_bytes / 4 */
  size_t copy_count;
  uint32_t arrived[PV_PTX_BARRIERS];                   /* threads that do not wait there */
  uint64_t ticks;                                      /* clocks read */
  uint32_t committed[PV_PTX_WARPS_MAX * PV_PTX_LANES]; /* groups of copies of each thread */
  uint32_t shared_bytes;
  uint32_t clock, barrier_clock; /* of shared memory, for all launches */
  uint64_t ticked;               /* how often the clock did, in this launch */
  uint64_t barrier_time;         /* the same by the clock of the launch */
  uint64_t ordered, fenced_time; /* after all that was released until then; after its last fence */
  pv_ptx_fence fences[PV_PTX_WARPS_MAX * PV_PTX_LANES]; /* the last one of each thread */
  uint32_t fence_count;
  unsigned char *local, *local_written;     /* [warp][lane][local_pitch] */
  uint8_t *cache;                           /* for each memory access the buffer it found last */
  uint64_t executed, allowed, allowed_here; /* of all its blocks; until then; of this one */
  uint64_t stop;  /* when so much is executed, other lanes, warps and blocks go on */
  uint32_t polls; /* atomic loads of the warp in its turn */
  bool failed;    /* `fault` is set: stop */
  pv_ptx_fault fault;
} pv_ptx_block;

enum { PV_PTX_LOG_MAX = 4096 };
typedef struct pv_ptx_log { /* what a launch prints */
  pthread_mutex_t lock;
  size_t length;
  char text[PV_PTX_LOG_MAX + 1];
} pv_ptx_log;

typedef struct pv_ptx_grid { /* a launch */
  const pv_ptx_launch *launch;
  const pv_ptx_code *code;
  pv_ptx_memory *memory;
  const unsigned char *params;
  pv_ptx_log *log;
  uint64_t blocks;
  uint64_t workspace;   /* of a cooperative grid: the address of a few words, else 0 */
  pv_ptx_watch *watch;  /* NULL: the launch does not observe */
  atomic_ullong next;   /* position of the block to hand out */
  atomic_ullong failed; /* the lowest position with a fault */
} pv_ptx_grid;

/* decode.c: the steps of a kernel, in the arena. `permits`: see pv_ptx_machine_permit. */
pv_code pv_ptx_decode(pv_arena *arena, pv_ptx_memory *memory, const pv_ptx_module *module,
                      const pv_ptx_function *function, bool permits, pv_ptx_code **out,
                      pv_error *err);

/* variable.c: a buffer of `bytes` zeros, none of them written. Its place holds until the memory
 * goes. */
pv_code pv_ptx_buffer_add(pv_ptx_memory *memory, uint64_t bytes, pv_ptx_buffer **out,
                          pv_error *err);
/* The address of a .global or .const variable of a module. Its buffer is made and initialised when
 * it is first asked for, and those that its initialiser names. */
pv_code pv_ptx_variable_address(pv_ptx_memory *memory, const pv_ptx_module *module,
                                const pv_ptx_variable *variable, uint64_t *out, pv_error *err);

/* block.c: begins the block at `position` in the order of the launch. */
void pv_ptx_block_start(pv_ptx_block *block, uint64_t position);
/* Lets each warp run until it waits, ends, or has had its turn. False when the block has ended, or
 * stopped at a fault: `failed`. */
bool pv_ptx_block_turn(pv_ptx_block *block);
/* A warp has asked for what others do: soon they may do it. `at_once`: it does nothing else. */
void pv_ptx_poll(pv_ptx_block *block, bool at_once);

/* schedule.c: which of `count` comes at `position`. `salt`: which of several orders of one launch.
 */
uint64_t pv_ptx_schedule_at(const pv_ptx_launch *launch, uint64_t salt, uint64_t count,
                            uint64_t position);

/* barrier.c: gives the warps that wait at a barrier what it makes of their predicates. */
void pv_ptx_barrier_reduce(pv_ptx_block *block, uint32_t barrier);

/* memory.c: the allocation that holds all of these bytes, or NULL. */
pv_ptx_buffer *pv_ptx_buffer_at(pv_ptx_memory *memory, uint64_t address, uint64_t bytes);

/* memory.c: 1 to 8 bytes at a generic address, as a load or store of one lane: checked, and false
 * when it stopped the block. The step is one with a place in the cache of buffers. */
bool pv_ptx_read(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, uint64_t address,
                 unsigned bytes, uint64_t *out);
/* The place of an atomic access of a lane at the address in the step's register, which `reads` it
 * too or only writes. NULL when it stopped the block. */
void *pv_ptx_atomic_place(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, bool reads);
bool pv_ptx_write(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane, uint64_t address,
                  unsigned bytes, uint64_t value);

/* fault.c: stops the block. The first fault is kept. `mask`: the lanes concerned. */
void pv_ptx_fail_at(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask,
                    pv_ptx_fault_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same for an access to memory; appends where the nearest buffer lies. */
void pv_ptx_fail_access(pv_ptx_warp *warp, const pv_ptx_step *step, unsigned lane,
                        pv_ptx_fault_kind kind, uint64_t address, const char *what);

#endif
