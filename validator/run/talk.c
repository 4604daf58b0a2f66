#include "validator/run/talk.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/json.h"
#include "runtime/probe/frame.h"
#include "screen/progress.h"
#include "validator/model/bind.h"
#include "validator/run/answer.h"

enum { OUTPUT_KEPT = 64 << 10, TAIL = 2000, NONCE = 33 };
static const double START_S = 120.0, GRACE_S = 0.5, LEAVE_S = 5.0;

typedef struct session {
  pv_arena *arena;
  const pv_run_spec *spec;
  pv_talk *talk;
  json_t **with; /* one for each of the list */
  char nonce[NONCE];
  pv_child *child;
  pv_text channel;
  bool ended; /* said "end" */
  double deadline, began;
} session;

static const pv_falsifier *falsifier_at(const session *s, size_t i) {
  return &s->spec->contract->falsifiers[s->talk->list[i]];
}

/* Which falsifier is on, on a terminal. */
static void show(const session *s) {
  if (s->spec->progress)
    pv_progress_say("[%zu/%zu] %.48s", s->talk->shown + 1, s->talk->shown_total,
                    falsifier_at(s, s->talk->current)->id);
}

static pv_code make_nonce(char out[NONCE], pv_error *err) {
  unsigned char bytes[NONCE / 2];
  size_t have = 0;
  while (have < sizeof bytes) {
    const ssize_t n = getrandom(bytes + have, sizeof bytes - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return pv_error_errno(err, errno, "cannot get random bytes");
    have += (size_t)n;
  }
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  return PV_OK;
}

/* Processors this process may use, so that a probe under taskset does not start too many. */
static unsigned processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count > 256 ? 256 : (unsigned)count;
}

static bool readable(const char *text) {
  return text == NULL || pv_utf8_valid(text, strlen(text));
}

static pv_code make_request(session *s, pv_text *out, pv_error *err) {
  const pv_run_spec *spec = s->spec;
  pv_code code = PV_OK;
  json_t *list = json_array();
  for (size_t i = 0; i < s->talk->count && code == PV_OK; i++) {
    const pv_falsifier *f = falsifier_at(s, i);
    code = pv_bind_with(f, spec->backend, &s->with[i], err);
    if (code == PV_OK) code = pv_bind_paths(spec->contract, f, s->with[i], err);
    if (code != PV_OK) break;
    pv_json_append(&list, json_pack("{s:s, s:s, s:O, s:s*}", "id", f->id, "check", f->check, "with",
                                    s->with[i], "fault", f->planted));
  }
  json_t *request = json_pack(
      "{s:i, s:s, s:o, s:o, s:i, s:I, s:s, s:o}", "protocol", PV_FRAME_PROTOCOL, "nonce", s->nonce,
      "model", pv_json_exact(spec->model), "reference", pv_json_exact(spec->reference), "threads",
      (int)(spec->threads == 0 ? processors() : spec->threads), "memory", (json_int_t)spec->memory,
      "backend", spec->backend == NULL ? "cpu" : spec->backend, "falsifiers", list);
  if (code == PV_OK && request == NULL)
    code = readable(spec->model) && readable(spec->reference) && readable(spec->backend)
               ? pv_error_nomem(err, "the request")
               : pv_error_set(err, PV_ERR_INPUT, "a path to a model has to be UTF-8");
  if (code == PV_OK) code = pv_json_write(request, JSON_COMPACT, out, err);
  json_decref(request);
  return code;
}

/* A word for each absolute path, or null. */
static json_t *given(bool needed, const char *path) {
  return needed ? pv_json_exact(path) : json_null();
}

/* One line: docs/provider-protocol.md. */
static pv_code ask_provider(session *s, pv_text *out, pv_error *err) {
  const pv_run_spec *spec = s->spec;
  const pv_falsifier *f = falsifier_at(s, 0);
  const unsigned needs = pv_bind_needs(f);
  const bool plant = f->planted != NULL && strcmp(f->planted, "none") != 0;
  pv_code code = pv_bind_with(f, NULL, &s->with[0], err);
  if (code == PV_OK) code = pv_bind_paths(spec->contract, f, s->with[0], err);
  if (code != PV_OK) return code;
  json_t *request = json_pack(
      "{s:s, s:s, s:s, s:s, s:O, s:o, s:f, s:i, s:o, s:o, s:s}", "protocol", PV_PROVIDER_PROTOCOL,
      "nonce", s->nonce, "id", f->id, "check", f->check + strcspn(f->check, "/") + 1, "with",
      s->with[0], "fault", plant ? json_string(f->planted) : json_null(), "timeout_s",
      pv_bind_timeout(f), "threads", (int)(spec->threads == 0 ? processors() : spec->threads),
      "model", given((needs & PV_NEEDS_MODEL) != 0, spec->model), "reference",
      given((needs & PV_NEEDS_REFERENCE) != 0, spec->reference), "folder",
      s->talk->foreign->folder);
  if (request == NULL)
    code = readable(spec->model) && readable(spec->reference)
               ? pv_error_nomem(err, "the request")
               : pv_error_set(err, PV_ERR_INPUT, "a path to a model has to be UTF-8");
  if (code == PV_OK) code = pv_json_write(request, JSON_COMPACT, out, err);
  pv_text_puts(out, "\n");
  if (code == PV_OK && out->failed) code = pv_error_nomem(err, "the request");
  json_decref(request);
  return code;
}

const char *pv_talk_who(const pv_talk *talk) {
  return talk->foreign != NULL ? "provider" : "probe";
}

__attribute__((format(printf, 2, 3))) static bool broken(session *s, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(s->talk->why, sizeof s->talk->why, fmt, args);
  va_end(args);
  s->talk->end = PV_TALK_BROKEN;
  return false;
}

/* Index into the list, or SIZE_MAX. */
static size_t find_id(const session *s, const json_t *message) {
  const char *id = json_string_value(json_object_get(message, "id"));
  for (size_t i = 0; id != NULL && i < s->talk->count; i++)
    if (strcmp(falsifier_at(s, i)->id, id) == 0) return i;
  return SIZE_MAX;
}

static bool on_begin(session *s, const json_t *message) {
  const size_t i = find_id(s, message);
  if (i == SIZE_MAX) return broken(s, "it began a falsifier that nobody asked for");
  if (s->talk->answered[i]) return broken(s, "it began %s again", falsifier_at(s, i)->id);
  if (s->talk->current != SIZE_MAX) return broken(s, "it began a second one at once");
  s->talk->current = i;
  s->began = pv_clock_now();
  s->deadline = s->began + pv_bind_timeout(falsifier_at(s, i));
  show(s);
  return true;
}

static bool on_progress(session *s, const json_t *message) {
  if (find_id(s, message) != s->talk->current || s->talk->current == SIZE_MAX)
    return broken(s, "it told of progress in something that it had not begun");
  const json_int_t done = json_integer_value(json_object_get(message, "done"));
  const json_int_t total = json_integer_value(json_object_get(message, "total"));
  if (done >= 0 && total >= done) pv_progress_part((uint64_t)done, (uint64_t)total);
  return true;
}

static bool on_result(session *s, const json_t *message, pv_error *err, pv_code *status) {
  const size_t i = find_id(s, message);
  if (i == SIZE_MAX) return broken(s, "it answered a falsifier that nobody asked for");
  if (s->talk->answered[i]) return broken(s, "it answered %s twice", falsifier_at(s, i)->id);
  if (i != s->talk->current)
    return broken(s, "it answered %s without having begun it", falsifier_at(s, i)->id);
  pv_error local = PV_ERROR_INIT;
  s->talk->results[i].falsifier = falsifier_at(s, i);
  pv_code (*const read)(pv_arena *, const json_t *, const json_t *, pv_falsifier_result *,
                        pv_error *) =
      s->talk->foreign != NULL ? pv_answer_foreign : pv_answer_result;
  *status = read(s->arena, message, s->with[i], &s->talk->results[i], &local);
  if (*status == PV_ERR_INPUT) {
    *status = PV_OK;
    return broken(s, "%s", local.message);
  }
  if (*status != PV_OK) {
    if (err != NULL) *err = local;
    return false;
  }
  s->talk->results[i].duration_s = pv_clock_now() - s->began;
  s->talk->answered[i] = true;
  s->talk->current = SIZE_MAX;
  s->deadline =
      pv_clock_now() + (s->spec->start_timeout_s > 0 ? s->spec->start_timeout_s : START_S);
  s->talk->shown++;
  return true;
}

static bool on_end(session *s, const json_t *message) {
  for (size_t i = 0; i < s->talk->count; i++)
    if (!s->talk->answered[i])
      return broken(s, "it said that it was done without an answer to %s", falsifier_at(s, i)->id);
  if (json_integer_value(json_object_get(message, "count")) != (json_int_t)s->talk->count)
    return broken(s, "its own count of answers is wrong");
  s->ended = true;
  s->deadline = pv_clock_now() + LEAVE_S;
  return true;
}

/* What the probe says of its model, in the hello or later. One that the contract is not about ends
 * the run. */
static bool on_model(session *s, const json_t *message, pv_error *err, pv_code *status) {
  pv_error local = PV_ERROR_INIT;
  const pv_contract *c = s->spec->contract;
  const pv_run_hello *hello = &s->talk->hello;
  *status = message != NULL ? pv_answer_model(s->arena, message, &s->talk->hello, &local) : PV_OK;
  const char *digest = pv_fact_value(hello->model, hello->model_count, "sha256");
  if (*status == PV_OK && digest != NULL && c->model.sha256 != NULL &&
      strcmp(digest, c->model.sha256) != 0) {
    *status = pv_run_other_file(c, "model", s->spec->model, digest, err);
    return false;
  }
  if (*status == PV_ERR_INPUT) {
    *status = PV_OK;
    return broken(s, "%s", local.message);
  }
  if (*status != PV_OK && err != NULL) *err = local;
  return *status == PV_OK;
}

/* A provider says nothing but progress and one answer. */
static bool on_line(session *s, const char *type, const json_t *message, pv_error *err,
                    pv_code *status) {
  if (strcmp(type, "progress") == 0 && !pv_answer_progress(message))
    return broken(s, "its progress has another shape");
  if (strcmp(type, "progress") == 0) return on_progress(s, message);
  if (strcmp(type, "result") != 0) return broken(s, "its message has an unknown type");
  if (!on_result(s, message, err, status)) return false;
  s->ended = true;
  s->deadline = pv_clock_now() + LEAVE_S;
  return true;
}

static bool on_message(session *s, const json_t *message, pv_error *err, pv_code *status) {
  const char *nonce = json_string_value(json_object_get(message, "nonce"));
  const char *type = json_string_value(json_object_get(message, "type"));
  if (nonce == NULL || strcmp(nonce, s->nonce) != 0)
    return broken(s, "its message has another nonce");
  if (type != NULL && s->talk->foreign != NULL) return on_line(s, type, message, err, status);
  if (type == NULL || s->ended)
    return broken(s, type == NULL ? "its message has no type" : "it went on after the end");
  if (strcmp(type, "hello") == 0) {
    pv_error local = PV_ERROR_INIT;
    if (s->talk->heard) return broken(s, "it said hello twice");
    *status = pv_answer_hello(s->arena, message, &s->talk->hello, &local);
    s->talk->heard = *status == PV_OK;
    if (*status == PV_OK) return on_model(s, NULL, err, status);
    if (*status != PV_ERR_INPUT) {
      if (err != NULL) *err = local;
      return false;
    }
    *status = PV_OK;
    return broken(s, "%s", local.message);
  }
  if (!s->talk->heard) return broken(s, "it did not begin with a hello");
  if (strcmp(type, "model") == 0) return on_model(s, message, err, status);
  if (strcmp(type, "begin") == 0) return on_begin(s, message);
  if (strcmp(type, "progress") == 0) return on_progress(s, message);
  if (strcmp(type, "result") == 0) return on_result(s, message, err, status);
  if (strcmp(type, "end") == 0) return on_end(s, message);
  return broken(s, "its message has an unknown type");
}

/* As pv_frame_next: the next line without its end. */
static pv_code next_line(const char *data, size_t length, size_t *used, const char **json,
                         size_t *json_length, pv_error *err) {
  const char *end = memchr(data, '\n', length);
  const size_t size = end == NULL ? length : (size_t)(end - data);
  if (size > PV_FRAME_LIMIT) return pv_error_set(err, PV_ERR_INPUT, "a line is longer than 4 MiB");
  if (end == NULL) return PV_OK;
  *used = size + 1;
  *json = data;
  *json_length = size;
  return PV_OK;
}

/* Takes every whole message from the channel; false when the conversation is over. */
static bool read_messages(session *s, pv_error *err, pv_code *status) {
  size_t at = 0;
  bool go_on = true;
  const bool foreign = s->talk->foreign != NULL;
  while (go_on) {
    size_t used = 0, length = 0;
    const char *json = NULL;
    pv_error local = PV_ERROR_INIT;
    json_error_t where;
    if (at == s->channel.length) break;
    const char *data = s->channel.data + at;
    const size_t left = s->channel.length - at;
    const pv_code got = foreign ? next_line(data, left, &used, &json, &length, &local)
                                : pv_frame_next(data, left, &used, &json, &length, &local);
    if (got == PV_ERR_INPUT) {
      go_on = broken(s, "%s", local.message);
      break;
    }
    if (got != PV_OK) { /* the fault is not the probe's */
      if (err != NULL) *err = local;
      *status = got;
      go_on = false;
      break;
    }
    if (used == 0) break;
    json_t *message = json_loadb(json, length, JSON_REJECT_DUPLICATES, &where);
    if (message == NULL && json_error_code(&where) == json_error_out_of_memory) {
      *status = pv_error_nomem(err, "what it says");
      go_on = false;
      break;
    }
    go_on = json_is_object(message)
                ? on_message(s, message, err, status)
                : broken(s, "a %s holds no JSON object%s%s", foreign ? "line" : "frame",
                         message == NULL ? ": " : "", message == NULL ? where.text : "");
    json_decref(message);
    at += used;
  }
  if (at > 0) {
    memmove(s->channel.data, s->channel.data + at, s->channel.length - at);
    s->channel.length -= at;
  }
  return go_on;
}

static void note_left(session *s) {
  const pv_child_exit *end = pv_child_result(s->child);
  pv_talk *t = s->talk;
  t->code = end->code;
  t->signal = end->signal;
  t->out_of_memory = end->out_of_memory;
  const char *who = pv_talk_who(t);
  const bool well = t->foreign == NULL || (end->code == 0 && end->signal == 0);
  if (s->ended && s->channel.length == 0 && well) {
    t->end = PV_TALK_DONE;
    return;
  }
  t->end = PV_TALK_LEFT;
  if (s->channel.length > 0)
    (void)broken(s, "it ended in the middle of a %s", t->foreign != NULL ? "line" : "frame");
  else if (end->out_of_memory)
    snprintf(t->why, sizeof t->why, "the %s was killed (signal 9), as for want of memory", who);
  else if (end->signal != 0)
    snprintf(t->why, sizeof t->why, "the %s was ended by signal %d (%s)", who, end->signal,
             sigabbrev_np(end->signal) != NULL ? sigabbrev_np(end->signal) : "?");
  else
    snprintf(t->why, sizeof t->why, "the %s left with exit code %d %s", who, end->code,
             s->ended ? "after its answer" : "and without an answer");
}

static pv_code hear(session *s, pv_error *err) {
  pv_code code = PV_OK;
  bool go_on = true;
  while (go_on && code == PV_OK) {
    pv_child_event event = PV_CHILD_BYTES;
    pv_error local = PV_ERROR_INIT;
    const double left = s->deadline - pv_clock_now();
    code = pv_child_wait(s->child, left > 0 ? left : 0, &s->channel,
                         2 * (PV_FRAME_LIMIT + PV_FRAME_HEAD), &event, &local);
    if (code == PV_ERR_LIMIT) {
      (void)broken(s, "it floods %s",
                   s->talk->foreign != NULL ? "its output" : "the frame channel");
      return PV_OK;
    }
    if (code != PV_OK) {
      if (err != NULL) *err = local;
      return code;
    }
    s->talk->framed = s->talk->framed || s->channel.length > 0;
    go_on = read_messages(s, err, &code);
    if (!go_on || code != PV_OK) return code;
    if (event == PV_CHILD_EXIT) {
      note_left(s);
      return PV_OK;
    }
    /* A probe that floods us with frames never lets the wait time out. */
    if (event == PV_CHILD_TIMEOUT || pv_clock_now() > s->deadline) {
      if (s->ended && s->talk->foreign != NULL) (void)broken(s, "it answered and did not end");
      if (s->ended) return PV_OK; /* it has said everything */
      s->talk->end = PV_TALK_LATE;
      return PV_OK;
    }
  }
  return code;
}

static pv_code prepare(session *s, pv_error *err) {
  pv_talk *t = s->talk;
  t->answered = PV_ARENA_NEW(s->arena, t->count + 1, bool);
  t->results = PV_ARENA_NEW(s->arena, t->count + 1, pv_falsifier_result);
  s->with = calloc(t->count + 1, sizeof *s->with);
  if (t->answered == NULL || t->results == NULL || s->with == NULL)
    return pv_error_nomem(err, "a probe");
  t->current = SIZE_MAX;
  return make_nonce(s->nonce, err);
}

/* A probe has until its hello, a provider is at its one falsifier at once. */
static void begin(session *s) {
  s->began = pv_clock_now();
  s->deadline = s->began + (s->spec->start_timeout_s > 0 ? s->spec->start_timeout_s : START_S);
  if (s->talk->foreign == NULL) return;
  s->talk->heard = true;
  s->talk->current = 0;
  s->deadline = s->began + pv_bind_timeout(falsifier_at(s, 0));
  show(s);
}

pv_code pv_talk_hold(pv_arena *arena, const pv_run_spec *spec, pv_talk *talk, pv_error *err) {
  session s = {.arena = arena, .spec = spec, .talk = talk};
  pv_text request = PV_TEXT_INIT;
  const char *argv[] = {spec->probe, "serve", NULL};
  pv_code code = prepare(&s, err);
  if (talk->foreign != NULL) {
    argv[0] = falsifier_at(&s, 0)->provider->path;
    argv[1] = "run";
  }
  if (code == PV_OK)
    code = (talk->foreign != NULL ? ask_provider : make_request)(&s, &request, err);
  if (code != PV_OK) goto cleanup;
  if (spec->progress) pv_progress_say("reading the model");
  const pv_child_spec child = {argv, request.data, request.length, OUTPUT_KEPT};
  code = talk->foreign != NULL ? pv_child_start_at(&child, talk->foreign, &s.child, err)
                               : pv_child_start(&child, &s.child, err);
  if (code != PV_OK) goto cleanup;
  begin(&s);
  code = hear(&s, err);
  if (talk->current != SIZE_MAX) talk->current_s = pv_clock_now() - s.began;
  pv_child_kill(s.child, GRACE_S);
  const pv_text *said = pv_child_stderr(s.child);
  talk->output = pv_answer_text(arena, said->data, said->length, TAIL);
  if (code == PV_OK && talk->output == NULL) code = pv_error_nomem(err, "what it wrote");
cleanup:
  pv_progress_end();
  pv_child_free(s.child);
  pv_text_free(&s.channel);
  for (size_t i = 0; s.with != NULL && i < talk->count; i++) json_decref(s.with[i]);
  free(s.with);
  pv_text_free(&request);
  return code;
}
