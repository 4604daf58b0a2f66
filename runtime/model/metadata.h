/* What each metadata key means to the forward. A key below the architecture's prefix is computed,
 * neutral at its value, or known to be without influence; any other is refused, for an arbiter that
 * ignores a key would blame the engine that honours it. What is computed stands in the
 * architecture's plan, the rest here for all of them. docs/metadata.md is the same table. */
#ifndef PV_MODEL_METADATA_H
#define PV_MODEL_METADATA_H

#include "runtime/model/plan.h"

typedef enum pv_key_rule {
  PV_KEY_COMPUTED, /* read, and part of what is computed */
  PV_KEY_U32,      /* computed, into a member of pv_shape: a whole number in 1..`one` */
  PV_KEY_F64,      /* a number in (0, `one`] */
  PV_KEY_F32,
  PV_KEY_ROUTE,   /* a truth value: PV_ROUTE_SUM_ONE, or PV_ROUTE_ALL */
  PV_KEY_PERIOD,  /* as PV_KEY_U32, or an array of a truth value for each layer with that period */
  PV_KEY_SCALING, /* of RoPE: several keys together */
  PV_KEY_NO_INFLUENCE, /* known by name; its value is not looked at */
  /* Neutral: a value of that type, and only this one. */
  PV_KEY_INTEGER,   /* `one` or `other` */
  PV_KEY_REAL,      /* `one` or `other` */
  PV_KEY_BOOL,      /* `one` as a truth value */
  PV_KEY_TEXT,      /* `text` */
  PV_KEY_ZEROS,     /* an array of whole numbers or bools, all of them 0 or false */
  PV_KEY_HEAD_DIM,  /* attention.key_length */
  PV_KEY_FREQ_BASE, /* rope.freq_base */
  PV_KEY_SCALE,     /* 0, or 1 / sqrt(attention.key_length) as float32 */
  PV_KEY_YARN,      /* 1 with YaRN, else 0 */
  PV_KEY_ROWS,      /* the rows of token_embd.weight */
  PV_KEY_TENSORS,   /* how many tensors the model holds */
  PV_KEY_PARTS      /* how many files it is read from; 0 for one */
} pv_key_rule;

struct pv_model_key {
  const char *name; /* ".rope.freq_base" below the architecture's prefix */
  pv_key_rule rule;
  double one, other;
  const char *text;
  const char *meaning; /* a noun: what the key sets */
  size_t member;       /* its offset */
  bool may_be_absent;  /* computed: the plan's start holds then, or what follows from others */
};

/* For the tables of architectures. */
#define PV_KEY_OF_SHAPE(name, rule, member, max, meaning) \
  { "." name, rule, max, 0, NULL, meaning, offsetof(pv_shape, member), false }
#define PV_KEY_MAYBE(name, rule, member, max, meaning) \
  { "." name, rule, max, 0, NULL, meaning, offsetof(pv_shape, member), true }
#define PV_KEY_ZERO(name, meaning) \
  { "." name, PV_KEY_INTEGER, 0, 0, NULL, meaning, 0, false }
#define PV_KEY_IDLE(name, meaning) \
  { "." name, PV_KEY_NO_INFLUENCE, 0, 0, NULL, meaning, 0, false }

/* The n-th key that files of an architecture may have, NULL past the last: its own come first, and
 * take the place of those of all. */
const pv_model_key *pv_model_key_at(const pv_plan *plan, size_t n);

/* "qwen3moe.rope.freq_base". Returns `out`. */
enum { PV_MODEL_KEY_NAME = 96 };
const char *pv_model_key_name(const pv_plan *plan, const pv_model_key *key,
                              char out[PV_MODEL_KEY_NAME]);

/* "computed", "without influence", or "neutral at 0 or 1" and the like. Returns `out`. */
const char *pv_model_key_says(const pv_model_key *key, char out[96]);

#endif
