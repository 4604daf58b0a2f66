/* The machine: what a sound kernel computes, and each fault at a planted defect. */
#include <string.h>

#include "base/file.h"
#include "tests/unit/ptx/bench.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

enum { N = BENCH_N };

static pv_code open_bench(bench *b, unsigned threads, pv_error *err) {
  return bench_open(b, "memory.ptx", threads, err);
}

static pv_code launch(bench *b, const char *kernel, unsigned grid, unsigned threads, uint32_t n,
                      pv_error *err) {
  return bench_launch(b, kernel, grid, threads, n, (pv_ptx_launch){0}, err);
}

/* The fault of a kernel, at this line of memory.cu; it is the same with any number of threads. */
static void expect_fault(const char *kernel, uint32_t n, pv_ptx_fault_kind kind, uint32_t block,
                         uint32_t thread, const char *text) {
  for (unsigned threads = 1; threads <= 3; threads += 2) {
    bench b;
    pv_error err = PV_ERROR_INIT;
    REQUIRE(open_bench(&b, threads, &err) == PV_OK);
    EXPECT_U64(launch(&b, kernel, 4, N, n, &err), PV_ERR_DEVICE);
    const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
    if (EXPECT(f != NULL)) {
      EXPECT_STR(pv_ptx_fault_name(f->kind), pv_ptx_fault_name(kind));
      EXPECT_STR(f->kernel, kernel);
      if (strcmp(kernel, "absent_lane") != 0) /* its shuffle stands in a header of nvcc's */
        EXPECT_STR(f->source, "memory.cu");
      EXPECT(f->line > 0 && f->source_line > 0);
      EXPECT_U64(f->block[0], block);
      EXPECT_U64(f->thread[0], thread);
      EXPECT_HAS(f->text, text);
      EXPECT_STR(err.message, f->text);
    }
    pv_ptx_machine_close(b.machine);
  }
}

static void test_sound(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 2, &err) == PV_OK);
  EXPECT_U64(launch(&b, "sound", 1, N, N, &err), PV_OK);
  EXPECT_U64(b.result[0], 64 * 65 / 2);
  EXPECT(pv_ptx_machine_fault(b.machine) == NULL);
  const uint64_t executed = pv_ptx_machine_instructions(b.machine);
  EXPECT(executed > 50 && executed < 500);
  pv_ptx_machine_close(b.machine);
}

/* Copies that are waited for, group by group. */
static void test_copies(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "copied_soundly", 1, N, N, &err), PV_OK);
  for (uint32_t i = 0; i < N; i++) EXPECT_U64(b.result[i], 2 * (i + 1));
  pv_ptx_machine_close(b.machine);
}

/* Blocks at once write the same words, the last each time what all agree on; the machine itself has
 * no data race by that, which the thread sanitizer would see. */
static void test_blocks_that_race(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 3, &err) == PV_OK);
  EXPECT_U64(launch(&b, "racing", 200, N, N, &err), PV_OK);
  for (uint32_t i = 0; i < N; i++) EXPECT_U64(b.result[i], i + 1);
  pv_ptx_machine_close(b.machine);
}

/* Each lane goes its own way through a loop, and all meet behind it. */
static void test_divergence(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "collatz", 1, N, N, &err), PV_OK);
  for (uint32_t first = 0; first < N; first += 32) {
    uint32_t steps[32], all = 0;
    for (uint32_t i = 0; i < 32; i++) {
      steps[i] = 0;
      for (uint32_t x = first + i + 1; x > 1; x = x % 2 == 0 ? x / 2 : 3 * x + 1) steps[i]++;
      all += steps[i];
    }
    for (uint32_t i = 0; i < 32; i++) EXPECT_U64(b.result[first + i], steps[i] << 16 | all);
  }
  pv_ptx_machine_close(b.machine);
}

static void test_bounds(void) {
  expect_fault("past_the_end", N, PV_PTX_OUT_OF_BOUNDS, 1, 0,
               "byte 256 of the buffer of 256 bytes");
  expect_fault("before_the_start", N, PV_PTX_OUT_OF_BOUNDS, 0, 0,
               "12 bytes before the buffer of 1024 bytes");
  expect_fault("past_shared", 3, PV_PTX_OUT_OF_BOUNDS, 0, 61, "outside the block's shared memory");
  expect_fault("past_local", N, PV_PTX_OUT_OF_BOUNDS, 0, 3, "outside the thread's local memory");
}

static void test_misaligned(void) {
  expect_fault("misaligned", 1, PV_PTX_MISALIGNED, 0, 0, "4 bytes at 0x");
}

static void test_uninitialised(void) {
  expect_fault("unwritten", N, PV_PTX_UNINITIALISED, 0, 0, "nothing was ever written there");
  expect_fault("unwritten_shared", N, PV_PTX_UNINITIALISED, 0, 0, "nothing was ever written");
  expect_fault("not_waited_for", N, PV_PTX_UNINITIALISED, 0, 0, "nothing was ever written");
  expect_fault("absent_lane", 20, PV_PTX_UNINITIALISED, 0, 19, "reads lane 20");
}

static void test_undeclared_write(void) {
  expect_fault("writes_input", N, PV_PTX_UNDECLARED_WRITE, 0, 0, "no declared output");
}

static void test_barriers(void) {
  expect_fault("divergent", N, PV_PTX_DIVERGENT_BARRIER, 0, 0, "which wait elsewhere");
  expect_fault("apart", N, PV_PTX_DIVERGENT_BARRIER, 0, 32, "wait elsewhere");
}

static void test_races(void) {
  expect_fault("race", N, PV_PTX_SHARED_RACE, 0, 32, "another thread read this");
  expect_fault("race_before", N, PV_PTX_SHARED_RACE, 0, 32, "another thread wrote this");
  expect_fault("race_in_warp", N, PV_PTX_SHARED_RACE, 0, 0, "another thread wrote this");
  expect_fault("race_of_writes", N, PV_PTX_SHARED_RACE, 0, 48, "another thread wrote this");
}

/* Memory of a launch serves the next one: what was written or raced there is as if it never was. */
static void test_launches_in_turn(void) {
  static const struct {
    const char *kernel;
    pv_ptx_fault_kind kind;
  } faulty[] = {{"unwritten_shared", PV_PTX_UNINITIALISED},
                {"race", PV_PTX_SHARED_RACE},
                {"race_of_writes", PV_PTX_SHARED_RACE},
                {"past_shared", PV_PTX_OUT_OF_BOUNDS}};
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 2, &err) == PV_OK);
  for (unsigned i = 0; i < 40; i++) {
    const unsigned at = i % (sizeof faulty / sizeof *faulty);
    EXPECT_U64(launch(&b, "copied_soundly", 1 + i % 3, N, N, &err), PV_OK);
    for (uint32_t j = 0; j < N; j++) EXPECT_U64(b.result[j], 2 * (j + 1));
    EXPECT_U64(launch(&b, faulty[at].kernel, 4, N, at == 3 ? 3 : N, &err), PV_ERR_DEVICE);
    const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
    if (EXPECT(f != NULL))
      EXPECT_STR(pv_ptx_fault_name(f->kind), pv_ptx_fault_name(faulty[at].kind));
    EXPECT_U64(launch(&b, "racing", 20, N, N, &err), PV_OK);
  }
  pv_ptx_machine_close(b.machine);
}

static void test_refusals(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(b.machine, "unsupported", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "kernel 'unsupported': 'sin.approx.f32'");
  EXPECT_HAS(err.hint, "use an exact operation");
  EXPECT_STR(err.file, "memory.ptx");
  EXPECT(err.line > 0);
  EXPECT_U64(pv_ptx_machine_find(b.machine, "nobody", &kernel, &err), PV_ERR_INPUT);
  EXPECT_U64(launch(&b, "sound", 0, N, N, &err), PV_ERR_INPUT);
  EXPECT_U64(launch(&b, "sound", 1, 1025, N, &err), PV_ERR_INPUT);
  EXPECT_U64(pv_ptx_machine_download(b.machine, b.result, b.in + 252, 8, &err), PV_ERR_INPUT);
  pv_ptx_machine_close(b.machine);
}

/* Instructions whose form is known, without the operands that the form has. */
static void test_operands_missing(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".visible .entry warp() {\n  bar.warp.sync;\n}\n"
      ".visible .entry block() {\n  bar.sync;\n}\n"
      ".visible .entry copies() {\n  cp.async.wait_group;\n}\n";
  static const char *const kernels[] = {"warp", "block", "copies"};
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  EXPECT(pv_ptx_machine_load(machine, "bare.ptx", text, strlen(text), &err) == PV_OK);
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    EXPECT_U64(pv_ptx_machine_find(machine, kernels[i], &kernel, &err), PV_ERR_UNSUPPORTED);
    EXPECT_HAS(err.message, "this form is not interpreted");
  }
  pv_ptx_machine_close(machine);
}

/* What is not defined bit for bit takes a permission, and is told. */
static void test_approximations(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".visible .entry exact() {\n  .reg .f32 %f<3>;\n  add.rn.f32 %f1, %f2, %f2;\n}\n"
      ".visible .entry fused() {\n  .reg .f32 %f<3>;\n  add.rn.f32 %f1, %f2, %f2;\n"
      "  add.f32 %f1, %f2, %f2;\n  mul.f32 %f1, %f2, %f2;\n}\n"
      ".visible .entry flushed() {\n  .reg .f32 %f<3>;\n  add.rn.ftz.f32 %f1, %f2, %f2;\n}\n"
      ".visible .entry rough() {\n  .reg .f32 %f<3>;\n  ex2.approx.ftz.f32 %f1, %f2;\n}\n";
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  uint32_t line = 7;
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  EXPECT(pv_ptx_machine_load(machine, "sums.ptx", text, strlen(text), &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(machine, "fused", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "'add.f32': this instruction is not interpreted");
  EXPECT_HAS(err.hint, "--fmad=false");
  EXPECT_U64(pv_ptx_machine_find(machine, "flushed", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.hint, "--ftz=false");
  EXPECT_U64(pv_ptx_machine_find(machine, "rough", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.hint, "not specified bit for bit");
  pv_ptx_machine_permit(machine);
  EXPECT_U64(pv_ptx_machine_find(machine, "exact", &kernel, &err), PV_OK);
  EXPECT(!pv_ptx_machine_approximates(machine, kernel, &line));
  EXPECT_U64(line, 7);
  EXPECT_U64(pv_ptx_machine_find(machine, "fused", &kernel, &err), PV_OK);
  EXPECT(pv_ptx_machine_approximates(machine, kernel, &line));
  EXPECT_U64(line, 11);
  EXPECT_U64(pv_ptx_machine_find(machine, "flushed", &kernel, &err), PV_OK);
  EXPECT(!pv_ptx_machine_approximates(machine, kernel, NULL));
  EXPECT_U64(pv_ptx_machine_find(machine, "rough", &kernel, &err), PV_OK);
  EXPECT(pv_ptx_machine_approximates(machine, kernel, NULL));
  pv_ptx_machine_close(machine);
}

/* A conversion reads as much of a wider register as its type has. */
static void test_wide_source(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".visible .entry k(.param .u64 out) {\n  .reg .b64 %d<5>;\n  .reg .b32 %r<2>;\n"
      "  ld.param.u64 %d1, [out];\n  mov.u64 %d2, 0x00000001fffffffe;\n"
      "  cvt.s64.s32 %d3, %d2;\n  cvt.u64.u16 %d4, %d2;\n"
      "  st.global.u64 [%d1], %d3;\n  st.global.u64 [%d1+8], %d4;\n  ret;\n}\n";
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  uint64_t out = 0, got[2] = {0};
  pv_ptx_launch l = {
      .grid = {1, 1, 1}, .block = {1, 1, 1}, .params = &out, .param_bytes = sizeof out};
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  EXPECT(pv_ptx_machine_load(machine, "wide.ptx", text, strlen(text), &err) == PV_OK);
  EXPECT(pv_ptx_machine_alloc(machine, sizeof got, &out, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(machine, "k", &l.kernel, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_launch(machine, &l, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_download(machine, got, out, sizeof got, &err), PV_OK);
  EXPECT_U64(got[0], UINT64_MAX - 1);
  EXPECT_U64(got[1], 0xfffe);
  pv_ptx_machine_close(machine);
}

/* A register that nobody wrote shows in a launch that observes, in every block. */
static void test_unwritten_register(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".visible .entry k(.param .u64 out) {\n  .reg .b64 %d<4>;\n  .reg .b32 %r<3>;\n"
      "  ld.param.u64 %d1, [out];\n  mov.u32 %r2, %ctaid.x;\n  mul.wide.u32 %d2, %r2, 4;\n"
      "  add.u64 %d3, %d1, %d2;\n  st.global.u32 [%d3], %r1;\n  mov.u32 %r1, 5;\n"
      "  st.global.u32 [%d3+8], %r1;\n  ret;\n}\n";
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  uint64_t out = 0;
  uint32_t got[4] = {0};
  pv_ptx_launch l = {.grid = {2, 1, 1},
                     .block = {1, 1, 1},
                     .params = &out,
                     .param_bytes = sizeof out,
                     .observe = true};
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  EXPECT(pv_ptx_machine_load(machine, "unwritten.ptx", text, strlen(text), &err) == PV_OK);
  EXPECT(pv_ptx_machine_alloc(machine, sizeof got, &out, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(machine, "k", &l.kernel, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_launch(machine, &l, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_download(machine, got, out, sizeof got, &err), PV_OK);
  EXPECT_U64(got[0], UINT32_MAX);
  EXPECT_U64(got[1], UINT32_MAX);
  EXPECT_U64(got[3], 5);
  pv_ptx_machine_close(machine);
}

/* Threads that store what is there need no order among each other; those that read it do. */
static void test_equal_stores(void) {
  static const char text[] = ".version 8.0\n.target sm_80\n.address_size 64\n"
#define STORES(name, value, between)                                                \
  ".visible .entry " name                                                           \
  "(.param .u64 out) {\n  .reg .b64 %d<2>;\n  .reg .b32 %r<3>;\n"                   \
  "  .shared .align 4 .b8 s[4];\n  ld.param.u64 %d1, [out];\n  mov.u32 %r1, " value \
  ";\n"                                                                             \
  "  st.shared.u32 [s], %r1;\n" between                                             \
  "  ld.shared.u32 %r2, [s];\n"                                                     \
  "  st.global.u32 [%d1], %r2;\n  ret;\n}\n"
      STORES("equal", "7", "  bar.sync 0;\n") STORES("unlike", "%tid.x", "  bar.sync 0;\n")
          STORES("early", "7", "");
#undef STORES
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  uint64_t out = 0;
  uint32_t got = 0;
  pv_ptx_launch l = {
      .grid = {1, 1, 1}, .block = {64, 1, 1}, .params = &out, .param_bytes = sizeof out};
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  REQUIRE(pv_ptx_machine_load(machine, "stores.ptx", text, strlen(text), &err) == PV_OK);
  EXPECT(pv_ptx_machine_alloc(machine, sizeof got, &out, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(machine, "equal", &l.kernel, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_launch(machine, &l, &err), PV_OK);
  EXPECT_U64(pv_ptx_machine_download(machine, &got, out, sizeof got, &err), PV_OK);
  EXPECT_U64(got, 7);
  for (int i = 0; i < 2; i++) {
    EXPECT_U64(pv_ptx_machine_find(machine, i == 0 ? "unlike" : "early", &l.kernel, &err), PV_OK);
    EXPECT_U64(pv_ptx_machine_launch(machine, &l, &err), PV_ERR_DEVICE);
    EXPECT(pv_ptx_machine_fault(machine) != NULL &&
           pv_ptx_machine_fault(machine)->kind == PV_PTX_SHARED_RACE);
  }
  pv_ptx_machine_close(machine);
}

int main(void) {
  return pv_testing_main("ptx machine", (pv_case[]){PV_CASE(test_sound),
                                                    PV_CASE(test_divergence),
                                                    PV_CASE(test_copies),
                                                    PV_CASE(test_blocks_that_race),
                                                    PV_CASE(test_bounds),
                                                    PV_CASE(test_misaligned),
                                                    PV_CASE(test_uninitialised),
                                                    PV_CASE(test_undeclared_write),
                                                    PV_CASE(test_barriers),
                                                    PV_CASE(test_races),
                                                    PV_CASE(test_launches_in_turn),
                                                    PV_CASE(test_refusals),
                                                    PV_CASE(test_operands_missing),
                                                    PV_CASE(test_approximations),
                                                    PV_CASE(test_wide_source),
                                                    PV_CASE(test_unwritten_register),
                                                    PV_CASE(test_equal_stores),
                                                    {0}});
}
