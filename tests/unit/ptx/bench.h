/* A machine with the kernels of one sample: BENCH_N numbers to read, 1 and up, and words to write.
 * Each kernel takes `args` of data/memory.cu. */
#ifndef PV_TEST_PTX_BENCH_H
#define PV_TEST_PTX_BENCH_H

#include "kernels/ptx/machine.h"

enum { BENCH_N = 64, BENCH_OUT = 256 };

typedef struct bench {
  pv_ptx_machine *machine;
  uint64_t in, out;
  uint32_t result[BENCH_OUT]; /* of the last launch */
} bench;

/* `name`: of a file of data/. */
pv_code bench_open(bench *b, const char *name, unsigned threads, pv_error *err);
/* `how`: what the launch has beside its sizes, argument and output. */
pv_code bench_launch(bench *b, const char *kernel, unsigned grid, unsigned threads, uint32_t n,
                     pv_ptx_launch how, pv_error *err);

#endif
