/* pv bench: tokens per second beside the read bandwidth that the same run measures, and where the
 * time goes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "kernels/cuda/ceilings.h"
#include "runtime/alone/alone.h"
#include "runtime/probe/bench_profile.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/profile/profile.h"
#include "screen/progress.h"
#include "screen/screen.h"

enum { REPEATS_MAX = PV_PROFILE_REPEATS, SIZES_MAX = 8 };

typedef struct sizes { /* of a list option */
  uint32_t at[SIZES_MAX];
  size_t count;
} sizes;

typedef struct decode_figures { /* after some positions of context */
  pv_rates rate, first;         /* tokens/s; seconds to the first token */
  double p50, p99;              /* seconds per token */
} decode_figures;

typedef struct bench {
  pv_job job;
  char who[PV_SIDE_BACKEND]; /* the kind of the side */
  uint64_t tokens, repeats;
  unsigned threads;
  sizes contexts, prompts; /* contexts ascend */
  pv_rates read;           /* bytes/s */
  decode_figures decode[SIZES_MAX];
  pv_rates prefill[SIZES_MAX]; /* tokens/s */
  uint64_t memory;
  bool has_device;
  pv_gpu_info device;
  pv_gpu_info each[PV_DEVICES_MAX]; /* of several devices, each by itself */
  size_t devices;
  double link;        /* bytes/s to the device, where layers are sent to it for each batch */
  double interpreted; /* instructions of a warp in a second, 0 for a device */
  bool profile;
  const char *svg;                    /* NULL: no pictures */
  pv_ceilings ceilings;               /* of a profile */
  pv_profile *of_prefill, *of_decode; /* for each size; NULL: none */
} bench;

static bool is_on_device(const bench *b) {
  const char *backend = b->job.side.kind->backend;
  return backend != NULL && strcmp(backend, "cuda") == 0;
}

/* Whether what it reads from is measured: not of Vulkan's devices, and nothing of an interpreter.
 */
static bool is_measured(const bench *b) {
  const char *backend = b->job.side.kind->backend;
  return backend != NULL && strncmp(backend, "vulkan", strlen("vulkan")) != 0 &&
         strcmp(backend, "ptx") != 0;
}

static pv_worker worker_of(const bench *b) {
  const pv_product product =
      b->job.side.numerics == PV_NUMERICS_F32_F64ACC ? PV_PRODUCT_F64ACC : PV_PRODUCT_I16;
  return (pv_worker){b->job.model, b->job.side.numerics,
                     is_on_device(b) ? pv_alone_planes(product) : 1};
}

static pv_code bandwidth(bench *b, pv_error *err) {
  b->threads = b->job.threads;
  pv_progress_say("read bandwidth");
  double rate[REPEATS_MAX];
  if (!is_measured(b)) return PV_OK; /* or it is refused when it is opened */
  if (!is_on_device(b)) return pv_cpu_bandwidth(&b->threads, b->repeats, &b->read, err);
  const pv_code code = pv_gpu_bandwidth(&pv_gpu_cuda, rate, (unsigned)b->repeats, err);
  if (code == PV_OK) b->read = pv_rates_of(rate, b->repeats);
  return code;
}

/* The code path whose instructions a side has. */
static const char *path_of(const pv_side *side) {
  if (side->kind->defines || side->planted.fault != NULL || side->numerics == PV_NUMERICS_F64)
    return "scalar";
  return pv_cpu_path_get(side->kind->path)->name;
}

static pv_code measure_ceilings(bench *b, pv_error *err) {
  b->ceilings.device = true;
  if (!is_measured(b)) return PV_OK;
  b->ceilings.bytes_per_s = b->read.median;
  if (is_on_device(b))
    return pv_ceilings_gpu(&pv_gpu_cuda, b->job.side.numerics, b->repeats, &b->ceilings, err);
  return pv_ceilings_cpu(path_of(&b->job.side), b->job.side.numerics, b->threads, b->repeats,
                         &b->ceilings, err);
}

static pv_code measure_decode(bench *b, const pv_speed *s, size_t context, decode_figures *out,
                              pv_error *err) {
  double rate[REPEATS_MAX], first[REPEATS_MAX];
  const size_t all = b->tokens * b->repeats;
  double *each = calloc(all, sizeof *each);
  pv_code code = each != NULL ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory for times");
  for (size_t r = 0; r < b->repeats && code == PV_OK; r++) {
    pv_progress_part(r, b->repeats);
    code = pv_speed_decode(s, context, b->tokens, &rate[r], &first[r], &each[r * b->tokens], err);
  }
  if (code == PV_OK) {
    out->rate = pv_rates_of(rate, b->repeats);
    out->first = pv_rates_of(first, b->repeats);
    out->p50 = pv_rates_of(each, all).median;
    out->p99 = each[all * 99 / 100];
  }
  free(each);
  pv_forward_rewind(s->forward, context);
  return code;
}

static pv_code measure_prefill(bench *b, const pv_speed *s, size_t count, pv_rates *out,
                               pv_error *err) {
  double rate[REPEATS_MAX];
  pv_code code = pv_speed_prefill(s, count, &rate[0], err); /* warms up */
  for (size_t r = 0; r < b->repeats && code == PV_OK; r++) {
    pv_progress_part(r, b->repeats);
    code = pv_speed_prefill(s, count, &rate[r], err);
  }
  if (code == PV_OK) *out = pv_rates_of(rate, b->repeats);
  pv_forward_rewind(s->forward, 0);
  return code;
}

/* After what is told without it, so that nothing of that is another. */
static pv_code measure_profiles(bench *b, const pv_speed *s, pv_error *err) {
  const pv_worker worker = worker_of(b);
  pv_code code = PV_OK;
  b->of_prefill = calloc(b->prompts.count, sizeof *b->of_prefill);
  b->of_decode = calloc(b->contexts.count, sizeof *b->of_decode);
  if (b->of_prefill == NULL || b->of_decode == NULL) return pv_error_nomem(err, "profiles");
  for (size_t i = 0; i < b->prompts.count && code == PV_OK; i++) {
    pv_progress_say("profile of a prefill of %u", b->prompts.at[i]);
    code = pv_profile_prefill(s, &worker, b->prompts.at[i], b->repeats, &b->of_prefill[i], err);
  }
  pv_forward_rewind(s->forward, 0);
  for (size_t i = 0; i < b->contexts.count && code == PV_OK; i++) {
    pv_progress_say("profile of decode after %u", b->contexts.at[i]);
    pv_forward_rewind(s->forward, b->contexts.at[i]);
    code = pv_speed_fill(s, b->contexts.at[i], err);
    if (code == PV_OK)
      code = pv_profile_decode(s, &worker, b->contexts.at[i], b->tokens, b->repeats,
                               &b->of_decode[i], err);
  }
  return code;
}

static pv_code note_devices(bench *b, pv_forward *forward, pv_error *err) {
  bool has = true;
  pv_code code = PV_OK;
  while (has && code == PV_OK && b->devices < PV_DEVICES_MAX) {
    code = pv_forward_device_at(forward, b->devices, &has, &b->each[b->devices], err);
    if (has && code == PV_OK) b->devices++;
  }
  return code;
}

static pv_code measure(bench *b, pv_error *err) {
  size_t longest = 0, prompt = 0;
  for (size_t i = 0; i < b->prompts.count; i++)
    if (b->prompts.at[i] > prompt) prompt = b->prompts.at[i];
  longest = b->contexts.at[b->contexts.count - 1] + b->tokens + 1;
  if (prompt > longest) longest = prompt;
  const size_t batch = prompt < PV_SPEED_BATCH ? prompt : PV_SPEED_BATCH;
  const pv_backend_config config = {.context = longest, .batch = batch, .threads = b->job.threads};
  pv_fault_side opened = {0};
  pv_code code = pv_side_open(&b->job.side, b->job.model, &config, &opened, err);
  const pv_speed s = {opened.forward, b->job.model, batch};
  const double start = pv_clock_now();
  for (size_t i = 0; i < b->prompts.count && code == PV_OK; i++) {
    pv_progress_say("prefill of %u", b->prompts.at[i]);
    code = measure_prefill(b, &s, b->prompts.at[i], &b->prefill[i], err);
  }
  for (size_t i = 0; i < b->contexts.count && code == PV_OK; i++) {
    pv_progress_say("decode after %u", b->contexts.at[i]);
    code = pv_speed_fill(&s, b->contexts.at[i], err);
    if (code == PV_OK) code = measure_decode(b, &s, b->contexts.at[i], &b->decode[i], err);
  }
  const double spent = pv_clock_now() - start;
  if (code == PV_OK && b->profile) code = measure_profiles(b, &s, err);
  if (code == PV_OK) b->memory = pv_forward_memory(s.forward);
  if (code == PV_OK) code = pv_forward_device(s.forward, &b->has_device, &b->device, err);
  if (code == PV_OK) code = note_devices(b, s.forward, err);
  if (code == PV_OK && b->device.streamed > 0 && is_on_device(b))
    code = pv_gpu_link(&pv_gpu_cuda, &b->link, err);
  if (code == PV_OK && b->has_device) b->interpreted = (double)b->device.instructions / spent;
  pv_fault_close(&opened);
  return code;
}

static json_t *figures_json(pv_rates f) {
  return json_pack("{s:f, s:f, s:f}", "median", f.median, "min", f.least, "max", f.most);
}

/* Bytes of weights and cache that a token decoded after `context` positions takes. */
static double token_bytes(const bench *b, size_t context) {
  const pv_worker worker = worker_of(b);
  const pv_work work = pv_work_token(&worker, context);
  return work.weights + work.cache;
}

/* Of profile `i`, prompts first; false past the last. */
static bool profiled_at(const bench *b, size_t i, char title[64], pv_profiled *out) {
  const bool prompt = i < b->prompts.count;
  if (!b->profile || i >= b->prompts.count + b->contexts.count) return false;
  const size_t at = prompt ? i : i - b->prompts.count;
  const uint32_t size = prompt ? b->prompts.at[at] : b->contexts.at[at];
  snprintf(title, 64, prompt ? "prefill of %u" : "a token decoded after %u", size);
  *out = (pv_profiled){.name = prompt ? "prefill" : "decode",
                       .title = title,
                       .size = size,
                       .repeats = b->repeats,
                       .profile = prompt ? &b->of_prefill[at] : &b->of_decode[at],
                       .plan = b->job.model->plan,
                       .ceilings = &b->ceilings};
  return true;
}

static json_t *decode_json(const bench *b) {
  json_t *list = json_array();
  for (size_t i = 0; i < b->contexts.count; i++) {
    const decode_figures *d = &b->decode[i];
    const double bytes = token_bytes(b, b->contexts.at[i]);
    json_t *o =
        json_pack("{s:I, s:o, s:o, s:f, s:f, s:f}", "context", (json_int_t)b->contexts.at[i],
                  "tokens_per_s", figures_json(d->rate), "first_token_s", figures_json(d->first),
                  "token_p50_s", d->p50, "token_p99_s", d->p99, "bytes_per_token", bytes);
    if (is_measured(b))
      pv_json_set(&o, "fraction_of_read_bandwidth",
                  json_real(bytes * d->rate.median / b->read.median));
    pv_json_append(&list, o);
  }
  return list;
}

static json_t *profile_json(const bench *b) {
  char title[64];
  pv_profiled p;
  json_t *list = json_array();
  for (size_t i = 0; profiled_at(b, i, title, &p); i++) pv_json_append(&list, pv_profiled_json(&p));
  return json_pack("{s:o, s:o}", "ceilings", pv_profiled_ceilings_json(&b->ceilings), "of", list);
}

static pv_code draw(const bench *b, pv_error *err) {
  char title[64];
  pv_profiled p;
  pv_code code = PV_OK;
  for (size_t i = 0; code == PV_OK && profiled_at(b, i, title, &p); i++)
    code = pv_profiled_svg(&p, b->svg, err);
  return code;
}

static json_t *devices_json(const bench *b) {
  json_t *list = json_array();
  for (size_t i = 0; i < b->devices; i++) {
    const pv_gpu_info *d = &b->each[i];
    json_t *o =
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "name", pv_json_string(d->name), "first_layer",
                  (json_int_t)d->first, "layers", (json_int_t)(d->end - d->first), "held_bytes",
                  (json_int_t)d->held, "memory_bytes", (json_int_t)d->memory, "used_bytes",
                  (json_int_t)(d->memory - d->free_));
    if (d->expert_end > 0) {
      pv_json_set(&o, "first_expert", json_integer(d->expert_first));
      pv_json_set(&o, "experts", json_integer(d->expert_end - d->expert_first));
    }
    pv_json_append(&list, o);
  }
  return list;
}

static pv_code print_json(const bench *b, pv_error *err) {
  json_t *prefill = json_array();
  for (size_t i = 0; i < b->prompts.count; i++)
    pv_json_append(&prefill, json_pack("{s:I, s:o}", "prompt", (json_int_t)b->prompts.at[i],
                                       "tokens_per_s", figures_json(b->prefill[i])));
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:I}", "schema", "pv/bench/v1",
                        "backend", b->who, "numerics", pv_numerics_name(b->job.side.numerics),
                        "threads", (json_int_t)b->threads, "tokens", (json_int_t)b->tokens,
                        "repeats", (json_int_t)b->repeats, "decode", decode_json(b), "prefill",
                        prefill, "memory_bytes", (json_int_t)b->memory);
  if (is_measured(b)) pv_json_set(&o, "read_bytes_per_s", figures_json(b->read));
  if (b->has_device)
    pv_json_set(
        &o, "device",
        json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:f}", "name", pv_json_string(b->device.name),
                  "driver", b->device.driver, "code", b->device.code, "memory_bytes",
                  (json_int_t)b->device.memory, "used_bytes",
                  (json_int_t)(b->device.memory - b->device.free_), "uploaded_bytes",
                  (json_int_t)b->device.loaded, "upload_s", b->device.load_s));
  if (b->devices > 1) pv_json_set(&o, "devices", devices_json(b));
  if (b->device.streamed > 0)
    pv_json_set(&o, "streamed",
                json_pack("{s:I, s:I, s:f, s:f}", "layers", (json_int_t)b->device.streamed_layers,
                          "bytes_per_batch", (json_int_t)b->device.streamed, "bytes_per_s",
                          (double)b->device.streamed * b->decode[0].rate.median, "link_bytes_per_s",
                          b->link));
  if (b->interpreted > 0.0)
    pv_json_set(&o, "interpreted_instructions_per_s", json_real(b->interpreted));
  if (b->profile) pv_json_set(&o, "profile", profile_json(b));
  return pv_json_print(o, JSON_INDENT(1), err);
}

static void print_line(const char *name, pv_rates f, double unit, const char *more) {
  printf("%-32s %11.2f %11.2f %11.2f%s\n", name, f.median * unit, f.least * unit, f.most * unit,
         more);
}

/* What each decoded token has sent, beside what the link could send. */
static void print_streamed(const bench *b) {
  const double bytes = (double)b->device.streamed, rate = bytes * b->decode[0].rate.median;
  char more[128], link[64] = "";
  if (b->link > 0.0)
    snprintf(link, sizeof link, ": %.0f %% of the link's %.1f GB/s", 100.0 * rate / b->link,
             b->link / 1e9);
  snprintf(more, sizeof more, "   %u of %u layers, %.2f GB%s", b->device.streamed_layers,
           b->job.model->shape.layers, bytes / 1e9, link);
  print_line("sent for each token, GB/s", b->decode[0].rate, bytes / 1e9, more);
}

static void print_device(const bench *b, size_t i) {
  const pv_gpu_info *d = &b->each[i];
  const bool experts = d->expert_end > 0;
  printf("  device %zu: %s %u to %u, %.2f GB held, %.2f in use\n", i,
         !experts ? "layers"
         : i == 0 ? "all but experts, and experts"
                  : "experts",
         experts ? d->expert_first : d->first, (experts ? d->expert_end : d->end) - 1,
         (double)d->held / 1e9, (double)(d->memory - d->free_) / 1e9);
}

static void print_text(const bench *b) {
  char name[64], more[96];
  if (b->has_device)
    printf("%s, %s, %s; %.2f of %.2f GB of its memory in use\n", b->device.name, b->device.driver,
           b->device.code, (double)(b->device.memory - b->device.free_) / 1e9,
           (double)b->device.memory / 1e9);
  for (size_t i = 0; i < b->devices && b->devices > 1; i++) print_device(b, i);
  if (b->has_device && b->interpreted == 0.0)
    printf("%.2f GB of weights uploaded in %.3f s: %.2f GB/s\n", (double)b->device.loaded / 1e9,
           b->device.load_s, (double)b->device.loaded / b->device.load_s / 1e9);
  printf("%-32s %11s %11s %11s\n", "", "median", "min", "max");
  if (is_measured(b)) print_line("read, GB/s", b->read, 1e-9, "");
  for (size_t i = 0; i < b->prompts.count; i++) {
    snprintf(name, sizeof name, "prefill of %u, tokens/s", b->prompts.at[i]);
    print_line(name, b->prefill[i], 1.0, "");
  }
  for (size_t i = 0; i < b->contexts.count; i++) {
    const decode_figures *d = &b->decode[i];
    const double bytes = token_bytes(b, b->contexts.at[i]);
    const int n = snprintf(more, sizeof more, "   %.1f MB a token", bytes / 1e6);
    if (is_measured(b))
      snprintf(more + n, sizeof more - (size_t)n, ": %.0f %% of the read bandwidth",
               100.0 * bytes * d->rate.median / b->read.median);
    snprintf(name, sizeof name, "decode after %u, tokens/s", b->contexts.at[i]);
    print_line(name, d->rate, 1.0, more);
    snprintf(more, sizeof more, "   a token: %.3f ms (p50), %.3f ms (p99)", d->p50 * 1e3,
             d->p99 * 1e3);
    snprintf(name, sizeof name, "first token after %u, ms", b->contexts.at[i]);
    print_line(name, d->first, 1e3, more);
  }
  if (b->device.streamed > 0) print_streamed(b);
  if (b->interpreted > 0.0)
    printf("interpreted, not a device: %.1f million instructions of a warp in a second\n",
           b->interpreted / 1e6);
  printf("%zu repeats of %zu decoded tokens; %s %s", (size_t)b->repeats, (size_t)b->tokens, b->who,
         pv_numerics_name(b->job.side.numerics));
  if (!b->has_device) printf(", %u thread%s", b->threads, b->threads == 1 ? "" : "s");
  printf("; %.1f MB %s\n", (double)b->memory / 1e6,
         b->has_device ? "of device memory" : "beyond the weights");
}

static void print_profiles(const bench *b) {
  char title[64];
  pv_profiled p;
  const unsigned width = pv_screen_width(STDOUT_FILENO), columns = width > 0 ? width : 80;
  for (size_t i = 0; profiled_at(b, i, title, &p); i++) pv_profiled_print(&p, columns);
  if (b->profile) pv_profiled_print_ceilings(&b->ceilings, columns);
}

/* A list of at most SIZES_MAX sizes of `least` or more. */
static pv_code parse_sizes(const char *name, const char *text, uint32_t least, bool ascending_,
                           sizes *out, pv_error *err) {
  uint32_t *list = NULL;
  size_t count = 0;
  if (text == NULL) return PV_OK;
  pv_code code = pv_option_ids(name, text, &list, &count, err);
  if (code == PV_OK && (count == 0 || count > SIZES_MAX))
    code = pv_error_set(err, PV_ERR_INPUT, "%s takes 1 to %d sizes", name, SIZES_MAX);
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    if (list[i] < least || list[i] > 1u << 24 || (ascending_ && i > 0 && list[i] <= list[i - 1]))
      code =
          pv_error_set(err, PV_ERR_INPUT, "%s: %u is out of range or out of order", name, list[i]);
    out->at[i] = list[i];
  }
  if (code == PV_OK) out->count = count;
  free(list);
  return code;
}

static void name_side(bench *b) {
  pv_text name = PV_TEXT_INIT;
  pv_side_put_kind(&b->job.side, &name);
  snprintf(b->who, sizeof b->who, "%s", name.failed ? "?" : name.data);
  pv_text_free(&name);
}

static void close_bench(bench *b) {
  free(b->of_prefill);
  free(b->of_decode);
  pv_job_close(&b->job);
}

/* What would come to nothing is said before anything is measured. */
static pv_code check_profile(const bench *b, pv_error *err) {
  const pv_side_kind *kind = b->job.side.kind;
  if (b->svg != NULL && !b->profile)
    return pv_error_set(err, PV_ERR_INPUT, "--svg is a picture of a profile: it needs --profile");
  if (b->profile && strchr(b->job.side.devices, '/') != NULL)
    return pv_error_refuse(err, "ask for layers on devices, cuda0+1, or for one device",
                           "there is no profile of experts on devices: the host waits for the "
                           "router of every layer, and its time would be told as that of kernels");
  if (!b->profile || kind->backend == NULL || strcmp(kind->backend, "ptx") != 0)
    return b->svg != NULL ? pv_folder_make(b->svg, err) : PV_OK;
  pv_error_set(err, PV_ERR_UNSUPPORTED,
               "there is no profile of the side ptx: it is interpreted, "
               "and what takes long there is no sign of what does on a device");
  pv_error_hint(err, "ask for --side cuda or cpu");
  return PV_ERR_UNSUPPORTED;
}

static pv_code tell_all(const bench *b, bool json, pv_error *err) {
  pv_code code = b->svg != NULL ? draw(b, err) : PV_OK;
  if (code == PV_OK && json) return print_json(b, err);
  if (code != PV_OK) return code;
  print_text(b);
  print_profiles(b);
  return PV_OK;
}

int pv_probe_bench(int argc, char **argv) {
  pv_call call = PV_CALL_DEFAULTS;
  const char *tokens = NULL, *prefill = NULL, *repeats = NULL, *context = NULL;
  bool json = false, help = false;
  bench b = {.tokens = 32, .repeats = 5, .contexts = {{0}, 1}, .prompts = {{128}, 1}};
  const pv_option list[] = {
      PV_CALL_OPTIONS(call),
      {"--tokens", "N", "decoded tokens per repeat (default 32)", &tokens, NULL},
      {"--prefill", "LIST", "lengths of prompts (default 128)", &prefill, NULL},
      {"--context", "LIST", "positions before decode, ascending (default 0)", &context, NULL},
      {"--repeats", "N", "repeats (default 5)", &repeats, NULL},
      {"--profile", NULL, "also the time of each kernel or operation, beside its floor", NULL,
       &b.profile},
      {"--svg", "DIR", "also a picture of each profile", &b.svg, NULL},
      {"--json", NULL, "one JSON object", NULL, &json},
      {0}};
  pv_options options = {
      .command = "bench",
      .summary =
          "Measures decode, prefill and, of the CPU and CUDA, the read bandwidth of the same run.",
      .positional = "MODEL",
      .examples =
          "  pv bench models/tiny-coder-moe-Q4_K_M.gguf --threads 2\n"
          "  pv bench M.gguf --side cuda --tokens 128 --prefill 512,2048 "
          "--context 0,4096\n"
          "  pv bench M.gguf --side cuda0+1 --memory 8G\n"
          "  pv bench models/tiny-coder-moe-Q4_K_M.gguf --profile --svg pictures\n",
      .list = list,
      .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  code = pv_option_u64("--tokens", tokens, 1, 1u << 16, &b.tokens, &err);
  if (code == PV_OK) code = pv_option_u64("--repeats", repeats, 1, REPEATS_MAX, &b.repeats, &err);
  if (code == PV_OK) code = parse_sizes("--prefill", prefill, 1, false, &b.prompts, &err);
  if (code == PV_OK) code = parse_sizes("--context", context, 0, true, &b.contexts, &err);
  if (code == PV_OK) code = pv_call_open(&call, false, &b.job, &err);
  if (code == PV_OK) name_side(&b);
  if (code == PV_OK) code = check_profile(&b, &err);
  if (code == PV_OK) code = bandwidth(&b, &err);
  if (code == PV_OK && b.profile) code = measure_ceilings(&b, &err);
  if (code == PV_OK) code = measure(&b, &err);
  if (code == PV_OK) code = tell_all(&b, json, &err);
  close_bench(&b);
  return pv_call_exit(code, &err);
}
