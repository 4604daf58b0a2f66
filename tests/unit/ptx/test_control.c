/* The machine: what compilers emit around arithmetic, kernels of data/control.cu. */
#include <string.h>

#include "base/file.h"
#include "tests/unit/ptx/bench.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

enum { N = BENCH_N };

static pv_code open_bench(bench *b, unsigned threads, pv_error *err) {
  return bench_open(b, "control.ptx", threads, err);
}

static pv_code launch(bench *b, const char *kernel, unsigned grid, unsigned threads, uint32_t n,
                      pv_error *err) {
  return bench_launch(b, kernel, grid, threads, n, (pv_ptx_launch){0}, err);
}

/* The first words that a kernel stores. */
static void expect_words(const char *kernel, unsigned grid, unsigned threads,
                         const uint32_t *wanted, size_t count) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 2, &err) == PV_OK);
  if (EXPECT(launch(&b, kernel, grid, threads, N, &err) == PV_OK))
    for (size_t i = 0; i < count; i++) EXPECT_U64(b.result[i], wanted[i]);
  else
    EXPECT_STR(err.message, "");
  pv_ptx_machine_close(b.machine);
}

static void expect_fault(const char *kernel, uint32_t thread, pv_ptx_fault_kind kind,
                         const char *text) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 2, &err) == PV_OK);
  EXPECT_U64(launch(&b, kernel, 1, N, N, &err), PV_ERR_DEVICE);
  const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
  if (EXPECT(f != NULL)) {
    EXPECT_STR(pv_ptx_fault_name(f->kind), pv_ptx_fault_name(kind));
    if (strstr(kernel, "atomic") == NULL) /* those stand in a header of nvcc's */
      EXPECT_STR(f->source, "control.cu");
    EXPECT_U64(f->thread[0], thread);
    EXPECT_HAS(f->text, text);
  }
  pv_ptx_machine_close(b.machine);
}

/* What stands outside the kernel k, and its body: refused when it is looked up. */
static void expect_refusal(const char *outside, const char *body, const char *text) {
  char ptx[4096];
  pv_ptx_machine *machine = NULL;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  REQUIRE(pv_ptx_machine_open(1, &machine, &err) == PV_OK);
  snprintf(ptx, sizeof ptx,
           ".version 8.0\n.target sm_80\n.address_size 64\n%s\n"
           ".visible .entry k() {\n.reg .b16 %%h<4>;\n.reg .b32 %%r<8>;\n.reg .b64 %%rd<8>;\n"
           ".reg .pred %%p<4>;\n%s\nret;\n}\n",
           outside, body);
  EXPECT(pv_ptx_machine_load(machine, "text.ptx", ptx, strlen(ptx), &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(machine, "k", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, text);
  EXPECT(err.line > 0);
  pv_ptx_machine_close(machine);
}

/* The line of control.cu that holds this text, 0: none. */
static uint32_t line_of(const char *text) {
  pv_bytes file = {0};
  uint32_t line = 1;
  if (pv_file_read(SAMPLES "control.cu", 1 << 20, &file, NULL) != PV_OK) return 0;
  const char *at = strstr((const char *)file.data, text);
  for (const char *c = (const char *)file.data; at != NULL && c < at; c++) line += *c == '\n';
  pv_bytes_free(&file);
  return at != NULL ? line : 0;
}

static void test_variables(void) {
  static const uint32_t wanted[] = {5, 3, 0, 2, 0, 'x', 3, 'o', 0, 2, 0, 1};
  expect_words("variables", 1, N, wanted, sizeof wanted / sizeof *wanted);
  expect_fault("past_a_variable", 4, PV_PTX_OUT_OF_BOUNDS, "byte 16 of the variable 'row' of 16");
  expect_fault("writes_a_constant", 0, PV_PTX_UNDECLARED_WRITE, "a constant of the module");
}

/* A variable keeps its value from launch to launch, and two kernels share it. */
static void test_a_variable_lasts(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "counts_launches", 1, 1, N, &err), PV_OK);
  EXPECT_U64(b.result[0], 6);
  EXPECT_U64(launch(&b, "counts_launches", 1, 1, N, &err), PV_OK);
  EXPECT_U64(b.result[0], 7);
  EXPECT_U64(launch(&b, "variables", 1, 1, N, &err), PV_OK);
  EXPECT_U64(b.result[0], 7);
  pv_ptx_machine_close(b.machine);
}

static void test_variables_that_are_refused(void) {
  static const char use[] = "mov.u64 %rd1, v;";
  expect_refusal(".extern .global .u32 v;", use, "'v': is defined elsewhere");
  expect_refusal(".global .u32 v[2] = {1, 2, 3};", use, "'v': more values than elements");
  expect_refusal(".global .u32 w;\n.global .u32 v = w;", use, "'v': an address of 64 bits");
  expect_refusal(".global .f32 v = 1;", use, "'v': a value of another type");
  expect_refusal(".func f() { ret; }\n.global .u64 v = f;", use, "'v': a value of this form");
  expect_refusal(".shared .u32 w;\n.global .u64 v = w;", use, "'w': the address of what is no");
  expect_refusal(".global .u32 v;", "mov.u32 %r1, v;", "does not fit in 32 bits");
  expect_refusal(".const .u32 v;", "st.const.u32 [v], %r1;", "memory that is only read");
}

/* What the kernel `calls` computes. */
static uint32_t called(uint32_t t) {
  const uint32_t in = t + 1, low = 7 + t;
  uint32_t own[4], sum = 0;
  for (uint32_t i = 0; i < 4; i++) own[i] = 3 * (i + t);
  sum = own[3] + own[0] * 1000 + low + (uint32_t)(in * 2.5) * 100000;
  if (t & 1)
    for (uint32_t x = t; x > 1; x = x % 2 == 0 ? x / 2 : 3 * x + 1) sum++;
  return sum + t + (t ^ 33) + in + (t ^ 33) + 1;
}

static void test_calls(void) {
  uint32_t wanted[N];
  for (uint32_t t = 0; t < N; t++) wanted[t] = called(t);
  expect_words("calls", 1, N, wanted, N);
  expect_fault("calls_out_of_bounds", 0, PV_PTX_OUT_OF_BOUNDS, "of the buffer of 1024 bytes");
}

/* In a call that is expanded the fault stands at the line of the function. */
static void test_a_fault_in_a_function(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "calls_out_of_bounds", 1, 1, N, &err), PV_ERR_DEVICE);
  const pv_ptx_fault *f = pv_ptx_machine_fault(b.machine);
  if (EXPECT(f != NULL) && f != NULL) {
    EXPECT_STR(f->kernel, "calls_out_of_bounds");
    EXPECT_U64(f->source_line, line_of("a.out[i + 300] = i;"));
  }
  pv_ptx_machine_close(b.machine);
}

static void test_calls_that_are_refused(void) {
  static const char f[] =
      ".func (.param .b32 r) f(.param .b32 x) {\n"
      "st.param.b32 [r], 1; ret; }\n";
  static const char declare[] = ".param .b32 y; .param .b32 z; .param .b64 w;\n";
  static const struct {
    const char *call, *why;
  } list[] = {{"call (z), f, (%r1);", "what is passed is no .param variable"},
              {"call (z), f, (w);", "'w' and 'x' have different sizes"},
              {"call f, (y);", "another number of parameters or results"},
              {"call (z), %rd1, (y);", "a call through a pointer"}};
  bench b;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    char body[256];
    snprintf(body, sizeof body, "%s%s", declare, list[i].call);
    expect_refusal(f, body, list[i].why);
  }
  expect_refusal(".extern .func g;", "call g;", "the function 'g' has no body here");
  expect_refusal(".func h; .func g { call h; ret; } .func h { call g; ret; }", "call g;",
                 "kernel 'k', function 'h': 'call': the function 'g' calls itself");
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(pv_ptx_machine_find(b.machine, "recursive", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "calls itself");
  EXPECT_U64(pv_ptx_machine_find(b.machine, "through_a_pointer", &kernel, &err),
             PV_ERR_UNSUPPORTED);
  pv_ptx_machine_close(b.machine);
}

static void test_a_kernel_that_stops_itself(void) {
  expect_fault("traps", 6, PV_PTX_TRAP, "the kernel stops itself");
  expect_fault("breaks", 8, PV_PTX_TRAP, "the kernel stops itself");
  char text[128];
  snprintf(text, sizeof text,
           "the assertion 'a.in[threadIdx.x] != 12' of void asserts(args) failed, "
           "control.cu line %u",
           line_of("assert(a.in[threadIdx.x] != 12);"));
  expect_fault("asserts", 11, PV_PTX_TRAP, text);
  expect_fault("prints_past_the_end", 0, PV_PTX_OUT_OF_BOUNDS, "of the buffer of 256 bytes");
}

static void test_printing(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  unsigned kernel = 0;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_STR(pv_ptx_machine_printed(b.machine), "");
  EXPECT_U64(launch(&b, "prints", 1, 43, N, &err), PV_OK);
  EXPECT_STR(pv_ptx_machine_printed(b.machine),
             "0|-3  |+0007|-1099511627776|0x1|a| 0.00|first|%|    42|24\n"
             "21|-3  |+0007|-1099511627776|0x16|v|21.10|later|%|    42|24\n"
             "no arguments\nno arguments\n"
             "42|-3  |+0007|-1099511627776|0x2b|\x8b|42.21|later|%|    42|24\n"
             "no arguments\n");
  EXPECT_U64(b.result[21], 11);
  EXPECT_U64(launch(&b, "prints_for_ever", 1, 1, N, &err), PV_OK);
  EXPECT_U64(strlen(pv_ptx_machine_printed(b.machine)), 4096);
  EXPECT_U64(launch(&b, "counts_launches", 1, 1, N, &err), PV_OK);
  EXPECT_STR(pv_ptx_machine_printed(b.machine), "");
  EXPECT_U64(pv_ptx_machine_find(b.machine, "allocates", &kernel, &err), PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "the device's own heap");
  expect_refusal(".extern .func vprintf(.param .b32 a);", ".param .b32 x; call vprintf, (x);",
                 "'vprintf' of another form");
  pv_ptx_machine_close(b.machine);
}

static void test_atomics(void) {
  uint32_t wanted[20] = {64,         2080, 0u - 2080, 64,          0,  1,  0u - 64,
                         UINT32_MAX, 64,   4,         6,           64, 64, 0x42000000 /* 32.0 */,
                         0,          32,   32 * 32,   33 * 32 + 7, 0,  64};
  float sum = 0;
  for (uint32_t t = 0; t < N; t++) sum += 1.0f / (float)(1u << t % 32);
  memcpy(&wanted[18], &sum, sizeof sum);
  expect_words("atomics", 1, N, wanted, 20);
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "atomics", 1, N, N, &err), PV_OK);
  EXPECT(pv_ptx_machine_download(b.machine, b.result, b.out + 256, N * sizeof *b.result, &err) ==
         PV_OK);
  for (uint32_t t = 0; t < N; t++) EXPECT_U64(b.result[t], t); /* lanes are served in order */
  pv_ptx_machine_close(b.machine);
}

/* Blocks on several threads of the host lose nothing. */
static void test_atomics_of_blocks(void) {
  uint32_t zeros[BENCH_OUT] = {0};
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 4, &err) == PV_OK);
  EXPECT(pv_ptx_machine_upload(b.machine, b.out, zeros, sizeof zeros, &err) == PV_OK);
  EXPECT_U64(launch(&b, "counts_blocks", 5000, 32, N, &err), PV_OK);
  EXPECT_U64(b.result[0], 5000);
  const pv_ptx_launch observed = {.observe = true};
  EXPECT_U64(bench_launch(&b, "last_block", 32, 64, N, observed, &err), PV_OK);
  EXPECT_U64(b.result[0], 32 * 33 / 2);
  pv_ptx_machine_close(b.machine);
}

static void test_faults_of_atomics(void) {
  expect_fault("atomic_meets_plain", 0, PV_PTX_SHARED_RACE, "another thread wrote this");
  expect_fault("plain_meets_atomic", 0, PV_PTX_SHARED_RACE, "another thread wrote this");
  expect_fault("atomic_of_nothing", 0, PV_PTX_UNINITIALISED, "nothing was ever written there");
  expect_fault("atomic_on_an_input", 0, PV_PTX_UNDECLARED_WRITE, "no declared output");
}

static void test_atomics_that_are_refused(void) {
  static const struct {
    const char *text, *why;
  } list[] = {
      {"atom.global.v2.f32.add {%r1, %r2}, [%rd1], {%r1, %r2};", "'.v2' is not interpreted"},
      {"atom.global.b128.exch %rd1, [%rd1], %rd2;", "'.b128' is not interpreted"},
      {"atom.global.add.f16x2 %r1, [%rd1], %r2;", "this atomic operation"},
      {"atom.global.inc.s32 %r1, [%rd1], %r2;", "this atomic operation"},
      {"atom.local.add.u32 %r1, [%rd1], %r2;", "'.local' is not interpreted"},
      {"atom.global.add.u32 %r1, [%rd1], %r2, %rd3;", "this form"},
      {"atom.global.cas.b32 %r1, [%rd1], %r2;", "this form"}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    expect_refusal("", list[i].text, list[i].why);
}

/* All blocks are resident: a barrier of the grid ends, as often as it is launched. */
static void test_a_grid_barrier(void) {
  enum { BLOCKS = 5, THREADS = 40, ALL = BLOCKS * THREADS };
  uint32_t value[ALL], before[ALL], result[ALL];
  bench b;
  pv_error err = PV_ERROR_INIT;
  pv_ptx_launch together = {.cooperative = true};
  REQUIRE(open_bench(&b, 3, &err) == PV_OK);
  for (uint32_t i = 0; i < ALL; i++) value[i] = i % 64 + 1;
  for (unsigned round = 0; round < 3; round++) {
    memcpy(before, value, sizeof value);
    for (uint32_t i = 0; i < ALL; i++) value[i] += before[(i + THREADS) % ALL];
  }
  for (unsigned again = 0; again < 2; again++) {
    together.observe = again == 1; /* the barrier orders the blocks: they do not race */
    EXPECT_U64(bench_launch(&b, "grid_barrier", BLOCKS, THREADS, N, together, &err), PV_OK);
    EXPECT(pv_ptx_machine_download(b.machine, result, b.out, sizeof result, &err) == PV_OK);
    for (uint32_t i = 0; i < ALL; i++) EXPECT_U64(result[i], value[i]);
  }
  /* Not launched so, the kernel says itself that it can not. */
  EXPECT_U64(launch(&b, "grid_barrier", BLOCKS, THREADS, N, &err), PV_ERR_DEVICE);
  EXPECT_HAS(err.message, "the kernel stops itself");
  EXPECT_U64(bench_launch(&b, "grid_barrier", 5000, 1, N, together, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "a cooperative grid of more than 4096 blocks");
  pv_ptx_machine_close(b.machine);
}

/* Whatever comes first: the one that waits, or the one that it waits for. */
static void test_who_spins_lets_others_go_on(void) {
  static const pv_ptx_order orders[] = {PV_PTX_ASCENDING, PV_PTX_DESCENDING};
  for (unsigned i = 0; i < 2; i++) {
    bench b;
    pv_error err = PV_ERROR_INIT;
    const pv_ptx_launch ordered = {.order = orders[i], .allowed = 1 << 20};
    REQUIRE(open_bench(&b, 1, &err) == PV_OK);
    EXPECT_U64(bench_launch(&b, "warp_waits_for_warp", 1, N, N, ordered, &err), PV_OK);
    EXPECT_U64(b.result[0], 8);
    pv_ptx_launch observed = ordered;
    observed.observe = true;
    EXPECT_U64(bench_launch(&b, "lane_waits_for_lane", 1, N, N, observed, &err), PV_OK);
    EXPECT_U64(b.result[0], 2080);
    EXPECT_U64(bench_launch(&b, "waits_for_ever", 1, N, N, ordered, &err), PV_ERR_DEVICE);
    EXPECT_HAS(err.message, "endless");
    EXPECT_HAS(err.message, "more than 1048576 instructions");
    pv_ptx_machine_close(b.machine);
  }
}

static void test_copies_in_part(void) {
  uint32_t wanted[N], words[N];
  for (uint32_t i = 0; i < N; i++) words[i] = i + 1;
  for (uint32_t i = 0; i < N; i++) {
    uint32_t first[4] = {0};
    memcpy(first, &words[i / 4 * 4], i / 4); /* lane l copies l bytes */
    wanted[i] = first[i % 4] + (i < 16 ? 1000 * words[i] : 0);
  }
  expect_words("copies_in_part", 1, N, wanted, N);
  expect_fault("copies_too_much", 0, PV_PTX_OUT_OF_BOUNDS, "the source has more bytes");
  expect_refusal("", "cp.async.ca.shared.global [%r1], [%rd1], 12;", "this form");
  expect_refusal("", "ld.global.u32 %r1, [%rd1], %rd2;", "this form");
}

static void test_barriers(void) {
  uint32_t wanted[N];
  for (uint32_t t = 0; t < N; t++)
    wanted[t] = 322 + (t < 32 ? 10000 + 100000 * (t + 32) : 10000 * (t - 32 + 1));
  expect_words("barriers", 1, N, wanted, N);
  expect_fault("guarded_apart", 20, PV_PTX_DIVERGENT_BARRIER, "the guard keeps lanes 0xfff00000");
  expect_fault("barrier_17", 0, PV_PTX_OUT_OF_BOUNDS, "barrier 17 of 16");
  expect_refusal("", "bar.arrive 0;", "this form");
  expect_refusal("", "bar.red.xor.pred %p1, 0, %p2;", "this form");
}

static void test_what_threads_ask(void) {
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(launch(&b, "asks", 1, N, N, &err), PV_OK);
  for (uint32_t t = 0; t < N; t++) {
    uint32_t same = 0;
    for (uint32_t l = 0; l < 32; l++)
      same |= (uint32_t)((t / 32 * 32 + l + 1) / 8 == (t + 1) / 8) << l;
    EXPECT_U64(b.result[t], same);
  }
  EXPECT(pv_ptx_machine_download(b.machine, b.result, b.out + 256, N * sizeof *b.result, &err) ==
         PV_OK);
  for (uint32_t t = 0; t < N; t++)
    EXPECT_U64(b.result[t], 1 + 2 + 8 + 16 + (t % 32 == 0 ? 10000 : 0) + 100000 + 7000000);
  expect_refusal("", "mov.u32 %r1, %globaltimer;", "is read with another size");
  pv_ptx_machine_close(b.machine);
}

static void test_mbarriers(void) {
  uint32_t wanted[N] = {0};
  const uint32_t states[] = {0 + 10 * 1 + 100 * 1};
  for (uint32_t t = 32; t < N; t++) wanted[t] = (64 - t) * (28 + 1);
  expect_words("pipeline", 1, N, wanted, N);
  expect_words("mbarrier_states", 1, N, states, 1);
  expect_fault("mbarrier_without_barrier", 1, PV_PTX_SHARED_RACE, "another thread wrote this");
  expect_fault("mbarrier_of_too_many", 0, PV_PTX_DIVERGENT_BARRIER, "than it expects");
  expect_fault("mbarrier_that_is_none", 0, PV_PTX_DIVERGENT_BARRIER, "what lies there is no");
  expect_fault("reads_before_the_phase", 32, PV_PTX_SHARED_RACE, "another thread wrote this");
  expect_refusal("", "mbarrier.arrive.expect_tx.shared.b64 %rd1, [%r1], %r2;", "counts bytes");
  expect_refusal("", "mbarrier.arrive.noComplete.shared.b64 %rd1, [%r1], %r2;", "counts bytes");
  expect_refusal("", "mbarrier.init.parity.shared.b64 [%r1], %r2;", "this form");
}

/* A phase orders what was stored to device memory too. */
static void test_an_mbarrier_orders_a_block(void) {
  const pv_ptx_launch observed = {.observe = true};
  bench b;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(open_bench(&b, 1, &err) == PV_OK);
  EXPECT_U64(bench_launch(&b, "through_device_memory", 1, N, 1, observed, &err), PV_OK);
  for (uint32_t t = 32; t < N; t++) EXPECT_U64(b.result[t], 64 - t);
  EXPECT_U64(bench_launch(&b, "through_device_memory", 1, N, 0, observed, &err), PV_ERR_DEVICE);
  EXPECT_HAS(err.message, "thread (31, 0, 0) of this block wrote this");
  pv_ptx_machine_close(b.machine);
}

/* Refused by name, whether the reader knows the word or not. */
static void test_what_is_never_run(void) {
  expect_refusal("", "wgmma.fence.sync.aligned;", "'wgmma.fence.sync.aligned': matrix products");
  expect_refusal("", "tcgen05.wait::ld.sync.aligned;", "tensor memory");
  expect_refusal("", "@%p1 cp.async.bulk.tensor.2d.global.shared::cta [x], [%r1];", "(TMA)");
  expect_refusal("", "tex.1d.v4.f32.s32 {%r1, %r2, %r3, %r4}, [t, {%r5}];", "textures");
  expect_refusal("", "suld.b.1d.b32.trap %r1, [s, {%r2}];", "surfaces");
  expect_refusal("", "mapa.shared::cluster.u32 %r1, %r2, 0;", "clusters");
  expect_refusal("", "barrier.cluster.wait.aligned;", "clusters");
}

int main(void) {
  return pv_testing_main("ptx control", (pv_case[]){PV_CASE(test_variables),
                                                    PV_CASE(test_a_variable_lasts),
                                                    PV_CASE(test_variables_that_are_refused),
                                                    PV_CASE(test_calls),
                                                    PV_CASE(test_a_fault_in_a_function),
                                                    PV_CASE(test_calls_that_are_refused),
                                                    PV_CASE(test_a_kernel_that_stops_itself),
                                                    PV_CASE(test_printing),
                                                    PV_CASE(test_atomics),
                                                    PV_CASE(test_atomics_of_blocks),
                                                    PV_CASE(test_faults_of_atomics),
                                                    PV_CASE(test_atomics_that_are_refused),
                                                    PV_CASE(test_a_grid_barrier),
                                                    PV_CASE(test_who_spins_lets_others_go_on),
                                                    PV_CASE(test_copies_in_part),
                                                    PV_CASE(test_barriers),
                                                    PV_CASE(test_what_threads_ask),
                                                    PV_CASE(test_mbarriers),
                                                    PV_CASE(test_an_mbarrier_orders_a_block),
                                                    PV_CASE(test_what_is_never_run),
                                                    {0}});
}
