#include "runtime/guest/descriptor.h"

#include <stdio.h>
#include <string.h>

#include "../testing.h"
#include "base/text.h"

static const char whole[] =
    "schema: pv/kernel/v1\n"
    "file: my.ptx\n"
    "entry: gemv\n"
    "operation: q4_k_gemv\n"
    "numerics: float32\n"
    "allow: [contraction, approx]\n"
    "constants:\n"
    "  blocks: k / 256\n"
    "  pad: 4\n"
    "scratch:\n"
    "  sums: rows * 4\n"
    "  done: {bytes: 4, zero: true}\n"
    "tensors:\n"
    "  x: f16\n"
    "  y: {stride: rows + pad}\n"
    "  weights: {row_bytes: blocks * 160}\n"
    "parameters:\n"
    "  [weights, x, y, sums, ceil_div(k, 256), u32: max(rows, 1), {struct: [x, s32: k]}, bytes: "
    "16]\n"
    "grid: [ceil_div(rows, 2), batch]\n"
    "block: 64\n"
    "shared: 4 * blocks\n"
    "cooperative: true\n"
    "limits: rows > 1 && blocks < 8\n"
    "writes: [y]\n";

static pv_code parse(pv_arena *arena, const char *text, pv_guest_descriptor **out, pv_error *err) {
  return pv_guest_descriptor_parse(arena, "dir/my.yaml", text, strlen(text), NULL, out, err);
}

static void test_whole(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_guest_descriptor *d = NULL;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(parse(&arena, whole, &d, &err) == PV_OK)) pv_error_print(&err, stdout);
  REQUIRE(d != NULL);
  EXPECT_STR(d->operation->name, "q4_k_gemv");
  EXPECT_STR(d->numerics.name, "float32");
  EXPECT(d->allowed.contraction && d->allowed.approx && !d->allowed.ftz && !d->allowed.order);
  EXPECT(d->numerics.approx && !d->numerics.ftz);
  EXPECT_U64(d->constant_count, 2);
  EXPECT_U64(d->scratch_count, 2);
  EXPECT(!d->scratches[0].zero && d->scratches[1].zero);
  EXPECT(d->layouts[1].format == PV_FORMAT_F16);
  EXPECT(d->layouts[0].pitch_in_bytes && !d->layouts[2].pitch_in_bytes);
  REQUIRE(d->launch_count == 1);
  const pv_guest_launch *l = &d->launches[0];
  EXPECT_STR(l->file, "dir/my.ptx");
  REQUIRE(l->parameter_count == 8);
  EXPECT_U64(l->parameters[0].buffer, 0);
  EXPECT_U64(l->parameters[3].buffer, PV_OP_TENSORS);
  EXPECT_STR(l->parameters[4].value->text, "ceil_div(k, 256)");
  EXPECT(l->parameters[4].type == PV_PTX_NO_TYPE);
  EXPECT_STR(l->parameters[5].value->text, "max(rows, 1)");
  EXPECT(l->parameters[5].type == PV_PTX_U32);
  EXPECT(l->parameters[6].kind == PV_GUEST_STRUCT);
  EXPECT_U64(l->parameters[6].count, 2);
  EXPECT(l->parameters[7].kind == PV_GUEST_ZEROS);
  EXPECT_U64(l->parameters[7].bytes, 16);
  EXPECT_STR(l->grid[0]->text, "ceil_div(rows, 2)");
  EXPECT_I64(l->grid[0]->place.line, 19);
  EXPECT_I64(l->grid[0]->place.column, 8);
  EXPECT(l->grid[2] == NULL && l->block[0] != NULL && l->block[1] == NULL);
  EXPECT(l->cooperative);
  EXPECT(l->writes[2] && !l->writes[0] && !l->writes[PV_OP_TENSORS]);
  pv_arena_free(&arena);
}

/* A line of the whole, replaced; "" leaves it out. */
static pv_code changed(const char *line, const char *by, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_text text = PV_TEXT_INIT;
  pv_guest_descriptor *d = NULL;
  const char *at = strstr(whole, line), *end = at != NULL ? strchr(at, '\n') + 1 : NULL;
  if (!EXPECT(at != NULL)) return PV_OK;
  pv_text_add(&text, whole, (size_t)(at - whole));
  pv_text_puts(&text, by);
  if (*by != '\0') pv_text_puts(&text, "\n");
  pv_text_puts(&text, end);
  *err = PV_ERROR_INIT;
  const pv_code code = parse(&arena, text.data, &d, err);
  EXPECT((code == PV_OK) == (d != NULL));
  pv_text_free(&text);
  pv_arena_free(&arena);
  return code;
}

static void refused(const char *line, const char *by, int64_t number, const char *why,
                    const char *hint) {
  pv_error err;
  if (!EXPECT(changed(line, by, &err) == PV_ERR_INPUT)) printf("%s\n", by);
  EXPECT_HAS(err.message, why);
  EXPECT_HAS(err.hint, hint);
  if (number > 0) {
    EXPECT_STR(err.file, "dir/my.yaml");
    if (!EXPECT_I64(err.line, number)) printf("in %s\n", by);
    EXPECT(err.column > 0);
  }
}

static void test_keys(void) {
  refused("schema", "", 1, "no descriptor that pv knows", "schema: pv/kernel/v1");
  refused("schema", "schema: pv/kernel/v2", 1, "no descriptor that pv knows", "");
  refused("shared", "shard: 4", 21, "no key 'shard'", "did you mean shared?");
  refused("entry", "", 1, "there is no entry", "entry:");
  refused("operation", "operation: q4_k_gemm", 4, "no operation 'q4_k_gemm'", "q4_k_gemv");
  refused("operation", "", 1, "there is no operation", "pv kernel operations");
  refused("numerics", "numerics: fp32", 5, "no numerics 'fp32'", "one of: float32");
  refused("numerics", "", 1, "there are no numerics", "float32");
  refused("allow", "allow: [fma]", 6, "'fma' is nothing that can be allowed", "");
  refused("numerics", "numerics: i16", 6, "i16 is an identity: it allows nothing", "bound");
  refused("cooperative", "cooperative: yes", 22, "cooperative is true or false", "");
}

static void test_tensors(void) {
  refused("  x: f16", "  z: f16", 14, "no tensor 'z'", "weights, x, y");
  refused("  x: f16", "  x: f8", 14, "'f8' is no type of a tensor", "");
  refused("  x: f16", "  x: {type: f16, strides: 4}", 14, "no key 'strides'",
          "did you mean stride?");
  refused("  x: f16", "  x: {stride: 4, row_bytes: 4}", 14, "the same twice", "");
  refused("  x: f16", "  x: {zero: true}", 14, "'x' is read", "");
  refused("  y: {", "  y: q8_0", 15, "an output is f32, f16 or bf16", "");
  refused("  weights: {", "  weights: f16", 16, "the type that the operation gives it", "");
  refused("  weights: {", "  weights: {stride: k}", 16, "no stride in elements", "row_bytes");
  refused("  sums:", "  x: 4", 11, "'x' is a tensor", "");
  refused("  pad: 4", "  k: 4", 9, "'k' is a size", "");
  refused("  pad: 4", "  2: 4", 9, "no name", "");
  refused("  done:", "  done: {zero: true}", 12, "how many bytes", "");
}

static void test_launch(void) {
  const char *list = "  [weights";
  refused("grid", "", 1, "there is no grid", "grid: [x, y, z]");
  refused("grid", "grid: [1, 1, 1, 1]", 19, "one to three", "");
  refused("grid", "grid: [rowz]", 19, "an unknown name", "did you mean rows?");
  refused("grid", "grid: [1 +]", 19, "the end where a value is wanted", "");
  refused(list, "  [wights]", 18, "an unknown name", "did you mean weights?");
  refused(list, "  [i32: k]", 18, "'i32' is no type", "did you mean u32?");
  refused(list, "  [struct: [k]]", 18, "'k' in a struct needs a type", "u32: k");
  refused(list, "  [struct: [x, struct: [x]]]", 18, "a struct within a struct", "");
  refused(list, "  [bytes: 0]", 18, "a run of zeros is 0", "");
  refused(list, "  [bytes: k]", 18, "an unknown name", "");
  refused("writes", "writes: [z]", 24, "no tensor and no scratch buffer 'z'", "");
  refused("limits", "limits: blocks < {", 0, "", "");
}

int main(void) {
  return pv_testing_main("descriptors", (pv_case[]){PV_CASE(test_whole),
                                                    PV_CASE(test_keys),
                                                    PV_CASE(test_tensors),
                                                    PV_CASE(test_launch),
                                                    {0}});
}
