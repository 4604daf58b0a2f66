/* Modules and the heads of functions. */
#include "kernels/ptx/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"

enum { FIRST_ROOM = 8 };

pv_code(pv_ptx_fail)(pv_ptx_parser *p, const pv_ptx_token *token, const char *fmt, ...) {
  char text[sizeof p->err->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pv_error_set(p->err, PV_ERR_INPUT, "%s", text);
  return pv_ptx_lex_error(&p->lexer, token, p->err);
}

pv_code(pv_ptx_unexpected)(pv_ptx_parser *p, const char *wanted) {
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind == PV_PTX_END) return pv_ptx_fail(p, t, "the text ends where %s is wanted", wanted);
  return pv_ptx_fail(p, t, "%s is wanted, not '%.*s'", wanted,
                     (int)(t->length < 64 ? t->length : 64), t->text);
}

pv_code(pv_ptx_nomem)(pv_ptx_parser *p) {
  return pv_error_set(p->err, PV_ERR_NOMEM, "out of memory");
}

pv_code pv_ptx_room(pv_ptx_parser *p, void *items, size_t count, size_t *capacity, size_t size) {
  void *old = NULL;
  uint64_t wanted = FIRST_ROOM;
  if (count < *capacity) return PV_OK;
  if (*capacity > 0 && !pv_ck_mul(*capacity, 2, &wanted)) return pv_ptx_nomem(p);
  void *grown = pv_arena_alloc(p->arena, wanted, size);
  if (grown == NULL) return pv_ptx_nomem(p);
  memcpy(&old, items, sizeof old); /* `items` is the address of a pointer to some type */
  if (count > 0) memcpy(grown, old, count * size);
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return PV_OK;
}

pv_code pv_ptx_next(pv_ptx_parser *p) {
  return pv_ptx_lex_next(&p->lexer, p->err);
}

bool pv_ptx_at(const pv_ptx_parser *p, char sign) {
  return pv_ptx_is_sign(&p->lexer.now, sign);
}

pv_code pv_ptx_take(pv_ptx_parser *p, char sign) {
  const char wanted[] = {'\'', sign, '\'', '\0'};
  return pv_ptx_at(p, sign) ? pv_ptx_next(p) : pv_ptx_unexpected(p, wanted);
}

/* A whole number on the line, or 0. */
static pv_code read_number_of(pv_ptx_parser *p, uint32_t line, uint32_t *out) {
  uint64_t number = 0;
  *out = 0;
  if (p->lexer.now.kind != PV_PTX_DIGITS || p->lexer.now.line != line) return PV_OK;
  const pv_code code = pv_ptx_read_u64(p, &number);
  if (code == PV_OK && !pv_ck_u32(number, out)) *out = 0;
  return code;
}

static pv_code add_file(pv_ptx_parser *p, uint32_t number) {
  pv_ptx_module *m = p->module;
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind != PV_PTX_STRING || t->length < 2) return PV_OK;
  pv_code code = pv_ptx_room(p, &m->files, m->file_count, &p->files, sizeof *m->files);
  if (code != PV_OK) return code;
  const char *name = pv_arena_strndup(p->arena, t->text + 1, t->length - 2);
  if (name == NULL) return pv_ptx_nomem(p);
  m->files[m->file_count++] = (pv_ptx_file){number, name};
  return PV_OK;
}

pv_code pv_ptx_read_source(pv_ptx_parser *p) {
  const uint32_t line = p->lexer.now.line;
  const bool names = pv_ptx_is_word(&p->lexer.now, ".file");
  uint32_t file = 0;
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK) code = read_number_of(p, line, &file);
  if (code == PV_OK && names) code = add_file(p, file);
  if (code == PV_OK && !names) {
    p->source_file = file;
    code = read_number_of(p, line, &p->source_line);
  }
  while (code == PV_OK && p->lexer.now.kind != PV_PTX_END && p->lexer.now.line == line)
    code = pv_ptx_next(p);
  return code;
}

const char *pv_ptx_file_name(const pv_ptx_module *module, uint32_t number) {
  for (size_t i = 0; i < module->file_count; i++)
    if (module->files[i].number == number) return module->files[i].name;
  return NULL;
}

pv_code pv_ptx_skip_pragma(pv_ptx_parser *p) {
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK && p->lexer.now.kind != PV_PTX_STRING) return pv_ptx_unexpected(p, "a string");
  if (code == PV_OK) code = pv_ptx_next(p);
  return code == PV_OK ? pv_ptx_take(p, ';') : code;
}

/* `.section .debug_info { ... }`: data of a debugger, without braces inside. */
static pv_code skip_section(pv_ptx_parser *p) {
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK && p->lexer.now.kind != PV_PTX_WORD)
    return pv_ptx_unexpected(p, "the name of a section");
  if (code == PV_OK) code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_take(p, '{');
  while (code == PV_OK && !pv_ptx_at(p, '}')) {
    if (p->lexer.now.kind == PV_PTX_END || pv_ptx_at(p, '{')) return pv_ptx_unexpected(p, "'}'");
    code = pv_ptx_next(p);
  }
  return code == PV_OK ? pv_ptx_next(p) : code;
}

static pv_code read_version(pv_ptx_parser *p) {
  const pv_ptx_token t = p->lexer.now;
  const char *dot = memchr(t.text, '.', t.length);
  uint64_t major = 0, minor = 0;
  if (t.kind != PV_PTX_DIGITS || dot == NULL ||
      !pv_parse_u64(t.text, (size_t)(dot - t.text), &major) ||
      !pv_parse_u64(dot + 1, t.length - (size_t)(dot - t.text) - 1, &minor) || major == 0 ||
      !pv_ck_u32(major, &p->module->version_major) || !pv_ck_u32(minor, &p->module->version_minor))
    return pv_ptx_unexpected(p, "a version");
  return pv_ptx_next(p);
}

/* `sm_80` or `sm_90, debug` */
static pv_code read_target(pv_ptx_parser *p) {
  pv_code code = PV_OK;
  for (bool more = true; code == PV_OK && more;) {
    const pv_ptx_token t = p->lexer.now;
    if (t.kind != PV_PTX_WORD) return pv_ptx_unexpected(p, "a target");
    if (t.length > 3 && memcmp(t.text, "sm_", 3) == 0) {
      p->module->target = pv_arena_strndup(p->arena, t.text, t.length);
      if (p->module->target == NULL) return pv_ptx_nomem(p);
    }
    code = pv_ptx_next(p);
    more = code == PV_OK && pv_ptx_at(p, ',');
    if (more) code = pv_ptx_next(p);
  }
  return code;
}

static pv_code read_params(pv_ptx_parser *p, pv_ptx_variable ***out, size_t *count) {
  size_t capacity = 0;
  *out = NULL;
  *count = 0;
  pv_code code = pv_ptx_take(p, '(');
  while (code == PV_OK && !pv_ptx_at(p, ')')) {
    if (*count > 0) code = pv_ptx_take(p, ',');
    if (code == PV_OK && pv_ptx_space_of(&p->lexer.now) != PV_PTX_PARAM)
      return pv_ptx_unexpected(p, ".param");
    if (code == PV_OK) code = pv_ptx_next(p);
    if (code == PV_OK) code = pv_ptx_room(p, out, *count, &capacity, sizeof **out);
    if (code == PV_OK) code = pv_ptx_read_variable(p, PV_PTX_PARAM, false, &(*out)[*count]);
    if (code == PV_OK) ++*count;
  }
  return code == PV_OK ? pv_ptx_next(p) : code;
}

/* Directives between the head and the body: they bound the launch and compute nothing. */
static pv_code skip_launch_bounds(pv_ptx_parser *p) {
  static const char *const known[] = {".maxntid",          ".reqntid",         ".minnctapersm",
                                      ".maxnctapersm",     ".maxnreg",         ".maxclusterrank",
                                      ".noreturn",         ".explicitcluster", ".reqnctapercluster",
                                      ".blocksareclusters"};
  pv_code code = PV_OK;
  while (code == PV_OK && p->lexer.now.kind == PV_PTX_WORD) {
    size_t k = 0;
    if (pv_ptx_is_word(&p->lexer.now, ".pragma")) {
      code = pv_ptx_skip_pragma(p);
      continue;
    }
    while (k < sizeof known / sizeof *known && !pv_ptx_is_word(&p->lexer.now, known[k])) k++;
    if (k == sizeof known / sizeof *known) return pv_ptx_unexpected(p, "the body of the function");
    code = pv_ptx_next(p);
    while (code == PV_OK && p->lexer.now.kind == PV_PTX_DIGITS) {
      code = pv_ptx_next(p);
      if (code == PV_OK && pv_ptx_at(p, ',')) code = pv_ptx_next(p);
    }
  }
  return code;
}

/* The function of that name, new or declared before. */
static pv_code find_function(pv_ptx_parser *p, bool is_entry, pv_ptx_function **out) {
  pv_ptx_module *m = p->module;
  const pv_ptx_token t = p->lexer.now;
  if (t.kind != PV_PTX_WORD || memchr(t.text, '.', t.length) != NULL)
    return pv_ptx_unexpected(p, "the name of a function");
  pv_ptx_name *name = pv_ptx_names_get(&p->names, t.text, t.length);
  if (name != NULL && name->kind == PV_PTX_NAME_FUNCTION && !name->function->has_body &&
      name->function->is_entry == is_entry) {
    *out = name->function;
    return pv_ptx_next(p);
  }
  if (name != NULL && name->depth > 0)
    return pv_ptx_fail(p, &t, "a function has the name of its result");
  pv_ptx_function *f = PV_ARENA_NEW(p->arena, 1, pv_ptx_function);
  if (f == NULL) return pv_ptx_nomem(p);
  /* Declared in the module, while the scope of the parameters is open already. */
  const unsigned depth = p->names.depth;
  p->names.depth = 0;
  const pv_code named =
      pv_ptx_names_add(&p->names, t.text, t.length, PV_PTX_NAME_FUNCTION, &name, p->err);
  p->names.depth = depth;
  if (named != PV_OK) return pv_ptx_lex_error(&p->lexer, &t, p->err);
  *f = (pv_ptx_function){.name = name->text, .is_entry = is_entry, .line = t.line};
  name->function = f;
  const pv_code code =
      pv_ptx_room(p, &m->functions, m->function_count, &p->functions, sizeof *m->functions);
  if (code != PV_OK) return code;
  m->functions[m->function_count++] = f;
  *out = f;
  return pv_ptx_next(p);
}

/* What follows the name of a function. */
static pv_code read_rest(pv_ptx_parser *p, pv_ptx_function *f) {
  pv_code code = PV_OK;
  if (pv_ptx_at(p, '(')) code = read_params(p, &f->params, &f->param_count);
  if (code == PV_OK) code = skip_launch_bounds(p);
  if (code == PV_OK && pv_ptx_at(p, ';')) {
    code = pv_ptx_leave(p);
    return code == PV_OK ? pv_ptx_next(p) : code;
  }
  if (code != PV_OK) return code;
  f->has_body = true;
  p->function = f;
  p->locals = p->registers = p->labels = p->tables = p->instructions = 0;
  code = pv_ptx_read_body(p);
  if (code == PV_OK) code = pv_ptx_leave(p);
  p->function = NULL;
  return code;
}

/* The line of an error without the blanks before it; from the error on where it is long. */
static const char *text_at(pv_ptx_parser *p, size_t byte) {
  enum { SHOWN = 100 };
  const char *text = p->lexer.text, *end = text + p->lexer.length, *at = text + byte, *start = at;
  while (start > text && start[-1] != '\n' && at - start < SHOWN / 2) start--;
  if (start > text && start[-1] != '\n') start = at;
  while (start < at && (*start == ' ' || *start == '\t')) start++;
  size_t length = 0;
  while (length < SHOWN && start + length < end && start[length] != '\n' && start[length] != '\r')
    length++;
  char *copy = pv_arena_strndup(p->arena, start, length);
  for (char *c = copy; c != NULL && *c != '\0'; c++)
    if (*c == '\t') *c = ' ';
  return copy;
}

/* What is unread has no body. */
static void keep_head(pv_ptx_function *f, const pv_ptx_unread *unread) {
  *f = (pv_ptx_function){.name = f->name,
                         .is_entry = f->is_entry,
                         .unread = unread,
                         .line = f->line,
                         .last_line = f->last_line,
                         .params = f->params,
                         .results = f->results,
                         .param_count = f->param_count,
                         .result_count = f->result_count};
}

/* Passes over what follows the name of a function that is not understood: up to the `;` of a
 * declaration or the last brace of a body, where an error of tokens is met again and stays one.
 * What was read of it does not count. */
static pv_code leave_unread(pv_ptx_parser *p, pv_ptx_function *f, const pv_ptx_lexer *head,
                            unsigned outside) {
  const pv_error cause = *p->err;
  pv_ptx_unread *unread = PV_ARENA_NEW(p->arena, 1, pv_ptx_unread);
  const char *why = pv_arena_strdup(p->arena, cause.message);
  const char *text = text_at(p, (size_t)cause.byte);
  if (unread == NULL || why == NULL || text == NULL) return pv_ptx_nomem(p);
  *unread = (pv_ptx_unread){(uint32_t)cause.line, (uint32_t)cause.column, why, text};
  *p->err = PV_ERROR_INIT;
  p->lexer = *head;
  for (p->function = NULL; p->names.depth > outside; pv_ptx_names_pop(&p->names))
    p->pending[p->names.depth] = NULL;
  keep_head(f, unread);
  pv_code code = PV_OK;
  for (size_t depth = 0; code == PV_OK; code = pv_ptx_next(p)) {
    f->last_line = p->lexer.now.line;
    if (p->lexer.now.kind == PV_PTX_END || (depth == 0 && pv_ptx_at(p, '}'))) {
      *p->err = cause; /* nothing says where the function ends */
      return cause.code;
    }
    if (pv_ptx_at(p, '{')) f->has_body = true;
    depth += pv_ptx_at(p, '{');
    depth -= pv_ptx_at(p, '}');
    if (depth == 0 && (pv_ptx_at(p, '}') || pv_ptx_at(p, ';'))) return pv_ptx_next(p);
  }
  return code;
}

static pv_code read_function(pv_ptx_parser *p, bool is_entry) {
  const unsigned outside = p->names.depth;
  pv_ptx_function *f = NULL;
  pv_ptx_variable **results = NULL;
  size_t result_count = 0;
  if (!pv_ptx_names_push(&p->names)) return pv_ptx_nomem(p);
  pv_code code = pv_ptx_next(p);
  const uint32_t line = p->lexer.now.line;
  if (code == PV_OK && pv_ptx_at(p, '(') && !is_entry)
    code = read_params(p, &results, &result_count);
  if (code == PV_OK) code = find_function(p, is_entry, &f);
  if (code != PV_OK) return code;
  f->results = results;
  f->result_count = result_count;
  f->line = f->last_line = line;
  const pv_ptx_lexer head = p->lexer;
  const pv_ptx_unread *declared = f->unread;
  code = read_rest(p, f);
  if (code == PV_ERR_INPUT && p->each) return leave_unread(p, f, &head, outside);
  if (code == PV_OK && declared != NULL) { /* what a declaration says holds for the body */
    const bool has_body = f->has_body;
    keep_head(f, declared);
    f->has_body = has_body;
  }
  return code;
}

static pv_code read_global(pv_ptx_parser *p, pv_ptx_space space, bool is_extern) {
  pv_ptx_module *m = p->module;
  pv_ptx_variable *v = NULL;
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_read_variable(p, space, is_extern, &v);
  if (code == PV_OK) code = pv_ptx_take(p, ';');
  if (code == PV_OK)
    code = pv_ptx_room(p, &m->variables, m->variable_count, &p->variables, sizeof *m->variables);
  if (code == PV_OK) m->variables[m->variable_count++] = v;
  return code;
}

static pv_code read_linkage(pv_ptx_parser *p, bool *is_extern) {
  pv_code code = PV_OK;
  *is_extern = false;
  while (code == PV_OK) {
    const pv_ptx_token *t = &p->lexer.now;
    if (pv_ptx_is_word(t, ".extern"))
      *is_extern = true;
    else if (!pv_ptx_is_word(t, ".visible") && !pv_ptx_is_word(t, ".weak") &&
             !pv_ptx_is_word(t, ".common"))
      return PV_OK;
    code = pv_ptx_next(p);
  }
  return code;
}

static pv_code read_item(pv_ptx_parser *p) {
  const pv_ptx_token *t = &p->lexer.now;
  bool is_extern = false;
  uint64_t size = 0;
  if (pv_ptx_is_word(t, ".file") || pv_ptx_is_word(t, ".loc")) return pv_ptx_read_source(p);
  if (pv_ptx_is_word(t, ".section")) return skip_section(p);
  if (pv_ptx_is_word(t, ".pragma")) return pv_ptx_skip_pragma(p);
  if (pv_ptx_is_word(t, ".address_size")) {
    pv_code code = pv_ptx_next(p);
    const pv_ptx_token place = *t;
    if (code == PV_OK) code = pv_ptx_read_u64(p, &size);
    if (code != PV_OK) return code;
    if (size != 32 && size != 64) return pv_ptx_fail(p, &place, "addresses have 32 or 64 bits");
    p->module->address_size = (uint32_t)size;
    return PV_OK;
  }
  const pv_code code = read_linkage(p, &is_extern);
  if (code != PV_OK) return code;
  const pv_ptx_space space = pv_ptx_space_of(t);
  if (space != PV_PTX_NO_SPACE && space != PV_PTX_PARAM) return read_global(p, space, is_extern);
  if (pv_ptx_is_word(t, ".entry")) return read_function(p, true);
  if (pv_ptx_is_word(t, ".func")) return read_function(p, false);
  return pv_ptx_unexpected(p, "a directive that is understood");
}

/* .version and .target come first: without them nothing says what the text means. */
static pv_code read_head(pv_ptx_parser *p) {
  pv_code code = PV_OK;
  if (!pv_ptx_is_word(&p->lexer.now, ".version")) return pv_ptx_unexpected(p, ".version");
  code = pv_ptx_next(p);
  if (code == PV_OK) code = read_version(p);
  if (code == PV_OK && !pv_ptx_is_word(&p->lexer.now, ".target"))
    return pv_ptx_unexpected(p, ".target");
  const pv_ptx_token t = p->lexer.now;
  if (code == PV_OK) code = pv_ptx_next(p);
  if (code == PV_OK) code = read_target(p);
  if (code == PV_OK && p->module->target == NULL)
    return pv_ptx_fail(p, &t, "the target names no sm_ architecture");
  return code;
}

static pv_code parse(pv_arena *arena, const char *name, const char *text, size_t length, bool each,
                     pv_ptx_module **out, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_ptx_parser p = {.arena = arena, .err = &local, .each = each};
  pv_code code = PV_OK;
  p.module = PV_ARENA_NEW(arena, 1, pv_ptx_module);
  char *copy = pv_arena_strdup(arena, name);
  if (p.module == NULL || copy == NULL) {
    code = pv_ptx_nomem(&p);
    goto cleanup;
  }
  p.module->name = copy;
  p.module->address_size = 32; /* what PTX says of a module that does not */
  code = pv_ptx_names_open(&p.names, arena, &local);
  if (code == PV_OK) code = pv_ptx_lex_open(&p.lexer, copy, text, length, &local);
  if (code == PV_OK) code = read_head(&p);
  while (code == PV_OK && p.lexer.now.kind != PV_PTX_END) code = read_item(&p);
  if (code == PV_OK) code = pv_ptx_bind(&p);
  if (code == PV_OK) *out = p.module;
cleanup:
  if (code != PV_OK && err != NULL) *err = local;
  return code;
}

pv_code pv_ptx_parse(pv_arena *arena, const char *name, const char *text, size_t length,
                     pv_ptx_module **out, pv_error *err) {
  return parse(arena, name, text, length, false, out, err);
}

pv_code pv_ptx_parse_each(pv_arena *arena, const char *name, const char *text, size_t length,
                          pv_ptx_module **out, pv_error *err) {
  return parse(arena, name, text, length, true, out, err);
}

const pv_ptx_function *pv_ptx_kernel(const pv_ptx_module *module, const char *name) {
  for (size_t i = 0; i < module->function_count; i++)
    if (module->functions[i]->is_entry && strcmp(module->functions[i]->name, name) == 0)
      return module->functions[i];
  return NULL;
}
