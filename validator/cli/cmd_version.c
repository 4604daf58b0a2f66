/* pv version: which pv, which probe beside it, what that probe computes with. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "base/sha256.h"
#include "validator/cli/commands.h"
#include "validator/model/told.h"
#include "validator/run/run.h"

static void print_facts(const pv_fact *list, size_t count) {
  for (size_t i = 0; i < count; i++) printf("  %-16s %s\n", list[i].name, list[i].value);
}

static pv_code print_version(bool json, const char *digest, const pv_run_hello *hello,
                             const pv_error *trouble, pv_error *err) {
  if (!json) {
    printf("pv %s\n  %-16s %s\n", PV_VERSION, "sha256", digest);
    puts(trouble->code == PV_OK ? "pv-probe" : "pv-probe does not answer");
    print_facts(hello->environment, hello->environment_count);
    if (hello->numerics_count > 0) puts("numerics");
    print_facts(hello->numerics, hello->numerics_count);
  } else {
    json_t *probe = trouble->code == PV_OK
                        ? pv_told_facts(hello->environment, hello->environment_count)
                        : json_null();
    json_t *object = json_pack("{s:s, s:s, s:s, s:o, s:o}", "schema", "pv/version/v1", "pv",
                               PV_VERSION, "pv_sha256", digest, "probe", probe, "numerics",
                               pv_told_facts(hello->numerics, hello->numerics_count));
    const pv_code code = pv_json_print(object, JSON_INDENT(1) | JSON_SORT_KEYS, err);
    if (code != PV_OK) return code;
  }
  return pv_output_flush(err);
}

int pv_cmd_version(int argc, char **argv) {
  const char *given = NULL;
  bool help = false, json = false;
  const pv_option list[] = {
      {"--probe", "FILE", "another pv-probe than the one beside pv", &given, NULL},
      {"--json", NULL, "one JSON object", NULL, &json},
      {0}};
  pv_options options = {.command = "version",
                        .summary = "Versions and digests of pv and of its probe.",
                        .examples = "  pv version\n  pv version --json\n",
                        .list = list};
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT, trouble = PV_ERROR_INIT;
  pv_contract nothing = {0};
  pv_run_hello hello = {0};
  char digest[PV_SHA256_HEX] = "unknown";
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) goto cleanup;
  (void)pv_sha256_file("/proc/self/exe", digest, NULL);
  pv_run_spec spec = {.contract = &nothing};
  if (pv_run_find_probe(&arena, given, &spec.probe, &trouble) == PV_OK)
    (void)pv_run_ask(&arena, &spec, &hello, &trouble);
  code = print_version(json, digest, &hello, &trouble, &err);
  if (trouble.code != PV_OK) pv_error_print(&trouble, stderr);
  if (code == PV_OK) code = trouble.code;
cleanup:
  if (err.code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
