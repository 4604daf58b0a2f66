#include "runtime/guest/template.h"

#include <string.h>

#include "base/file.h"
#include "kernels/ptx/assert.h"

#define FILE_MAX ((size_t)256 << 20)

static pv_code only_entry(const pv_ptx_module *m, const char **out, pv_error *err) {
  pv_text list = PV_TEXT_INIT;
  size_t count = 0;
  for (size_t i = 0; i < m->function_count; i++) {
    if (!m->functions[i]->is_entry) continue;
    count++;
    *out = m->functions[i]->name;
    if (list.length < 150) pv_text_printf(&list, "%s%.80s", count > 1 ? ", " : "", *out);
  }
  pv_code code = PV_OK;
  if (count != 1) {
    code = pv_error_set(err, PV_ERR_INPUT, "'%.200s' has %zu entries", m->name, count);
    if (count > 0) pv_error_hint(err, "name one, --entry NAME: %.180s", list.data);
  }
  pv_text_free(&list);
  return code;
}

/* Guesses in order: pointers are the tensors as they are listed, numbers the sizes. */
static void put_parameters(const pv_operation *o, const pv_guest_signature *s, pv_text *out) {
  size_t tensor = 0, size = 0, scalar = 0;
  for (size_t i = 0; i < s->count; i++) {
    const pv_guest_slot *slot = &s->slots[i];
    const char *type = slot->type != PV_PTX_NO_TYPE ? pv_ptx_type_name(slot->type) : NULL;
    if (type == NULL) {
      pv_text_printf(out, "  - bytes: %u # a struct? then struct: [...]\n", slot->bytes);
    } else if (slot->bytes == 8 && slot->type != PV_PTX_F64 && tensor < PV_OP_TENSORS &&
               o->tensor[tensor].name != NULL) {
      pv_text_printf(out, "  - %s # %s\n", o->tensor[tensor].name, o->tensor[tensor].about);
      tensor++;
    } else if (slot->type == PV_PTX_F32 && scalar < PV_OP_SCALARS &&
               o->scalar[scalar].name != NULL) {
      pv_text_printf(out, "  - %s # .%s\n", o->scalar[scalar++].name, type);
    } else if (slot->type != PV_PTX_F32 && size < PV_OP_SIZES && o->size[size] != NULL) {
      pv_text_printf(out, "  - %s # .%s: a guess\n", o->size[size++], type);
    } else {
      pv_text_printf(out, "  - %s: 0 # what is it?\n", slot->bytes == 8 ? "u64" : type);
    }
  }
}

static pv_code put_allowed(pv_arena *arena, const pv_ptx_function *f, pv_text *out, pv_error *err) {
  static const char *const rules[][2] = {{"no_approx", "approx"},
                                         {"no_ftz", "ftz"},
                                         {"no_contraction", "contraction"},
                                         {"no_float_atomics", "order"}};
  size_t count = 0;
  pv_code code = PV_OK;
  for (size_t i = 0; i < 4 && code == PV_OK; i++) {
    pv_ptx_report report = {0};
    code = pv_ptx_check_rules(arena, f, &rules[i][0], 1, &report, err);
    if (code != PV_OK || report.failed == 0) continue;
    pv_text_printf(out, "%s%s", count++ == 0 ? "allow: [" : ", ", rules[i][1]);
  }
  if (count > 0) pv_text_printf(out, "] # it has such instructions: are they meant?\n");
  return code;
}

static void put_shapes(const pv_guest_signature *s, pv_text *out) {
  const uint32_t *known = s->required[0] != 0 ? s->required : s->most;
  pv_text_printf(out, "grid: [1, 1, 1] # fill in: expressions over the sizes, ceil_div(rows, 4)\n");
  if (known[0] != 0)
    pv_text_printf(out, "block: [%u, %u, %u] # %s\n", known[0], known[1], known[2],
                   known == s->required ? ".reqntid" : ".maxntid: at most so many threads");
  else
    pv_text_printf(out, "block: [32, 1, 1] # fill in\n");
}

pv_code pv_guest_template(pv_arena *arena, const char *file, const char *as, const char *entry,
                          pv_text *out, pv_error *err) {
  const pv_operation *o = NULL;
  const pv_ptx_function *f = NULL;
  pv_ptx_module *module = NULL;
  pv_guest_launch launch = {.place = {file, 0, 0}};
  pv_guest_signature s;
  pv_bytes bytes = {0};
  pv_code code = pv_guest_operation_find(as, &o, err);
  if (code == PV_OK) code = pv_file_read(file, FILE_MAX, &bytes, err);
  if (code == PV_OK)
    code = pv_ptx_parse_each(arena, file, (const char *)bytes.data, bytes.length, &module, err);
  launch.entry = entry;
  if (code == PV_OK && entry == NULL) code = only_entry(module, &launch.entry, err);
  if (code == PV_OK) code = pv_guest_signature_of(module, &launch, &f, &s, err);
  if (code != PV_OK) goto cleanup;
  const char *slash = strrchr(file, '/');
  pv_text_printf(out, "# %s: pv explain kernel-descriptor says what the keys mean\n", o->formula);
  pv_text_printf(out, "schema: pv/kernel/v1\nfile: %s\nentry: %s\noperation: %s\n",
                 slash != NULL ? slash + 1 : file, f->name, o->name);
  pv_text_puts(out, "numerics: float32 # or tf32, float16, bfloat16; i16, i8, f32-f64acc\n");
  code = put_allowed(arena, f, out, err);
  if (code != PV_OK) goto cleanup;
  pv_text_puts(out, "parameters:");
  pv_text_puts(out, s.count > 0 ? "\n" : " []\n");
  put_parameters(o, &s, out);
  put_shapes(&s, out);
  for (size_t i = 0; i < module->variable_count; i++)
    if (module->variables[i]->is_extern && module->variables[i]->space == PV_PTX_SHARED) {
      pv_text_puts(out, "shared: 0 # dynamic shared memory, in bytes: fill in\n");
      break;
    }
cleanup:
  pv_bytes_free(&bytes);
  return code;
}
