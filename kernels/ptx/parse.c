/* Modules and the heads of functions. */
#include "kernels/ptx/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"

bool pv_ptx_ok(const pv_ptx_parser *p) {
  return p->err->code == PV_OK;
}

void pv_ptx_fail(pv_ptx_parser *p, const pv_ptx_token *token, const char *fmt, ...) {
  char text[sizeof p->err->message];
  va_list args;
  if (!pv_ptx_ok(p)) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pv_error_set(p->err, PV_ERR_INPUT, "%s", text);
  pv_ptx_lex_error(&p->lexer, token, p->err);
}

void pv_ptx_unexpected(pv_ptx_parser *p, const char *wanted) {
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind == PV_PTX_END)
    pv_ptx_fail(p, t, "the text ends where %s is wanted", wanted);
  else
    pv_ptx_fail(p, t, "%s is wanted, not '%.*s'", wanted, (int)(t->length < 64 ? t->length : 64),
                t->text);
}

void pv_ptx_nomem(pv_ptx_parser *p) {
  if (pv_ptx_ok(p)) pv_error_set(p->err, PV_ERR_NOMEM, "out of memory");
}

bool pv_ptx_room(pv_ptx_parser *p, void *items, size_t count, size_t *capacity, size_t size) {
  if (pv_ptx_ok(p) && !pv_arena_room(p->arena, items, count, capacity, size)) pv_ptx_nomem(p);
  return pv_ptx_ok(p);
}

void pv_ptx_next(pv_ptx_parser *p) {
  if (pv_ptx_ok(p)) pv_ptx_lex_next(&p->lexer, p->err);
}

bool pv_ptx_at(const pv_ptx_parser *p, char sign) {
  return pv_ptx_ok(p) && pv_ptx_is_sign(&p->lexer.now, sign);
}

bool pv_ptx_at_word(const pv_ptx_parser *p, const char *word) {
  return pv_ptx_ok(p) && pv_ptx_is_word(&p->lexer.now, word);
}

bool pv_ptx_skip(pv_ptx_parser *p, char sign) {
  const bool there = pv_ptx_at(p, sign);
  if (there) pv_ptx_next(p);
  return there;
}

void pv_ptx_take(pv_ptx_parser *p, char sign) {
  const char wanted[] = {'\'', sign, '\'', '\0'};
  if (!pv_ptx_skip(p, sign)) pv_ptx_unexpected(p, wanted);
}

bool pv_ptx_more(pv_ptx_parser *p, size_t count, char close) {
  if (pv_ptx_skip(p, close)) return false;
  if (count > 0) pv_ptx_take(p, ',');
  return pv_ptx_ok(p);
}

/* A whole number on the line, or 0. */
static uint32_t read_number_of(pv_ptx_parser *p, uint32_t line) {
  uint32_t out = 0;
  if (p->lexer.now.kind != PV_PTX_DIGITS || p->lexer.now.line != line) return 0;
  return pv_ck_u32(pv_ptx_read_u64(p), &out) ? out : 0;
}

static void add_file(pv_ptx_parser *p, uint32_t number) {
  pv_ptx_module *m = p->module;
  const pv_ptx_token *t = &p->lexer.now;
  if (t->kind != PV_PTX_STRING || t->length < 2 ||
      !pv_ptx_room(p, &m->files, m->file_count, &p->files, sizeof *m->files))
    return;
  const char *name = pv_arena_strndup(p->arena, t->text + 1, t->length - 2);
  if (name == NULL) pv_ptx_nomem(p);
  m->files[m->file_count++] = (pv_ptx_file){number, name};
}

void pv_ptx_read_source(pv_ptx_parser *p) {
  const uint32_t line = p->lexer.now.line;
  const bool names = pv_ptx_at_word(p, ".file");
  pv_ptx_next(p);
  const uint32_t file = read_number_of(p, line);
  if (names) {
    add_file(p, file);
  } else {
    p->source_file = file;
    p->source_line = read_number_of(p, line);
  }
  while (pv_ptx_ok(p) && p->lexer.now.kind != PV_PTX_END && p->lexer.now.line == line)
    pv_ptx_next(p);
}

const char *pv_ptx_file_name(const pv_ptx_module *module, uint32_t number) {
  for (size_t i = 0; i < module->file_count; i++)
    if (module->files[i].number == number) return module->files[i].name;
  return NULL;
}

void pv_ptx_skip_pragma(pv_ptx_parser *p) {
  pv_ptx_next(p);
  if (p->lexer.now.kind != PV_PTX_STRING) pv_ptx_unexpected(p, "a string");
  pv_ptx_next(p);
  pv_ptx_take(p, ';');
}

/* `.section .debug_info { ... }`: data of a debugger, without braces inside. */
static void skip_section(pv_ptx_parser *p) {
  pv_ptx_next(p);
  if (p->lexer.now.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "the name of a section");
  pv_ptx_next(p);
  pv_ptx_take(p, '{');
  while (pv_ptx_ok(p) && !pv_ptx_at(p, '}')) {
    if (p->lexer.now.kind == PV_PTX_END || pv_ptx_at(p, '{')) pv_ptx_unexpected(p, "'}'");
    pv_ptx_next(p);
  }
  pv_ptx_next(p);
}

static void read_version(pv_ptx_parser *p) {
  const pv_ptx_token t = p->lexer.now;
  const char *dot = memchr(t.text, '.', t.length);
  uint64_t major = 0, minor = 0;
  if (t.kind != PV_PTX_DIGITS || dot == NULL ||
      !pv_parse_u64(t.text, (size_t)(dot - t.text), &major) ||
      !pv_parse_u64(dot + 1, t.length - (size_t)(dot - t.text) - 1, &minor) || major == 0 ||
      !pv_ck_u32(major, &p->module->version_major) || !pv_ck_u32(minor, &p->module->version_minor))
    pv_ptx_unexpected(p, "a version");
  pv_ptx_next(p);
}

/* `sm_80` or `sm_90, debug` */
static void read_target(pv_ptx_parser *p) {
  do {
    const pv_ptx_token t = p->lexer.now;
    if (t.kind != PV_PTX_WORD) pv_ptx_unexpected(p, "a target");
    if (t.length > 3 && memcmp(t.text, "sm_", 3) == 0) {
      p->module->target = pv_arena_strndup(p->arena, t.text, t.length);
      if (p->module->target == NULL) pv_ptx_nomem(p);
    }
    pv_ptx_next(p);
  } while (pv_ptx_skip(p, ','));
}

static void read_params(pv_ptx_parser *p, pv_ptx_variable ***out, size_t *count) {
  size_t capacity = 0;
  pv_ptx_take(p, '(');
  while (pv_ptx_more(p, *count, ')')) {
    if (pv_ptx_space_of(&p->lexer.now) != PV_PTX_PARAM) pv_ptx_unexpected(p, ".param");
    pv_ptx_read_variable(p, false, out, count, &capacity);
  }
}

/* Up to `most` numbers with commas between; where fewer of x, y, z stand the others are 1. */
static void read_extents(pv_ptx_parser *p, uint32_t *out, size_t most) {
  for (size_t i = 0; pv_ptx_ok(p) && p->lexer.now.kind == PV_PTX_DIGITS; i++) {
    const pv_ptx_token t = p->lexer.now;
    uint32_t value = 0;
    if (!pv_ck_u32(pv_ptx_read_u64(p), &value)) pv_ptx_fail(p, &t, "a bound beyond 32 bits");
    for (size_t k = i; k < most; k++) out[k] = k == i ? value : 1;
    pv_ptx_skip(p, ',');
  }
}

/* Directives between the head and the body: they bound the launch and compute nothing. */
static void read_launch_bounds(pv_ptx_parser *p, pv_ptx_function *f) {
  static const char *const known[] = {".maxntid",          ".reqntid",         ".minnctapersm",
                                      ".maxnctapersm",     ".maxnreg",         ".maxclusterrank",
                                      ".noreturn",         ".explicitcluster", ".reqnctapercluster",
                                      ".blocksareclusters"};
  while (pv_ptx_ok(p) && p->lexer.now.kind == PV_PTX_WORD) {
    size_t k = 0;
    if (pv_ptx_at_word(p, ".pragma")) {
      pv_ptx_skip_pragma(p);
      continue;
    }
    while (k < sizeof known / sizeof *known && !pv_ptx_at_word(p, known[k])) k++;
    if (k == sizeof known / sizeof *known) pv_ptx_unexpected(p, "the body of the function");
    const bool exact = pv_ptx_at_word(p, ".reqntid"), bound = pv_ptx_at_word(p, ".maxntid");
    pv_ptx_next(p);
    read_extents(p, exact ? f->required_threads : f->most_threads, exact || bound ? 3 : 0);
  }
}

/* The function of that name, new or declared before; NULL when something has failed. */
static pv_ptx_function *find_function(pv_ptx_parser *p, bool is_entry) {
  pv_ptx_module *m = p->module;
  const pv_ptx_token t = p->lexer.now;
  if (t.kind != PV_PTX_WORD || memchr(t.text, '.', t.length) != NULL)
    pv_ptx_unexpected(p, "the name of a function");
  if (!pv_ptx_ok(p)) return NULL;
  pv_ptx_name *name = pv_ptx_names_get(&p->names, t.text, t.length);
  if (name != NULL && name->kind == PV_PTX_NAME_FUNCTION && !name->function->has_body &&
      name->function->is_entry == is_entry) {
    pv_ptx_next(p);
    return name->function;
  }
  if (name != NULL && name->depth > 0) pv_ptx_fail(p, &t, "a function has the name of its result");
  /* Declared in the module, while the scope of the parameters is open already. */
  const unsigned depth = p->names.depth;
  p->names.depth = 0;
  name = pv_ptx_declare(p, &t, PV_PTX_NAME_FUNCTION);
  p->names.depth = depth;
  pv_ptx_function *f = PV_ARENA_NEW(p->arena, 1, pv_ptx_function);
  if (f == NULL) pv_ptx_nomem(p);
  if (!pv_ptx_room(p, &m->functions, m->function_count, &p->functions, sizeof *m->functions))
    return NULL;
  *f = (pv_ptx_function){.name = name->text, .is_entry = is_entry};
  name->function = f;
  m->functions[m->function_count++] = f;
  pv_ptx_next(p);
  return f;
}

/* What follows the name of a function. */
static void read_rest(pv_ptx_parser *p, pv_ptx_function *f) {
  if (pv_ptx_at(p, '(')) {
    f->params = NULL;
    f->param_count = 0;
    read_params(p, &f->params, &f->param_count);
  }
  read_launch_bounds(p, f);
  if (pv_ptx_at(p, ';')) {
    pv_ptx_leave(p);
    pv_ptx_next(p);
  } else if (pv_ptx_ok(p)) {
    f->has_body = true;
    p->function = f;
    p->locals = p->registers = p->labels = p->tables = p->instructions = 0;
    pv_ptx_read_body(p);
    pv_ptx_leave(p);
    p->function = NULL;
  }
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
static void leave_unread(pv_ptx_parser *p, pv_ptx_function *f, const pv_ptx_lexer *head,
                         unsigned outside) {
  const pv_error cause = *p->err;
  pv_ptx_unread *unread = PV_ARENA_NEW(p->arena, 1, pv_ptx_unread);
  const char *why = pv_arena_strdup(p->arena, cause.message);
  const char *text = text_at(p, (size_t)cause.byte);
  *p->err = PV_ERROR_INIT;
  if (unread == NULL || why == NULL || text == NULL) {
    pv_ptx_nomem(p);
    return;
  }
  *unread = (pv_ptx_unread){(uint32_t)cause.line, (uint32_t)cause.column, why, text};
  p->lexer = *head;
  for (p->function = NULL; p->names.depth > outside; pv_ptx_names_pop(&p->names))
    p->pending[p->names.depth] = NULL;
  keep_head(f, unread);
  for (size_t depth = 0; pv_ptx_ok(p); pv_ptx_next(p)) {
    f->last_line = p->lexer.now.line;
    if (p->lexer.now.kind == PV_PTX_END || (depth == 0 && pv_ptx_at(p, '}'))) {
      *p->err = cause; /* nothing says where the function ends */
      return;
    }
    if (pv_ptx_at(p, '{')) f->has_body = true;
    depth += pv_ptx_at(p, '{');
    depth -= pv_ptx_at(p, '}');
    if (depth == 0 && (pv_ptx_at(p, '}') || pv_ptx_at(p, ';'))) {
      pv_ptx_next(p);
      return;
    }
  }
}

static void read_function(pv_ptx_parser *p, bool is_entry) {
  const unsigned outside = p->names.depth;
  pv_ptx_variable **results = NULL;
  size_t result_count = 0;
  if (!pv_ptx_names_push(&p->names)) pv_ptx_nomem(p);
  pv_ptx_next(p);
  const uint32_t line = p->lexer.now.line;
  if (pv_ptx_at(p, '(') && !is_entry) read_params(p, &results, &result_count);
  pv_ptx_function *f = find_function(p, is_entry);
  if (!pv_ptx_ok(p)) return;
  f->results = results;
  f->result_count = result_count;
  f->line = f->last_line = line;
  const pv_ptx_lexer head = p->lexer;
  const pv_ptx_unread *declared = f->unread;
  read_rest(p, f);
  if (p->err->code == PV_ERR_INPUT && p->each) {
    leave_unread(p, f, &head, outside);
  } else if (declared != NULL) { /* what a declaration says holds for the body */
    const bool has_body = f->has_body;
    keep_head(f, declared);
    f->has_body = has_body;
  }
}

static void read_item(pv_ptx_parser *p) {
  const pv_ptx_token *t = &p->lexer.now;
  bool is_extern = false;
  if (pv_ptx_at_word(p, ".file") || pv_ptx_at_word(p, ".loc")) {
    pv_ptx_read_source(p);
  } else if (pv_ptx_at_word(p, ".section")) {
    skip_section(p);
  } else if (pv_ptx_at_word(p, ".pragma")) {
    pv_ptx_skip_pragma(p);
  } else if (pv_ptx_at_word(p, ".address_size")) {
    pv_ptx_next(p);
    const pv_ptx_token place = *t;
    const uint64_t size = pv_ptx_read_u64(p);
    if (size != 32 && size != 64) pv_ptx_fail(p, &place, "addresses have 32 or 64 bits");
    p->module->address_size = (uint32_t)size;
  } else {
    pv_ptx_module *m = p->module;
    for (; pv_ptx_at_word(p, ".extern") || pv_ptx_at_word(p, ".visible") ||
           pv_ptx_at_word(p, ".weak") || pv_ptx_at_word(p, ".common");
         pv_ptx_next(p))
      is_extern |= pv_ptx_at_word(p, ".extern");
    const pv_ptx_space space = pv_ptx_space_of(t);
    if (space != PV_PTX_NO_SPACE && space != PV_PTX_PARAM) {
      pv_ptx_read_variable(p, is_extern, &m->variables, &m->variable_count, &p->variables);
      pv_ptx_take(p, ';');
    } else if (pv_ptx_at_word(p, ".entry") || pv_ptx_at_word(p, ".func")) {
      read_function(p, pv_ptx_at_word(p, ".entry"));
    } else {
      pv_ptx_unexpected(p, "a directive that is understood");
    }
  }
}

/* .version and .target come first: without them nothing says what the text means. */
static void read_head(pv_ptx_parser *p) {
  if (!pv_ptx_at_word(p, ".version")) pv_ptx_unexpected(p, ".version");
  pv_ptx_next(p);
  read_version(p);
  if (!pv_ptx_at_word(p, ".target")) pv_ptx_unexpected(p, ".target");
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_next(p);
  read_target(p);
  if (p->module->target == NULL) pv_ptx_fail(p, &t, "the target names no sm_ architecture");
}

static pv_code parse(pv_arena *arena, const char *name, const char *text, size_t length, bool each,
                     pv_ptx_module **out, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_ptx_parser p = {.arena = arena, .err = &local, .each = each};
  p.module = PV_ARENA_NEW(arena, 1, pv_ptx_module);
  char *copy = pv_arena_strdup(arena, name);
  if (p.module == NULL || copy == NULL) {
    pv_ptx_nomem(&p);
    goto cleanup;
  }
  p.module->name = copy;
  p.module->address_size = 32; /* what PTX says of a module that does not */
  if (pv_ptx_names_open(&p.names, arena, &local) != PV_OK ||
      pv_ptx_lex_open(&p.lexer, copy, text, length, &local) != PV_OK)
    goto cleanup;
  read_head(&p);
  while (pv_ptx_ok(&p) && p.lexer.now.kind != PV_PTX_END) read_item(&p);
  pv_ptx_bind(&p);
  if (pv_ptx_ok(&p)) *out = p.module;
cleanup:
  if (!pv_ptx_ok(&p) && err != NULL) *err = local;
  return local.code;
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
