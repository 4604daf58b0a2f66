#include "tests/unit/ptx/conform/table.h"

#include <stdlib.h>
#include <string.h>

typedef enum state { COMPARED, AWAITED, REFUSED } state;

typedef struct row {
  const char *opcode;
  state state;
} row;

static int by_opcode(const void *a, const void *b) {
  return strcmp(((const row *)a)->opcode, ((const row *)b)->opcode);
}

static pv_code try_kernel(pv_conform_runner *runner, const pv_conform_form *form, row *out,
                          pv_error *err) {
  pv_conform_kernel kernel;
  pv_error refused = PV_ERROR_INIT;
  uint64_t *results = NULL;
  pv_code code = pv_conform_kernel_make(form, &kernel, err);
  if (code == PV_OK) results = calloc(kernel.cases, 8 * kernel.out_slots);
  if (code == PV_OK && results == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", kernel.name);
  if (code == PV_OK) code = runner->run(runner, &kernel, results, &refused);
  *out = (row){form->opcode, code == PV_ERR_UNSUPPORTED          ? REFUSED
                             : pv_conform_form_is_answered(form) ? COMPARED
                                                                 : AWAITED};
  if (code != PV_OK && refused.code == code) *err = refused;
  free(results);
  pv_conform_kernel_free(&kernel);
  return out->state == REFUSED ? PV_OK : code;
}

/* "add" of "add.rn.f32" */
static size_t family(const char *opcode) {
  return strcspn(opcode, ".");
}

static bool same_family(const row *a, const row *b) {
  const size_t length = family(a->opcode);
  return length == family(b->opcode) && memcmp(a->opcode, b->opcode, length) == 0;
}

static void put_opcodes(pv_text *page, const row *rows, size_t count, state which) {
  for (size_t i = 0; i < count; i++) {
    if (rows[i].state != which) continue;
    if (i > 0 && strcmp(rows[i].opcode, rows[i - 1].opcode) == 0) continue;
    const char *rest = rows[i].opcode + family(rows[i].opcode);
    pv_text_printf(page, " `%s`", *rest != '\0' ? rest : rows[i].opcode);
  }
  pv_text_puts(page, " |");
}

static void put_page(pv_text *page, const row *rows, size_t count) {
  pv_text_puts(
      page,
      "# Instructions of the interpreter\n\n"
      "Made by `pv-ptx-conform --table`; a test holds that it is current. The first list\n"
      "is executed, and its results are compared with those of an H100 or H200 bit for bit\n"
      "(`tests/unit/ptx/conform`). The second is executed, but no device was asked about it\n"
      "yet. The third is refused by name and line, and no kernel uses it; so is everything\n"
      "that stands in none. `.ftz` and `mma.sync` of floats take a permission of whoever\n"
      "opens the machine, and so do the approximations, which have no bits to compare\n"
      "(docs/ptx.md).\n\n"
      "| family | compared | executed | refused |\n|---|---|---|---|\n");
  for (size_t i = 0, same; i < count; i += same) {
    for (same = 1; i + same < count && same_family(&rows[i], &rows[i + same]);) same++;
    pv_text_printf(page, "| `%.*s` |", (int)family(rows[i].opcode), rows[i].opcode);
    put_opcodes(page, rows + i, same, COMPARED);
    put_opcodes(page, rows + i, same, AWAITED);
    put_opcodes(page, rows + i, same, REFUSED);
    pv_text_puts(page, "\n");
  }
}

pv_code pv_conform_table(pv_conform_runner *runner, pv_text *page, pv_error *err) {
  size_t count = 0;
  pv_code code = PV_OK;
  while (pv_conform_form_at(count) != NULL) count++;
  row *rows = calloc(count, sizeof *rows);
  if (rows == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a table");
  for (size_t i = 0; i < count && code == PV_OK; i++)
    code = try_kernel(runner, pv_conform_form_at(i), &rows[i], err);
  if (code == PV_OK) {
    qsort(rows, count, sizeof *rows, by_opcode);
    put_page(page, rows, count);
    if (page->failed) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a table");
  }
  free(rows);
  return code;
}
