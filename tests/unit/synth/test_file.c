/* The file as a whole: determinism, layouts, that it opens as a model, atomic writing. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/sha256.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/synth/synth.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/unit/synth/temporary.h"
#include "tests/unit/testing.h"

static pv_synth_options small(void) {
  pv_synth_options o = pv_synth_defaults();
  o.shape.layers = 2;
  o.shape.vocab = 600;
  o.threads = 1;
  o.force = true;
  o.no_sync = true;
  return o;
}

/* Writes the model and gives its digest. */
static bool digest(const pv_synth_options *o, char hex[PV_SHA256_HEX]) {
  pv_error err = PV_ERROR_INIT;
  const char *path = in_temporary("digest.gguf");
  if (pv_synth_write(o, path, NULL, NULL, &err) == PV_OK &&
      pv_sha256_file(path, hex, &err) == PV_OK)
    return true;
  EXPECT_STR(err.message, "");
  return false;
}

static void test_deterministic(void) {
  for (int layout = 0; layout < PV_SYNTH_LAYOUT_COUNT; layout++) {
    char first[PV_SHA256_HEX], other[PV_SHA256_HEX];
    pv_synth_options o = small();
    o.layout = (pv_synth_layout)layout;
    REQUIRE(digest(&o, first));
    static const uint32_t threads[] = {1, 2, 7, 0};
    for (unsigned i = 0; i < 4; i++) {
      o.threads = threads[i];
      REQUIRE(digest(&o, other));
      EXPECT_STR(other, first);
    }
    o.seed = 2;
    REQUIRE(digest(&o, other));
    EXPECT(strcmp(first, other) != 0);
  }
}

/* The bytes of seed 1 are part of the promise: evidence names them. A change of the generator must
 * change this line and the version in which it happened. */
static void test_pinned(void) {
  char hex[PV_SHA256_HEX];
  pv_synth_options o = small();
  REQUIRE(digest(&o, hex));
  EXPECT_STR(hex, "17dc591e5af76cd094a502279d1d8ed7d2bbf22c11e2749b2ad825881601b6bf");
}

static void expect_type(const pv_model *m, uint32_t layer, const char *part, pv_type type) {
  char name[64];
  snprintf(name, sizeof name, "blk.%u.%s.weight", (unsigned)layer, part);
  const pv_gguf_tensor *t = pv_gguf_tensor_find(m->gguf, name);
  REQUIRE(t != NULL);
  EXPECT_STR(pv_type_get((uint32_t)t->type)->name, pv_type_get((uint32_t)type)->name);
}

static pv_model *made(const pv_synth_options *o) {
  pv_model *m = NULL;
  pv_error err = PV_ERROR_INIT;
  const char *path = in_temporary("model.gguf");
  if (pv_synth_write(o, path, NULL, NULL, &err) != PV_OK || pv_model_open(path, &m, &err) != PV_OK)
    EXPECT_STR(err.message, "");
  return m;
}

/* The size that is announced is the size that is written, for every layout and odd shapes. */
static void test_opens(void) {
  static const pv_shape odd = {.layers = 3,
                               .hidden = 96,
                               .heads = 6,
                               .kv_heads = 3,
                               .head_dim = 24,
                               .experts = 5,
                               .used = 2,
                               .ffn = 40,
                               .vocab = 259,
                               .context = 77,
                               .rope.base = 5e5,
                               .eps = 1e-5f,
                               .tied = true};
  for (int layout = 0; layout < 2 * PV_SYNTH_LAYOUT_COUNT; layout++) {
    pv_synth_options o = small();
    uint64_t announced = 0, length = 0;
    o.layout = (pv_synth_layout)(layout / 2);
    if (layout % 2 == 1) o.shape = odd;
    EXPECT(pv_synth_size(&o, &announced, NULL) == PV_OK);
    pv_model *m = made(&o);
    REQUIRE(m != NULL);
    EXPECT_BYTES(&m->shape, &o.shape, offsetof(pv_shape, tied));
    EXPECT(m->shape.tied == o.shape.tied);
    pv_gguf_part_bytes(m->gguf, 0, &length);
    EXPECT_U64(length, announced);
    pv_model_close(m);
  }
}

/* Of every architecture: what is read is what was asked for, and of ties both experts' biases. */
static void test_architectures(void) {
  for (size_t n = 0; pv_plan_at(n) != NULL; n++) {
    pv_synth_options o = small();
    o.plan = pv_plan_at(n);
    EXPECT(pv_synth_shape(o.plan, "tiny", &o.shape));
    o.shape.layers = 2;
    o.near_tie = o.shape.experts > 0 ? 0.0 : -1.0;
    pv_model *m = made(&o);
    if (!EXPECT(m != NULL)) continue;
    EXPECT(m->plan == o.plan);
    EXPECT_BYTES(&m->shape, &o.shape, offsetof(pv_shape, tied));
    const int logits = pv_plan_role(o.plan, PV_ROLE_ROUTER_LOGITS);
    if (logits >= 0 && o.plan->rows[logits].op == PV_OP_BIAS) {
      const float *bias = (const float *)(const void *)m->layers[1].weight[logits]->data;
      EXPECT(bias[0] == bias[1] && bias[2] == bias[3] && bias[0] != bias[2]);
    }
    pv_model_close(m);
  }
}

/* Bytes that belong to no tensor are zeros, in later pieces of the file too, whose memory was used
 * before. */
static void test_gaps(void) {
  pv_synth_options o = small();
  uint64_t end = 0, gaps = 0, wrong = 0, length = 0;
  o.shape = (pv_shape){.layers = 200,
                       .hidden = 96,
                       .heads = 6,
                       .kv_heads = 3,
                       .head_dim = 24,
                       .experts = 5,
                       .used = 2,
                       .ffn = 32,
                       .vocab = 259,
                       .context = 16,
                       .rope.base = 1e6,
                       .eps = 1e-6f};
  pv_model *m = made(&o);
  REQUIRE(m != NULL);
  const unsigned char *bytes = pv_gguf_part_bytes(m->gguf, 0, &length);
  EXPECT(length > 2 << 22);
  for (uint64_t i = 0; i < pv_gguf_tensor_count(m->gguf); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(m->gguf, i);
    for (; end != 0 && end < t->offset; end++, gaps++) wrong += bytes[end] != 0;
    end = t->offset + t->bytes;
  }
  EXPECT(gaps > 1000);
  EXPECT_U64(wrong, 0);
  EXPECT_U64(end, length);
  pv_model_close(m);
}

/* The first and the last eighth, and every third layer between. */
static void test_layout(void) {
  pv_synth_options o = small();
  o.shape.layers = 16; /* eighths: layers 0, 1 and 14, 15 */
  static const bool more[16] = {true,  true,  false, false, true,  false, false, true,
                                false, false, true,  false, false, true,  true,  true};
  pv_model *m = made(&o);
  REQUIRE(m != NULL);
  for (uint32_t i = 0; i < 16; i++) {
    expect_type(m, i, "attn_v", more[i] ? PV_TYPE_Q6_K : PV_TYPE_Q4_K);
    expect_type(m, i, "ffn_down_exps", more[i] ? PV_TYPE_Q6_K : PV_TYPE_Q4_K);
    expect_type(m, i, "attn_k", PV_TYPE_Q4_K);
    expect_type(m, i, "attn_output", PV_TYPE_Q4_K);
    expect_type(m, i, "ffn_gate_inp", PV_TYPE_F32);
  }
  EXPECT(m->once.weight[PV_STAGE_EMBEDDING]->type == PV_TYPE_Q4_K);
  EXPECT(m->once.weight[PV_STAGE_LOGITS]->type == PV_TYPE_Q6_K);
  pv_model_close(m);
}

/* The layout of newer quantisers, tensor by tensor as in a real file that one of them wrote. */
static void test_layout_of_real_file(void) {
  char path[1024];
  pv_gguf *real = NULL;
  const char *shared = pv_testing_shared();
  if (shared == NULL) {
    pv_testing_skip("the shared folder was not found");
    return;
  }
  snprintf(path, sizeof path, "%s/models/tiny-coder-moe-Q4_K_M.gguf", shared);
  REQUIRE(pv_gguf_open(path, &real, NULL) == PV_OK);
  pv_synth_options o = pv_synth_defaults();
  o.layout = PV_SYNTH_Q4_K_M_KV8;
  o.force = o.no_sync = true;
  pv_model *m = made(&o);
  REQUIRE(m != NULL);
  EXPECT_U64(pv_gguf_tensor_count(m->gguf), pv_gguf_tensor_count(real));
  for (uint64_t i = 0; i < pv_gguf_tensor_count(real); i++) {
    const pv_gguf_tensor *want = pv_gguf_tensor_at(real, i);
    const pv_gguf_tensor *got = pv_gguf_tensor_at(m->gguf, i);
    REQUIRE(got != NULL && got->name.length == want->name.length);
    EXPECT_BYTES(got->name.data, want->name.data, want->name.length);
    EXPECT_U64(got->type, want->type);
    EXPECT_BYTES(got->dims, want->dims, sizeof want->dims);
    EXPECT_U64(got->dim_count, want->dim_count);
  }
  for (uint64_t i = 0; i < pv_gguf_value_count(real); i++) { /* every key that real files have */
    char key[128];
    const pv_gguf_value *want = pv_gguf_value_at(real, i);
    snprintf(key, sizeof key, "%.*s", (int)want->key.length, want->key.data);
    const pv_gguf_value *got = pv_gguf_find(m->gguf, key);
    EXPECT_STR(got == NULL ? "absent" : key, key);
    if (got != NULL) EXPECT_U64(got->type, want->type);
  }
  pv_model_close(m);
  pv_gguf_close(real);
}

/* The vocabulary opens, and text survives a round trip, at the smallest and a larger size. */
static void test_tokenizer(void) {
  static const uint32_t sizes[] = {258, 259, 4096, 70000};
  static const char text[] = "def f(x):\n    return x + 1  # \xc3\xa9\xf0\x9f\x98\x80";
  for (unsigned i = 0; i < 4; i++) {
    pv_synth_options o = small();
    pv_tokenizer *tok = NULL;
    pv_error err = PV_ERROR_INIT;
    uint32_t *ids = NULL;
    size_t count = 0;
    pv_text back = PV_TEXT_INIT;
    o.shape.vocab = sizes[i];
    o.shape.layers = 1;
    pv_model *m = made(&o);
    REQUIRE(m != NULL);
    if (!EXPECT(pv_tokenizer_open(m->gguf, &tok, &err) == PV_OK)) EXPECT_STR(err.message, "");
    REQUIRE(tok != NULL);
    EXPECT_U64(pv_tokenizer_count(tok), sizes[i]);
    EXPECT(pv_tokenizer_encode(tok, text, sizeof text - 1, true, &ids, &count, NULL) == PV_OK);
    if (sizes[i] > 4000) EXPECT(count < sizeof text - 1); /* some merge was used */
    EXPECT(pv_tokenizer_decode(tok, ids, count, &back, NULL) == PV_OK);
    EXPECT_STR(back.data, text);
    free(ids);
    pv_text_free(&back);
    pv_tokenizer_close(tok);
    pv_model_close(m);
  }
}

/* Large enough for direct writes, a length that is no multiple of a disk block, and several
 * threads: the file is what the announced length and a second run say. */
static void test_large(void) {
  pv_synth_options o = small();
  char one[PV_SHA256_HEX], four[PV_SHA256_HEX];
  uint64_t bytes = 0;
  o.layout = PV_SYNTH_BF16;
  o.shape.layers = 2;
  o.shape.experts = 64;
  o.shape.ffn = 1416; /* rows that end in the middle of a piece */
  EXPECT(pv_synth_size(&o, &bytes, NULL) == PV_OK);
  EXPECT(bytes > UINT64_C(1) << 28 && bytes % 4096 != 0);
  REQUIRE(digest(&o, one));
  o.threads = 4;
  REQUIRE(digest(&o, four));
  EXPECT_STR(four, one);
  struct stat info;
  REQUIRE(stat(in_temporary("digest.gguf"), &info) == 0);
  EXPECT_U64((uint64_t)info.st_size, bytes);
  pv_model *m = NULL;
  EXPECT(pv_model_open(in_temporary("digest.gguf"), &m, NULL) == PV_OK);
  pv_model_close(m);
  unlink(in_temporary("digest.gguf"));
}

static void refused(const pv_synth_options *o, const char *path, pv_code code, const char *words) {
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_synth_write(o, path, NULL, NULL, &err) == code);
  EXPECT_HAS(err.message, words);
}

static void test_places(void) {
  pv_synth_options o = small();
  temporary_files(1);
  const char *path = in_temporary("there.gguf");
  o.force = false;
  EXPECT(pv_synth_write(&o, path, NULL, NULL, NULL) == PV_OK);
  EXPECT_U64(temporary_files(0), 1);
  refused(&o, path, PV_ERR_INPUT, "exists already");
  o.force = true;
  EXPECT(pv_synth_write(&o, path, NULL, NULL, NULL) == PV_OK);
  EXPECT(symlink(path, in_temporary("link.gguf")) == 0);
  refused(&o, in_temporary("link.gguf"), PV_ERR_INPUT, "is a symbolic link");
  refused(&o, temporary, PV_ERR_INPUT, "is not a regular file");
  refused(&o, in_temporary("no/such/folder.gguf"), PV_ERR_IO, "No such file or directory");
  refused(&o, "", PV_ERR_IO, "No such file");
  EXPECT_U64(temporary_files(1), 2);
}

/* Larger than any disk: refused before a byte is written. */
static void test_no_space(void) {
  pv_synth_options o = pv_synth_defaults();
  pv_error err = PV_ERROR_INIT;
  o.shape = (pv_shape){.layers = 1024,
                       .hidden = 65536,
                       .heads = 512,
                       .kv_heads = 512,
                       .head_dim = 128,
                       .experts = 1024,
                       .used = 8,
                       .ffn = 65536,
                       .vocab = 258,
                       .context = 16,
                       .rope.base = 1e6,
                       .eps = 1e-6f};
  temporary_files(1);
  EXPECT(pv_synth_write(&o, in_temporary("huge.gguf"), NULL, NULL, &err) == PV_ERR_IO);
  EXPECT_HAS(err.message, "are free in");
  EXPECT(err.hint[0] != '\0');
  EXPECT_U64(temporary_files(0), 0);
}

/* The system refuses in the middle: a file size limit stands in for a disk that fills up. */
static void test_write_fails(void) {
  pv_synth_options o = small();
  pv_error err = PV_ERROR_INIT;
  struct rlimit before, low = {1 << 20, RLIM_INFINITY};
  temporary_files(1);
  signal(SIGXFSZ, SIG_IGN);
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  low.rlim_max = before.rlim_max;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  EXPECT(pv_synth_write(&o, in_temporary("cut.gguf"), NULL, NULL, &err) == PV_ERR_IO);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_HAS(err.message, "cut.gguf");
  EXPECT_U64(temporary_files(0), 0);
}

static void count_up(void *context, uint64_t done, uint64_t total) {
  uint64_t *last = context;
  EXPECT(done >= *last && done <= total);
  *last = done;
}

static void interrupt(void *context, uint64_t done, uint64_t total) {
  (void)context;
  if (done < total) raise(SIGINT);
}

static void test_progress(void) {
  pv_synth_options o = pv_synth_defaults();
  uint64_t last = 0, bytes = 0;
  o.threads = 2;
  o.force = o.no_sync = true;
  EXPECT(pv_synth_size(&o, &bytes, NULL) == PV_OK);
  EXPECT(pv_synth_write(&o, in_temporary("p.gguf"), count_up, &last, NULL) == PV_OK);
  EXPECT_U64(last, bytes);
}

/* Last of all: the flag that an interrupt sets stays set. */
static void die(void *context, uint64_t done, uint64_t total) {
  (void)context;
  (void)done;
  (void)total;
  raise(SIGKILL);
}

/* Killed in the middle: nothing lies beside the file, where files without a name can be had. */
static void test_killed(void) {
  pv_synth_options o = small();
  const char *path = in_temporary("killed.gguf");
  int how = 0;
  temporary_files(1);
  const int unnamed = open(temporary, O_TMPFILE | O_WRONLY, 0600);
  const pid_t child = fork();
  if (child == 0) {
    pv_synth_write(&o, path, die, NULL, NULL);
    _exit(1);
  }
  REQUIRE(child > 0 && waitpid(child, &how, 0) == child);
  EXPECT(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
  if (unnamed >= 0) EXPECT_U64(temporary_files(0), 0);
  if (unnamed >= 0) close(unnamed);
  EXPECT_I64(pv_synth_write(&o, path, NULL, NULL, NULL), PV_OK);
  if (unnamed >= 0) EXPECT_U64(temporary_files(0), 1);
}

static void test_cancelled(void) {
  pv_synth_options o = pv_synth_defaults();
  pv_error err = PV_ERROR_INIT;
  o.threads = 1;
  temporary_files(1);
  pv_cancel_install();
  EXPECT(pv_synth_write(&o, in_temporary("c.gguf"), interrupt, NULL, &err) == PV_ERR_CANCELLED);
  EXPECT_HAS(err.message, "cancelled");
  EXPECT_U64(temporary_files(0), 0);
}

/* A file says how its positions are scaled, and is read so. */
static void test_scaling(void) {
  pv_synth_options o = small();
  pv_model *model = NULL;
  for (int yarn = 0; yarn < 2; yarn++) {
    o.shape.rope.factor = 4.0;
    o.shape.rope.yarn = yarn == 1;
    o.force = true;
    const char *path = in_temporary("scaled.gguf");
    REQUIRE(pv_synth_write(&o, path, NULL, NULL, NULL) == PV_OK);
    REQUIRE(pv_model_open(path, &model, NULL) == PV_OK);
    EXPECT_F64(model->shape.rope.factor, 4.0, 0.0);
    EXPECT(model->shape.rope.yarn == (yarn == 1));
    EXPECT_F64(model->shape.rope.original, yarn == 1 ? (double)o.shape.context : 0.0, 0.0);
    pv_model_close(model);
  }
}

int main(void) {
  const int result = pv_testing_main("synth file", (pv_case[]){PV_CASE(test_deterministic),
                                                               PV_CASE(test_pinned),
                                                               PV_CASE(test_opens),
                                                               PV_CASE(test_scaling),
                                                               PV_CASE(test_architectures),
                                                               PV_CASE(test_gaps),
                                                               PV_CASE(test_layout),
                                                               PV_CASE(test_layout_of_real_file),
                                                               PV_CASE(test_tokenizer),
                                                               PV_CASE(test_large),
                                                               PV_CASE(test_places),
                                                               PV_CASE(test_no_space),
                                                               PV_CASE(test_write_fails),
                                                               PV_CASE(test_progress),
                                                               PV_CASE(test_killed),
                                                               PV_CASE(test_cancelled),
                                                               {0}});
  temporary_remove();
  return result;
}
