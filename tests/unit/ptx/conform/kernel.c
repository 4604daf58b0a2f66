#include "tests/unit/ptx/conform/kernel.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ptx/conform/operands.h"

enum {
  ANSWER_BYTES = 640, /* of a kernel's edge cases in the file of answers, about */
  MIXED = 8,          /* edge cases of kernels with more than three operands */
  RANDOM = 2048,      /* at least */
  EDGES_MAX = 64,     /* of one operand */
  ALL_16_BITS = 1 << 16
};

const uint32_t pv_conform_blob[CONFORM_BLOB / 4] = {0x11223344, 0x80000001, 0x3fc00000, 0xfedcba98,
                                                    0x89abcdef, 0x01234567, 0x7fc01234, 0x00000001,
                                                    0xdeadbeef, 0xcafef00d};

static bool is_immediate(char letter) {
  return isupper((unsigned char)letter) != 0;
}

/* The instruction once for each immediate, or once; with several, each runs through the list in
 * another order. */
static void put_instruction(pv_conform_kernel *k, const char *operands, size_t variants) {
  for (size_t v = 0; v < variants; v++) {
    unsigned at = 0, given = 0;
    pv_text_printf(&k->text, "%s %%o%zu", k->form->opcode, v);
    for (const char *c = operands; *c != '\0'; c++) {
      const size_t pick = (v * (2 * given + 1) + given) % CONFORM_IMMEDIATES;
      if (is_immediate(*c)) {
        pv_text_printf(&k->text, ", %s", pv_conform_type_of(*c)->immediates[pick]);
        given++;
      } else {
        pv_text_printf(&k->text, ", %%i%u", at++);
      }
    }
    pv_text_puts(&k->text, ";\n");
  }
}

static bool has_one_of(const char *opcode, const char *const *words) {
  while (*words != NULL && strstr(opcode, *words) == NULL) words++;
  return *words != NULL;
}

static void put_start(pv_conform_kernel *k) {
  static const char *const of_sm_90[] = {"griddepcontrol", "cp.async.bulk", "bf16",     "16x2",
                                         "e4m3",           "e5m2",          "tf32",     "stmatrix",
                                         "xorsign",        "s32.relu",      "try_wait", NULL};
  static const char *const of_version_8_2[] = {"x2.e", "x2.f16x2", "lop3.or", "lop3.and", NULL};
  pv_text_printf(&k->text,
                 ".version %s\n.target %s\n.address_size 64\n.visible .entry %s(\n"
                 ".param .u64 in,\n.param .u64 out,\n.param .align 8 .b8 blob[%d]\n)\n{\n"
                 ".reg .b32 %%t, %%s, %%near, %%far, %%case, %%flag;\n.reg .b64 %%ai, %%ao, %%at;\n"
                 ".reg .pred %%p;\n.shared .align 16 .b8 scratch[%d];\n",
                 has_one_of(k->form->opcode, of_version_8_2) ? "8.2" : "8.0",
                 has_one_of(k->form->opcode, of_sm_90) ? "sm_90" : "sm_80", k->entry, CONFORM_BLOB,
                 16 * CONFORM_BLOCK + 64);
  for (size_t i = 0; i < strlen(k->operands); i++)
    pv_text_printf(&k->text, ".reg .%s %%i%zu;\n", pv_conform_type_of(k->operands[i])->reg, i);
  for (size_t i = 0; i < strlen(k->results); i++)
    if (k->results[i] != '_')
      pv_text_printf(&k->text, ".reg .%s %%o%zu;\n", pv_conform_type_of(k->results[i])->reg, i);
  pv_text_printf(&k->text,
                 "ld.param.u64 %%ai, [in];\nld.param.u64 %%ao, [out];\nmov.u32 %%t, %%tid.x;\n"
                 "mov.u32 %%case, %%ctaid.x;\nmad.lo.s32 %%case, %%case, %d, %%t;\n"
                 "mul.wide.u32 %%at, %%case, %zu;\nadd.s64 %%ai, %%ai, %%at;\n"
                 "mul.wide.u32 %%at, %%case, %zu;\nadd.s64 %%ao, %%ao, %%at;\n"
                 "mov.u32 %%flag, scratch;\nadd.s32 %%flag, %%flag, 64;\n"
                 "mad.lo.s32 %%s, %%t, 16, %%flag;\nxor.b32 %%near, %%t, 1;\n"
                 "mad.lo.s32 %%near, %%near, 16, %%flag;\nxor.b32 %%far, %%t, 64;\n"
                 "mad.lo.s32 %%far, %%far, 16, %%flag;\n",
                 CONFORM_BLOCK, 8 * k->in_slots, 8 * k->out_slots);
}

static void put_load(pv_text *text, const pv_conform_type *type, size_t i) {
  if (type->letter == 'p')
    pv_text_printf(text, "ld.global.u32 %%flag, [%%ai+%zu];\nsetp.ne.s32 %%i%zu, %%flag, 0;\n",
                   8 * i, i);
  else
    pv_text_printf(text, "ld.global.%s %%i%zu, [%%ai+%zu];\n", type->access, i, 8 * i);
}

static void put_store(pv_text *text, const pv_conform_type *type, size_t i) {
  if (type->letter == 'p')
    pv_text_printf(text, "selp.u32 %%flag, 1, 0, %%o%zu;\nst.global.u32 [%%ao+%zu], %%flag;\n", i,
                   8 * i);
  else
    pv_text_printf(text, "st.global.%s [%%ao+%zu], %%o%zu;\n", type->access, 8 * i, i);
}

static void put_kernel(pv_conform_kernel *k, const char *operands, size_t variants) {
  put_start(k);
  for (size_t i = 0; i < strlen(k->operands); i++)
    put_load(&k->text, pv_conform_type_of(k->operands[i]), i);
  if (k->form->text != NULL)
    pv_text_printf(&k->text, "{\n%s\n}\n", k->form->text);
  else
    put_instruction(k, operands, variants);
  for (size_t i = 0; i < strlen(k->results); i++)
    if (k->results[i] != '_') put_store(&k->text, pv_conform_type_of(k->results[i]), i);
  pv_text_puts(&k->text, "ret;\n}\n");
}

/* The number of the first `edges` of each operand, in all combinations: `*left` counts on. */
static uint64_t nth_edge(const pv_conform_type *type, size_t limit, size_t *left) {
  const size_t count = type->edge_count < limit ? type->edge_count : limit;
  const uint64_t value = type->edges[*left % count];
  *left /= count;
  return value;
}

static size_t combinations(const char *operands, size_t limit) {
  size_t all = 1;
  for (const char *c = operands; *c != '\0'; c++) {
    const size_t count = pv_conform_type_of(*c)->edge_count;
    all *= count < limit ? count : limit;
  }
  return all;
}

/* c near -a * b: what is left of an fma is its rounding. */
static void cancel(const char *operands, uint64_t *in, uint64_t *state) {
  const int64_t off = (int64_t)(pv_conform_next(state) % 5) - 2;
  if (strcmp(operands, "fff") == 0) {
    float f[3];
    uint32_t bits[2] = {(uint32_t)in[0], (uint32_t)in[1]}, c;
    memcpy(f, bits, sizeof bits);
    f[2] = -(f[0] * f[1]);
    memcpy(&c, &f[2], sizeof c);
    in[2] = (uint32_t)(c + (uint32_t)off);
  } else if (strcmp(operands, "ddd") == 0) {
    double d[3];
    memcpy(d, in, 2 * sizeof d[0]);
    d[2] = -(d[0] * d[1]);
    memcpy(&in[2], &d[2], sizeof d[2]);
    in[2] += (uint64_t)off;
  }
}

static void fill_case(const pv_conform_kernel *k, size_t index, size_t limit, size_t wide,
                      uint64_t *state) {
  const size_t count = strlen(k->operands), rest = index - k->edge_cases;
  uint64_t *in = k->in + index * k->in_slots;
  size_t left = index < k->edge_cases ? index : rest;
  for (size_t i = 0; i < count; i++) {
    const pv_conform_type *type = pv_conform_type_of(k->operands[i]);
    if (count > 3 && index < k->edge_cases)
      in[i] = type->edges[pv_conform_next(state) % type->edge_count];
    else if (index < k->edge_cases)
      in[i] = nth_edge(type, limit, &left);
    else if (count == 1 && strchr("heb", type->letter) != NULL)
      in[i] = rest & 0xffff;
    else if (rest < wide)
      in[i] = nth_edge(type, SIZE_MAX, &left);
    else
      in[i] = pv_conform_random(type, state);
  }
  if (index >= k->edge_cases + wide && index % 4 == 0) cancel(k->operands, in, state);
}

/* How many edges of each operand give, in all combinations, answers of the size that is meant. */
static size_t fitting(const pv_conform_kernel *k) {
  size_t bytes = 0, limit = 1;
  for (const char *c = k->results; *c != '\0'; c++) bytes += pv_conform_digits(*c) + 1;
  while (limit < EDGES_MAX && combinations(k->operands, limit + 1) * bytes <= ANSWER_BYTES) limit++;
  return limit;
}

/* Edges; then, for two operands, all pairs of all edges; then random values, or all there are. */
static pv_code fill(pv_conform_kernel *k, pv_error *err) {
  const size_t count = strlen(k->operands);
  const size_t limit = fitting(k);
  const size_t wide = count == 2 ? combinations(k->operands, SIZE_MAX) : 0;
  uint64_t state = 0;
  for (const char *c = k->name; *c != '\0'; c++) state = 31 * state + (unsigned char)*c;
  k->edge_cases = count > 3 ? MIXED : combinations(k->operands, limit);
  k->cases = k->edge_cases + wide +
             (count == 1 && strchr("heb", k->operands[0]) != NULL ? ALL_16_BITS : RANDOM);
  k->cases = (k->cases + CONFORM_BLOCK - 1) / CONFORM_BLOCK * CONFORM_BLOCK;
  k->in = calloc(k->cases, 8 * k->in_slots);
  if (k->in == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", k->name);
  for (size_t i = 0; i < k->cases; i++) fill_case(k, i, limit, wide, &state);
  return PV_OK;
}

static void name_it(pv_conform_kernel *k) {
  const pv_conform_form *f = k->form;
  snprintf(k->name, sizeof k->name, "%s:%s%s%s", f->opcode, f->signature, f->tag != NULL ? "," : "",
           f->tag != NULL ? f->tag : "");
  k->entry[0] = 'k';
  for (size_t i = 0; k->name[i] != '\0'; i++) {
    if (k->name[i] == ' ') k->name[i] = '-';
    k->entry[i + 1] = isalnum((unsigned char)k->name[i]) ? k->name[i] : '_';
  }
}

pv_code pv_conform_kernel_make(const pv_conform_form *form, pv_conform_kernel *out, pv_error *err) {
  pv_conform_kernel *k = out;
  const char *equals = strchr(form->signature, '=');
  bool varies = false;
  *k = (pv_conform_kernel){.form = form};
  name_it(k);
  size_t operands = 0;
  for (const char *c = equals + 1; *c != '\0'; c++) {
    if (is_immediate(*c))
      varies = true;
    else
      k->operands[operands++] = *c;
  }
  const size_t variants = varies ? CONFORM_IMMEDIATES : 1;
  if (varies)
    memset(k->results, form->signature[0], variants);
  else
    memcpy(k->results, form->signature, (size_t)(equals - form->signature));
  k->in_slots = operands == 0 ? 2 : (operands + 1) / 2 * 2;
  k->out_slots = (strlen(k->results) + 1) / 2 * 2;
  put_kernel(k, equals + 1, variants);
  if (k->text.failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", k->name);
  return fill(k, err);
}

void pv_conform_kernel_free(pv_conform_kernel *k) {
  pv_text_free(&k->text);
  free(k->in);
  *k = (pv_conform_kernel){0};
}
