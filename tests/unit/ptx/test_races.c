/* Launches that observe: orders of blocks and warps, races between blocks, who stored what. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/ptx/bench.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

enum { N = BENCH_N, BLOCKS = 5 };

static pv_code open_bench(bench *b, unsigned threads, pv_error *err) {
  return bench_open(b, "races.ptx", threads, err);
}

/* Runs with what `how` says of order and observation. */
static pv_code launch(bench *b, const char *kernel, unsigned grid, unsigned threads,
                      pv_ptx_launch how, pv_error *err) {
  return bench_launch(b, kernel, grid, threads, N, how, err);
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
  EXPECT_HAS(err.message, "has executed more than 1000 instructions");
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

/* No fault in any order, and the same words at `out`. */
static void expect_sound(const char *kernel, unsigned grid, unsigned threads, bool cooperative) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 3, &err) == PV_OK);
  for (unsigned order = PV_PTX_ASCENDING; order <= PV_PTX_SHUFFLED; order++) {
    uint32_t zeros[BENCH_OUT] = {0};
    REQUIRE(pv_ptx_machine_upload(b.machine, b.out, zeros, sizeof zeros, &err) == PV_OK);
    const pv_ptx_launch how = {
        .observe = true, .order = (pv_ptx_order)order, .seed = 5, .cooperative = cooperative};
    if (!EXPECT_U64(launch(&b, kernel, grid, threads, how, &err), PV_OK))
      fprintf(stderr, "%s: %s\n", kernel, err.message);
  }
  pv_ptx_machine_close(b.machine);
}

typedef struct race {
  const char *kernel;
  unsigned grid, threads;
  uint32_t block, thread, earlier_block, earlier_thread;
  const char *text, *line, *earlier_line; /* what stands in those lines of races.cu, or NULL */
} race;

/* What stands in a line of races.cu. */
static void expect_line(const char *file, uint32_t line, const char *text) {
  pv_bytes source = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT_STR(file, "races.cu");
  REQUIRE(pv_file_read(SAMPLES "races.cu", 1 << 20, &source, &err) == PV_OK);
  const char *at = (const char *)source.data;
  for (uint32_t i = 1; i < line && at != NULL; i++) {
    at = strchr(at, '\n');
    if (at != NULL) at++;
  }
  char found[160] = "";
  if (at != NULL) snprintf(found, sizeof found, "%.*s", (int)strcspn(at, "\n"), at);
  EXPECT_HAS(found, text);
  pv_bytes_free(&source);
}

static void expect_race(const race *r, bool cooperative) {
  for (unsigned threads = 1; threads <= 3; threads += 2) {
    bench b;
    pv_error err = PV_ERROR_INIT;
    uint32_t zeros[BENCH_OUT] = {0};
    REQUIRE(open_bench(&b, threads, &err) == PV_OK);
    REQUIRE(pv_ptx_machine_upload(b.machine, b.out, zeros, sizeof zeros, &err) == PV_OK);
    const pv_ptx_launch how = {.observe = true, .cooperative = cooperative};
    EXPECT_U64(launch(&b, r->kernel, r->grid, r->threads, how, &err), PV_ERR_DEVICE);
    const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
    if (EXPECT(f != NULL)) {
      EXPECT_STR(pv_ptx_fault_name(f->kind), "race in device memory");
      if (r->line != NULL) expect_line(f->source, f->source_line, r->line);
      if (r->earlier_line != NULL)
        expect_line(f->earlier.source, f->earlier.source_line, r->earlier_line);
      EXPECT(f->line > 0 && f->earlier.line > 0);
      EXPECT_U64(f->block[0], r->block);
      EXPECT_U64(f->thread[0], r->thread);
      EXPECT_U64(f->earlier.block[0], r->earlier_block);
      EXPECT_U64(f->earlier.thread[0], r->earlier_thread);
      EXPECT_HAS(f->text, r->text);
    }
    pv_ptx_machine_close(b.machine);
  }
}

static void expect_races(const race *races, size_t count) {
  for (size_t i = 0; i < count; i++) expect_race(&races[i], false);
}

static void test_own_words(void) {
  expect_sound("apart", 3, 33, false);
  expect_sound("in_warp", 1, 32, false);
  static const race races[] = {
      {"apart_unsynced", 2, 64, 0, 0, 0, 1, "no barrier lies between", "next = bytes[",
       "bytes[i] = i"},
      {"in_warp_unsynced", 1, 32, 0, 0, 0, 1, "no barrier lies between", "volatile uint32_t",
       "a.out[i] = i"},
  };
  expect_races(races, sizeof races / sizeof *races);
}

static void test_blocks(void) {
  static const race races[] = {
      {"overlap", 3, 64, 1, 0, 0, 63, "nothing orders the two blocks;",
       "a.out[first + threadIdx.x]", "a.out[first + threadIdx.x]"},
      {"same_value", 2, 1, 1, 0, 0, 0, "nothing orders the two blocks (the value is the same)",
       "a.out[0] = a.in[7]", "a.out[0] = a.in[7]"},
      {"one_byte", 4, 1, 3, 0, 2, 0, "block (2, 0, 0) wrote this at line ", "blockIdx.x == 3",
       "blockIdx.x == 3"},
      {"read_before", 2, 2, 1, 1, 0, 0,
       "the warp of thread (0, 0, 0) of block (0, 0, 0) read this at line ", "threadIdx.x == 1",
       "a.out[1 + threadIdx.x] = a.out[0]"},
  };
  expect_sound("one_byte", 3, 1, false);
  expect_sound("equal_stores", 2, 64, false);
  expect_races(races, sizeof races / sizeof *races);
}

static void test_fences(void) {
  expect_sound("handed_over", 4, 64, false);
  static const race races[] = {
      {"unfenced", 2, 32, 1, 0, 0, 0, "nothing orders the two blocks", "*flag != 0",
       "a.out[0] = a.in[3]"},
      {"fenced_in_block", 2, 32, 1, 0, 0, 0, "nothing orders", "*flag != 0", "a.out[0] = a.in[3]"},
      {"written_after", 2, 32, 1, 0, 0, 0, "nothing orders", "*flag != 0", "a.out[0] = a.in[4]"},
  };
  expect_races(races, sizeof races / sizeof *races);
}

/* The sound patterns in every order, and each with one thing left out. */
static void test_atomics(void) {
  static const char reads[] = "sum += part[",
                    stores[] = "part[blockIdx.x * blockDim.x + threadIdx.x]";
  static const char unordered[] = "nothing orders the two blocks";
  expect_sound("last_sums", 2, 64, false);
  expect_sound("one_fences", 3, 64, false);
  expect_sound("warps_alone", 2, 64, false);
  expect_sound("locks", 4, 32, false);
  expect_sound("counts", 4, 64, false);
  expect_sound("grid_meets", 3, 32, true);
  static const race meets_once = {"grid_meets_once",         3,      32, 2, 0, 1, 1, "read this",
                                  "own[threadIdx.x] = turn", "next["};
  expect_race(&meets_once, true);
  static const race races[] = {
      {"last_no_fence", 2, 64, 1, 0, 0, 1, unordered, reads, stores},
      {"last_fence_in_block", 2, 64, 1, 0, 0, 1, unordered, reads, stores},
      {"last_no_barrier", 2, 64, 1, 0, 0, 1, unordered, reads, stores},
      {"last_fence_before", 2, 64, 1, 0, 0, 1, unordered, reads, stores},
      {"adds_after", 3, 1, 2, 0, 1, 0, unordered, "a.out[2] = a.out[1]", NULL},
      {"other_fences", 2, 64, 1, 32, 0, 0, unordered, "a.out[1] = a.out[8]", "] = 1;"},
      {"reads_early", 2, 1, 1, 0, 0, 0, unordered, "a.out[2] = a.out[0]", "a.out[0] = 7"},
      {"overwritten", 3, 1, 2, 0, 0, 0, unordered, "a.out[2] = a.out[0]", "a.out[0] = 7"},
      {"locks_unfenced", 2, 32, 1, 0, 0, 0, unordered, "a.out[1] += ", "a.out[1] += "},
      {"counts_in_block", 2, 1, 1, 0, 0, 0, "atomically in its block", NULL, NULL},
      {"plain_beside", 2, 1, 1, 0, 0, 0, "atomically, and nothing", "a.out[1] = a.out[0]", NULL},
  };
  expect_races(races, sizeof races / sizeof *races);
}

/* A race in shared memory names the other side too, where the launch observes. */
static void test_shared(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  for (int observe = 0; observe < 2; observe++) {
    const pv_ptx_launch how = {.observe = observe == 1};
    EXPECT_U64(launch(&b, "in_shared", 1, 64, how, &err), PV_ERR_DEVICE);
    const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
    if (!EXPECT(f != NULL)) continue;
    EXPECT_U64(f->kind, PV_PTX_SHARED_RACE);
    EXPECT_U64(f->earlier.line != 0, observe);
    if (observe == 0) continue;
    expect_line(f->earlier.source, f->earlier.source_line, "part[threadIdx.x] = 7");
    EXPECT_HAS(f->text, "; it was thread (0, 0, 0) at line ");
    EXPECT_HAS(f->text, " (races.cu:");
  }
  pv_ptx_machine_close(b.machine);
}

static void test_stored(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  pv_ptx_store s;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  REQUIRE(launch(&b, "apart", 3, 33, (pv_ptx_launch){.observe = true}, &err) == PV_OK);
  if (EXPECT(pv_ptx_machine_stored(b.machine, b.out + 35, &s))) {
    EXPECT_U64(s.block[0], 1);
    EXPECT_U64(s.thread[0], 2);
    expect_line(s.source, s.source_line, "bytes[i] = i");
  }
  EXPECT(!pv_ptx_machine_stored(b.machine, b.out + 99, &s));
  EXPECT(!pv_ptx_machine_stored(b.machine, b.out + sizeof b.result, &s));
  EXPECT(!pv_ptx_machine_stored(b.machine, b.in, &s));
  REQUIRE(launch(&b, "apart", 3, 33, (pv_ptx_launch){0}, &err) == PV_OK);
  EXPECT(!pv_ptx_machine_stored(b.machine, b.out + 35, &s));
  pv_ptx_machine_close(b.machine);
}

int main(void) {
  return pv_testing_main("ptx races", (pv_case[]){PV_CASE(test_orders),
                                                  PV_CASE(test_allowed),
                                                  PV_CASE(test_unwritten),
                                                  PV_CASE(test_own_words),
                                                  PV_CASE(test_blocks),
                                                  PV_CASE(test_fences),
                                                  PV_CASE(test_atomics),
                                                  PV_CASE(test_shared),
                                                  PV_CASE(test_stored),
                                                  {0}});
}
