/* Rows of one stage, as a backend reads them, and what is measured on two of them. */
#ifndef PV_BISECT_ROWS_H
#define PV_BISECT_ROWS_H

#include <stdbool.h>

#include "runtime/forward/forward.h"

typedef struct pv_rows {
  pv_stage_id stage;
  size_t rows, width, size; /* size: bytes of an element */
  void *data;               /* grows, never shrinks; owned */
  size_t room;
  bool absent; /* the side has no such stage; every element counts as NaN */
} pv_rows;
pv_code pv_rows_read(pv_forward *forward, const pv_model *model, pv_stage_id stage, size_t rows,
                     pv_rows *out, pv_error *err);
/* An element as a number. */
double pv_rows_at(const pv_rows *r, size_t row, size_t index);
/* The same rows with elements of `size` bytes. */
pv_code pv_rows_convert(const pv_rows *in, size_t size, pv_rows *out, pv_error *err);
/* Room for `rows` of a stage. */
pv_code pv_rows_room(const pv_model *model, pv_stage_id stage, size_t rows, size_t size,
                     pv_rows *out, pv_error *err);

bool pv_same_bits(const pv_rows *a, const pv_rows *b, size_t row, size_t index);
/* Largest difference in a row over the largest magnitude of `exact`, and where; infinite when only
 * one of two elements is finite, else NaN when there are two that are not. */
double pv_row_error(const pv_rows *exact, const pv_rows *side, size_t row, size_t *at);
double pv_row_cosine(const pv_rows *a, const pv_rows *b, size_t row);
void pv_keep_smallest(double *smallest, double cosine); /* a NaN is the smallest, and stays */
bool pv_same_set(const pv_rows *a, const pv_rows *b, size_t row);
/* Logit of the weakest chosen expert over the strongest one that was not. */
double pv_row_margin(const pv_rows *logits, const pv_rows *indices, size_t row);
/* Largest difference of two elements; infinite when one of them is a NaN. */
double pv_row_distance(const pv_rows *a, const pv_rows *b, size_t row);

#endif
