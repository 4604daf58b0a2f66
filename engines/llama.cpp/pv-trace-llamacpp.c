/* Writes what llama.cpp computes, stage by stage, as a trace that pv judges (docs/trace-format.md).
 * Against llama.h, ggml.h and ggml-backend.h alone.
 *
 * Asking for a node makes the scheduler stop behind it, which can end fusion: only nodes that are
 * stages are asked for, and the logits are compared with those of a run that nobody watched. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "older.h"

enum { FAILED = 2, DEVICES = 32, BATCHES_MAX = 1 << 20 };

typedef struct options {
  const char *model, *ids, *out, *batches, *batch, *ubatch, *threads, *flash, *kv, *repack,
      *gpu_layers, *observer;
} options;

static const char usage[] =
    "Usage: pv-trace-llamacpp --model FILE --ids 1,2,3 --out FOLDER [--KEY VALUE ...]\n\n"
    "Writes the stages of llama.cpp's forward into a new folder, for pv judge trace:FOLDER.\n\n"
    "  --batches 16,1,1       positions of each call of llama_decode (default: one call)\n"
    "  --batch N              the same, N in each\n"
    "  --ubatch N             positions that are computed together (default: those of a call)\n"
    "  --threads N            1 to 512 (default 2)\n"
    "  --flash on|off|auto    flash attention (default: what llama.cpp takes)\n"
    "  --kv TYPE              of the cache: f32, f16 (default), bf16, q8_0, q4_0, ...\n"
    "  --repack on|off        whether weights may be stored in another order (default on)\n"
    "  --gpu-layers N         layers on the device (default 0: the CPU alone)\n"
    "  --observer on|off      also run without being watched, and compare (default on)\n";

/* A call as it was understood. */
typedef struct job {
  options o;
  llama_token *ids;
  int count;
  int *batches; /* that add up to count */
  int batch_count, largest;
  long ubatch, threads, gpu_layers;
  enum ggml_type kv;
} job;

/* What a run makes. */
typedef struct watcher {
  folder *folder;
  bool attention; /* is recorded */
  bool turned;    /* keys and values are, before they are stored */
  bool flash;     /* was seen in the graph */
  bool scaled;    /* the embedding is multiplied */
} watcher;

static bool fail(const char *what, const char *which) {
  fprintf(stderr, "error: %s%s\n", what, which);
  return false;
}

/* Whether pv has limits for attention over keys and values of this type. Of another one attention
 * is not recorded: all identities would call it wrong. */
static bool is_known_cache(enum ggml_type kv) {
  return kv == GGML_TYPE_F32 || kv == GGML_TYPE_F16 || kv == GGML_TYPE_BF16 || kv == GGML_TYPE_Q8_0;
}

/* Builds from 2026 on turn queries, keys and values by a Hadamard matrix where the cache is
 * quantised: what is stored then has roundings that no limit knows. */
static bool turns(const struct ggml_tensor *t) {
  for (int i = 0; i < GGML_MAX_SRC && t->src[i] != NULL; i++)
    if (strcmp(t->src[i]->name, "attn_inp_k_rot") == 0 ||
        strcmp(t->src[i]->name, "attn_inp_v_rot") == 0)
      return true;
  return false;
}

static bool watch(struct ggml_tensor *t, bool ask, void *context) {
  watcher *w = context;
  stage stages[STAGES_OF_A_NODE];
  const size_t count = stages_of(t, w->scaled, stages);
  if (t->op == GGML_OP_FLASH_ATTN_EXT) w->flash = true;
  if (turns(t)) w->turned = true;
  for (size_t i = 0; i < count && !ask; i++)
    if ((w->attention && !w->turned) || strcmp(stages[i].name, "attn_out") != 0)
      folder_add(w->folder, &stages[i]);
  return !ask || count > 0;
}

static bool parse(int argc, char **argv, options *o) {
  const struct {
    const char *name, **text;
  } known[] = {
      {"--model", &o->model},     {"--ids", &o->ids},           {"--out", &o->out},
      {"--batches", &o->batches}, {"--batch", &o->batch},       {"--ubatch", &o->ubatch},
      {"--threads", &o->threads}, {"--flash", &o->flash},       {"--kv", &o->kv},
      {"--repack", &o->repack},   {"--observer", &o->observer}, {"--gpu-layers", &o->gpu_layers}};
  for (int i = 1; i < argc; i += 2) {
    size_t k = 0;
    while (k < sizeof known / sizeof *known && strcmp(known[k].name, argv[i]) != 0) k++;
    if (k == sizeof known / sizeof *known) return fail("there is no option ", argv[i]);
    if (i + 1 == argc) return fail("a value is missing behind ", argv[i]);
    *known[k].text = argv[i + 1];
  }
  if (o->model == NULL || o->ids == NULL || o->out == NULL)
    return fail("--model, --ids and --out are needed; see --help", "");
  return true;
}

static bool read_number(const char *what, const char *text, long least, long most, long *out) {
  char *end = NULL;
  const long x = strtol(text, &end, 10);
  if (end == text || *end != '\0' || x < least || x > most) {
    fprintf(stderr, "error: %s is a number from %ld to %ld, not '%s'\n", what, least, most, text);
    return false;
  }
  *out = x;
  return true;
}

/* "1,2,3" */
static bool read_list(const char *what, const char *text, long least, int **out, int *count) {
  int *list = malloc((strlen(text) / 2 + 1) * sizeof *list), n = 0;
  for (const char *at = text; list != NULL; at++) {
    char *end = NULL;
    const long x = strtol(at, &end, 10);
    if (end == at || x < least || x > INT32_MAX || (*end != ',' && *end != '\0')) break;
    list[n++] = (int)x;
    at = end;
    if (*end != '\0') continue;
    *out = list;
    *count = n;
    return true;
  }
  free(list);
  return fail(what, " is a list of numbers such as 1,2,3");
}

/* Positions in the order of the calls that compute them. */
static bool cut(job *j) {
  long each = j->count;
  int total = 0;
  if (j->o.batches != NULL && j->o.batch != NULL)
    return fail("--batch and --batches exclude each other", "");
  if (j->o.batches != NULL) {
    if (!read_list("--batches", j->o.batches, 1, &j->batches, &j->batch_count)) return false;
  } else {
    if (j->o.batch != NULL && !read_number("--batch", j->o.batch, 1, INT32_MAX, &each))
      return false;
    if (each > j->count) each = j->count;
    j->batch_count = (int)((j->count + each - 1) / each);
    j->batches = malloc((size_t)j->batch_count * sizeof *j->batches);
    if (j->batches == NULL) return fail("out of memory", "");
    for (int i = 0; i < j->batch_count; i++) j->batches[i] = (int)each;
    j->batches[j->batch_count - 1] = j->count - (int)each * (j->batch_count - 1);
  }
  for (int i = 0; i < j->batch_count && total <= j->count; i++) {
    if (j->batches[i] > j->count - total)
      return fail("--batches adds up to more positions than there are ids", "");
    total += j->batches[i];
    if (j->batches[i] > j->largest) j->largest = j->batches[i];
  }
  return total == j->count || fail("--batches adds up to fewer positions than there are ids", "");
}

static bool is_switch(const char *what, const char *text) {
  return text == NULL || strcmp(text, "on") == 0 || strcmp(text, "off") == 0 ||
         fail(what, " is on or off");
}

static bool is_on(const char *text, bool otherwise) {
  return text == NULL ? otherwise : strcmp(text, "on") == 0;
}

static bool understand(job *j) {
  const options *o = &j->o;
  j->ubatch = 0;
  j->threads = 2;
  j->gpu_layers = 0;
  j->kv = GGML_TYPE_F16;
  if (!read_list("--ids", o->ids, 0, &j->ids, &j->count) || !cut(j)) return false;
  j->ubatch = j->largest;
  if (o->ubatch != NULL && !read_number("--ubatch", o->ubatch, 1, INT32_MAX, &j->ubatch))
    return false;
  if (o->threads != NULL && !read_number("--threads", o->threads, 1, 512, &j->threads))
    return false;
  if (o->gpu_layers != NULL && !read_number("--gpu-layers", o->gpu_layers, 0, 9999, &j->gpu_layers))
    return false;
  if (o->flash != NULL && strcmp(o->flash, "auto") != 0 && !is_switch("--flash", o->flash))
    return false;
#ifndef PV_LLAMA_FLASH_TYPE
  if (o->flash != NULL && strcmp(o->flash, "auto") == 0)
    return fail("this llama.cpp knows flash attention on and off, not auto", "");
#endif
  for (int t = 0; o->kv != NULL; t++) {
    if (t == GGML_TYPE_COUNT) return fail("ggml has no type ", o->kv);
    j->kv = (enum ggml_type)t;
    if (ggml_type_name(j->kv) != NULL && strcmp(ggml_type_name(j->kv), o->kv) == 0) break;
  }
#ifndef PV_LLAMA_REPACK
  if (is_on(o->repack, false)) return fail("this llama.cpp does not repack weights", "");
#endif
  return is_switch("--repack", o->repack) && is_switch("--observer", o->observer);
}

static bool repacks(const job *j) {
#ifdef PV_LLAMA_REPACK
  return is_on(j->o.repack, true);
#else
  (void)j;
  return false;
#endif
}

static struct llama_context_params params_of(const job *j, watcher *w) {
  struct llama_context_params p = llama_context_default_params();
  p.n_ctx = (uint32_t)(j->count + 255) / 256 * 256;
  p.n_batch = (uint32_t)j->largest;
  p.n_ubatch = (uint32_t)j->ubatch;
  p.n_threads = p.n_threads_batch = (int32_t)j->threads;
  p.type_k = p.type_v = j->kv;
#ifdef PV_LLAMA_OP_OFFLOAD
  p.op_offload = j->gpu_layers > 0;
#endif
  p.offload_kqv = j->gpu_layers > 0;
#ifdef PV_LLAMA_FLASH_TYPE
  if (j->o.flash != NULL)
    p.flash_attn_type = strcmp(j->o.flash, "auto") == 0 ? LLAMA_FLASH_ATTN_TYPE_AUTO
                        : is_on(j->o.flash, false)      ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                                        : LLAMA_FLASH_ATTN_TYPE_DISABLED;
#else
  p.flash_attn = is_on(j->o.flash, p.flash_attn);
#endif
  if (w != NULL) {
    p.cb_eval = watch;
    p.cb_eval_user_data = w;
  }
  return p;
}

/* One call of llama_decode, logits of each position. */
static bool decode(struct llama_context *context, const job *j, int first, int n, float *logits,
                   size_t vocab) {
  struct llama_batch batch = llama_batch_init(n, 0, 1);
  for (int i = 0; i < n; i++) {
    batch.token[i] = j->ids[first + i];
    batch.pos[i] = first + i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  batch.n_tokens = n;
  bool good = llama_decode(context, batch) == 0;
  for (int i = 0; i < n && good; i++) {
    const float *row = llama_get_logits_ith(context, i);
    good = row != NULL;
    if (good) memcpy(logits + (size_t)(first + i) * vocab, row, vocab * sizeof *logits);
  }
  llama_batch_free(batch);
  return good;
}

/* `w` NULL: nobody watches. `seconds`: of the calls alone. */
static bool run(struct llama_model *model, const job *j, watcher *w, float *logits, size_t vocab,
                double *seconds) {
  struct llama_context *context = llama_init_from_model(model, params_of(j, w));
  if (context == NULL)
    return fail("llama.cpp refuses this configuration; a quantised cache needs --flash on", "");
  const int64_t began = llama_time_us();
  bool good = true;
  for (int i = 0, first = 0; i < j->batch_count && good; first += j->batches[i++])
    good = decode(context, j, first, j->batches[i], logits, vocab);
  *seconds = (double)(llama_time_us() - began) * 1e-6;
  llama_free(context);
  return good || fail("llama.cpp could not compute these tokens", "");
}

/* How far the watched run's logits are from the other's. */
static void compare(const float *a, const float *b, size_t n, char *out, size_t size) {
  double most = 0.0, apart = 0.0;
  for (size_t i = 0; i < n; i++) {
    most = fmax(most, fabs((double)a[i]));
    apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
  }
  if (memcmp(a, b, n * sizeof *a) == 0)
    snprintf(out, size, "the same bits of the logits");
  else
    snprintf(out, size, "the logits are off by %.3g of the largest", apart / most);
}

/* Names of those that take part besides the CPU. */
static void name_devices(bool gpu, char *out, size_t size) {
  size_t n = (size_t)snprintf(out, size, "CPU");
#ifdef PV_LLAMA_DEVICES
  for (size_t i = 0; i < ggml_backend_dev_count() && n < size; i++) {
    const ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const enum ggml_backend_dev_type type = ggml_backend_dev_type(device);
    if (type == GGML_BACKEND_DEVICE_TYPE_CPU || (!gpu && type != GGML_BACKEND_DEVICE_TYPE_ACCEL))
      continue;
    n += (size_t)snprintf(out + n, size - n, ", %s (%s)", ggml_backend_dev_name(device),
                          ggml_backend_dev_description(device));
  }
#else
  (void)gpu;
  (void)n;
#endif
}

/* The function that these devices are known to compute, with the type of the cache; NULL: not
 * known. */
static const char *numerics_of(const job *j, const char *devices, int layers, char *out,
                               size_t size) {
  const bool cpu = strcmp(devices, "CPU") == 0;
  const bool cuda = strncmp(devices, "CPU, CUDA", 9) == 0 && j->gpu_layers > layers;
  const bool usual = j->kv == GGML_TYPE_F16 || !is_known_cache(j->kv);
  snprintf(out, size, "%s%s%s", cpu ? "ggml-cpu" : "ggml-cuda", usual ? "" : "/",
           usual ? "" : ggml_type_name(j->kv));
  return cpu || cuda ? out : NULL;
}

/* What the library says of itself, behind what build.sh was told. */
static const char *version_of(char *out, size_t size) {
  const char *texts[] = {PV_LLAMA_VERSION,
#ifdef PV_LLAMA_HAS_VERSION
                         llama_version(),
#endif
#ifdef PV_GGML_VERSION
                         ggml_version(), ggml_commit()
#else
                         "unknown", "unknown"
#endif
  };
  const size_t count = sizeof texts / sizeof *texts;
  size_t n = 0;
  out[0] = '\0';
  for (size_t i = 0; i < count && n < size; i++)
    if (texts[i][0] != '\0' && strcmp(texts[i], "unknown") != 0)
      n += (size_t)snprintf(out + n, size - n, "%s%s%s", n > 0 ? ", " : "",
                            i + 2 == count   ? "ggml "
                            : i + 1 == count ? "commit "
                                             : "",
                            texts[i]);
  return out;
}

static bool write_trace(const job *j, const struct llama_model *model, const watcher *w,
                        const char *observer) {
  char devices[1024], version[256], numerics[64], ubatch[32], threads[32], batches[256], layers[32];
  char system[1024];
  name_devices(j->gpu_layers > 0, devices, sizeof devices);
  snprintf(system, sizeof system, "%s", llama_print_system_info());
  for (size_t n = strlen(system); n > 0 && strchr(" |", system[n - 1]) != NULL;) system[--n] = '\0';
  snprintf(ubatch, sizeof ubatch, "%ld", j->ubatch);
  snprintf(threads, sizeof threads, "%ld", j->threads);
  snprintf(layers, sizeof layers, "%ld", j->gpu_layers);
  if (j->o.batches != NULL)
    snprintf(batches, sizeof batches, "%s", j->o.batches);
  else
    snprintf(batches, sizeof batches, "%d of %d", j->batch_count, j->largest);
  const char *const configuration[][2] = {
      {"batches", batches},
      {"ubatch", ubatch},
      {"threads", threads},
      {"flash", w->flash ? "on" : "off"},
      {"kv", ggml_type_name(j->kv)},
      {"repack", repacks(j) ? "on" : "off"},
      {"gpu-layers", layers},
      {"devices", devices},
      {"system", system},
      {w->attention && !w->turned ? NULL : "attn_out",
       w->turned ? "not recorded: keys and values are turned before they are stored"
                 : "not recorded: pv has no limits for this type of a cache"},
      {NULL, NULL}};
  const folder_about about = {
      .version = version_of(version, sizeof version),
      .numerics = numerics_of(j, devices, llama_model_n_layer(model), numerics, sizeof numerics),
      .model = j->o.model,
      .ids = j->o.ids,
      .observer = observer,
      .configuration = configuration};
  return folder_finish(w->folder, &about, (size_t)j->count);
}

/* Gemma's models multiply the embedding by the root of their width. */
static bool scales(const struct llama_model *model) {
  char name[64] = "";
  (void)llama_model_meta_val_str(model, "general.architecture", name, sizeof name);
  return strncmp(name, "gemma", 5) == 0;
}

/* Both runs and the folder. */
static bool trace(const job *j, struct llama_model *model) {
  const size_t vocab = (size_t)llama_vocab_n_tokens(llama_model_get_vocab(model));
  const size_t n = (size_t)j->count * vocab;
  const bool observe = is_on(j->o.observer, true);
  float *alone = malloc(n * sizeof *alone), *watched = malloc(n * sizeof *watched);
  char observer[128] = "not compared";
  double seconds[2] = {0.0, 0.0};
  watcher w = {.attention = is_known_cache(j->kv), .scaled = scales(model)};
  bool good = alone != NULL && watched != NULL;
  if (!good) fail("out of memory for the logits", "");
  for (int i = 0; i < j->count && good; i++)
    if ((size_t)j->ids[i] >= vocab)
      good = fail("--ids has a token that the model does not have", "");
  if (good && observe) good = run(model, j, NULL, alone, vocab, &seconds[0]);
  if (good) good = (w.folder = folder_new(j->o.out)) != NULL;
  if (good) good = run(model, j, &w, watched, vocab, &seconds[1]);
  if (good && observe) compare(alone, watched, n, observer, sizeof observer);
  if (good) good = write_trace(j, model, &w, observe ? observer : NULL);
  if (good)
    printf("%s: %zu tensors of %d positions in %.3f s, not watched %.3f s: %s\n", j->o.out,
           folder_tensors(w.folder), j->count, seconds[1], seconds[0], observer);
  folder_free(w.folder);
  free(alone);
  free(watched);
  return good;
}

/* Only what went wrong: the last line of stderr tells why we end. */
static void tell(enum ggml_log_level level, const char *text, void *unused) {
  (void)unused;
  if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

int main(int argc, char **argv) {
  job j = {0};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
  bool good = parse(argc, argv, &j.o) && understand(&j);
  if (good) {
    llama_log_set(tell, NULL);
    struct llama_model_params p = llama_model_default_params();
    p.n_gpu_layers = (int32_t)j.gpu_layers;
#ifdef PV_LLAMA_DEVICES
    ggml_backend_dev_t none = NULL;
    if (ggml_backend_dev_count() == 0) ggml_backend_load_all_from_path(PV_LLAMA_LIB);
    if (j.gpu_layers == 0) p.devices = &none; /* not even for large products */
#endif
#ifdef PV_LLAMA_REPACK
    p.use_extra_bufts = repacks(&j);
#endif
    llama_backend_init();
    if (!HAS_DEVICES && llama_supports_gpu_offload())
      good =
          fail("this llama.cpp computes on a GPU and has no list of devices: build it without", "");
    if (j.gpu_layers > 0 && !llama_supports_gpu_offload())
      good = fail("this llama.cpp has no device for --gpu-layers", "");
    struct llama_model *model = good ? llama_model_load_from_file(j.o.model, p) : NULL;
    if (good) good = model != NULL ? trace(&j, model) : fail("llama.cpp cannot load ", j.o.model);
    llama_model_free(model);
    llama_backend_free();
  }
  free(j.ids);
  free(j.batches);
  return good ? 0 : FAILED;
}
