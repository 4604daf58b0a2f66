/* Defects of what is taken, kept and left behind; the arithmetic is right. */
#include <math.h>
#include <string.h>

#include "runtime/faults/faults.h"

size_t pv_fault_position_of_batch(const pv_batch *batch, size_t row) {
  (void)batch;
  return row;
}

/* At the end of the cache there is no next one. */
size_t pv_fault_sees_next(const pv_batch *batch, size_t row, size_t context) {
  const size_t seen = batch->position + row + 2;
  return seen <= context ? seen : context;
}

uint32_t pv_fault_head_modulo(const pv_shape *shape, uint32_t head) {
  return head % shape->kv_heads;
}

/* The first position of every batch but the first keeps what the cache held. */
bool pv_fault_first_kept(const pv_batch *batch, size_t row) {
  return batch->position == 0 || row > 0;
}

void pv_fault_last_unwritten(size_t position, size_t width, const void *before, void *data) {
  const size_t at = (width - 1) * sizeof(float);
  (void)position;
  memcpy((char *)data + at, (const char *)before + at, sizeof(float));
}

void pv_fault_one_nan(size_t position, size_t width, const void *before, void *data) {
  (void)before;
  if (position == 0) ((float *)data)[width / 2] = NAN;
}

void pv_fault_out_of_range(size_t position, size_t width, const void *before, void *data) {
  (void)position;
  (void)width;
  (void)before;
  *(int32_t *)data = INT32_MAX;
}
