/* What a probe can be asked for, as it says itself (`pv-probe describe`, docs/checks.md). pv has no
 * list of checks, sources or faults of its own. */
#ifndef PV_MODEL_KNOWN_H
#define PV_MODEL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

typedef enum pv_known_type {
  PV_KNOWN_INTEGER, /* min..max inclusive */
  PV_KNOWN_NUMBER,  /* min..max inclusive, finite */
  PV_KNOWN_WORD,    /* one of `words` */
  PV_KNOWN_SIDE,    /* KIND[@FAULT]: who computes, a kind of `words`; of one with a colon there,
                       "KIND:WHAT" or "KIND:", KIND and a text of its own */
  PV_KNOWN_NAME,    /* 1..128 bytes of [A-Za-z0-9._-] */
  PV_KNOWN_NAMES,   /* a list of 1..32 such names */
  PV_KNOWN_FILE     /* a file's path, from the contract's folder; receipts are about its bytes */
} pv_known_type;

/* Parameters of one check that name a side, at most. */
enum { PV_BIND_SIDES = 3 };

typedef struct pv_known_param {
  const char *name, *about;
  const char *unit;     /* "" when dimensionless */
  const char *fallback; /* text of the value used when absent; NULL when it must be given */
  pv_known_type type;
  int loosens; /* +1: a larger value demands less; -1: a smaller one does; 0: any change may */
  double min, max;
  const char *const *words; /* NULL-terminated; PV_KNOWN_WORD and PV_KNOWN_SIDE only */
} pv_known_param;

typedef enum pv_known_needs {
  PV_NEEDS_MODEL = 1,     /* a model file */
  PV_NEEDS_REFERENCE = 2, /* known outputs: the reference next to the model */
  PV_NEEDS_PROMPTS = 4,   /* prompts: the reference's, or where there is none the built-in ones */
  PV_NEEDS_EXPERTS = 8    /* a model that chooses experts; over another one it does not apply */
} pv_known_needs;

typedef enum pv_known_subject {
  PV_ON_FORWARD, /* what a model computes: two sides can be bisected */
  PV_ON_KERNELS, /* an operation alone */
  PV_ON_PTX,     /* the text of kernels */
  PV_ON_FILES,   /* a model's file */
  PV_ON_DEVICE,  /* speed and memory of a device: nothing stands in for it */
  PV_ON_FOREIGN  /* whatever a provider looks at */
} pv_known_subject;

typedef struct pv_known_check {
  const char *name, *about;
  const char *digest; /* of what decides its verdict, 64 hexadecimal digits; NULL of a provider */
  pv_known_subject subject;
  unsigned needs; /* bits of pv_known_needs */
  double timeout_s;
  const pv_known_param *params;
  size_t param_count;
  const char *const *faults; /* of a provider: those that it can plant, NULL-terminated */
} pv_known_check;

typedef struct pv_known_fault {
  const char *name;
  const char *const *numerics;  /* identities that it exists in; none: it is of files */
  const char *const *caught_by; /* checks that see it, in some identity; both NULL-terminated */
} pv_known_fault;

/* What a word means that the probe prints. */
typedef struct pv_known_word {
  const char *name, *kind, *about;
} pv_known_word;

typedef struct pv_known {
  const pv_known_check *checks; /* in the probe's order, as are the faults */
  size_t check_count;
  const pv_known_fault *faults;
  size_t fault_count;
  const pv_known_word *words; /* a name once for each kind */
  size_t word_count;
} pv_known;

/* Reads a description; everything in `*out` lives in `arena`. What is not as docs/checks.md says
 * (no JSON, a missing, unknown or doubled key, a name twice, bounds that hold nothing, more than
 * fits) is PV_ERR_INPUT with the place in words. */
pv_code pv_known_read(pv_arena *arena, const char *json, size_t length, const pv_known **out,
                      pv_error *err);

/* What a provider describes (docs/provider-protocol.md): its checks, named NAME/CHECK. One that
 * calls itself otherwise than `name` is refused; `name` NULL takes what it says. */
typedef struct pv_known_provider {
  const char *name, *version;
  const pv_known *known; /* checks alone */
} pv_known_provider;
#define PV_PROVIDER_PROTOCOL "pv/provider/v1"
pv_code pv_known_read_provider(pv_arena *arena, const char *json, size_t length, const char *name,
                               pv_known_provider *out, pv_error *err);
/* Letters, digits, '.', '_' and '-', at most 64. */
bool pv_known_is_name(const char *text);

/* NULL when there is none. */
const pv_known_check *pv_known_check_find(const pv_known *known, const char *name);
const pv_known_param *pv_known_param_find(const pv_known_check *check, const char *name);
/* Whether a text is KIND[@FAULT[:layer=N]] with a kind of the parameter's words, or of one that
 * they have with a colon KIND:TEXT; where nothing is behind their colon KIND and KIND: are enough.
 */
bool pv_known_is_side(const pv_known_param *param, const char *text);
/* Whether the kind of a side has a colon in the parameter's words: it computes nothing in the
 * probe, and has neither identity nor fault. Whatever is behind the kind counts as its text. */
bool pv_known_has_text(const pv_known_param *param, const char *side);
/* Whether a text may be a file's path: 1 to 1000 bytes without control characters. */
bool pv_known_is_path(const char *text);
/* The bound that it judges by: its number of which some values demand less. */
const pv_known_param *pv_known_gate(const pv_known_check *check);
const pv_known_fault *pv_known_fault_find(const pv_known *known, const char *name);
/* The closest existing name, for "did you mean"; NULL when nothing is near. */
const char *pv_known_check_nearest(const pv_known *known, const char *name);
const char *pv_known_fault_nearest(const pv_known *known, const char *name);

/* The words of a parameter, in the first check that has it; an empty list when none has. */
const char *const *pv_known_words(const pv_known *known, const char *param);
/* Whether `word` is in a list. */
bool pv_known_lists(const char *const *words, const char *word);

#endif
