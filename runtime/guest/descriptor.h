/* A descriptor (pv/kernel/v1): what is needed to run a kernel that nobody here wrote, and what it
 * is to compute. docs/kernel-descriptor.md has every key.
 *
 * Ownership: all of it lies in the arena that is given. Errors: PV_ERR_INPUT with file, line and
 * column for whatever a descriptor may not say; nothing unknown is passed over. */
#ifndef PV_GUEST_DESCRIPTOR_H
#define PV_GUEST_DESCRIPTOR_H

#include "kernels/ptx/ptx.h"
#include "runtime/guest/expression.h"
#include "runtime/operations/formats.h"
#include "runtime/operations/operations.h"

enum {
  PV_GUEST_LAUNCHES = 4, /* one behind the other */
  PV_GUEST_SCRATCHES = 8,
  PV_GUEST_CONSTANTS = 24,
  PV_GUEST_VALUES = PV_OP_SIZES + PV_OP_SCALARS + PV_GUEST_CONSTANTS,
  PV_GUEST_BUFFERS = PV_OP_TENSORS + PV_GUEST_SCRATCHES,
  PV_GUEST_PARAMETERS = 64
};

typedef struct pv_guest_layout {
  pv_format format;                 /* of numbers; blocks of weights and indices are as they are */
  const pv_guest_expression *pitch; /* from one row to the next; NULL: rows follow each other */
  bool pitch_in_bytes;              /* else in elements */
  bool zero;                        /* of an output: the caller zeroes it */
} pv_guest_layout;

typedef enum pv_guest_kind {
  PV_GUEST_BUFFER, /* the address of a tensor or of a scratch buffer */
  PV_GUEST_NUMBER,
  PV_GUEST_STRUCT, /* items, each aligned as C does */
  PV_GUEST_ZEROS
} pv_guest_kind;

typedef struct pv_guest_parameter {
  pv_guest_kind kind;
  const char *text; /* as written */
  pv_guest_place place;
  size_t buffer;    /* of the tensors, then of the scratch buffers */
  pv_ptx_type type; /* of a number; PV_PTX_NO_TYPE: as the entry declares it */
  const pv_guest_expression *value;
  uint32_t bytes; /* of zeros */
  struct pv_guest_parameter *items;
  size_t count;
} pv_guest_parameter;

typedef struct pv_guest_launch {
  const char *file; /* a path, or NULL where the command must name one */
  const char *entry;
  pv_guest_place place; /* of the entry */
  pv_guest_parameter *parameters;
  size_t parameter_count;
  pv_guest_place parameters_place;
  const pv_guest_expression *grid[3], *block[3]; /* NULL: 1 */
  const pv_guest_expression *shared;             /* dynamic, in bytes; NULL: none */
  bool cooperative;
  bool writes[PV_GUEST_BUFFERS];
} pv_guest_launch;

typedef struct pv_guest_scratch {
  const char *name;
  const pv_guest_expression *bytes;
  bool zero; /* the caller zeroes it */
} pv_guest_scratch;

typedef struct pv_guest_allowed {
  bool approx, ftz, contraction, order; /* order: floats are added in memory, in any order */
} pv_guest_allowed;

typedef struct pv_guest_descriptor {
  const char *path;
  const pv_operation *operation;
  pv_op_numerics numerics;
  pv_guest_allowed allowed;
  pv_guest_layout layouts[PV_OP_TENSORS]; /* of the operation's tensors */
  const char *names[PV_GUEST_VALUES];     /* of its sizes, its scalars, then of the constants */
  size_t name_count;
  const pv_guest_expression *constants[PV_GUEST_CONSTANTS];
  size_t constant_count;
  pv_guest_scratch scratches[PV_GUEST_SCRATCHES];
  size_t scratch_count;
  const pv_guest_expression *limits;           /* NULL: every case */
  pv_guest_launch launches[PV_GUEST_LAUNCHES]; /* the last one is what is judged */
  size_t launch_count;
} pv_guest_descriptor;

/* `as` replaces the operation, or is one where the file names none; NULL: the file's. `path` stands
 * in errors, and files are named relative to its folder. */
pv_code pv_guest_descriptor_parse(pv_arena *arena, const char *path, const void *bytes,
                                  size_t length, const char *as, pv_guest_descriptor **out,
                                  pv_error *err);
pv_code pv_guest_descriptor_read(pv_arena *arena, const char *path, const char *as,
                                 pv_guest_descriptor **out, pv_error *err);

/* PV_ERR_INPUT, with the nearest name or all of them. */
pv_code pv_guest_operation_find(const char *name, const pv_operation **out, pv_error *err);

#endif
