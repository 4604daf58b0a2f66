#include "validator/model/bind.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/devices.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/probe/frame.h"

enum { IDENTITY_ROOM = 32 };

static pv_code refuse(pv_error *err, const pv_place *place, const char *what, const char *name) {
  pv_error_set(err, PV_ERR_INPUT, "%s '%s'", what, name);
  pv_error_at(err, "", place->line, place->column, place->begin);
  return PV_ERR_INPUT;
}

/* False when `text` is not a value of the type; `*out` is NULL when memory is out. */
static bool scalar(const pv_known_param *spec, const char *text, json_t **out) {
  int64_t whole = 0;
  double real = 0.0;
  switch (spec->type) {
    case PV_KNOWN_INTEGER:
      if (!pv_parse_i64(text, strlen(text), &whole)) return false;
      if ((double)whole < spec->min || (double)whole > spec->max) return false;
      *out = json_integer(whole);
      return true;
    case PV_KNOWN_NUMBER:
      if (!pv_parse_f64(text, strlen(text), &real)) return false;
      if (!(real >= spec->min && real <= spec->max)) return false;
      *out = json_real(real);
      return true;
    case PV_KNOWN_WORD:
      if (!pv_known_lists(spec->words, text)) return false;
      *out = json_string(text);
      return true;
    case PV_KNOWN_SIDE:
      if (!pv_known_is_side(spec, text)) return false;
      *out = json_string(text);
      return true;
    case PV_KNOWN_NAME:
      *out = json_string(text);
      return true;
    case PV_KNOWN_FILE:
      if (!pv_known_is_path(text)) return false;
      *out = json_string(text);
      return true;
    case PV_KNOWN_NAMES:
      *out = text[0] == '\0' ? json_array() : json_pack("[s]", text);
      return true;
  }
  return false;
}

static bool value_of(const pv_known_param *spec, const pv_param *param, json_t **out) {
  if (param->text != NULL) return scalar(spec, param->text, out);
  if (spec->type != PV_KNOWN_NAMES) return false;
  *out = json_array();
  for (size_t i = 0; i < param->list.count; i++)
    pv_json_append(out, json_string(param->list.items[i]));
  return true;
}

bool pv_bind_is_kind(const char *side, const char *kind) {
  const size_t n = strlen(kind);
  if (strncmp(side, kind, n) != 0) return false;
  const size_t numbers = strspn(side + n, "0123456789+"); /* of its devices: cuda0+1/experts */
  const char *behind = side + n + numbers;
  if (numbers > 0 && behind[0] == '/') behind += strcspn(behind, "@");
  return behind[0] == '\0' || behind[0] == '@';
}

bool pv_bind_has_text(const pv_falsifier *f, const char *param, const char *side) {
  const pv_known_param *spec = f->known != NULL ? pv_known_param_find(f->known, param) : NULL;
  return spec != NULL && spec->type == PV_KNOWN_SIDE && pv_known_has_text(spec, side);
}

static bool is_side(const pv_known_check *check, const char *name) {
  const pv_known_param *spec = pv_known_param_find(check, name);
  return spec != NULL && spec->type == PV_KNOWN_SIDE;
}

/* Whether the interpreter stands in for the device that a parameter names. Never where the device
 * itself is measured: its speed and its memory. */
static bool stands_in(const pv_falsifier *f, const pv_known_param *spec, const pv_param *param,
                      const char *backend) {
  const char *named = param == NULL ? spec->fallback : param->text;
  return backend != NULL && strcmp(backend, "ptx") == 0 && named != NULL &&
         strchr(named, '@') == NULL && pv_bind_is_kind(named, "cuda") &&
         spec->type == PV_KNOWN_SIDE && f->known->subject != PV_ON_DEVICE;
}

static pv_code bind_one(const pv_falsifier *f, const pv_known_param *spec, const char *backend,
                        json_t *out, pv_error *err) {
  const pv_param *param = pv_falsifier_param(f, spec->name);
  const bool open = param == NULL && backend != NULL && strcmp(spec->name, "backend") == 0;
  const char *fallback = open ? backend : spec->fallback;
  if (param == NULL && fallback == NULL)
    return refuse(err, &f->check_place, "the check needs the parameter", spec->name);
  json_t *value = NULL;
  char interpreted[PV_DEVICES_TEXT + 8] = "";
  const bool stands = stands_in(f, spec, param, backend);
  if (stands) /* as many devices as it names */
    snprintf(interpreted, sizeof interpreted, "ptx%s",
             (param == NULL ? spec->fallback : param->text) + strlen("cuda"));
  if (!(stands          ? scalar(spec, interpreted, &value)
        : param != NULL ? value_of(spec, param, &value)
                        : scalar(spec, fallback, &value)))
    return refuse(err, param != NULL ? &param->place : &f->check_place,
                  "the check can not take this value for the parameter", spec->name);
  if (json_object_set_new(out, spec->name, value) != 0) return pv_error_nomem(err, "parameters");
  return PV_OK;
}

/* Takes ":IDENTITY" out of a side, from `colon` to `fault`, and puts it behind the side's end,
 * where it is a text of its own: there is room for both. */
static char *take_identity(char *colon, const char *fault, const char identity[IDENTITY_ROOM]) {
  const size_t left = strlen(fault) + 1;
  memmove(colon, fault, left);
  memcpy(colon + left, identity, strlen(identity) + 1);
  return colon + left;
}

/* The identity that a side names is a parameter of its own; one that says the same already is
 * enough. */
static void split_side(pv_falsifier *f, pv_param *side) {
  static char arbiter[] = "f64";
  static char apart[PV_BIND_SIDES][16] = {"numerics", "left_numerics", "right_numerics"};
  const size_t which = side->name[0] == 'l' ? 1 : side->name[0] == 'r' ? 2 : 0;
  const bool shared = pv_known_param_find(f->known, apart[which]) == NULL;
  const pv_known_param *spec = pv_known_param_find(f->known, apart[shared ? 0 : which]);
  char identity[IDENTITY_ROOM];
  if (spec == NULL || side->text == NULL || pv_bind_has_text(f, side->name, side->text)) return;
  char *fault = side->text + strcspn(side->text, "@");
  char *colon = memchr(side->text, ':', (size_t)(fault - side->text));
  const bool exact = pv_bind_is_kind(side->text, arbiter);
  if (!exact && (colon == NULL || fault - colon > IDENTITY_ROOM)) return;
  snprintf(identity, sizeof identity, "%.*s", exact ? 3 : (int)(fault - colon) - 1,
           exact ? arbiter : colon + 1);
  const pv_param *said = pv_falsifier_param(f, spec->name);
  if (said != NULL && (said->text == NULL || strcmp(said->text, identity) != 0)) return;
  char *apart_text = exact ? arbiter : take_identity(colon, fault, identity);
  if (exact) memcpy(side->text, "cpu", 3); /* as long */
  if (said == NULL)
    f->with[f->with_count++] =
        (pv_param){.name = apart[shared ? 0 : which], .text = apart_text, .place = side->place};
}

void pv_bind_checks(pv_contract *contract, const pv_known *known) {
  for (size_t i = 0; i < contract->falsifier_count; i++) {
    pv_falsifier *f = &contract->falsifiers[i];
    f->provider = f->check == NULL ? NULL : pv_contract_provider_of(contract, f->check);
    const pv_known *whose = f->provider == NULL ? known : f->provider->known;
    f->known = f->check == NULL || whose == NULL ? NULL : pv_known_check_find(whose, f->check);
    const size_t written = f->known == NULL ? 0 : f->with_count;
    for (size_t k = 0; k < written; k++)
      if (is_side(f->known, f->with[k].name)) split_side(f, &f->with[k]);
  }
}

pv_code pv_bind_with(const pv_falsifier *falsifier, const char *backend, json_t **out,
                     pv_error *err) {
  const pv_known_check *spec = falsifier->known;
  json_t *with = NULL;
  pv_code code = PV_OK;
  if (spec == NULL)
    return refuse(err, &falsifier->check_place, "there is no check",
                  falsifier->check == NULL ? "" : falsifier->check);
  with = json_object();
  if (with == NULL) return pv_error_nomem(err, "parameters");
  for (size_t i = 0; i < spec->param_count && code == PV_OK; i++)
    code = bind_one(falsifier, &spec->params[i], backend, with, err);
  for (size_t i = 0; i < falsifier->with_count && code == PV_OK; i++)
    if (json_object_get(with, falsifier->with[i].name) == NULL)
      code = refuse(err, &falsifier->with[i].place, "the check has no parameter",
                    falsifier->with[i].name);
  if (code != PV_OK)
    json_decref(with);
  else
    *out = with;
  return code;
}

char *pv_bind_path(pv_arena *arena, const pv_contract *c, const char *written) {
  const char *slash = c->path == NULL ? NULL : strrchr(c->path, '/');
  if (written[0] == '/' || slash == NULL) return pv_arena_strdup(arena, written);
  return pv_arena_printf(arena, "%.*s%s", (int)(slash - c->path) + 1, c->path, written);
}

/* The path that a parameter of type file has: the contract's, else the check's; NULL for others. */
static const char *file_of(const pv_falsifier *f, const pv_known_param *spec) {
  const pv_param *param = pv_falsifier_param(f, spec->name);
  if (spec->type != PV_KNOWN_FILE) return NULL;
  return param != NULL ? param->text : spec->fallback;
}

/* What is started is what counts, wherever --provider took it from. One that nobody names is a file
 * that can not be read, so no receipt is about it. */
static pv_used_file program_of(pv_arena *arena, const pv_contract *c, const pv_provider *p) {
  const char *written = p->program != NULL ? p->program : p->name;
  return (pv_used_file){written, p->path != NULL      ? p->path
                                 : p->program != NULL ? pv_bind_path(arena, c, p->program)
                                                      : ""};
}

static bool has_file(const pv_used_file *list, size_t count, const char *name) {
  return pv_text_find(name, list, count, sizeof *list) != NULL;
}

pv_code pv_bind_files(pv_arena *arena, const pv_contract *contract, const pv_falsifier *f,
                      pv_used_file **out, size_t *count, pv_error *err) {
  const size_t params = f->known == NULL ? 0 : f->known->param_count;
  const pv_strings none = {0}, *files = f->provider == NULL ? &none : &f->provider->files;
  pv_used_file *list = PV_ARENA_NEW(arena, params + files->count + 1, pv_used_file);
  size_t n = 0;
  if (list == NULL) return pv_error_nomem(err, "the files of a falsifier");
  if (f->provider != NULL) list[n++] = program_of(arena, contract, f->provider);
  for (size_t i = 0; i < files->count + params; i++) {
    const char *name =
        i < files->count ? files->items[i] : file_of(f, &f->known->params[i - files->count]);
    if (name == NULL || has_file(list, n, name)) continue;
    list[n++] = (pv_used_file){name, pv_bind_path(arena, contract, name)};
  }
  for (size_t i = 0; i < n; i++)
    if (list[i].path == NULL) return pv_error_nomem(err, "the files of a falsifier");
  *out = list;
  *count = n;
  return PV_OK;
}

pv_code pv_bind_paths(const pv_contract *contract, const pv_falsifier *f, json_t *with,
                      pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_code code = PV_OK;
  for (size_t i = 0; f->known != NULL && i < f->known->param_count && code == PV_OK; i++) {
    const char *name = file_of(f, &f->known->params[i]);
    char *path = name == NULL ? NULL : pv_bind_path(&arena, contract, name), real[PATH_MAX];
    if (path != NULL && realpath(path, real) != NULL) path = real;
    if (name != NULL && (path == NULL || json_object_set_new(with, f->known->params[i].name,
                                                             pv_json_exact(path)) != 0))
      code = pv_error_nomem(err, "parameters");
  }
  pv_arena_free(&arena);
  return code;
}

/* Whether a falsifier names prompts that only a reference can have. */
static bool names_prompts(const pv_param *prompts) {
  if (prompts == NULL) return false;
  const size_t count = prompts->text != NULL ? 1 : prompts->list.count;
  char *const *names = prompts->text != NULL ? &prompts->text : prompts->list.items;
  if (count == 1 && strcmp(names[0], "all") == 0) return false;
  for (size_t i = 0; i < count; i++)
    if (strncmp(names[i], PV_BUILTIN_PROMPT, strlen(PV_BUILTIN_PROMPT)) != 0) return true;
  return false;
}

unsigned pv_bind_needs(const pv_falsifier *falsifier) {
  const pv_known_check *spec = falsifier->known;
  if (spec == NULL) return 0;
  const bool own = (spec->needs & PV_NEEDS_PROMPTS) != 0 &&
                   names_prompts(pv_falsifier_param(falsifier, "prompts"));
  return spec->needs | (own ? PV_NEEDS_REFERENCE : 0);
}

size_t pv_bind_backends(const pv_falsifier *falsifier, const json_t *with,
                        const char *out[PV_BIND_SIDES]) {
  const pv_known_check *spec = falsifier->known;
  size_t count = 0;
  for (size_t i = 0; spec != NULL && i < spec->param_count && count < PV_BIND_SIDES; i++) {
    const char *value = json_string_value(json_object_get(with, spec->params[i].name));
    if (value != NULL && spec->params[i].type == PV_KNOWN_SIDE) out[count++] = value;
  }
  return count;
}

bool pv_bind_asks_gpu(const pv_falsifier *falsifier, const json_t *with) {
  const char *names[PV_BIND_SIDES];
  const char *device = json_string_value(json_object_get(with, "device"));
  const size_t count = pv_bind_backends(falsifier, with, names);
  for (size_t i = 0; i < count; i++)
    if (pv_bind_is_kind(names[i], "cuda")) return true;
  return device != NULL && strcmp(device, "gpu") == 0;
}

/* Whether a side of the contract's own is the interpreter; with bound parameters, one of theirs
 * that the contract does not name so. */
static bool has_interpreter(const pv_falsifier *f, const json_t *with) {
  const pv_known_check *spec = f->known;
  for (size_t i = 0; spec != NULL && i < spec->param_count; i++) {
    const pv_param *param = pv_falsifier_param(f, spec->params[i].name);
    const char *bound = json_string_value(json_object_get(with, spec->params[i].name));
    const bool named = param != NULL && param->text != NULL && pv_bind_is_kind(param->text, "ptx");
    if (spec->params[i].type != PV_KNOWN_SIDE) continue;
    if (with == NULL ? named : !named && bound != NULL && pv_bind_is_kind(bound, "ptx"))
      return true;
  }
  return false;
}

bool pv_bind_names_interpreter(const pv_falsifier *falsifier) {
  return has_interpreter(falsifier, NULL);
}

bool pv_bind_interprets(const pv_falsifier *falsifier, const json_t *with) {
  return with != NULL && has_interpreter(falsifier, with);
}

double pv_bind_timeout(const pv_falsifier *falsifier) {
  const pv_known_check *spec = falsifier->known;
  const double own = falsifier->provider == NULL ? 0.0 : falsifier->provider->timeout_s;
  if (falsifier->timeout_s > 0.0 || spec == NULL) return falsifier->timeout_s;
  return own > 0.0 ? own : spec->timeout_s;
}

/* The word of an ENUM parameter: the contract's, else the check's; NULL when the check has none. */
static const char *word_of(const pv_falsifier *f, const pv_known_check *spec, const char *name) {
  const pv_param *param = pv_falsifier_param(f, name);
  const pv_known_param *known = pv_known_param_find(spec, name);
  return known == NULL ? NULL : param != NULL ? param->text : known->fallback;
}

const char *pv_bind_recorded(const pv_falsifier *f) {
  const pv_known_check *spec = f->known;
  if (spec == NULL) return NULL;
  const char *right = word_of(f, spec, "right_numerics");
  const bool left = right != NULL && strcmp(right, "f64") == 0;
  const char *name = pv_known_param_find(spec, "right") == NULL ? "backend"
                     : left                                     ? "left"
                                                                : "right";
  const char *side = word_of(f, spec, name);
  return side != NULL && pv_bind_has_text(f, name, side) ? side : NULL;
}

/* Of two sides the right one is under test, unless that is the arbiter. */
const char *pv_bind_identity(const pv_falsifier *f) {
  const pv_known_check *spec = f->known;
  if (spec == NULL) return NULL;
  const char *right = word_of(f, spec, "right_numerics");
  if (right == NULL) return word_of(f, spec, "numerics");
  return strcmp(right, "f64") == 0 ? word_of(f, spec, "left_numerics") : right;
}
