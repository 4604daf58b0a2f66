/* Shapes by name, defaults, and the check of everything that a caller can set. */
#include <stddef.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/model/metadata.h"
#include "runtime/synth/internal.h"

#define LAYERS_MAX  PV_MODEL_LAYERS_MAX
#define WIDTH_MAX   PV_MODEL_WIDTH_MAX
#define EXPERTS_MAX PV_MODEL_EXPERTS_MAX

static const struct {
  const char *name;
  pv_shape shape;
} shapes[] = {
    {"tiny",
     {.layers = 4,
      .hidden = 256,
      .heads = 8,
      .kv_heads = 2,
      .head_dim = 64,
      .experts = 16,
      .used = 4,
      .ffn = 256,
      .shared = 128,
      .window = 8,
      .vocab = 4096,
      .context = 4096,
      .rope.base = 1e6,
      .eps = 1e-6f}},
    {"qwen3-coder-30b-a3b",
     {.layers = 48,
      .hidden = 2048,
      .heads = 32,
      .kv_heads = 4,
      .head_dim = 128,
      .experts = 128,
      .used = 8,
      .ffn = 768,
      .shared = 768,
      .window = 4096,
      .vocab = 151936,
      .context = 262144,
      .rope.base = 1e7,
      .eps = 1e-6f}},
};

static const char *const layouts[PV_SYNTH_LAYOUT_COUNT] = {"F32",  "F16",    "BF16",      "Q8_0",
                                                           "Q6_K", "Q4_K_M", "Q4_K_M-kv8"};

/* The numbers of a shape: the option that sets it, and its bounds. */
static const struct {
  const char *name;
  size_t member;
  uint32_t low, high;
} numbers[] = {
    {"--layers", offsetof(pv_shape, layers), 1, LAYERS_MAX},
    {"--hidden", offsetof(pv_shape, hidden), 1, WIDTH_MAX},
    {"--heads", offsetof(pv_shape, heads), 1, 1024},
    {"--kv-heads", offsetof(pv_shape, kv_heads), 1, 1024},
    {"--head-dim", offsetof(pv_shape, head_dim), 8, 256},
    {"--experts", offsetof(pv_shape, experts), 1, EXPERTS_MAX},
    {"--used", offsetof(pv_shape, used), 1, EXPERTS_MAX},
    {"--ffn", offsetof(pv_shape, ffn), 1, WIDTH_MAX},
    {"--shared", offsetof(pv_shape, shared), 1, WIDTH_MAX},
    {"--window", offsetof(pv_shape, window), 1, 1u << 24},
    {"--vocab", offsetof(pv_shape, vocab), PV_SYNTH_VOCAB_MIN, PV_SYNTH_VOCAB_MAX},
    {"--context", offsetof(pv_shape, context), 1, 1u << 24},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

/* Whether the architecture has the number: a key of its own, or an embedding. */
static bool has(const pv_plan *plan, size_t member) {
  const pv_model_key *key = plan->keys;
  while (key->name != NULL && (key->rule != PV_KEY_U32 || key->member != member)) key++;
  return key->name != NULL || member == offsetof(pv_shape, vocab);
}

bool pv_synth_shape(const pv_plan *plan, const char *name, pv_shape *shape) {
  size_t n = 0;
  while (n < sizeof shapes / sizeof *shapes && strcmp(shapes[n].name, name) != 0) n++;
  if (n == sizeof shapes / sizeof *shapes) return false;
  *shape = shapes[n].shape;
  for (size_t i = 0; i < NUMBERS; i++)
    if (!has(plan, numbers[i].member))
      memset((char *)shape + numbers[i].member, 0, sizeof(uint32_t));
  shape->route = plan->start.route;
  shape->rope.unrounded = plan->start.rope.unrounded;
  shape->rope_sliding = plan->start.rope_sliding;
  shape->window_period = plan->start.window_period;
  if (plan->finish != NULL) plan->finish(shape);
  return true;
}

const char *synth_shape_at(size_t n) {
  return n < sizeof shapes / sizeof *shapes ? shapes[n].name : NULL;
}

const char *synth_layout_at(size_t n) {
  return n < PV_SYNTH_LAYOUT_COUNT ? layouts[n] : NULL;
}

const char *pv_synth_layout_name(pv_synth_layout layout) {
  return (unsigned)layout < PV_SYNTH_LAYOUT_COUNT ? layouts[layout] : "unknown";
}

bool synth_layout_by_name(const char *name, pv_synth_layout *out) {
  for (unsigned i = 0; i < PV_SYNTH_LAYOUT_COUNT; i++)
    if (strcmp(layouts[i], name) == 0) {
      *out = (pv_synth_layout)i;
      return true;
    }
  return false;
}

pv_synth_options pv_synth_defaults(void) {
  pv_synth_options options = {.plan = pv_plan_at(0),
                              .layout = PV_SYNTH_Q4_K_M,
                              .seed = 1,
                              .outlier_token = -1,
                              .near_tie = -1.0};
  pv_synth_shape(options.plan, "tiny", &options.shape);
  return options;
}

static pv_code refuse(pv_error *err, const char *what, const char *cure) {
  pv_error_set(err, PV_ERR_INPUT, "%s", what);
  pv_error_hint(err, "%s", cure);
  return PV_ERR_INPUT;
}

static pv_code check_ranges(const pv_plan *plan, const pv_shape *s, pv_error *err) {
  for (size_t i = 0; i < NUMBERS; i++) {
    const char *name = numbers[i].name;
    const bool there = has(plan, numbers[i].member);
    const unsigned low = there ? numbers[i].low : 0, high = there ? numbers[i].high : 0;
    uint32_t value = 0;
    memcpy(&value, (const char *)s + numbers[i].member, sizeof value);
    if (value >= low && value <= high) continue;
    pv_error_set(
        err, PV_ERR_INPUT,
        there ? "%s is %u, outside %u..%u" : "%s is %u, of which the architecture has none", name,
        (unsigned)value, low, high);
    pv_error_hint(err, there ? "give %s a value from %u to %u" : "leave %s out", name, low, high);
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

static pv_code check_shape(const pv_plan *plan, const pv_shape *s, pv_error *err) {
  const pv_code code = check_ranges(plan, s, err);
  if (code != PV_OK) return code;
  if (s->heads % s->kv_heads != 0)
    return refuse(err, "the query heads are not a multiple of the key heads",
                  "choose --heads as a multiple of --kv-heads");
  if (s->head_dim % 8 != 0)
    return refuse(err, "the head dimension is not a multiple of 8", "change --head-dim");
  if ((uint64_t)s->heads * s->head_dim > WIDTH_MAX)
    return refuse(err, "the attention is wider than 65536", "lower --heads or --head-dim");
  if (s->used > s->experts)
    return refuse(err, "more experts are used than there are", "lower --used or raise --experts");
  if (!(s->rope.base > 0.0 && s->rope.base <= 1e12))
    return refuse(err, "the RoPE base is not in (0, 1e12]", "change --rope-base");
  if (s->rope.factor != 0.0 && !(s->rope.factor > 0.0 && s->rope.factor <= 1e6))
    return refuse(err, "the divisor of positions is not in (0, 1e6]", "change --rope-factor");
  if (s->rope.yarn && s->rope.factor == 0.0)
    return refuse(err, "YaRN divides positions by nothing", "give --yarn a --rope-factor");
  if (!(s->eps > 0.0f && s->eps <= 1.0f))
    return refuse(err, "the RMSNorm epsilon is not in (0, 1]", "change --eps");
  return PV_OK;
}

pv_code synth_check(const pv_synth_options *options, pv_error *err) {
  const pv_shape *s = &options->shape;
  const pv_code code = check_shape(options->plan, s, err);
  if (code != PV_OK) return code;
  if ((unsigned)options->layout >= PV_SYNTH_LAYOUT_COUNT)
    return refuse(err, "the layout is unknown", "choose one that --help lists");
  if (options->threads > 256) return refuse(err, "more than 256 threads", "lower --threads");
  if (!(options->outlier >= 0.0 && options->outlier <= 1e9))
    return refuse(err, "the outlier is not a factor in 0..1e9", "change --outlier");
  if (options->outlier_channel >= s->hidden)
    return refuse(err, "the outlier's channel is not one of the hidden ones",
                  "lower --outlier-channel below --hidden");
  if (options->outlier_token < -1 || options->outlier_token >= (int64_t)s->vocab)
    return refuse(err, "the outlier's token is not in the vocabulary",
                  "lower --outlier-token below --vocab");
  if (options->outlier > 0.0 && s->hidden < 2)
    return refuse(err, "an outlier needs other channels to stand out from", "raise --hidden");
  if (!(options->near_tie <= 1.0))
    return refuse(err, "the near-tie is not a number up to 1", "change --near-tie");
  if (options->near_tie >= 0.0 && s->experts < 2)
    return refuse(err, "a near-tie needs two experts", "raise --experts");
  if (memchr(options->name, '\0', sizeof options->name) == NULL ||
      !pv_utf8_valid(options->name, strlen(options->name)))
    return refuse(err, "the name is not text of at most 63 bytes", "change --name");
  return PV_OK;
}
