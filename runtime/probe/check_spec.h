/* The table of checks: what each is called, which parameters it takes, what it needs. Data only;
 * linked by `pv` (to bind a contract) and by `pv-probe` (which implements every entry). */
#ifndef PV_PROBE_CHECK_SPEC_H
#define PV_PROBE_CHECK_SPEC_H

#include <stdbool.h>
#include <stddef.h>

typedef enum pv_param_type {
  PV_PARAM_INT,    /* min..max inclusive */
  PV_PARAM_REAL,   /* min..max inclusive, finite */
  PV_PARAM_ENUM,   /* one of `words` */
  PV_PARAM_STRING, /* 1..128 bytes of [A-Za-z0-9._-] */
  PV_PARAM_STRINGS /* a list of 1..32 such strings */
} pv_param_type;

typedef struct pv_param_spec {
  const char *name;
  pv_param_type type;
  bool required;
  double min, max;
  int loosens; /* +1: a larger value demands less; -1: a smaller one does; 0: any change may */
  const char *const *words; /* NULL-terminated; PV_PARAM_ENUM only */
  const char *unit;         /* "" when dimensionless */
  const char *fallback;     /* text of the value used when absent; NULL when required */
  const char *about;        /* one line */
} pv_param_spec;

typedef enum pv_check_needs {
  PV_NEEDS_NOTHING = 0,
  PV_NEEDS_MODEL = 1,     /* a model file */
  PV_NEEDS_REFERENCE = 4, /* known outputs: the reference next to the model */
  PV_NEEDS_PROMPTS = 8    /* prompts: the reference's, or where there is none the built-in ones */
} pv_check_needs;

typedef struct pv_check_spec {
  const char *name;            /* "forward.parity" */
  const char *about;           /* what it measures and when it fails, one or two sentences */
  const char *subject;         /* what it looks at: "forward": what a model computes; "kernels": an
                                  operation alone; "ptx": the text of kernels; "files": a model's file;
                                  "device": speed and memory, that nothing can stand in for */
  const pv_param_spec *params; /* count entries */
  size_t param_count;
  unsigned needs; /* pv_check_needs bits */
  double default_timeout_s;
} pv_check_spec;

/* All checks, ordered by name. */
const pv_check_spec *pv_check_specs(size_t *count);
const pv_check_spec *pv_check_find(const char *name); /* NULL when there is none */
/* The closest existing name, for "did you mean"; NULL when nothing is near. */
const char *pv_check_nearest(const char *name);

#endif
