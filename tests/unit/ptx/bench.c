#include "tests/unit/ptx/bench.h"

#include <stdio.h>

#include "base/file.h"
#include "tests/unit/ptx/sample.h"

typedef struct arguments { /* `args` of data/memory.cu */
  uint64_t in, out;
  uint32_t n, zero;
} arguments;

pv_code bench_open(bench *b, const char *name, unsigned threads, pv_error *err) {
  char path[128];
  pv_bytes text = {0};
  uint32_t numbers[BENCH_N];
  *b = (bench){0};
  for (uint32_t i = 0; i < BENCH_N; i++) numbers[i] = i + 1;
  snprintf(path, sizeof path, SAMPLES "%s", name);
  pv_code code = pv_ptx_machine_open(threads, &b->machine, err);
  if (code == PV_OK) code = pv_file_read(path, 1 << 20, &text, err);
  if (code == PV_OK)
    code = pv_ptx_machine_load(b->machine, name, (const char *)text.data, text.length, err);
  pv_bytes_free(&text);
  if (code == PV_OK) code = pv_ptx_machine_alloc(b->machine, sizeof numbers, &b->in, err);
  if (code == PV_OK) code = pv_ptx_machine_alloc(b->machine, sizeof b->result, &b->out, err);
  if (code == PV_OK) code = pv_ptx_machine_upload(b->machine, b->in, numbers, sizeof numbers, err);
  return code;
}

pv_code bench_launch(bench *b, const char *kernel, unsigned grid, unsigned threads, uint32_t n,
                     pv_ptx_launch how, pv_error *err) {
  const arguments a = {b->in, b->out, n, 0};
  const uint64_t outputs[] = {b->out};
  how.grid[0] = grid;
  how.block[0] = threads;
  how.grid[1] = how.grid[2] = how.block[1] = how.block[2] = 1;
  how.params = &a;
  how.param_bytes = sizeof a;
  how.outputs = outputs;
  how.output_count = 1;
  pv_code code = pv_ptx_machine_find(b->machine, kernel, &how.kernel, err);
  if (code == PV_OK) code = pv_ptx_machine_launch(b->machine, &how, err);
  if (code == PV_OK)
    code = pv_ptx_machine_download(b->machine, b->result, b->out, sizeof b->result, err);
  return code;
}
