/* Answers one request: hello, then for each falsifier begin, progress and result, then end. The
 * protocol is in frame.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "runtime/checks/check.h"
#include "runtime/probe/digest.h"
#include "runtime/probe/environment.h"
#include "runtime/probe/frame.h"
#include "runtime/probe/probe.h"

enum { CHANNEL = 3, REQUEST_LIMIT = 4 << 20 };

typedef struct session {
  json_t *request;
  const char *nonce;
  pv_model *model;
  pv_reference *reference, *builtin; /* the built-in prompts where there is no reference */
  const char *model_path, *reference_path;
  char probe_path[4096];
  unsigned threads;
  uint64_t memory;
  pv_capture_cache cache;
  pv_digest digest;    /* of the model */
  const char *current; /* falsifier id */
  double last_progress;
  pv_code told; /* of the progress: what could not be said ends the session */
  pv_error told_err;
} session;

/* Steals `object`. */
static pv_code send(const session *s, json_t *object, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_json_set(&object, "nonce", json_string(s->nonce));
  pv_code code = pv_json_write(object, JSON_COMPACT, &text, err);
  json_decref(object);
  if (code == PV_OK) code = pv_frame_write(CHANNEL, text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

static pv_code read_request(session *s, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  char buffer[65536];
  ssize_t n;
  do {
    n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n > 0) pv_text_add(&text, buffer, (size_t)n);
  } while ((n > 0 || (n < 0 && errno == EINTR)) && text.length <= REQUEST_LIMIT && !text.failed);
  json_error_t where;
  bool lacks = text.failed;
  if (n == 0 && !text.failed && text.data != NULL)
    s->request = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &where);
  if (n == 0 && text.data != NULL && s->request == NULL)
    lacks = lacks || json_error_code(&where) == json_error_out_of_memory;
  pv_text_free(&text);
  if (lacks) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the request");
  const json_t *protocol = json_object_get(s->request, "protocol");
  s->nonce = json_string_value(json_object_get(s->request, "nonce"));
  if (json_integer_value(protocol) != PV_FRAME_PROTOCOL || s->nonce == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "stdin holds no request of protocol %d",
                        PV_FRAME_PROTOCOL);
  s->model_path = json_string_value(json_object_get(s->request, "model"));
  s->reference_path = json_string_value(json_object_get(s->request, "reference"));
  s->threads = (unsigned)json_integer_value(json_object_get(s->request, "threads"));
  s->memory = (uint64_t)json_integer_value(json_object_get(s->request, "memory"));
  return PV_OK;
}

static json_t *prompt_names(const pv_reference *prompts) {
  pv_text text = PV_TEXT_INIT;
  for (size_t i = 0; i < pv_reference_prompt_count(prompts); i++)
    pv_text_printf(&text, "%s%s", i > 0 ? ", " : "", pv_reference_prompt_at(prompts, i)->name);
  json_t *out = text.failed ? NULL : json_string(text.data);
  pv_text_free(&text);
  return out;
}

static json_t *model_facts(const session *s, pv_error *err) {
  char digest[PV_SHA256_HEX], text[64];
  if (s->model == NULL) return json_null();
  const pv_shape *m = &s->model->shape;
  const char *ffn = m->experts > 0 ? "expert_ffn" : "ffn";
  pv_gguf_string name = {"", 0};
  (void)pv_gguf_get_string(s->model->gguf, "general.name", &name, NULL);
  json_t *out = json_pack("{s:s, s:o, s:s}", "path", s->model_path, "name",
                          pv_json_stringn(name.data, name.length < 200 ? name.length : 200), "arch",
                          s->model->plan->architecture);
  const struct {
    const char *name;
    uint64_t value;
  } numbers[] = {{"bytes", pv_gguf_length(s->model->gguf)},
                 {"layers", m->layers},
                 {"hidden", m->hidden},
                 {"heads", m->heads},
                 {"kv_heads", m->kv_heads},
                 {"head_dim", m->head_dim},
                 {"experts", m->experts},
                 {"experts_used", m->used},
                 {ffn, m->ffn},
                 {"vocabulary", m->vocab}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (numbers[i].value == 0) continue; /* the architecture has none */
    snprintf(text, sizeof text, "%llu", (unsigned long long)numbers[i].value);
    pv_json_set(&out, numbers[i].name, json_string(text));
  }
  if (s->reference_path != NULL) {
    if (pv_sha256_file(s->reference_path, digest, err) != PV_OK) {
      json_decref(out);
      return NULL;
    }
    pv_json_set(&out, "reference_sha256", json_string(digest));
  }
  if (s->builtin != NULL) pv_json_set(&out, "prompts", prompt_names(s->builtin));
  if (out == NULL) pv_error_set(err, PV_ERR_NOMEM, "out of memory for the model's facts");
  return out;
}

static pv_code say_hello(session *s, pv_error *err) {
  json_t *model = model_facts(s, err);
  if (model == NULL) return err->code;
  return send(s,
              json_pack("{s:s, s:o, s:o, s:o}", "type", "hello", "environment",
                        pv_environment(s->threads, s->memory), "model", model, "numerics",
                        pv_environment_numerics()),
              err);
}

/* As soon as it is known, or now. */
static pv_code tell_digest(session *s, bool waits, pv_error *err) {
  char digest[PV_SHA256_HEX];
  if (s->digest.gguf == NULL || (!waits && !pv_digest_ready(&s->digest))) return PV_OK;
  const pv_code code = pv_digest_take(&s->digest, digest, err);
  return code == PV_OK ? send(s, json_pack("{s:s, s:s}", "type", "model", "sha256", digest), err)
                       : code;
}

static void progress(void *context, size_t done, size_t total) {
  session *s = context;
  if (s->told == PV_OK) s->told = tell_digest(s, false, &s->told_err);
  if (s->told != PV_OK || pv_clock_now() - s->last_progress < 0.1) return;
  s->last_progress = pv_clock_now();
  s->told = send(s,
                 json_pack("{s:s, s:s, s:I, s:I}", "type", "progress", "id", s->current, "done",
                           (json_int_t)done, "total", (json_int_t)total),
                 &s->told_err);
}

/* Runs the check; what went wrong on the way is an ERROR of this falsifier alone. */
static void run_check(pv_check *check, const char *name) {
  pv_error err = PV_ERROR_INIT;
  check->spec = pv_check_find(name);
  if (check->spec == NULL) {
    pv_check_verdict(check, "ERROR", "this probe has no check '%s'", name);
    return;
  }
  const pv_code code = check->spec->run(check, &err);
  if (code != PV_OK) pv_check_verdict(check, "ERROR", "%s", err.message);
}

/* False, with the verdict NOT_RUN, when this probe has no such fault. */
static bool plant(pv_check *check, const char *fault) {
  pv_error local = PV_ERROR_INIT;
  if (fault == NULL || pv_fault_parse(fault, &check->planted, &local) == PV_OK) return true;
  pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  return false;
}

static pv_code answer(session *s, const json_t *falsifier, pv_error *err) {
  const char *name = json_string_value(json_object_get(falsifier, "check"));
  s->current = json_string_value(json_object_get(falsifier, "id"));
  const char *fault = json_string_value(json_object_get(falsifier, "fault"));
  if (name == NULL || s->current == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "a falsifier of the request has no id or no check");
  pv_check check = {.cache = &s->cache,
                    .with = json_object_get(falsifier, "with"),
                    .model = s->model,
                    .reference = s->reference,
                    .builtin = s->builtin,
                    .model_path = s->model_path,
                    .reference_path = s->reference_path,
                    .probe_path = s->probe_path,
                    .threads = s->threads,
                    .progress = progress,
                    .progress_context = s,
                    .verdict = "NOT_RUN",
                    .metrics = json_object(),
                    .series = json_array(),
                    .backends = json_array()};
  /* What is timed has the machine to itself. */
  const pv_check_spec *spec = pv_check_find(name);
  const bool timed = spec != NULL && strcmp(spec->subject, "device") == 0;
  pv_code code = tell_digest(s, timed, err);
  if (code == PV_OK)
    code = send(s, json_pack("{s:s, s:s}", "type", "begin", "id", s->current), err);
  const double start = pv_clock_now();
  if (code == PV_OK && plant(&check, fault)) run_check(&check, name);
  if (code == PV_OK && s->told != PV_OK) {
    *err = s->told_err;
    code = s->told;
  }
  json_t *result =
      json_pack("{s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:f, s:o, s:o}", "type", "result", "id",
                s->current, "verdict", check.verdict, "reason", pv_json_string(check.reason),
                "compared", (json_int_t)check.compared, "metrics", check.metrics, "worst",
                check.worst != NULL ? check.worst : json_null(), "needed_tolerance",
                check.has_needed ? json_real(check.needed) : json_null(), "duration_s",
                pv_clock_now() - start, "series", check.series, "backends", check.backends);
  if (code != PV_OK || result == NULL) {
    json_decref(result);
    return code != PV_OK ? code : pv_error_set(err, PV_ERR_NOMEM, "out of memory for a result");
  }
  return send(s, result, err);
}

/* What the checks of the request need and, of a run that is not kept whole, look at. */
static unsigned all_needs(const json_t *request, unsigned *roles) {
  const json_t *list = json_object_get(request, "falsifiers");
  unsigned needs = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_object_get(json_array_get(list, i), "check"));
    const pv_check_spec *spec = name == NULL ? NULL : pv_check_find(name);
    needs |= spec != NULL ? spec->needs : 0;
    *roles |= spec != NULL ? spec->roles : 0;
  }
  return needs;
}

static pv_code open_inputs(session *s, pv_error *err) {
  pv_code code = PV_OK;
  const ssize_t n = readlink("/proc/self/exe", s->probe_path, sizeof s->probe_path - 1);
  if (n <= 0) return pv_error_errno(err, errno, "cannot find this program's own file");
  const bool prompts = (all_needs(s->request, &s->cache.roles) & PV_NEEDS_PROMPTS) != 0;
  if (s->model_path != NULL) code = pv_model_open(s->model_path, &s->model, err);
  if (code == PV_OK && s->model != NULL) s->model->memory = s->memory;
  if (code == PV_OK && s->reference_path != NULL)
    code = pv_reference_open(s->reference_path, &s->reference, err);
  if (code == PV_OK && s->model != NULL && s->reference == NULL && prompts)
    code = pv_reference_builtin(s->model->shape.vocab, s->model->shape.context, &s->builtin, err);
  return code;
}

int pv_probe_serve(int argc, char **argv) {
  pv_error err = PV_ERROR_INIT;
  session s = {0};
  (void)argc;
  (void)argv;
  pv_code code = read_request(&s, &err);
  if (code == PV_OK) code = open_inputs(&s, &err);
  if (code == PV_OK && s.model != NULL)
    pv_digest_begin(&s.digest, s.model->gguf, s.memory > 0, s.threads);
  if (code == PV_OK) code = say_hello(&s, &err);
  const json_t *list = json_object_get(s.request, "falsifiers");
  for (size_t i = 0; i < json_array_size(list) && code == PV_OK; i++)
    code = answer(&s, json_array_get(list, i), &err);
  if (code == PV_OK) code = tell_digest(&s, true, &err);
  if (code == PV_OK)
    code =
        send(&s, json_pack("{s:s, s:I}", "type", "end", "count", (json_int_t)json_array_size(list)),
             &err);
  if (code != PV_OK) pv_error_print(&err, stderr);
  pv_digest_close(&s.digest);
  pv_capture_cache_free(&s.cache);
  pv_reference_close(s.reference);
  pv_reference_close(s.builtin);
  pv_model_close(s.model);
  json_decref(s.request);
  return pv_code_exit(code);
}
