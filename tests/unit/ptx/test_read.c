/* The reader over a text with every form that it understands, and over what nvcc made. */
#include <string.h>

#include "kernels/ptx/words.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

static void test_tables(void) {
  const char *(*const tables[])(size_t) = {pv_ptx_opcode_at, pv_ptx_modifier_at, pv_ptx_special_at};
  for (size_t t = 0; t < 3; t++) {
    EXPECT(tables[t](0) != NULL);
    for (size_t i = 1; tables[t](i) != NULL; i++)
      EXPECT(strcmp(tables[t](i - 1), tables[t](i)) < 0);
  }
  for (size_t i = 0; pv_ptx_opcode_at(i) != NULL; i++)
    EXPECT(pv_ptx_opcode_find(pv_ptx_opcode_at(i), strlen(pv_ptx_opcode_at(i))) != NULL);
  for (size_t i = 0; pv_ptx_modifier_at(i) != NULL; i++)
    EXPECT(pv_ptx_modifier_find(pv_ptx_modifier_at(i), strlen(pv_ptx_modifier_at(i))) != NULL);
  EXPECT(pv_ptx_opcode_find("fm", 2) == NULL && pv_ptx_opcode_find("fmaa", 4) == NULL);
  EXPECT_STR(pv_ptx_opcode_nearest("shffl"), "shfl");
  EXPECT_STR(pv_ptx_modifier_nearest("aprox"), "approx");
  EXPECT(pv_ptx_modifier_nearest("nothing_like_it") == NULL);
}

static void test_module(void) {
  sample s = sample_open(SAMPLES "reader.ptx");
  REQUIRE(s.module != NULL);
  const pv_ptx_module *m = s.module;
  EXPECT_U64(m->version_major, 8);
  EXPECT_U64(m->version_minor, 3);
  EXPECT_STR(m->target, "sm_90");
  EXPECT_U64(m->address_size, 64);
  REQUIRE(m->variable_count == 4 && m->function_count == 4);
  const pv_ptx_variable *table = m->variables[0];
  EXPECT_STR(table->name, "table");
  EXPECT(table->space == PV_PTX_GLOBAL && table->type == PV_PTX_B8 && table->is_array);
  EXPECT_U64(table->bytes, 16);
  EXPECT_U64(table->align, 4);
  EXPECT_U64(table->line, 14);
  static const uint64_t values[] = {1, 0, 0x1f, 3, 15, 7, UINT64_MAX};
  REQUIRE(table->value_count == 7);
  for (size_t i = 0; i < 7; i++) EXPECT_U64(table->values[i].bits, values[i]);
  const pv_ptx_variable *weights = m->variables[1];
  EXPECT(weights->space == PV_PTX_CONST && weights->type == PV_PTX_F64);
  EXPECT_U64(weights->bytes, 48);
  REQUIRE(weights->value_count == 1 && weights->values[0].item_count == 2);
  EXPECT(weights->values[0].items[0].number == PV_PTX_DOUBLE);
  EXPECT_U64(weights->values[0].items[0].bits, 0x3ff0000000000000u);
  /* A function that is declared further down. */
  EXPECT(m->variables[2]->values[0].kind == PV_PTX_FUNCTION);
  EXPECT_STR(m->variables[2]->values[0].function->name, "helper_of_all");
  EXPECT(m->variables[3]->is_extern && m->variables[3]->bytes == 0);
  EXPECT(!m->functions[0]->has_body && !m->functions[1]->has_body && m->functions[2]->has_body);
  EXPECT_U64(m->functions[0]->result_count, 1);
  EXPECT_U64(m->functions[0]->param_count, 2);
  EXPECT(pv_ptx_kernel(m, "first") == m->functions[3]);
  EXPECT(pv_ptx_kernel(m, "helper") == NULL && pv_ptx_kernel(m, "firs") == NULL);
  sample_close(&s);
}

static void test_kernel(void) {
  sample s = sample_open(SAMPLES "reader.ptx");
  REQUIRE(s.module != NULL);
  const pv_ptx_function *f = pv_ptx_kernel(s.module, "first");
  uint64_t shared = 0;
  REQUIRE(f != NULL && f->param_count == 3);
  EXPECT_U64(f->line, 33);
  EXPECT_U64(f->last_line, 90);
  EXPECT_U64(f->params[0]->bytes, 8);
  EXPECT_U64(f->params[1]->bytes, 24);
  EXPECT(pv_ptx_shared_bytes(f, &shared));
  EXPECT_U64(shared, 40); /* 6, rounded up to 8, and 4 doubles */
  EXPECT_U64(f->variable_count, 5);
  EXPECT(f->variables[0]->space == PV_PTX_LOCAL);
  REQUIRE(f->label_count == 4 && f->table_count == 1);
  EXPECT_STR(f->labels[0].name, "$again");
  EXPECT_U64(f->labels[0].at, 8);
  EXPECT_U64(f->labels[3].at, f->instruction_count - 1);
  EXPECT_U64(f->tables[0].label_count, 2);
  EXPECT_U64(f->tables[0].labels[0].index, 0);
  EXPECT_U64(f->tables[0].labels[1].index, 3);
  sample_close(&s);
}

static const pv_ptx_instruction *at_line(const pv_ptx_function *f, uint32_t line, size_t skip) {
  for (size_t i = 0; i < f->instruction_count; i++)
    if (f->instructions[i].line == line && skip-- == 0) return &f->instructions[i];
  return NULL;
}

static const char *name_of(const pv_ptx_function *f, const pv_ptx_operand *o) {
  return o->kind == PV_PTX_REGISTER ? f->registers[o->index].name : "";
}

static void test_operands(void) {
  sample s = sample_open(SAMPLES "reader.ptx");
  REQUIRE(s.module != NULL);
  const pv_ptx_function *f = pv_ptx_kernel(s.module, "first");
  const pv_ptx_instruction *shuffle = at_line(f, 60, 0), *load = at_line(f, 61, 0),
                           *branch = at_line(f, 57, 0), *offset = at_line(f, 51, 0),
                           *symbol = at_line(f, 64, 0), *one = at_line(f, 54, 0);
  size_t count = 0;
  REQUIRE(shuffle != NULL && load != NULL && branch != NULL && offset != NULL && symbol != NULL);
  EXPECT_STR(shuffle->opcode, "shfl.sync.down.b32");
  EXPECT_U64(shuffle->part_count, 4);
  EXPECT_STR(shuffle->parts[2], "down");
  EXPECT_U64(shuffle->column, 2);
  REQUIRE(shuffle->operand_count == 5 && shuffle->operands[0].kind == PV_PTX_PAIR);
  EXPECT_STR(name_of(f, &shuffle->operands[0].items[1]), "%p3");
  EXPECT_U64(shuffle->operands[2].bits, 16);
  EXPECT_U64(shuffle->operands[4].bits, UINT64_MAX);
  EXPECT(pv_ptx_results(shuffle, &count) == shuffle->operands[0].items && count == 2);
  REQUIRE(load->operands[0].kind == PV_PTX_VECTOR && load->operands[0].item_count == 4);
  EXPECT(load->operands[0].items[2].kind == PV_PTX_NOTHING);
  EXPECT(load->operands[1].kind == PV_PTX_ADDRESS && load->operands[1].offset == -16);
  EXPECT_STR(name_of(f, &load->operands[1].items[0]), "%rd1");
  EXPECT(branch->guarded && branch->guard_negated);
  EXPECT_STR(f->registers[branch->guard].name, "%p1");
  EXPECT(branch->operands[0].kind == PV_PTX_LABEL && branch->operands[0].index == 3);
  EXPECT_STR(offset->operands[1].items[0].variable->name, "first_param_1");
  EXPECT_I64(offset->operands[1].offset, 8);
  EXPECT(symbol->operands[1].kind == PV_PTX_VARIABLE && symbol->operands[1].offset == 4);
  REQUIRE(one != NULL && one->operands[1].number == PV_PTX_SINGLE);
  EXPECT_U64(one->operands[1].bits, 0x3f800000);
  sample_close(&s);
}

/* What is written is not taken for what is read, and the other way round. */
static void test_results(void) {
  sample s = sample_open(SAMPLES "reader.ptx");
  REQUIRE(s.module != NULL);
  const pv_ptx_function *f = pv_ptx_kernel(s.module, "first");
  size_t count = 0, seen = 0;
  for (size_t i = 0; i < f->instruction_count; i++) {
    const pv_ptx_instruction *in = &f->instructions[i];
    const pv_ptx_operand *results = pv_ptx_results(in, &count);
    const char *opcode = in->parts[0];
    if (strcmp(opcode, "st") == 0 || strcmp(opcode, "red") == 0 || strcmp(opcode, "bar") == 0 ||
        strcmp(opcode, "barrier") == 0 || strcmp(opcode, "bra") == 0 ||
        strcmp(opcode, "brx") == 0) {
      EXPECT(results == NULL && count == 0);
      seen++;
    }
    if (strcmp(opcode, "call") == 0) {
      EXPECT(count == 1 && results[0].kind == PV_PTX_VARIABLE);
      EXPECT_STR(in->operands[1].function->name, "helper");
      seen++;
    }
  }
  EXPECT_U64(seen, 11);
  sample_close(&s);
}

/* %p1 in the braces is another register; so are the labels and temporaries of two blocks. */
static void test_scopes(void) {
  sample s = sample_open(SAMPLES "reader.ptx");
  REQUIRE(s.module != NULL);
  const pv_ptx_function *f = pv_ptx_kernel(s.module, "first");
  const pv_ptx_instruction *set = at_line(f, 56, 0), *inner_set = at_line(f, 65, 0),
                           *jump = at_line(f, 65, 1), *second_jump = at_line(f, 66, 0),
                           *add = at_line(f, 65, 2), *move = at_line(f, 66, 1);
  REQUIRE(set != NULL && inner_set != NULL && jump != NULL && second_jump != NULL);
  REQUIRE(add != NULL && move != NULL);
  EXPECT(set->operands[0].items[0].index != inner_set->operands[0].index);
  EXPECT(jump->guard == inner_set->operands[0].index);
  EXPECT(second_jump->guard == set->operands[0].items[0].index);
  EXPECT_U64(jump->operands[0].index, 1);
  EXPECT_U64(second_jump->operands[0].index, 2);
  EXPECT(add->operands[0].index != move->operands[0].index);
  EXPECT(add->operands[1].index == inner_set->operands[1].index);
  sample_close(&s);
}

/* The label of the nearest scope around, even where that one comes later than one further out. */
static void test_nearest_label(void) {
  static const char text[] =
      ".version 8.0\n.target sm_80\n.entry k() {\nx: ret;\n{ { bra x; } x: ret; }\n}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  REQUIRE(pv_ptx_parse(&arena, "x", text, sizeof text - 1, &m, NULL) == PV_OK);
  const pv_ptx_function *f = m->functions[0];
  REQUIRE(f->instruction_count == 3 && f->label_count == 2);
  EXPECT_U64(f->labels[f->instructions[1].operands[0].index].at, 2);
  pv_arena_free(&arena);
}

/* Tensor cores, barriers in memory, a function that is declared before it is defined. */
static void test_other_forms(void) {
  static const char text[] =
      ".version 8.0\n.target sm_90\n.address_size 64\n.func f(.param .b32 a);\n"
      ".func f(.param .b32 a) .pragma \"nounroll\"; { ret; }\n.entry k() {\n"
      ".reg .b32 %r<20>; .reg .b64 %s<2>; .shared .b64 gate;\n"
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r0, %r1, %r2, %r3}, {%r4, %r5, %r6, %r7}, "
      "{%r8, %r9}, {%r0, %r1, %r2, %r3};\n"
      "mbarrier.init.shared::cta.b64 [gate], 1;\nmbarrier.arrive.shared::cta.b64 %s1, [gate];\n"
      "ret;\n}\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  size_t count = 0;
  REQUIRE(pv_ptx_parse(&arena, "x", text, sizeof text - 1, &m, NULL) == PV_OK);
  REQUIRE(m->function_count == 2 && m->functions[0]->has_body);
  EXPECT_U64(m->functions[0]->line, 5);
  EXPECT_U64(m->functions[0]->param_count, 1);
  const pv_ptx_instruction *i = m->functions[1]->instructions;
  EXPECT(pv_ptx_results(&i[0], &count) != NULL && count == 4);
  EXPECT(pv_ptx_results(&i[1], &count) == NULL && count == 0);
  EXPECT(pv_ptx_results(&i[2], &count) != NULL && count == 1);
  pv_arena_free(&arena);
}

static void test_types(void) {
  for (int i = PV_PTX_NO_TYPE + 1; i < PV_PTX_TYPES; i++)
    EXPECT(pv_ptx_type_find(pv_ptx_type_name((pv_ptx_type)i)) == (pv_ptx_type)i);
  EXPECT(pv_ptx_type_find("f65") == PV_PTX_NO_TYPE);
  EXPECT(pv_ptx_type_find("") == PV_PTX_NO_TYPE);
  EXPECT_U64(pv_ptx_type_bytes(PV_PTX_F64), 8);
  EXPECT_U64(pv_ptx_type_bytes(PV_PTX_BF16X2), 4);
}

static void test_what_nvcc_made(void) {
  sample s = sample_open(SAMPLES "faults.ptx");
  REQUIRE(s.module != NULL);
  size_t kernels = 0;
  for (size_t i = 0; i < s.module->function_count; i++) kernels += s.module->functions[i]->is_entry;
  EXPECT_U64(kernels, 14);
  const pv_ptx_function *f = pv_ptx_kernel(s.module, "sound");
  REQUIRE(f != NULL);
  EXPECT_U64(f->param_count, 4);
  /* nothing is lost: every line of the body that ends an instruction is one */
  size_t lines = 0, line = 1;
  for (const char *at = (const char *)s.bytes.data; *at != '\0'; at++) {
    if (*at == '\n') line++;
    if (*at == ';' && line > f->line && line <= f->last_line) lines++;
  }
  EXPECT_U64(f->instruction_count + 7, lines); /* six lines of registers and a pragma */
  sample_close(&s);
}

int main(void) {
  return pv_testing_main("ptx_read", (pv_case[]){PV_CASE(test_tables),
                                                 PV_CASE(test_module),
                                                 PV_CASE(test_kernel),
                                                 PV_CASE(test_operands),
                                                 PV_CASE(test_results),
                                                 PV_CASE(test_scopes),
                                                 PV_CASE(test_nearest_label),
                                                 PV_CASE(test_other_forms),
                                                 PV_CASE(test_types),
                                                 PV_CASE(test_what_nvcc_made),
                                                 {0}});
}
