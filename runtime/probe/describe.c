/* pv-probe describe: what there is to ask for, as one JSON object (docs/checks.md). `pv` has no
 * list of its own. No model is opened and no device is touched. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kernels_digest.h"
#include "runtime/checks/spec.h"
#include "runtime/probe/call.h"
#include "runtime/probe/environment.h"
#include "runtime/probe/probe.h"
#include "runtime/probe/words.h"

/* What does not apply is left out. */
static json_t *param_json(const pv_param_spec *p) {
  static const char *const types[] = {
      [PV_PARAM_INT] = "integer", [PV_PARAM_REAL] = "number", [PV_PARAM_ENUM] = "word",
      [PV_PARAM_SIDE] = "side",   [PV_PARAM_STRING] = "name", [PV_PARAM_STRINGS] = "names",
      [PV_PARAM_FILE] = "file"};
  const bool number = p->type == PV_PARAM_INT || p->type == PV_PARAM_REAL;
  json_t *out = json_pack("{s:s, s:s, s:s, s:s*}", "name", p->name, "about", p->about, "type",
                          types[p->type], "default", p->fallback);
  if (number) {
    pv_json_set(&out, "min", json_real(p->min));
    pv_json_set(&out, "max", json_real(p->max));
    pv_json_set(&out, "unit", json_string(p->unit));
  }
  if (p->loosens != 0) pv_json_set(&out, "loosens", json_string(p->loosens > 0 ? "up" : "down"));
  if (p->words == NULL) return out;
  json_t *words = json_array();
  for (size_t i = 0; p->words[i] != NULL; i++) pv_json_append(&words, json_string(p->words[i]));
  pv_json_set(&out, "words", words);
  return out;
}

/* "" for one that the build does not know: pv refuses a check without a digest. */
static const char *digest_of(const char *check) {
  static const struct { const char *check, *digest; } list[] = {PV_CHECK_DIGESTS};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (strcmp(list[i].check, check) == 0) return list[i].digest;
  return "";
}

static json_t *checks_json(void) {
  static const struct {
    unsigned bit;
    const char *name;
  } needs[] = {{PV_NEEDS_MODEL, "model"},
               {PV_NEEDS_EXPERTS, "experts"},
               {PV_NEEDS_PROMPTS, "prompts"},
               {PV_NEEDS_REFERENCE, "reference"}};
  size_t count = 0;
  const pv_check_spec *const *list = pv_check_specs(&count);
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *params = json_array(), *needed = json_array();
    for (const pv_param_spec *p = list[i]->params; p != NULL && p->name != NULL; p++)
      pv_json_append(&params, param_json(p));
    for (size_t k = 0; k < sizeof needs / sizeof *needs; k++)
      if ((list[i]->needs & needs[k].bit) != 0) pv_json_append(&needed, json_string(needs[k].name));
    pv_json_append(
        &out, json_pack("{s:s, s:s, s:s, s:o, s:f, s:s, s:o}", "name", list[i]->name, "about",
                        list[i]->about, "subject", list[i]->subject, "needs", needed, "timeout_s",
                        list[i]->timeout_s, "digest", digest_of(list[i]->name), "params", params));
  }
  return out;
}

static json_t *sources_json(void) {
  size_t count = 0;
  const pv_side_kind *kinds = pv_side_kinds(&count);
  json_t *out = json_object();
  for (size_t i = 0; i < count; i++) pv_json_set(&out, kinds[i].name, json_string(kinds[i].about));
  return out;
}

/* Of each kind that computes the identities it has, with blanks between them. */
static json_t *computes_json(void) {
  size_t count = 0;
  const pv_side_kind *kinds = pv_side_kinds(&count);
  json_t *out = json_object();
  for (size_t i = 0; i < count; i++) {
    char names[128] = "";
    for (int n = 0; n < PV_NUMERICS_COUNT; n++)
      if ((kinds[i].numerics >> n & 1) != 0)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                 names[0] == '\0' ? "" : " ", pv_numerics_name((pv_numerics)n));
    if (names[0] != '\0') pv_json_set(&out, kinds[i].name, json_string(names));
  }
  return out;
}

int pv_probe_describe(int argc, char **argv) {
  static const pv_option none[] = {{0}};
  pv_options options = {.command = "describe",
                        .summary =
                            "Says as one JSON object which checks there are and what they take, "
                            "who can compute, the\n"
                            "numerics identities and the faults that can be planted.",
                        .examples = "  pv-probe describe\n",
                        .list = none};
  bool help = false;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && !help)
    code = pv_json_print(
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "pv/describe/v1", "version",
                  PV_VERSION, "checks", checks_json(), "sources", sources_json(), "computes",
                  computes_json(), "identities", pv_environment_numerics(), "faults",
                  pv_probe_faults_json(), "words", pv_probe_words_json()),
        JSON_INDENT(1) | JSON_REAL_PRECISION(15), &err);
  return pv_call_exit(code, &err);
}
