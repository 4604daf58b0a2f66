/* The statements between the braces of a function. */
#include "base/ck.h"
#include "kernels/ptx/parse.h"

/* `name: .branchtargets a, b;`, from the directive on. */
static void read_table(pv_ptx_parser *p, const pv_ptx_token *t, pv_ptx_name *name) {
  pv_ptx_function *f = p->function;
  pv_ptx_table table = {.name = name->text};
  pv_ptx_next(p);
  pv_ptx_read_items(p, 0, ';', &table.labels, &table.label_count);
  for (size_t i = 0; i < table.label_count; i++)
    if (table.labels[i].kind != PV_PTX_LABEL) pv_ptx_fail(p, t, "a branch target is not a label");
  pv_ptx_note_pending(p, table.labels, table.label_count, t);
  name->kind = PV_PTX_NAME_TABLE;
  if (!pv_ck_u32(f->table_count, &name->index)) pv_ptx_nomem(p);
  if (pv_ptx_room(p, &f->tables, f->table_count, &p->tables, sizeof *f->tables))
    f->tables[f->table_count++] = table;
}

static void read_label(pv_ptx_parser *p) {
  pv_ptx_function *f = p->function;
  const pv_ptx_token t = p->lexer.now;
  pv_ptx_name *name = pv_ptx_declare(p, &t, PV_PTX_NAME_LABEL);
  if (name == NULL) return;
  pv_ptx_next(p);
  pv_ptx_next(p); /* the colon */
  if (pv_ptx_at_word(p, ".branchtargets")) {
    read_table(p, &t, name);
    return;
  }
  if (!pv_ck_u32(f->label_count, &name->index)) pv_ptx_nomem(p);
  if (pv_ptx_room(p, &f->labels, f->label_count, &p->labels, sizeof *f->labels))
    f->labels[f->label_count++] = (pv_ptx_label){name->text, f->instruction_count, t.line};
}

static void open_scope(pv_ptx_parser *p) {
  if (p->names.depth > PV_PTX_DEPTH_MAX || !pv_ptx_names_push(&p->names))
    pv_ptx_fail(p, &p->lexer.now, "scopes are nested deeper than %d", PV_PTX_DEPTH_MAX);
  pv_ptx_take(p, '{');
}

static void read_directive(pv_ptx_parser *p) {
  pv_ptx_function *f = p->function;
  if (pv_ptx_space_of(&p->lexer.now) != PV_PTX_NO_SPACE) {
    pv_ptx_read_variable(p, false, &f->variables, &f->variable_count, &p->locals);
    pv_ptx_take(p, ';');
  } else if (pv_ptx_at_word(p, ".reg")) {
    pv_ptx_next(p);
    pv_ptx_read_registers(p);
  } else if (pv_ptx_at_word(p, ".loc") || pv_ptx_at_word(p, ".file")) {
    pv_ptx_read_source(p);
  } else if (pv_ptx_at_word(p, ".pragma")) {
    pv_ptx_skip_pragma(p);
  } else {
    pv_ptx_unexpected(p, "a directive that is understood");
  }
}

void pv_ptx_read_body(pv_ptx_parser *p) {
  const unsigned outside = p->names.depth;
  p->source_file = p->source_line = 0;
  open_scope(p);
  while (pv_ptx_ok(p) && p->names.depth > outside) {
    const pv_ptx_token *t = &p->lexer.now;
    p->function->last_line = t->line;
    if (pv_ptx_at(p, '{')) {
      open_scope(p);
    } else if (pv_ptx_at(p, '}')) {
      pv_ptx_leave(p);
      pv_ptx_next(p);
    } else if (t->kind == PV_PTX_WORD && t->text[0] == '.') {
      read_directive(p);
    } else if (t->kind == PV_PTX_WORD && pv_ptx_is_sign(&p->lexer.ahead, ':')) {
      read_label(p);
    } else if (!pv_ptx_skip(p, ';')) {
      pv_ptx_read_instruction(p);
    }
  }
}
