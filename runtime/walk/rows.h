/* Rows of one stage, as a source has them, and what is measured on two of them. */
#ifndef PV_WALK_ROWS_H
#define PV_WALK_ROWS_H

#include <stdbool.h>

#include "runtime/forward/backend.h"
#include "runtime/measure/distance.h"

typedef struct pv_rows {
  pv_stage_id stage;
  bool index;               /* int32 elements */
  size_t rows, width, size; /* size: bytes of an element */
  void *data;               /* grows, never shrinks; owned */
  size_t room;
  bool absent;        /* the source has no such stage; every element counts as NaN */
  size_t from, until; /* rows that are there: all, but for pv_visitor.parts; others are NaN */
} pv_rows;
/* Room for `rows` of a stage that is `width` wide, with reals of `size` bytes. */
pv_code pv_rows_room(const pv_plan *plan, pv_stage_id stage, size_t width, size_t rows, size_t size,
                     pv_rows *out, pv_error *err);
/* Rows of the batch as a backend holds them. */
pv_code pv_rows_held(pv_backend *backend, pv_stage_id stage, size_t rows, pv_rows *out,
                     pv_error *err);
/* An element as a number. */
double pv_rows_at(const pv_rows *r, size_t row, size_t index);
/* The same rows with reals of `size` bytes. */
pv_code pv_rows_convert(const pv_rows *in, size_t size, pv_rows *out, pv_error *err);

pv_vector pv_rows_vector(const pv_rows *r, size_t row);
pv_distance pv_rows_distance(const pv_rows *a, const pv_rows *b, size_t row);
bool pv_rows_same_set(const pv_rows *a, const pv_rows *b, size_t row);

#endif
