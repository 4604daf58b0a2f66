/* Launches that observe: orders of blocks and warps, races between blocks, who stored what. */
#include <string.h>

#include "base/file.h"
#include "kernels/ptx/machine.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

enum { N = 64, OUT = 256, BLOCKS = 5 };

typedef struct arguments { /* `args` of data/races.cu */
  uint64_t in, out;
  uint32_t n, zero;
} arguments;

typedef struct bench {
  pv_ptx_machine *machine;
  uint64_t in, out;
  uint32_t result[OUT];
} bench;

static pv_code open_bench(bench *b, unsigned threads, pv_error *err) {
  pv_bytes text = {0};
  uint32_t numbers[N];
  *b = (bench){0};
  for (uint32_t i = 0; i < N; i++) numbers[i] = i + 1;
  pv_code code = pv_ptx_machine_open(threads, &b->machine, err);
  if (code == PV_OK) code = pv_file_read(SAMPLES "races.ptx", 1 << 20, &text, err);
  if (code == PV_OK)
    code = pv_ptx_machine_load(b->machine, "races.ptx", (const char *)text.data, text.length, err);
  pv_bytes_free(&text);
  if (code == PV_OK) code = pv_ptx_machine_alloc(b->machine, sizeof numbers, &b->in, err);
  if (code == PV_OK) code = pv_ptx_machine_alloc(b->machine, sizeof b->result, &b->out, err);
  if (code == PV_OK) code = pv_ptx_machine_upload(b->machine, b->in, numbers, sizeof numbers, err);
  return code;
}

/* Runs with what `how` says of order and observation. */
static pv_code launch(bench *b, const char *kernel, unsigned grid, unsigned threads,
                      pv_ptx_launch how, pv_error *err) {
  const arguments a = {b->in, b->out, N, 0};
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

static void test_orders(void) {
  static const char *const kernels[] = {"last_block", "last_warp"};
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  for (unsigned k = 0; k < 2; k++) {
    uint32_t seen = 0;
    const unsigned grid = k == 0 ? BLOCKS : 1, threads = k == 0 ? 32 : 32 * BLOCKS;
    REQUIRE(launch(&b, kernels[k], grid, threads, (pv_ptx_launch){0}, &err) == PV_OK);
    EXPECT_U64(b.result[0], BLOCKS - 1);
    pv_ptx_launch how = {.order = PV_PTX_DESCENDING};
    REQUIRE(launch(&b, kernels[k], grid, threads, how, &err) == PV_OK);
    EXPECT_U64(b.result[0], 0);
    how.order = PV_PTX_SHUFFLED;
    for (how.seed = 0; how.seed < 64; how.seed++) {
      REQUIRE(launch(&b, kernels[k], grid, threads, how, &err) == PV_OK);
      const uint32_t first = b.result[0];
      if (!EXPECT(first < BLOCKS)) continue;
      seen |= 1u << first;
      REQUIRE(launch(&b, kernels[k], grid, threads, how, &err) == PV_OK);
      EXPECT_U64(b.result[0], first);
    }
    EXPECT_U64(seen, (1u << BLOCKS) - 1);
  }
  pv_ptx_machine_close(b.machine);
}

static void test_allowed(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  const uint64_t before = pv_ptx_machine_instructions(b.machine);
  EXPECT_U64(launch(&b, "endless", 1, 32, (pv_ptx_launch){.allowed = 1000}, &err), PV_ERR_DEVICE);
  EXPECT_HAS(err.message, "endless: ");
  EXPECT_HAS(err.message, "has executed 1000 instructions");
  EXPECT(pv_ptx_machine_instructions(b.machine) - before < 1100);
  pv_ptx_machine_close(b.machine);
}

static void test_unwritten(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.in, 4 * N), 4 * N);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.in, 4 * N + 1), 0);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.out, 8), 0);
  REQUIRE(launch(&b, "last_block", 1, 32, (pv_ptx_launch){0}, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.out, 8), 4);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.out, 4), 4);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.out + 3, 8), 1);
  EXPECT_U64(pv_ptx_machine_unwritten(b.machine, b.out, 0), 0);
  pv_ptx_machine_close(b.machine);
}

int main(void) {
  return pv_testing_main(
      "ptx races",
      (pv_case[]){PV_CASE(test_orders), PV_CASE(test_allowed), PV_CASE(test_unwritten), {0}});
}
