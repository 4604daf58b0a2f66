/* What is told of a check (pv-probe describe, docs/checks.md): it stands beside its function, in
 * the same file. */
#ifndef PV_CHECKS_SPEC_H
#define PV_CHECKS_SPEC_H

#include <stddef.h>

#include "base/error.h"

typedef enum pv_param_type {
  PV_PARAM_INT,    /* min..max inclusive */
  PV_PARAM_REAL,   /* min..max inclusive, finite */
  PV_PARAM_ENUM,   /* one of `words` */
  PV_PARAM_SIDE,   /* KIND[@FAULT] with a kind of `words`: who computes. Its identity is a parameter
                      of its own, `numerics`, `left_numerics` or `right_numerics`; a contract may
                      write both as one, KIND[:IDENTITY][@FAULT]. A word with a colon is of a kind
                      that computes nothing here: "KIND:WHAT" has a text of its own behind it,
                      "KIND:" may have one; neither identity nor fault */
  PV_PARAM_STRING, /* 1..128 bytes of [A-Za-z0-9._-] */
  PV_PARAM_STRINGS, /* a list of 1..32 such strings */
  PV_PARAM_FILE /* a file's path; a contract writes it from its own folder, the check gets it from
                   the probe's. Receipts are about the file's bytes */
} pv_param_type;

typedef struct pv_param_spec {
  const char *name;
  const char *about; /* one line */
  pv_param_type type;
  const char *fallback; /* text of the value used when absent; NULL: it must be given */
  double min, max;
  enum { PV_LOOSENS_DOWN = -1, PV_ANY_CHANGE, PV_LOOSENS_UP } loosens; /* which way demands less */
  const char *unit;         /* of a number, "" when dimensionless; else NULL */
  const char *const *words; /* NULL-terminated; PV_PARAM_ENUM and PV_PARAM_SIDE only */
} pv_param_spec;

typedef enum pv_check_needs {
  PV_NEEDS_MODEL = 1,     /* a model file */
  PV_NEEDS_REFERENCE = 2, /* known outputs: the reference next to the model */
  PV_NEEDS_PROMPTS = 4,   /* prompts: the reference's, or where there is none the built-in ones */
  PV_NEEDS_EXPERTS = 8    /* a model that chooses experts; over another one it does not apply */
} pv_check_needs;

typedef struct pv_check pv_check;

typedef struct pv_check_spec {
  const char *name;    /* "forward.parity" */
  const char *about;   /* what it measures and when it fails, one or two sentences */
  const char *subject; /* what it looks at: "forward": what a model computes; "kernels": an
                          operation alone; "ptx": the text of kernels; "files": a model's file;
                          "device": speed and memory, that nothing can stand in for */
  unsigned needs;      /* pv_check_needs bits */
  double timeout_s;
  const pv_param_spec *params; /* PV_PARAMS; NULL: none */
  unsigned roles; /* bit n: of a recorded side it looks at pv_role n alone; 0: at every stage */
  /* Leaves the verdict in `check`; an error is one of this falsifier alone. */
  pv_code (*run)(pv_check *check, pv_error *err);
} pv_check_spec;

/* All checks, ordered by name: the lines of list.h. */
const pv_check_spec *const *pv_check_specs(size_t *count);
const pv_check_spec *pv_check_find(const char *name); /* NULL when there is none */
/* NULL when the check has no such parameter. */
const pv_param_spec *pv_check_param(const pv_check_spec *spec, const char *name);

extern const char *const pv_check_kinds[], *const pv_check_any_kinds[];
extern const char *const pv_check_devices[];
extern const char *const pv_check_identities[], *const pv_check_types[];

/* The parameters of a check; those that several have under one name. */
#define PV_PARAMS(...) ((const pv_param_spec[]){__VA_ARGS__, {0}})
#define PV_TAKES_REAL(name, min, max, loosens, unit, value, about) \
  { name, about, PV_PARAM_REAL, value, min, max, loosens, unit, NULL }
#define PV_TAKES_INT(name, min, max, loosens, unit, value, about) \
  { name, about, PV_PARAM_INT, value, min, max, loosens, unit, NULL }
#define PV_TAKES_WORD(name, words, value, about) \
  { name, about, PV_PARAM_ENUM, value, 0, 0, PV_ANY_CHANGE, NULL, words }
#define PV_TAKES_STRING(name, value, about) \
  { name, about, PV_PARAM_STRING, value, 0, 0, PV_ANY_CHANGE, NULL, NULL }
#define PV_TAKES_STRINGS(name, value, about) \
  { name, about, PV_PARAM_STRINGS, value, 0, 0, PV_ANY_CHANGE, NULL, NULL }
#define PV_TAKES_FILE(name, value, about) \
  { name, about, PV_PARAM_FILE, value, 0, 0, PV_ANY_CHANGE, NULL, NULL }
#define PV_TAKES_SIDE(name, value, about) \
  { name, about, PV_PARAM_SIDE, value, 0, 0, PV_ANY_CHANGE, NULL, pv_check_kinds }
#define PV_TAKES_ANY_SIDE(name, value, about) \
  { name, about, PV_PARAM_SIDE, value, 0, 0, PV_ANY_CHANGE, NULL, pv_check_any_kinds }
#define PV_TAKES_BACKEND     PV_TAKES_SIDE("backend", "cpu", "who computes")
#define PV_TAKES_ANY_BACKEND PV_TAKES_ANY_SIDE("backend", "cpu", "who computes, or computed")
#define PV_TAKES_SIDES \
  PV_TAKES_ANY_SIDE("left", "cpu", "one side"), PV_TAKES_ANY_SIDE("right", "cuda", "the other side")
#define PV_TAKES_NUMERICS \
  PV_TAKES_WORD("numerics", pv_check_identities, "i16", "numerics identity, see docs/numerics.md")
#define PV_TAKES_TWO_NUMERICS                                                              \
  PV_TAKES_WORD("left_numerics", pv_check_identities, "i16", "identity of the left side"), \
      PV_TAKES_WORD("right_numerics", pv_check_identities, "i16", "identity of the right side")
#define PV_TAKES_TYPE PV_TAKES_WORD("type", pv_check_types, NULL, "tensor type")
#define PV_TAKES_SET  PV_TAKES_SIDE("on", "cpu", "whose kernels; of cpu those of every code path")
#define PV_TAKES_PROMPTS \
  PV_TAKES_STRINGS(      \
      "prompts", "all",  \
      "names of prompts, of the reference or built-in ones; overrides the check's own choice")
#define PV_TAKES_LEAST_MARGIN                                                                  \
  PV_TAKES_REAL("least_margin", 0, 10, PV_ANY_CHANGE, "", "0",                                 \
                "a router's margin, in its logits, below which another set is not a failure: " \
                "the prompt is not compared from there on")
#define PV_TAKES_DEVICE                            \
  PV_TAKES_WORD("device", pv_check_devices, "any", \
                "what a side of Vulkan computes on: gpu takes no device of software")
#define PV_TAKES_KERNEL(value) \
  PV_TAKES_STRING("kernel", value, "name of a kernel; all: each kernel of the build")

#endif
