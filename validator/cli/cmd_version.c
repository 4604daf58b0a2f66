/* pv version: which pv, which probe beside it, what that probe computes with. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "base/sha256.h"
#include "validator/cli/commands.h"
#include "validator/judge/own.h"
#include "validator/judge/site.h"
#include "validator/model/told.h"
#include "validator/run/run.h"

static void print_facts(const pv_fact *list, size_t count) {
  for (size_t i = 0; i < count; i++) printf("  %-16s %s\n", list[i].name, list[i].value);
}

typedef struct build {
  const char *commit, *how;
} build;

static pv_code take(pv_arena *arena, const char *text, const char *word, const char **out,
                    pv_error *err) {
  const char *at = strstr(text, word);
  if (at == NULL) return PV_OK;
  at += strlen(word);
  *out = pv_arena_strndup(arena, at, strcspn(at, "\n"));
  return *out == NULL ? pv_error_nomem(err, "the build") : PV_OK;
}

/* What the build wrote beside what pv came with (cmake/facts.cmake). */
static pv_code read_build(pv_arena *arena, build *out, pv_error *err) {
  enum { BUILD_MAX = 4096 };
  static const char alone[] = "unknown: nothing of what was built with pv is beside it";
  const char *folder = NULL, *path = NULL;
  pv_bytes file = {0};
  *out = (build){alone, alone};
  pv_code code = pv_run_own_folder(arena, &folder, err);
  if (code == PV_OK) code = pv_site_above(arena, folder, PV_OWN_SHARE "/build", &path, err);
  if (code == PV_OK && path != NULL) code = pv_file_read(path, BUILD_MAX, &file, err);
  if (file.data == NULL) return code;
  const char *text = (const char *)file.data;
  code = take(arena, text, "commit ", &out->commit, err);
  if (code == PV_OK) code = take(arena, text, "\nbuild ", &out->how, err);
  pv_bytes_free(&file);
  return code;
}

static pv_code print_version(bool json, const build *made, const char *digest,
                             const pv_run_hello *hello, const pv_error *trouble, pv_error *err) {
  if (!json) {
    printf("pv %s\n  %-16s %s\n  %-16s %s\n  %-16s %s\n", PV_VERSION, "commit", made->commit,
           "build", made->how, "sha256", digest);
    puts(trouble->code == PV_OK ? "pv-probe" : "pv-probe does not answer");
    print_facts(hello->environment, hello->environment_count);
    if (hello->numerics_count > 0) puts("numerics");
    print_facts(hello->numerics, hello->numerics_count);
  } else {
    json_t *probe = trouble->code == PV_OK
                        ? pv_told_facts(hello->environment, hello->environment_count)
                        : json_null();
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "schema", "pv/version/v1",
                               "pv", PV_VERSION, "commit", made->commit, "build", made->how,
                               "pv_sha256", digest, "probe", probe, "numerics",
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
  pv_options options = {
      .command = "version",
      .summary = "Versions and digests of pv and of its probe; the commit and the build.",
      .examples = "  pv version\n  pv version --json\n",
      .list = list};
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT, trouble = PV_ERROR_INIT;
  pv_contract nothing = {0};
  build made = {0};
  pv_run_hello hello = {0};
  char digest[PV_SHA256_HEX] = "unknown";
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) goto cleanup;
  (void)pv_sha256_file("/proc/self/exe", digest, NULL);
  code = read_build(&arena, &made, &err);
  if (code != PV_OK) goto cleanup;
  pv_run_spec spec = {.contract = &nothing};
  if (pv_run_find_probe(&arena, given, &spec.probe, &trouble) == PV_OK)
    (void)pv_run_ask(&arena, &spec, &hello, &trouble);
  code = print_version(json, &made, digest, &hello, &trouble, &err);
  if (trouble.code != PV_OK) pv_error_print(&trouble, stderr);
  if (code == PV_OK) code = trouble.code;
cleanup:
  if (err.code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
