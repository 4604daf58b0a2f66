/* The command line of `synth`. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/synth/internal.h"

const char pv_synth_help[] =
    "Usage: pv synth [options] --out FILE\n"
    "\n"
    "Writes a GGUF model with random weights. The same options give the same bytes on every "
    "machine\n"
    "and with any number of threads.\n"
    "\n"
    "  --out FILE            where to write; an existing file is kept unless --force is given\n"
    "  --shape NAME          tiny (4 layers, 10 MB; the default) or qwen3-coder-30b-a3b (48 "
    "layers,\n"
    "                        18.6 GB); every dimension below changes it, wherever it stands\n"
    "  --arch NAME           the architecture; a name that is none lists those that there are\n"
    "  --layers N            --hidden N      --heads N       --kv-heads N    --head-dim N\n"
    "  --experts N           --used N        --ffn N         --vocab N       --context N\n"
    "  --tokens N            the same as --vocab: entries of the vocabulary, at least 258\n"
    "  --shared N            width of a network beside the experts\n"
    "  --window N            positions that a sliding layer sees\n"
    "  --rope-base X         --eps X\n"
    "  --rope-factor X       positions are divided by it: linearly, or\n"
    "  --yarn                as YaRN does it\n"
    "  --tied                the head is the token embedding\n"
    "  --layout NAME         F32 F16 BF16 Q8_0 Q6_K, Q4_K_M (the default: as published files of "
    "the\n"
    "                        30B shape mix Q4_K and Q6_K) or Q4_K_M-kv8 (attn_k and attn_v in "
    "Q8_0,\n"
    "                        attn_output in Q5_K, as newer quantisers do it)\n"
    "  --seed N              default 1\n"
    "  --threads N           default: two for each processor\n"
    "  --name TEXT           general.name\n"
    "  --outlier X           one channel of the token embedding gets X times the rms of the "
    "others\n"
    "  --outlier-channel N   which one; default 0\n"
    "  --outlier-token ID    only in the row of this token; default: in all\n"
    "  --near-tie X          experts 2j and 2j+1 differ by X in one router weight; 0: exact ties\n"
    "  --integers            every weight is a small integer, exact in its type\n"
    "  --prompts LENGTHS     also write FILE.reference (without .gguf) with random prompts of "
    "these\n"
    "                        lengths: those that pv compare draws from the seed\n"
    "  --force               replace an existing file\n"
    "  --no-sync             do not wait until the disk has everything\n"
    "  --help                this text\n"
    "\n"
    "Examples:\n"
    "  pv synth --out tiny.gguf\n"
    "  pv synth --shape qwen3-coder-30b-a3b --layers 8 --out 30b-8.gguf\n"
    "  pv synth --layout BF16 --outlier 1000 --outlier-channel 17 --out outlier.gguf\n"
    "  pv synth --near-tie 1e-6 --seed 3 --prompts 3,17 --out ties.gguf\n";

/* In the order in which they are looked at, wherever they stand: a shape is one of the
 * architecture, and what follows changes both. */
typedef enum kind {
  ARCH,
  SHAPE,
  OUT,
  NAME,
  WORDS,
  LAYOUT,
  U32,
  U64,
  TOKEN,
  F64,
  F32,
  FLAG,
  HELP
} kind;

typedef struct option {
  const char *name;
  kind kind;
  size_t offset; /* in pv_synth_options */
} option;

#define AT(field) offsetof(pv_synth_options, field)

static const option known[] = {
    {"--out", OUT, 0},
    {"--arch", ARCH, AT(plan)},
    {"--shape", SHAPE, AT(shape)},
    {"--layers", U32, AT(shape.layers)},
    {"--hidden", U32, AT(shape.hidden)},
    {"--heads", U32, AT(shape.heads)},
    {"--kv-heads", U32, AT(shape.kv_heads)},
    {"--head-dim", U32, AT(shape.head_dim)},
    {"--experts", U32, AT(shape.experts)},
    {"--used", U32, AT(shape.used)},
    {"--ffn", U32, AT(shape.ffn)},
    {"--shared", U32, AT(shape.shared)},
    {"--window", U32, AT(shape.window)},
    {"--vocab", U32, AT(shape.vocab)},
    {"--tokens", U32, AT(shape.vocab)},
    {"--context", U32, AT(shape.context)},
    {"--rope-base", F64, AT(shape.rope.base)},
    {"--rope-factor", F64, AT(shape.rope.factor)},
    {"--yarn", FLAG, AT(shape.rope.yarn)},
    {"--eps", F32, AT(shape.eps)},
    {"--tied", FLAG, AT(shape.tied)},
    {"--layout", LAYOUT, AT(layout)},
    {"--seed", U64, AT(seed)},
    {"--threads", U32, AT(threads)},
    {"--name", NAME, AT(name)},
    {"--outlier", F64, AT(outlier)},
    {"--outlier-channel", U32, AT(outlier_channel)},
    {"--outlier-token", TOKEN, AT(outlier_token)},
    {"--near-tie", F64, AT(near_tie)},
    {"--integers", FLAG, AT(integers)},
    {"--prompts", WORDS, AT(prompts)},
    {"--force", FLAG, AT(force)},
    {"--no-sync", FLAG, AT(no_sync)},
    {"--help", HELP, 0},
    {"-h", HELP, 0},
};
enum { KNOWN = sizeof known / sizeof *known };

static pv_code refuse(pv_error *err, const char *what, const char *argument) {
  pv_error_set(err, PV_ERR_INPUT, "%s '%s'", what, argument);
  pv_error_hint(err, "see: pv synth --help");
  return PV_ERR_INPUT;
}

/* Of one of a few words: those that there are. */
static pv_code refuse_name(pv_error *err, const char *what, const char *value,
                           const char *(*at)(size_t n)) {
  pv_text names = PV_TEXT_INIT;
  for (size_t i = 0; at(i) != NULL; i++)
    pv_text_printf(&names, "%s%s", i == 0 ? "" : at(i + 1) != NULL ? ", " : " or ", at(i));
  pv_error_set(err, PV_ERR_INPUT, "unknown %s '%s'", what, value);
  if (!names.failed) pv_error_hint(err, "choose %s", names.data);
  pv_text_free(&names);
  return PV_ERR_INPUT;
}

/* One argument: which option it is, and its value when that follows a '='. */
static const option *look_up(const char *argument, const char **value) {
  const char *equals = strchr(argument, '=');
  const size_t length = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
  *value = equals == NULL ? NULL : equals + 1;
  for (unsigned i = 0; i < KNOWN; i++)
    if (strlen(known[i].name) == length && memcmp(known[i].name, argument, length) == 0)
      return &known[i];
  return NULL;
}

static pv_code store_architecture(const char *name, pv_synth_options *options, pv_error *err) {
  char names[PV_PLAN_LIST];
  const pv_plan *plan = pv_plan_named(name);
  if (plan == NULL) {
    pv_plan_list(false, names, sizeof names);
    pv_error_set(err, PV_ERR_INPUT, "unknown architecture '%s'", name);
    pv_error_hint(err, "choose %s", names);
    return PV_ERR_INPUT;
  }
  options->plan = plan;
  pv_synth_shape(plan, "tiny", &options->shape); /* unless another one is named */
  return PV_OK;
}

static pv_code store_text(const option *o, const char *value, pv_synth_options *options,
                          pv_error *err) {
  if (o->kind == ARCH) return store_architecture(value, options, err);
  if (o->kind == SHAPE)
    return pv_synth_shape(options->plan, value, &options->shape)
               ? PV_OK
               : refuse_name(err, "shape", value, synth_shape_at);
  if (o->kind == LAYOUT)
    return synth_layout_by_name(value, &options->layout)
               ? PV_OK
               : refuse_name(err, "layout", value, synth_layout_at);
  if (strlen(value) >= sizeof options->name) return refuse(err, "too long a name", value);
  snprintf(options->name, sizeof options->name, "%s", value);
  return PV_OK;
}

static pv_code store(const option *o, const char *value, pv_synth_options *options,
                     const char **path, pv_error *err) {
  char *field = (char *)options + o->offset;
  const size_t length = strlen(value);
  uint64_t number = 0;
  uint32_t small = 0;
  double real = 0.0;
  bool ok = true;
  if (o->kind == OUT) {
    *path = value;
    return length > 0 ? PV_OK : refuse(err, "an empty path for", o->name);
  }
  if (o->kind == WORDS) {
    memcpy(field, &value, sizeof value);
    return length > 0 ? PV_OK : refuse(err, "an empty list for", o->name);
  }
  if (o->kind == ARCH || o->kind == SHAPE || o->kind == LAYOUT || o->kind == NAME)
    return store_text(o, value, options, err);
  if (o->kind == F64 || o->kind == F32) {
    ok = pv_parse_f64(value, length, &real);
    const float narrow = (float)real;
    if (ok && o->kind == F64) memcpy(field, &real, sizeof real);
    if (ok && o->kind == F32) memcpy(field, &narrow, sizeof narrow);
  } else {
    ok = pv_parse_u64(value, length, &number);
    if (ok && o->kind == U32) ok = pv_ck_u32(number, &small);
    if (ok && o->kind == TOKEN) ok = number <= INT64_MAX;
    if (ok && o->kind == U32) memcpy(field, &small, sizeof small);
    if (ok && o->kind != U32) memcpy(field, &number, sizeof number); /* int64_t too: same bits */
  }
  if (ok) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "'%s' is not a number that %s can take", value, o->name);
  pv_error_hint(err, "write a plain decimal number, such as %s %s", o->name,
                o->kind == F64 || o->kind == F32 ? "1e-6" : "8");
  return PV_ERR_INPUT;
}

/* One pass: options of kinds from `first` to `last`. */
static pv_code pass(int argc, char **argv, kind first, kind last, pv_synth_options *options,
                    const char **path, bool *help, pv_error *err) {
  uint64_t seen = 0;
  for (int i = 1; i < argc; i++) {
    const char *value;
    const option *o = look_up(argv[i], &value);
    if (o == NULL) return refuse(err, "unknown option", argv[i]);
    const uint64_t bit = UINT64_C(1) << (o - known);
    if ((seen & bit) != 0) return refuse(err, "given twice:", o->name);
    seen |= bit;
    if (o->kind == HELP || o->kind == FLAG) {
      const bool on = true;
      if (value != NULL) return refuse(err, "no value belongs to", o->name);
      if (o->kind == HELP)
        *help = true;
      else
        memcpy((char *)options + o->offset, &on, sizeof on);
      continue;
    }
    if (value == NULL) {
      if (i + 1 >= argc) return refuse(err, "a value is missing after", o->name);
      value = argv[++i];
    }
    if (o->kind < first || o->kind > last) continue;
    const pv_code code = store(o, value, options, path, err);
    if (code != PV_OK) return code;
  }
  return PV_OK;
}

_Static_assert(KNOWN <= 64, "one bit for each option");

pv_code pv_synth_parse(int argc, char **argv, pv_synth_options *options, const char **path,
                       bool *help, pv_error *err) {
  *options = pv_synth_defaults();
  *path = NULL;
  *help = false;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) *help = true;
  if (*help) return PV_OK;
  pv_code code = pass(argc, argv, ARCH, ARCH, options, path, help, err);
  if (code == PV_OK) code = pass(argc, argv, SHAPE, SHAPE, options, path, help, err);
  if (code == PV_OK) code = pass(argc, argv, OUT, HELP, options, path, help, err);
  if (code != PV_OK) return code;
  if (*path == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "no file to write was named");
    pv_error_hint(err, "add --out FILE");
    return PV_ERR_INPUT;
  }
  if (options->plan->finish != NULL && options->shape.heads > 0)
    options->plan->finish(&options->shape);
  return synth_check(options, err);
}
