/* What the files of the decoder share. Private to the machine. */
#ifndef PV_PTX_DECODE_H
#define PV_PTX_DECODE_H

#include "kernels/ptx/step.h"
#include "kernels/ptx/tensor.h"

typedef struct pv_ptx_place { /* where a variable lies */
  const pv_ptx_variable *variable;
  pv_ptx_space space; /* of a .param variable of a call: PV_PTX_LOCAL */
  uint64_t address;
} pv_ptx_place;

typedef struct pv_ptx_fixup { /* a step, or an entry of the tables, whose label is not bound yet */
  bool table;
  uint32_t at, label; /* label PV_PTX_END_LABEL: the end of the function */
} pv_ptx_fixup;
#define PV_PTX_END_LABEL UINT32_MAX

/* A function that is decoded: the kernel, or one that is expanded where it is called. */
typedef struct pv_ptx_frame {
  const pv_ptx_function *function;
  uint32_t *at;    /* the offset of each register of the function, 0: not used yet */
  uint32_t *first; /* the first step of each instruction, and one more */
  struct pv_ptx_frame *caller;
  unsigned depth;
} pv_ptx_frame;

typedef struct pv_ptx_decoder {
  pv_arena *arena;
  pv_error *err;  /* never NULL */
  pv_code failed; /* the first error is kept; from then on nothing is emitted */
  pv_ptx_memory *memory;
  const pv_ptx_module *module;
  const pv_ptx_function *kernel;
  pv_ptx_frame *frame;
  bool permits; /* what is not defined bit for bit: see pv_ptx_machine_permit */
  const pv_ptx_instruction *now;
  pv_ptx_code *code;
  pv_ptx_place *places; /* the innermost function's last */
  size_t place_count;
  pv_ptx_fixup *fixups; /* of the functions under way */
  size_t fixup_count;
  size_t expanded; /* instructions decoded, those of functions as often as they are expanded */
  size_t place_room, fixup_room, source_room, step_room, fill_room, table_room;
  uint32_t carry;    /* the predicate that add.cc sets, or 0 */
  uint32_t next_bit; /* the next free word for a predicate, and where its group ends */
  uint32_t last_bit;
} pv_ptx_decoder;

/* Refuses the current instruction; `hint` may be NULL. */
pv_code pv_ptx_refuse(pv_ptx_decoder *d, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
pv_code pv_ptx_decode_nomem(pv_ptx_decoder *d);

/* The kind of a register: 'n', 'w' or 'p' (see pv_ptx_alu). */
char pv_ptx_kind_of(const pv_ptx_decoder *d, const pv_ptx_operand *operand);

/* Offsets; 0 when the decoder has failed. A new register: */
uint32_t pv_ptx_new_register(pv_ptx_decoder *d, char kind);
/* A register that holds a constant in all lanes. */
uint32_t pv_ptx_constant(pv_ptx_decoder *d, char kind, uint64_t value);
/* An operand that is read or written as `kind`. A predicate that is negated costs a step. */
uint32_t pv_ptx_operand_at(pv_ptx_decoder *d, const pv_ptx_operand *operand, char kind);

/* Room for one more of a growing array; false when the decoder has failed. */
bool pv_ptx_decode_room(pv_ptx_decoder *d, void *items, size_t count, size_t *capacity,
                        size_t size);
/* Where a variable lies, or NULL: .global and .const have no place. */
const pv_ptx_place *pv_ptx_place_of(const pv_ptx_decoder *d, const pv_ptx_variable *variable);
/* Its place, after what lies in `*end` bytes of the space already; at most `limit`. */
pv_code pv_ptx_place_add(pv_ptx_decoder *d, const pv_ptx_variable *variable, pv_ptx_space space,
                         uint32_t *end, uint64_t limit);
enum { PV_PTX_LOCAL_MAX = 1 << 20 }; /* bytes of a thread */
/* Notes that the step emitted last goes to a label of the function. */
pv_code pv_ptx_note_label(pv_ptx_decoder *d, uint32_t label);
/* The instructions of the innermost frame, then its labels. */
pv_code pv_ptx_decode_body(pv_ptx_decoder *d);

/* Appends a step with the guard of the current instruction. */
pv_code pv_ptx_emit(pv_ptx_decoder *d, pv_ptx_step step);
/* The same without a guard: for a step whose result is the decoder's own. */
pv_code pv_ptx_emit_always(pv_ptx_decoder *d, pv_ptx_step step);
/* A step of a row of alu.h, by name. */
pv_code pv_ptx_emit_alu(pv_ptx_decoder *d, const char *opcode, const char *operands, bool always,
                        uint32_t r0, uint32_t r1, uint32_t r2);

/* never.c: why an instruction is not executed on purpose, from its opcode or its line; or NULL. */
const char *pv_ptx_never(const char *text);
/* Refuses the current instruction where its bits need a permission, and notes the first one whose
 * bits are not defined. */
pv_code pv_ptx_decode_permit(pv_ptx_decoder *d);
pv_code pv_ptx_approximates(pv_ptx_decoder *d, const char *hint);

/* Families of instructions; each appends the steps of the current one. */
pv_code pv_ptx_decode_alu(pv_ptx_decoder *d);
pv_code pv_ptx_decode_mov(pv_ptx_decoder *d);
pv_code pv_ptx_decode_setp(pv_ptx_decoder *d);
pv_code pv_ptx_decode_setp_pair(pv_ptx_decoder *d);
pv_code pv_ptx_decode_set(pv_ptx_decoder *d);
pv_code pv_ptx_decode_lop3(pv_ptx_decoder *d);
pv_code pv_ptx_decode_carried(pv_ptx_decoder *d);
pv_code pv_ptx_decode_access(pv_ptx_decoder *d);
pv_code pv_ptx_decode_cvta(pv_ptx_decoder *d);
pv_code pv_ptx_decode_policy(pv_ptx_decoder *d);
pv_code pv_ptx_decode_copy(pv_ptx_decoder *d);
pv_code pv_ptx_decode_fence(pv_ptx_decoder *d);
pv_code pv_ptx_decode_atomic(pv_ptx_decoder *d);
pv_code pv_ptx_decode_branch(pv_ptx_decoder *d);
pv_code pv_ptx_decode_table(pv_ptx_decoder *d);
pv_code pv_ptx_decode_exit(pv_ptx_decoder *d);
pv_code pv_ptx_decode_return(pv_ptx_decoder *d);
pv_code pv_ptx_decode_call(pv_ptx_decoder *d);
pv_code pv_ptx_decode_trap(pv_ptx_decoder *d);
pv_code pv_ptx_decode_bar(pv_ptx_decoder *d);
pv_code pv_ptx_decode_elect(pv_ptx_decoder *d);
pv_code pv_ptx_decode_mbarrier(pv_ptx_decoder *d);
pv_code pv_ptx_decode_copy_arrive(pv_ptx_decoder *d);
pv_code pv_ptx_decode_match(pv_ptx_decoder *d);
pv_code pv_ptx_decode_isspacep(pv_ptx_decoder *d);
pv_code pv_ptx_decode_nanosleep(pv_ptx_decoder *d);
/* A register that holds a special register which is read anew each time; 0: it is none. */
uint32_t pv_ptx_decode_clock(pv_ptx_decoder *d, const char *name, char kind);
pv_code pv_ptx_decode_form(pv_ptx_decoder *d);
pv_code pv_ptx_decode_mma(pv_ptx_decoder *d);
pv_code pv_ptx_decode_ldmatrix(pv_ptx_decoder *d); /* and stmatrix */
pv_code pv_ptx_decode_movmatrix(pv_ptx_decoder *d);

/* decode_memory.c: the space that a part of an opcode names, PV_PTX_NO_SPACE: none. */
pv_ptx_space pv_ptx_space_named(const char *part);
/* Whether a part orders an access among those of other threads: adds to *order. */
bool pv_ptx_is_order(const char *part, uint8_t *order);
/* The address of an access: r[0] and `offset`. */
pv_code pv_ptx_read_address(pv_ptx_decoder *d, const pv_ptx_operand *o, pv_ptx_step *s);

typedef enum pv_ptx_atomic_op {
  PV_PTX_ATOMIC_ROW,     /* what a row of alu.h computes */
  PV_PTX_ATOMIC_ADD_F32, /* the same; global memory flushes subnormals */
  PV_PTX_ATOMIC_EXCH,
  PV_PTX_ATOMIC_CAS,
  PV_PTX_ATOMIC_INC,
  PV_PTX_ATOMIC_DEC
} pv_ptx_atomic_op;

typedef struct pv_ptx_atomic { /* what `more` of the step points to */
  pv_ptx_step row; /* of one lane: r[1] what was there, r[2] the operand, r[0] the result */
  pv_ptx_atomic_op op;
  bool wanted; /* what was there is a result */
} pv_ptx_atomic;

typedef enum pv_ptx_mbarrier { /* what `more` of the step points to */
                               PV_PTX_MBARRIER_INIT,
                               PV_PTX_MBARRIER_INVAL,
                               PV_PTX_MBARRIER_ARRIVE,
                               PV_PTX_MBARRIER_DROP,
                               PV_PTX_MBARRIER_WAIT
} pv_ptx_mbarrier;
#define PV_PTX_MBARRIER_MAX 0xfffffULL /* arrivals of a phase */

/* What the steps run; atomic.c, barrier.c, mbarrier.c, memory.c, print.c and warp.c. */
void pv_ptx_run_atomic(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_print(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_assert(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_trap(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_load(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_store(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_copy(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_commit(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_wait(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_mbarrier(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_elect(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_match(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_isspacep(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_clock(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_sleep(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_fence(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_sync(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_shfl(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_vote(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_redux(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_activemask(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_mma(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_product(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_product_f64(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_ldmatrix(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_stmatrix(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_movmatrix(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);

typedef struct pv_ptx_product { /* what `more` of a product of float matrices points to */
  pv_ptx_tensor tensor;
  unsigned k;
  uint32_t d[4], a[4], b[2], c[4]; /* registers */
} pv_ptx_product;

typedef enum pv_ptx_vote {
  PV_PTX_BALLOT,
  PV_PTX_VOTE_ALL,
  PV_PTX_VOTE_ANY,
  PV_PTX_VOTE_UNI
} pv_ptx_vote;
typedef enum pv_ptx_shfl {
  PV_PTX_SHFL_IDX,
  PV_PTX_SHFL_UP,
  PV_PTX_SHFL_DOWN,
  PV_PTX_SHFL_BFLY
} pv_ptx_shfl;
typedef enum pv_ptx_redux {
  PV_PTX_REDUX_ADD,
  PV_PTX_REDUX_MIN,
  PV_PTX_REDUX_MAX,
  PV_PTX_REDUX_AND,
  PV_PTX_REDUX_OR,
  PV_PTX_REDUX_XOR
} pv_ptx_redux;

#endif
