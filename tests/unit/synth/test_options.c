/* The command line: what is taken, what is refused, and that the help tells all of it. */
#include <string.h>

#include "runtime/synth/synth.h"
#include "tests/unit/testing.h"

enum { WORDS = 24 };

/* Splits `line` at blanks. */
static pv_code parse(const char *line, pv_synth_options *o, const char **path, bool *help,
                     pv_error *err) {
  static char copy[512];
  char *argv[WORDS] = {0};
  int argc = 0;
  strncpy(copy, line, sizeof copy - 1);
  for (char *word = strtok(copy, " "); word != NULL && argc < WORDS; word = strtok(NULL, " "))
    argv[argc++] = word;
  return pv_synth_parse(argc, argv, o, path, help, err);
}

static void test_taken(void) {
  pv_synth_options o;
  const char *path = NULL;
  bool help = false;
  pv_error err = PV_ERROR_INIT;
  EXPECT(parse("synth --layers 8 --out a.gguf --shape qwen3-coder-30b-a3b --seed=7 --near-tie 1e-6 "
               "--outlier 1000 --outlier-channel 5 --outlier-token 11 --layout Q8_0 --integers",
               &o, &path, &help, &err) == PV_OK);
  EXPECT_STR(path, "a.gguf");
  EXPECT(o.prompts == NULL);
  EXPECT(!help);
  EXPECT_U64(o.shape.layers, 8); /* though the shape comes later */
  EXPECT_U64(o.shape.hidden, 2048);
  EXPECT_U64(o.shape.heads, 32);
  EXPECT_U64(o.shape.kv_heads, 4);
  EXPECT_U64(o.shape.head_dim, 128);
  EXPECT_U64(o.shape.experts, 128);
  EXPECT_U64(o.shape.used, 8);
  EXPECT_U64(o.shape.ffn, 768);
  EXPECT_U64(o.shape.vocab, 151936);
  EXPECT_U64(o.shape.context, 262144);
  EXPECT_F64(o.shape.rope.base, 1e7, 0.0);
  EXPECT_F64((double)o.shape.eps, (double)1e-6f, 0.0);
  EXPECT(!o.shape.tied && o.integers && !o.force && !o.no_sync);
  EXPECT_U64(o.seed, 7);
  EXPECT_F64(o.near_tie, 1e-6, 0.0);
  EXPECT_F64(o.outlier, 1000.0, 0.0);
  EXPECT_U64(o.outlier_channel, 5);
  EXPECT_I64(o.outlier_token, 11);
  EXPECT(o.layout == PV_SYNTH_Q8_0);
  EXPECT(parse("synth --out=b.gguf --tokens 777 --tied --force --no-sync --eps 1e-5 --name hello "
               "--prompts 3,17",
               &o, &path, &help, &err) == PV_OK);
  EXPECT_STR(path, "b.gguf");
  EXPECT_U64(o.shape.vocab, 777);
  EXPECT_U64(o.shape.layers, 4);
  EXPECT(o.shape.tied && o.force && o.no_sync);
  EXPECT_F64((double)o.shape.eps, (double)1e-5f, 0.0);
  EXPECT_STR(o.name, "hello");
  EXPECT_STR(o.prompts, "3,17");
  EXPECT_I64(o.outlier_token, -1);
  EXPECT(o.near_tie < 0.0);
}

static void test_refused(void) {
  static const struct {
    const char *line, *words;
  } cases[] = {
      {"synth", "no file to write was named"},
      {"synth --out", "a value is missing after '--out'"},
      {"synth --out= ", "an empty path"},
      {"synth --prompts= --out a", "an empty list"},
      {"synth --outt a", "unknown option '--outt'"},
      {"synth file", "unknown option 'file'"},
      {"synth --out a --out b", "given twice: '--out'"},
      {"synth --out a --force --force", "given twice: '--force'"},
      {"synth --out a --force=yes", "no value belongs to '--force'"},
      {"synth --out a --shape huge", "unknown shape 'huge'"},
      {"synth --out a --arch mamba", "unknown architecture 'mamba'"},
      {"synth --out a --layout Q4_0", "unknown layout 'Q4_0'"},
      {"synth --out a --layers 0", "--layers is 0, outside 1..1024"},
      {"synth --out a --layers 1025", "outside 1..1024"},
      {"synth --out a --layers 4294967296", "not a number that --layers can take"},
      {"synth --out a --layers -1", "not a number"},
      {"synth --out a --layers 0x10", "not a number"},
      {"synth --out a --layers 8k", "not a number"},
      {"synth --out a --vocab 257", "--vocab is 257, outside 258"},
      {"synth --out a --kv-heads 3", "not a multiple of the key heads"},
      {"synth --out a --head-dim 12", "not a multiple of 8"},
      {"synth --out a --used 17", "more experts are used"},
      {"synth --out a --heads 1024 --head-dim 128", "wider than 65536"},
      {"synth --out a --eps nan", "not a number"},
      {"synth --out a --eps 0", "epsilon is not in"},
      {"synth --out a --rope-base -1", "RoPE base is not in"},
      {"synth --out a --outlier inf", "not a number"},
      {"synth --out a --outlier -5", "not a factor"},
      {"synth --out a --outlier-channel 256", "not one of the hidden ones"},
      {"synth --out a --outlier-token 4096", "not in the vocabulary"},
      {"synth --out a --near-tie 2", "near-tie is not a number up to 1"},
      {"synth --out a --experts 1 --used 1 --near-tie 0", "needs two experts"},
      {"synth --out a --threads 257", "more than 256 threads"},
      {"synth --out a --name "
       "a-name-of-sixty-four-bytes-is-one-byte-longer-than-what-fits-here",
       "too long a name"},
      {"synth --rope-factor -2 --out x", "the divisor of positions"},
      {"synth --yarn --out x", "YaRN divides positions by nothing"},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_synth_options o;
    const char *path = NULL;
    bool help = false;
    pv_error err = PV_ERROR_INIT;
    EXPECT(parse(cases[i].line, &o, &path, &help, &err) == PV_ERR_INPUT);
    EXPECT_HAS(err.message, cases[i].words);
    EXPECT(err.hint[0] != '\0');
  }
}

static void test_help(void) {
  static const char *const words[] = {
      "--out",         "--arch",     "--shape",           "--layers",        "--hidden",
      "--heads",       "--kv-heads", "--head-dim",        "--experts",       "--used",
      "--ffn",         "--vocab",    "--tokens",          "--context",       "--rope-base",
      "--eps",         "--tied",     "--layout",          "--seed",          "--threads",
      "--name",        "--outlier",  "--outlier-channel", "--outlier-token", "--near-tie",
      "--integers",    "--force",    "--no-sync",         "--shared",        "--window",
      "--rope-factor", "--yarn",     "Examples:"};
  pv_synth_options o;
  const char *path = NULL;
  bool help = false;
  EXPECT(parse("synth --nonsense --help", &o, &path, &help, NULL) == PV_OK);
  EXPECT(help);
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) EXPECT_HAS(pv_synth_help, words[i]);
  for (int i = 0; i < PV_SYNTH_LAYOUT_COUNT; i++)
    EXPECT_HAS(pv_synth_help, pv_synth_layout_name((pv_synth_layout)i));
  EXPECT_STR(pv_synth_layout_name((pv_synth_layout)99), "unknown");
}

/* Both shapes have the sizes that are known for them. */
static void test_sizes(void) {
  pv_synth_options o = pv_synth_defaults();
  uint64_t bytes = 0;
  pv_shape shape;
  EXPECT(!pv_synth_shape(o.plan, "none", &shape));
  EXPECT(pv_synth_size(&o, &bytes, NULL) == PV_OK);
  EXPECT(bytes > 9900000 && bytes < 10300000);
  EXPECT(pv_synth_shape(o.plan, "qwen3-coder-30b-a3b", &o.shape));
  EXPECT(pv_synth_size(&o, &bytes, NULL) == PV_OK);
  EXPECT_F64((double)bytes / 1e9, 18.55, 0.03);
  o.shape.layers = 0;
  EXPECT(pv_synth_size(&o, &bytes, NULL) == PV_ERR_INPUT);
}

int main(void) {
  return pv_testing_main("synth options", (pv_case[]){PV_CASE(test_taken),
                                                      PV_CASE(test_refused),
                                                      PV_CASE(test_help),
                                                      PV_CASE(test_sizes),
                                                      {0}});
}
