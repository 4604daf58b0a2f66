/* The instructions of a lane, for any processor; and looking one up. */
#define PV_PTX_ALU_TABLE pv_ptx_alu_any
#include "kernels/ptx/alu_rows.h"

#include <pthread.h>
#include <stdlib.h>

#define COUNT (sizeof pv_ptx_alu_any / sizeof *pv_ptx_alu_any)
const size_t pv_ptx_alu_count = COUNT;

static const pv_ptx_alu *sorted[COUNT]; /* by opcode */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_opcode(const void *a, const void *b) {
  const pv_ptx_alu *x = *(const pv_ptx_alu *const *)a, *y = *(const pv_ptx_alu *const *)b;
  return strcmp(x->opcode, y->opcode);
}

static void sort_rows(void) {
  const pv_ptx_alu *rows = pv_ptx_alu_any;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) rows = pv_ptx_alu_avx2;
#endif
  for (size_t i = 0; i < COUNT; i++) sorted[i] = &rows[i];
  qsort(sorted, COUNT, sizeof *sorted, by_opcode);
}

const pv_ptx_alu *pv_ptx_alu_at(size_t index) {
  pthread_once(&once, sort_rows);
  return index < COUNT ? sorted[index] : NULL;
}

/* A constant has the size of its operand. */
static bool fits(const char *row, const char *operands) {
  for (; *row != '\0' && *operands != '\0'; row++, operands++)
    if (*row != *operands && (*row == 'i' || (*operands != 'i' && *operands != '?'))) return false;
  return *row == *operands;
}

const pv_ptx_alu *pv_ptx_alu_find(const char *opcode, const char *operands, bool *known) {
  size_t low = 0, high = COUNT;
  pthread_once(&once, sort_rows);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (strcmp(sorted[middle]->opcode, opcode) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *known = low < COUNT && strcmp(sorted[low]->opcode, opcode) == 0;
  for (; low < COUNT && strcmp(sorted[low]->opcode, opcode) == 0; low++)
    if (fits(sorted[low]->operands, operands)) return sorted[low];
  return NULL;
}
