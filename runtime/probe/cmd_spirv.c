/* pv spirv: assertions about the SPIR-V of the shaders, or of a file. It is data: no driver is
 * touched. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "kernels/spirv/spirv.h"
#include "kernels/vulkan/modules.h"
#include "runtime/probe/probe.h"

enum { NOT_JUDGED = 3, SECOND = 128 };

typedef struct session {
  const char *what; /* a file, a module or "all" */
  bool json, help;
  pv_arena arena;
  json_t *modules;
  size_t count, findings, instructions, float_operations;
} session;

static pv_code parse_call(int argc, char **argv, session *s, pv_error *err) {
  const char *rest[2] = {NULL, NULL};
  const pv_option list[] = {{"--json", NULL, "one JSON object", NULL, &s->json}, {0}};
  pv_options options = {
      .command = "spirv",
      .summary =
          "Whether SPIR-V leaves a driver no choice about floats: each operation is decorated\n"
          "NoContraction, none is fused, approximate, atomic or relaxed, and 32 bits are neither\n"
          "divided nor rooted by the device. WHAT is a file, a shader of this program, with a\n"
          "planted defect too (proof@fma_unfused), or all: each that is sound.",
      .positional = "check WHAT",
      .examples =
          "  pv spirv check all\n"
          "  pv spirv check proof@contracted\n"
          "  pv spirv check shader.spv --json\n",
      .list = list,
      .rest = rest,
      .rest_max = 2};
  const pv_code code = pv_options_parse(&options, argc, argv, &s->help, err);
  if (code != PV_OK || s->help) return code;
  if (rest[0] == NULL || strcmp(rest[0], "check") != 0)
    return pv_error_refuse(err, "see: pv spirv --help", "spirv needs check");
  if (rest[1] == NULL)
    return pv_error_refuse(err, "see: pv spirv --help", "check needs a file, a shader or all");
  s->what = rest[1];
  return PV_OK;
}

static void print_finding(const char *name, const pv_spirv_finding *f) {
  pv_text line = PV_TEXT_INIT; /* names are a stranger's */
  pv_text_escape(&line, name, strlen(name));
  pv_text_printf(&line, ", byte %zu", f->byte);
  if (f->function != NULL) {
    pv_text_puts(&line, ", in ");
    pv_text_escape(&line, f->function, strcspn(f->function, "("));
  }
  printf("FAIL %s: %s: %s\n", line.data != NULL ? line.data : "", f->rule, f->text);
  pv_text_free(&line);
}

static json_t *report_object(const char *name, const pv_spirv_report *r) {
  json_t *findings = json_array();
  for (size_t i = 0; i < r->count; i++) {
    const pv_spirv_finding *f = &r->findings[i];
    json_t *function = f->function == NULL ? json_null() : pv_json_string(f->function);
    pv_json_append(&findings,
                   json_pack("{s:s, s:I, s:o, s:s}", "rule", f->rule, "byte", (json_int_t)f->byte,
                             "function", function, "text", f->text));
  }
  return json_pack("{s:o, s:I, s:I, s:s, s:o}", "module", pv_json_string(name), "instructions",
                   (json_int_t)r->instructions, "float_operations", (json_int_t)r->float_operations,
                   "verdict", r->count == 0 ? "PASS" : "FAIL", "findings", findings);
}

static pv_code check(session *s, const char *name, const void *bytes, size_t length,
                     pv_error *err) {
  pv_spirv_report report;
  const pv_code code = pv_spirv_check(&s->arena, bytes, length, &report, err);
  if (code != PV_OK) {
    pv_error_at(err, name, 0, 0, err != NULL ? err->byte : -1);
    return code;
  }
  s->count++;
  s->findings += report.count;
  s->instructions += report.instructions;
  s->float_operations += report.float_operations;
  pv_json_append(&s->modules, report_object(name, &report));
  for (size_t i = 0; !s->json && i < report.count; i++) print_finding(name, &report.findings[i]);
  return PV_OK;
}

/* Both that a device may be given. */
static pv_code check_module(session *s, const char *name, const pv_vulkan_module *module,
                            pv_error *err) {
  const pv_vulkan_code *unsaid = &module->code[PV_VULKAN_UNSAID];
  const pv_vulkan_code *kept = &module->code[PV_VULKAN_KEPT];
  char second[SECOND];
  (void)snprintf(second, sizeof second, "%s, subnormals kept", name);
  const pv_code code = check(s, name, unsaid->words, unsaid->bytes, err);
  return code == PV_OK ? check(s, second, kept->words, kept->bytes, err) : code;
}

static pv_code check_all(session *s, pv_error *err) {
  size_t count = 0;
  pv_code code = PV_OK;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  for (size_t i = 0; code == PV_OK && i < count; i++)
    if (all[i].fault == NULL) code = check_module(s, all[i].name, &all[i], err);
  return code;
}

static pv_code check_file(session *s, pv_error *err) {
  pv_bytes bytes = {0};
  pv_code code = pv_file_read(s->what, PV_SPIRV_LIMIT, &bytes, err);
  if (code == PV_OK) code = check(s, s->what, bytes.data, bytes.length, err);
  pv_bytes_free(&bytes);
  return code;
}

static pv_code print_verdict(session *s, pv_error *err) {
  const char *verdict = s->count == 0 ? "NOT_RUN" : s->findings > 0 ? "FAIL" : "PASS";
  if (s->json) {
    json_t *object = json_pack("{s:s, s:o, s:s}", "schema", "pv/spirv-check/v1", "modules",
                               s->modules, "verdict", verdict);
    s->modules = NULL;
    return pv_json_print(object, JSON_INDENT(1) | JSON_SORT_KEYS, err);
  }
  if (s->count == 0)
    puts("NOT_RUN: this build has no shaders: it was made without glslangValidator");
  else
    printf("%s: %zu against, in %zu instructions, %zu of floats, of %zu %s\n", verdict, s->findings,
           s->instructions, s->float_operations, s->count, s->count == 1 ? "shader" : "shaders");
  return pv_output_flush(err);
}

int pv_probe_spirv(int argc, char **argv) {
  session s = {.modules = json_array()};
  pv_error err = PV_ERROR_INIT;
  pv_code code = parse_call(argc, argv, &s, &err);
  if (code != PV_OK || s.help) goto cleanup;
  const pv_vulkan_module *module = pv_vulkan_module_find(s.what);
  if (strcmp(s.what, "all") == 0)
    code = check_all(&s, &err);
  else if (module != NULL)
    code = check_module(&s, s.what, module, &err);
  else
    code = check_file(&s, &err);
  if (code == PV_OK) code = print_verdict(&s, &err);
cleanup:
  if (err.code != PV_OK) pv_error_print(&err, stderr);
  json_decref(s.modules);
  pv_arena_free(&s.arena);
  if (code != PV_OK || s.help) return pv_code_exit(code);
  return s.count == 0 ? NOT_JUDGED : s.findings > 0 ? 1 : 0;
}
