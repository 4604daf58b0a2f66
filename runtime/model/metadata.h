/* What each metadata key means to the forward. A key below the architecture's prefix is computed,
 * neutral at its value, or known to be without influence; any other is refused, for an arbiter that
 * ignores a key would blame the engine that honours it. docs/metadata.md is the same table. */
#ifndef PV_MODEL_METADATA_H
#define PV_MODEL_METADATA_H

#include <stddef.h>

typedef enum pv_key_rule {
  PV_KEY_COMPUTED,     /* read, and part of what is computed */
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
  PV_KEY_ROWS,      /* the rows of token_embd.weight */
  PV_KEY_TENSORS    /* how many tensors the file holds */
} pv_key_rule;

typedef struct pv_model_key {
  const char *name; /* with its prefix */
  pv_key_rule rule;
  double one, other;
  const char *text;
  const char *meaning; /* a noun: what the key sets */
} pv_model_key;

/* Ends with an entry without a name. */
extern const pv_model_key pv_model_keys[];

/* "computed", "without influence", or "neutral at 0 or 1" and the like. Returns `out`. */
const char *pv_model_key_says(const pv_model_key *key, char out[96]);

#endif
