/* The one place of these tests that knows how the library is called: a model, a side and what it
 * leaves at each stage. Everything is named by words, as the lists spell them. */
#ifndef PV_TESTS_FREEZE_SIDE_H
#define PV_TESTS_FREEZE_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct freeze_side {
  const char *model;  /* path of the file */
  const char *source; /* "scalar", "avx2", "vnni", "definition", "ptx"; "arbiter", for f64 alone */
  const char *identity;  /* "i16", "i8", "f32-f64acc", "f64" */
  const char *fault;     /* of the definition alone; NULL: none */
  const size_t *batches; /* sizes, ended by 0; logits for all rows of each */
} freeze_side;

/* Rows of one stage, in the order of positions; `real_bytes` is 0 where the elements are int32. */
typedef struct freeze_rows {
  const char *stage;
  uint32_t layer; /* 0 outside the layers */
  size_t rows, width, real_bytes;
  const void *data; /* valid during the call */
} freeze_rows;
typedef void freeze_take(void *context, const freeze_rows *rows);

/* Runs the batches over fixed token ids from position 0 on, then one more position at whose stages
 * nobody looks until its logits and its top token are read. */
pv_code freeze_run(const freeze_side *side, freeze_take *take, void *context, pv_error *err);

/* Whether this build and machine have a source. */
bool freeze_has(const char *source);

/* The n-th fault of a forward; NULL past the last. `identity` is one that it exists in. */
const char *freeze_fault(size_t n, const char **identity);

/* Writes a model with the options of `pv synth`, separated by blanks. */
pv_code freeze_synth(const char *options, const char *path, pv_error *err);

/* The n-th text of PTX in this build, without what the compiler writes about itself at its head;
 * false past the last. `name` is "attend_80". */
bool freeze_ptx(size_t n, char name[64], const char **text, size_t *length);

#endif
