#include "runtime/probe/check_spec.h"

#include <string.h>

#include "base/text.h"

static const char *const backends[] = {"cpu", "cuda", "ptx", NULL};
static const char *const identities[] = {"i16", "f32-f64acc", "f64", "i8", NULL};
static const char *const types[] = {"F32", "F16", "BF16", "Q8_0", "Q4_K", "Q5_K", "Q6_K", NULL};

#define ENUM(name, words, fallback, about) \
  { name, PV_PARAM_ENUM, (fallback) == NULL, 0, 0, 0, words, "", fallback, about }
#define UP   1
#define DOWN (-1)
#define REAL(name, min, max, loosens, unit, fallback, about) \
  { name, PV_PARAM_REAL, false, min, max, loosens, NULL, unit, fallback, about }
#define INT(name, min, max, loosens, unit, fallback, about) \
  { name, PV_PARAM_INT, false, min, max, loosens, NULL, unit, fallback, about }

#define BACKEND        ENUM("backend", backends, "cpu", "who computes")
#define LEFT           ENUM("left", backends, "cpu", "one side")
#define RIGHT          ENUM("right", backends, "cuda", "the other side")
#define NUMERICS       ENUM("numerics", identities, "i16", "numerics identity, see docs/numerics.md")
#define LEFT_NUMERICS  ENUM("left_numerics", identities, "i16", "identity of the left side")
#define RIGHT_NUMERICS ENUM("right_numerics", identities, "i16", "identity of the right side")
#define TYPE           ENUM("type", types, NULL, "tensor type")
#define PROMPTS                                                                                 \
  {                                                                                             \
    "prompts", PV_PARAM_STRINGS, false, 0, 0, 0, NULL, "", "all",                               \
        "names of prompts, of the reference or built-in ones; overrides the check's own choice" \
  }

static const pv_param_spec two_sides[] = {LEFT, RIGHT, LEFT_NUMERICS, RIGHT_NUMERICS, PROMPTS};
static const pv_param_spec one_side[] = {BACKEND, NUMERICS, PROMPTS};
static const pv_param_spec backend_prompts[] = {BACKEND, PROMPTS};
static const pv_param_spec numerics_prompts[] = {NUMERICS, PROMPTS};
static const pv_param_spec type_only[] = {TYPE};
static const pv_param_spec type_numerics[] = {TYPE, NUMERICS};
static const pv_param_spec argmax_params[] = {LEFT, RIGHT, NUMERICS, PROMPTS};
static const pv_param_spec runs_params[] = {
    BACKEND, NUMERICS, INT("runs", 2, 10, DOWN, "processes", "3", "fresh processes"), PROMPTS};
static const pv_param_spec arbiter_params[] = {
    BACKEND, NUMERICS,
    REAL("min_cosine", 0.5, 1, DOWN, "", "0.9999999",
         "smallest cosine of the logits at any position"),
    PROMPTS};
static const pv_param_spec reference_params[] = {
    BACKEND, NUMERICS,
    REAL("min_cosine", 0.5, 1, DOWN, "", "0.99",
         "the cosine at the end of each prompt lies above this"),
    PROMPTS};
static const pv_param_spec sum_params[] = {
    BACKEND, NUMERICS,
    REAL("tolerance", 1e-12, 0.1, UP, "", "1e-6", "largest distance of the sum from 1"), PROMPTS};
static const pv_param_spec dispatch_params[] = {
    BACKEND, NUMERICS,
    REAL("tolerance", 1e-15, 0.1, UP, "", "1e-3",
         "largest error over the largest value of the exact sum"),
    PROMPTS};
static const pv_param_spec ulp_params[] = {
    REAL("max_ulp", 0.5, 1000, UP, "ulp", "4", "largest error in units in the last place")};
static const pv_param_spec min_types[] = {
    INT("min_types", 1, 7, DOWN, "types", "1", "tensor types that the model must mix")};
static const pv_param_spec memory_params[] = {
    BACKEND, NUMERICS,
    REAL("max_fraction", 0.01, 1, UP, "", "0.95", "largest share of the device's memory")};
static const pv_param_spec speed_params[] = {
    BACKEND,
    NUMERICS,
    REAL("min_tokens_per_s", 0.001, 1e9, DOWN, "tokens/s", "150", "smallest median of decode"),
    INT("tokens", 1, 65536, DOWN, "tokens", "128", "decoded tokens per repeat"),
    INT("repeats", 1, 63, DOWN, "repeats", "5", "repeats of which the median is taken"),
    INT("context", 0, 1048576, DOWN, "positions", "0", "positions in the cache before the first")};
static const pv_param_spec prefill_params[] = {
    BACKEND, NUMERICS,
    REAL("min_tokens_per_s", 0.001, 1e9, DOWN, "tokens/s", "1000", "smallest median of prefill"),
    INT("tokens", 1, 65536, DOWN, "tokens", "512", "length of the prompt"),
    INT("repeats", 1, 63, DOWN, "repeats", "5", "repeats of which the median is taken")};
#define KERNEL(required, fallback)                                    \
  {                                                                   \
    "kernel", PV_PARAM_STRING, required, 0, 0, 0, NULL, "", fallback, \
        "name of a kernel; all: each kernel of the build"             \
  }
#define PATTERN(name, fallback, about) \
  { name, PV_PARAM_STRING, false, 0, 0, 0, NULL, "", fallback, about }
#define PATTERNS(name, about) \
  { name, PV_PARAM_STRINGS, false, 0, 0, 0, NULL, "", "", about }
static const pv_param_spec ptx_emit_params[] = {
    KERNEL(true, NULL), PATTERNS("require", "instructions that must occur"),
    PATTERNS("forbid", "instructions that must not occur, in called functions either"),
    PATTERNS("order", "instructions whose first and whose last occurrences are in this order"),
    PATTERNS("count", "instruction.times, exactly")};
static const pv_param_spec ptx_flow_params[] = {
    KERNEL(true, NULL),
    PATTERN("sink", "shfl.sync", "instructions whose values are traced back"),
    PATTERN("through", "cvt.rn.f32.f64",
            "the one instruction by which a sum leaves its accumulator"),
    PATTERN("combine", "add.f32", "adds a value and its shuffled self between two sinks"),
    {"writers", PV_PARAM_STRINGS, true, 0, 0, 0, NULL, "", NULL,
     "instructions that may write an accumulator; zero: the constant"},
    PATTERNS("factors", "instructions that may make what an fma multiplies; none: not looked at")};
static const pv_param_spec ptx_rules_params[] = {
    KERNEL(false, "all"),
    {"rules", PV_PARAM_STRINGS, false, 0, 0, 0, NULL, "", "all",
     "no_ftz, no_approx, no_float_atomics, no_local, no_contraction"}};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define CHECK(name, about, subject, list, needs, timeout) \
  { name, about, subject, list, COUNT(list), needs, timeout }
#define PLAIN(name, about, subject, needs, timeout) \
  { name, about, subject, NULL, 0, needs, timeout }
#define PROMPTED (PV_NEEDS_MODEL | PV_NEEDS_PROMPTS)

static const pv_check_spec table[] = {
    CHECK("experts.combine_order",
          "The weighted sum of experts is taken by rank, product then fma, bit for bit, over "
          "prompts of at most 16 tokens in i16. Fails on any other order.",
          "forward", backend_prompts, PROMPTED, 60),
    CHECK(
        "experts.dispatch",
        "The experts' sum lies within the tolerance of the dense sum over all experts with weight "
        "0 for those that were not chosen, in every layer at two positions of one prompt. Fails "
        "when another expert's rows are read or one is dropped.",
        "forward", dispatch_params, PROMPTED, 60),
    CHECK("forward.arbiter",
          "Logits, top tokens and expert sets against the float64 arbiter at every position; "
          "reports router margins and the error of each layer.",
          "forward", arbiter_params, PROMPTED, 120),
    CHECK("forward.argmax",
          "The top token at every position of every prompt is the same on both "
          "sides.",
          "forward", argmax_params, PROMPTED, 120),
    CHECK("forward.batch_split",
          "One batch, decode, prefill then decode, two halves and a ragged cut give the same bits "
          "at every stage, over prompts of at most 32 tokens.",
          "forward", one_side, PROMPTED, 120),
    CHECK("forward.determinism",
          "Fresh processes give the same SHA-256 over every stage of the last prompt of at most 32 "
          "tokens.",
          "forward", runs_params, PROMPTED, 120),
    CHECK("forward.finite", "Every element of every stage is finite, over every prompt.", "forward",
          one_side, PROMPTED, 120),
    CHECK("forward.no_fallback",
          "The backend that was asked for is the one that computed. Asking for one that is not "
          "there is NOT_RUN, never another backend's answer.",
          "forward", backend_prompts, PROMPTED, 60),
    CHECK("forward.parity",
          "Two backends of one numerics identity give the same bits at every stage of every "
          "layer and position. Different identities are INCOMPARABLE.",
          "forward", two_sides, PROMPTED, 300),
    CHECK("forward.paths",
          "Scalar and AVX2 code with 1, 2 and 7 threads give the same bits at every stage, over "
          "prompts of at most 32 tokens. NOT_RUN where there is only one code path.",
          "forward", numerics_prompts, PROMPTED, 120),
    CHECK("forward.reference",
          "Cosine of the logits and the top token against the Hugging Face reference at the end "
          "of every prompt; other positions are counted and reported.",
          "forward", reference_params, PROMPTED | PV_NEEDS_REFERENCE, 60),
    CHECK("forward.shape",
          "Every stage has the rows and the width that the metadata imply, each row comes once for "
          "each layer and position, all of it is written and nothing beyond, nothing is left from "
          "an earlier run, and expert and token indices are in range.",
          "forward", backend_prompts, PROMPTED, 60),
    CHECK("gemv.bound",
          "Products of 64 random rows lie within the rounding bound that the definition allows, "
          "against float64, on every CPU code path.",
          "kernels", type_numerics, 0, 30),
    CHECK("gemv.exact",
          "Products of 64 rows of small integers with power-of-two scales are exact, in i16 and "
          "f32-f64acc, on every CPU code path.",
          "kernels", type_only, 0, 30),
    CHECK("memory.headroom", "Weights, cache and buffers fit in a share of the device's memory.",
          "device", memory_params, PV_NEEDS_MODEL, 60),
    PLAIN("names.mutations",
          "Copies of the model with a renamed, doubled or transposed tensor are refused.", "files",
          PV_NEEDS_MODEL, 60),
    PLAIN("names.resolve",
          "Every tensor that the architecture needs is there with the shape that the metadata "
          "imply, and no other.",
          "files", PV_NEEDS_MODEL, 30),
    CHECK("ptx.emit",
          "The PTX that is loaded has the instructions that the contract states; see docs/ptx.md. "
          "NOT_RUN in a build without CUDA kernels.",
          "ptx", ptx_emit_params, 0, 30),
    CHECK("ptx.flow",
          "In the PTX that is loaded, every value that reaches the sink comes through one rounding "
          "from accumulators that only the named instructions write; see docs/ptx.md. NOT_RUN in a "
          "build without CUDA kernels.",
          "ptx", ptx_flow_params, 0, 30),
    CHECK("ptx.rules",
          "The rules for every kernel hold in the PTX that is loaded: nothing flushes, "
          "approximates, adds floats atomically, uses local memory or may be contracted. NOT_RUN "
          "in a build without CUDA kernels.",
          "ptx", ptx_rules_params, 0, 30),
    CHECK(
        "quant.blocks",
        "The block decoder against the format's definition, written a second time, over 200 random "
        "blocks: the same in float64, within its rounding in float32.",
        "kernels", type_only, 0, 30),
    CHECK("router.index_sets",
          "The sets of chosen experts are the same on both sides at every layer and position. The "
          "sides may have different identities: sets must be equal all the same.",
          "forward", two_sides, PROMPTED, 120),
    PLAIN("router.topk_rule",
          "Softmax, choice and weights of the router against a sorting oracle, with planted ties "
          "(value descending, then index ascending); weights within 1e-6.",
          "kernels", 0, 30),
    CHECK("router.weights_sum",
          "The weights of the chosen experts add up to 1 within the tolerance, at every layer and "
          "position.",
          "forward", sum_params, PROMPTED, 60),
    CHECK("swiglu.error",
          "SwiGLU against extended precision over 200000 pairs and edge values, in units in the "
          "last place, on every CPU code path.",
          "kernels", ulp_params, 0, 30),
    CHECK("throughput.decode",
          "Median of decoded tokens per second, one sequence, cache on, after `context` positions "
          "and one more.",
          "device", speed_params, PV_NEEDS_MODEL, 300),
    CHECK(
        "throughput.prefill",
        "Median of a prompt's tokens per second, in batches of at most 512, until its top token is "
        "on the host; after one run that is not counted.",
        "device", prefill_params, PV_NEEDS_MODEL, 300),
    CHECK("types.dispatch",
          "First and last row of every tensor, read by the tensor's own type, in i16 against "
          "float64. Fails when a kernel reads bytes of one type as another.",
          "files", min_types, PV_NEEDS_MODEL, 60),
    PLAIN("types.refuse_unknown",
          "Copies of the model with an unknown tensor type, another version, another byte order or "
          "an end too early are refused.",
          "files", PV_NEEDS_MODEL, 60),
};

const pv_check_spec *pv_check_specs(size_t *count) {
  *count = COUNT(table);
  return table;
}

const pv_check_spec *pv_check_find(const char *name) {
  for (size_t i = 0; i < COUNT(table); i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

const char *pv_check_nearest(const char *name) {
  const char *best = NULL;
  size_t least = 6;
  for (size_t i = 0; i < COUNT(table); i++) {
    const size_t d = pv_text_distance(name, table[i].name);
    if (d < least) {
      least = d;
      best = table[i].name;
    }
  }
  return best;
}
