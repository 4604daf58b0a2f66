/* What the files of the decoder share. Private to the machine. */
#ifndef PV_PTX_DECODE_H
#define PV_PTX_DECODE_H

#include "kernels/ptx/step.h"

typedef struct pv_ptx_place { /* where a variable lies in its space */
  const pv_ptx_variable *variable;
  uint64_t address;
} pv_ptx_place;

typedef struct pv_ptx_decoder {
  pv_arena *arena;
  pv_error *err;  /* never NULL */
  pv_code failed; /* the first error is kept; from then on nothing is emitted */
  pv_ptx_memory *memory;
  const pv_ptx_module *module;
  const pv_ptx_function *function;
  const pv_ptx_instruction *now;
  pv_ptx_code *code;
  uint32_t *at;    /* the offset of each register of the function, 0: not used yet */
  uint32_t *first; /* the first step of each instruction, and one more */
  pv_ptx_place *places;
  size_t place_count;
  size_t step_room, fill_room, table_room;
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

/* Appends a step with the guard of the current instruction. */
pv_code pv_ptx_emit(pv_ptx_decoder *d, pv_ptx_step step);
/* The same without a guard: for a step whose result is the decoder's own. */
pv_code pv_ptx_emit_always(pv_ptx_decoder *d, pv_ptx_step step);
/* A step of a row of alu.h, by name. */
pv_code pv_ptx_emit_alu(pv_ptx_decoder *d, const char *opcode, const char *operands, bool always,
                        uint32_t r0, uint32_t r1, uint32_t r2);

/* Families of instructions; each appends the steps of the current one. */
pv_code pv_ptx_decode_alu(pv_ptx_decoder *d);
pv_code pv_ptx_decode_mov(pv_ptx_decoder *d);
pv_code pv_ptx_decode_setp(pv_ptx_decoder *d);
pv_code pv_ptx_decode_access(pv_ptx_decoder *d);
pv_code pv_ptx_decode_cvta(pv_ptx_decoder *d);
pv_code pv_ptx_decode_copy(pv_ptx_decoder *d);
pv_code pv_ptx_decode_branch(pv_ptx_decoder *d);
pv_code pv_ptx_decode_table(pv_ptx_decoder *d);
pv_code pv_ptx_decode_exit(pv_ptx_decoder *d);
pv_code pv_ptx_decode_bar(pv_ptx_decoder *d);
pv_code pv_ptx_decode_form(pv_ptx_decoder *d);
pv_code pv_ptx_decode_mma(pv_ptx_decoder *d);

/* What the steps run; memory.c and warp.c. */
void pv_ptx_run_load(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_store(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_copy(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_commit(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_wait(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_sync(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_shfl(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_vote(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_redux(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_activemask(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);
void pv_ptx_run_mma(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask);

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
