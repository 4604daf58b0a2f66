/* A machine that executes PTX on the host: the kernels of kernels/cuda run where there is no GPU,
 * and every access to memory is checked. It is an interpreter of the subset that docs/ptx.md lists,
 * bit for bit; anything else is refused when a kernel is looked up, with the instruction, its line
 * and what to do. It is not a device: no evidence about one follows from it.
 *
 * Ownership: modules, kernels and device memory belong to the machine. One thread may use it.
 * Units: addresses are device addresses, sizes are bytes. Memory of the device is filled with
 * zeros, but reading a byte that nobody has uploaded or stored is a fault.
 * Errors: PV_ERR_UNSUPPORTED for what the machine can not execute, PV_ERR_DEVICE for a launch that
 * stopped at a fault; pv_ptx_machine_fault then tells which. */
#ifndef PV_PTX_MACHINE_H
#define PV_PTX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct pv_ptx_machine pv_ptx_machine;

typedef enum pv_ptx_fault_kind {
  PV_PTX_NO_FAULT = 0,
  PV_PTX_OUT_OF_BOUNDS,     /* outside every allocation, or outside the block's own memory */
  PV_PTX_MISALIGNED,        /* the address is no multiple of the size of the access */
  PV_PTX_UNINITIALISED,     /* memory or a register that was never written; a lane that is absent */
  PV_PTX_UNDECLARED_WRITE,  /* to memory that the launch does not declare as output */
  PV_PTX_DIVERGENT_BARRIER, /* threads wait for each other in places that can not meet */
  PV_PTX_SHARED_RACE,       /* two threads, no barrier between, at least one writes */
  PV_PTX_ENDLESS,           /* a block that executes more than it is allowed to */
  PV_PTX_GLOBAL_RACE,       /* the same in device memory, also between blocks: see `observe` */
  PV_PTX_TRAP               /* the kernel stopped itself: trap, or an assertion of its own */
} pv_ptx_fault_kind;

/* "out of bounds" */
const char *pv_ptx_fault_name(pv_ptx_fault_kind kind);

/* A store, or another access: where it stands in the text, and who did it. `line` 0: not known. */
typedef struct pv_ptx_store {
  uint32_t line, source_line; /* as in pv_ptx_fault */
  char source[256];
  uint32_t block[3], thread[3];
} pv_ptx_store;

/* The first defect of a launch: that of the first block in its order, whatever the number of host
 * threads. */
typedef struct pv_ptx_fault {
  pv_ptx_fault_kind kind;
  char kernel[128];
  char instruction[64];         /* "st.global.f32" */
  uint32_t line;                /* of the PTX */
  char source[256];             /* the file that .loc names, or "" */
  uint32_t source_line;         /* or 0 */
  uint32_t block[3], thread[3]; /* thread: the first one concerned */
  uint64_t address;             /* of an access to memory, else 0 */
  pv_ptx_store earlier;         /* of a race in a launch that observes: the other side */
  char text[768];               /* one sentence: what, where, and the nearest buffer */
} pv_ptx_fault;

/* In which order blocks run, and the warps of a block from one barrier to the next. No kernel may
 * depend on it. */
typedef enum pv_ptx_order {
  PV_PTX_ASCENDING = 0,
  PV_PTX_DESCENDING,
  PV_PTX_SHUFFLED /* by `seed`: equal seeds, equal orders */
} pv_ptx_order;

typedef struct pv_ptx_launch {
  unsigned kernel; /* from pv_ptx_machine_find */
  unsigned grid[3], block[3];
  unsigned shared;    /* bytes of dynamic shared memory */
  const void *params; /* the kernel's parameters, each at its aligned place, as one run of bytes */
  size_t param_bytes; /* exactly what the kernel declares */
  /* Addresses in the allocations that may be written; with NULL, all may be. */
  const uint64_t *outputs;
  size_t output_count;
  pv_ptx_order order;
  uint64_t seed;
  /* All blocks are resident and take turns, on one thread of the host: a grid barrier that spins
   * ends. At most 4096 blocks. */
  bool cooperative;
  uint64_t allowed; /* instructions that a block may execute, 0: 2^32 */
  /* Finds races in device memory too, and remembers who stored what; a register that nobody wrote
   * holds ones, so a NaN. The blocks then run on one thread of the host, so that a fault is the
   * same each time. What may not be written costs nothing: declare the outputs. */
  bool observe;
} pv_ptx_launch;

/* `threads` of the host, 0: one per processor. */
pv_code pv_ptx_machine_open(unsigned threads, pv_ptx_machine **out, pv_error *err);
void pv_ptx_machine_close(pv_ptx_machine *machine);

/* Reads a module; `name` stands in errors in place of a file. The text may be freed afterwards. A
 * function that is not understood spoils no other: see pv_ptx_parse_each. */
pv_code pv_ptx_machine_load(pv_ptx_machine *machine, const char *name, const char *text,
                            size_t length, pv_error *err);

/* The kernel (.entry) of that name in any loaded module, decoded. The same name gives the same
 * number. PV_ERR_INPUT when there is none, PV_ERR_UNSUPPORTED with module, line and instruction
 * when it can not be executed. */
pv_code pv_ptx_machine_find(pv_ptx_machine *machine, const char *kernel, unsigned *out,
                            pv_error *err);

/* From here on pv_ptx_machine_find also takes what is refused otherwise: `.ftz`, which is exact,
 * and what PTX does not define bit for bit, such as `.approx`, `.full` and a sum or product without
 * a rounding mode. That is computed as the correctly rounded result. */
void pv_ptx_machine_permit(pv_ptx_machine *machine);

/* Whether the kernel has such an instruction: no claim about its bits holds then on a device.
 * `*line`, of the first one in the PTX, may be NULL. */
bool pv_ptx_machine_approximates(const pv_ptx_machine *machine, unsigned kernel, uint32_t *line);

/* Aligned to 256 bytes. */
pv_code pv_ptx_machine_alloc(pv_ptx_machine *machine, uint64_t bytes, uint64_t *out, pv_error *err);
/* PV_ERR_INPUT when the bytes do not lie in one allocation. What was uploaded is initialised; a
 * download takes any byte. */
pv_code pv_ptx_machine_upload(pv_ptx_machine *machine, uint64_t to, const void *from,
                              uint64_t bytes, pv_error *err);
pv_code pv_ptx_machine_download(pv_ptx_machine *machine, void *to, uint64_t from, uint64_t bytes,
                                pv_error *err);

/* Runs to the end. After a fault the outputs hold what was stored until then. PV_ERR_LIMIT: a
 * launch that observes has more to remember than there is room for. */
pv_code pv_ptx_machine_launch(pv_ptx_machine *machine, const pv_ptx_launch *launch, pv_error *err);

/* Of the last launch, or NULL. */
const pv_ptx_fault *pv_ptx_machine_fault(const pv_ptx_machine *machine);

/* What the last launch printed with printf, each call as one, the lanes of a warp in order; blocks
 * that run at once print in any order. At most 4096 bytes, "" when nothing. */
const char *pv_ptx_machine_printed(const pv_ptx_machine *machine);
/* Who stored the byte at `address` last. False: nobody in the last launch, or it did not observe.
 */
bool pv_ptx_machine_stored(const pv_ptx_machine *machine, uint64_t address, pv_ptx_store *out);

/* The first byte of the range that no launch stored and nobody uploaded, counted from `address`;
 * `bytes` when there is none, 0 when the range does not lie in one allocation. */
uint64_t pv_ptx_machine_unwritten(const pv_ptx_machine *machine, uint64_t address, uint64_t bytes);

/* Instructions that warps have executed so far, all launches together. */
uint64_t pv_ptx_machine_instructions(const pv_ptx_machine *machine);

#endif
