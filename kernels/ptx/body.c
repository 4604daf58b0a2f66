/* The statements between the braces of a function. */
#include "base/ck.h"
#include "kernels/ptx/parse.h"

static pv_code add_variable(pv_ptx_parser *p, pv_ptx_space space) {
  pv_ptx_function *f = p->function;
  pv_ptx_variable *v = NULL;
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_read_variable(p, space, false, &v);
  if (code == PV_OK) code = pv_ptx_take(p, ';');
  if (code == PV_OK)
    code = pv_ptx_room(p, &f->variables, f->variable_count, &p->locals, sizeof *f->variables);
  if (code == PV_OK) f->variables[f->variable_count++] = v;
  return code;
}

/* `name: .branchtargets a, b;`, from the directive on. */
static pv_code read_table(pv_ptx_parser *p, const pv_ptx_token *t, pv_ptx_name *name) {
  pv_ptx_function *f = p->function;
  pv_ptx_table table = {.name = name->text};
  size_t capacity = 0;
  pv_code code = pv_ptx_next(p);
  while (code == PV_OK && !pv_ptx_at(p, ';')) {
    if (table.label_count > 0) code = pv_ptx_take(p, ',');
    if (code == PV_OK)
      code = pv_ptx_room(p, &table.labels, table.label_count, &capacity, sizeof *table.labels);
    if (code == PV_OK) code = pv_ptx_read_operand(p, 0, &table.labels[table.label_count]);
    if (code == PV_OK && table.labels[table.label_count++].kind != PV_PTX_LABEL)
      return pv_ptx_fail(p, t, "a branch target is not a label");
  }
  if (code == PV_OK) code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_note_pending(p, table.labels, table.label_count, t);
  if (code == PV_OK)
    code = pv_ptx_room(p, &f->tables, f->table_count, &p->tables, sizeof *f->tables);
  if (code != PV_OK) return code;
  name->kind = PV_PTX_NAME_TABLE;
  if (!pv_ck_u32(f->table_count, &name->index)) return pv_ptx_nomem(p);
  f->tables[f->table_count++] = table;
  return PV_OK;
}

static pv_code read_label(pv_ptx_parser *p) {
  pv_ptx_function *f = p->function;
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_name *name = NULL;
  if (pv_ptx_names_add(&p->names, t.text, t.length, PV_PTX_NAME_LABEL, &name, p->err) != PV_OK)
    return pv_ptx_lex_error(&p->lexer, &t, p->err);
  pv_code code = pv_ptx_next(p);
  if (code == PV_OK) code = pv_ptx_next(p); /* the colon */
  if (code == PV_OK && pv_ptx_is_word(&p->lexer.now, ".branchtargets"))
    return read_table(p, &t, name);
  if (code == PV_OK)
    code = pv_ptx_room(p, &f->labels, f->label_count, &p->labels, sizeof *f->labels);
  if (code != PV_OK) return code;
  if (!pv_ck_u32(f->label_count, &name->index)) return pv_ptx_nomem(p);
  f->labels[f->label_count++] = (pv_ptx_label){name->text, f->instruction_count, t.line};
  return PV_OK;
}

static pv_code open_scope(pv_ptx_parser *p) {
  if (p->names.depth > PV_PTX_DEPTH_MAX || !pv_ptx_names_push(&p->names))
    return pv_ptx_fail(p, &p->lexer.now, "scopes are nested deeper than %d", PV_PTX_DEPTH_MAX);
  return pv_ptx_take(p, '{');
}

static pv_code read_directive(pv_ptx_parser *p) {
  const pv_ptx_token *t = &p->lexer.now;
  const pv_ptx_space space = pv_ptx_space_of(t);
  if (space != PV_PTX_NO_SPACE) return add_variable(p, space);
  if (pv_ptx_is_word(t, ".reg")) {
    const pv_code code = pv_ptx_next(p);
    return code == PV_OK ? pv_ptx_read_registers(p) : code;
  }
  if (pv_ptx_is_word(t, ".loc") || pv_ptx_is_word(t, ".file")) return pv_ptx_read_source(p);
  if (pv_ptx_is_word(t, ".pragma")) return pv_ptx_skip_pragma(p);
  return pv_ptx_unexpected(p, "a directive that is understood");
}

pv_code pv_ptx_read_body(pv_ptx_parser *p) {
  const unsigned outside = p->names.depth;
  p->source_file = p->source_line = 0;
  pv_code code = open_scope(p);
  while (code == PV_OK && p->names.depth > outside) {
    const pv_ptx_token *t = &p->lexer.now;
    p->function->last_line = t->line;
    if (pv_ptx_at(p, '{')) {
      code = open_scope(p);
    } else if (pv_ptx_at(p, '}')) {
      code = pv_ptx_leave(p);
      if (code == PV_OK) code = pv_ptx_next(p);
    } else if (t->kind == PV_PTX_WORD && t->text[0] == '.') {
      code = read_directive(p);
    } else if (t->kind == PV_PTX_WORD && pv_ptx_is_sign(&p->lexer.ahead, ':')) {
      code = read_label(p);
    } else if (pv_ptx_at(p, ';')) {
      code = pv_ptx_next(p);
    } else {
      code = pv_ptx_read_instruction(p);
    }
  }
  return code;
}
