/* Command-line options, the same way for every command. */
#ifndef PV_BASE_OPTIONS_H
#define PV_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct pv_option {
  const char *name;  /* "--model" */
  const char *value; /* what the help calls it ("FILE"); NULL for a flag */
  const char *about; /* one line */
  const char **text; /* gets the value, or */
  bool *flag;        /* is set */
} pv_option;

typedef struct pv_options {
  const char *command, *summary, *positional; /* positional: "MODEL" or NULL */
  const char *examples;                       /* lines, each ending in \n */
  const pv_option *list;                      /* ends with a NULL name */
  const char **rest;                          /* positional arguments, room for rest_max */
  size_t rest_max, rest_count;
} pv_options;

/* Parses argv[1..]. `--name value` and `--name=value`. On --help prints the help and sets *help.
 * An unknown option is PV_ERR_INPUT that names the nearest one. */
pv_code pv_options_parse(pv_options *options, int argc, char **argv, bool *help, pv_error *err);

/* Numbers and lists of numbers in option values; the error names the option. NULL text leaves
 * `*out` untouched. */
pv_code pv_option_u64(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                      pv_error *err);
pv_code pv_option_real(const char *name, const char *text, double min, double max, double *out,
                       pv_error *err);
/* Bytes, at least 1: a whole number, alone or of K, M, G or T, which are powers of ten. */
pv_code pv_option_bytes(const char *name, const char *text, uint64_t *out, pv_error *err);
/* "1,2,3" into a new array; free it. */
pv_code pv_option_ids(const char *name, const char *text, uint32_t **out, size_t *count,
                      pv_error *err);

#endif
