/* pv faults: the table of defects that can be planted. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "runtime/faults/faults.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"

static const char *host_name(pv_fault_host host) {
  static const char *const names[] = {
      [PV_FAULT_IN_WEIGHTS] = "weights",
      [PV_FAULT_IN_SHAPE] = "metadata",
      [PV_FAULT_IN_OPERATION] = "definition",
      [PV_FAULT_IN_CHOICE] = "choice of the backend",
      [PV_FAULT_IN_READER] = "reader of model files",
  };
  return names[host];
}

static json_t *identities(const pv_fault *fault) {
  json_t *out = json_array();
  for (int n = 0; n < PV_NUMERICS_COUNT; n++)
    if ((fault->numerics >> n & 1) != 0)
      pv_json_append(&out, json_string(pv_numerics_name((pv_numerics)n)));
  return out;
}

static json_t *words(const char *text) {
  json_t *out = json_array();
  while (*text != '\0') {
    const size_t n = strcspn(text, " ");
    pv_json_append(&out, json_stringn(text, n));
    text += n + (text[n] == ' ');
  }
  return out;
}

json_t *pv_probe_faults_json(void) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  json_t *all = json_array();
  for (size_t i = 0; i < count; i++)
    pv_json_append(&all,
                   json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "name", list[i].name, "area",
                             list[i].area, "summary", list[i].summary, "planted_in",
                             host_name(list[i].host), "numerics", identities(&list[i]), "caught_by",
                             words(list[i].caught_by), "takes_layer", list[i].once ? 0 : 1));
  return all;
}

static int print_text(const pv_fault *list, size_t count) {
  const char *area = "";
  for (size_t i = 0; i < count; i++) {
    if (strcmp(area, list[i].area) != 0) printf("%s%s\n", i > 0 ? "\n" : "", list[i].area);
    area = list[i].area;
    printf("  %-27s %s\n", list[i].name, list[i].summary);
    printf("  %-27s in the %s; seen by %s\n", "", host_name(list[i].host), list[i].caught_by);
  }
  return 0;
}

int pv_probe_faults(int argc, char **argv) {
  bool json = false, names = false, help = false;
  const pv_option option[] = {{"--json", NULL, "one JSON object", NULL, &json},
                              {"--names", NULL, "the names alone, one a line", NULL, &names},
                              {0}};
  pv_options options = {
      .command = "faults",
      .summary =
          "Lists the defects that can be planted in a side: where each is, and which checks\n"
          "see it. NAME:layer=N plants it in one layer; without, it acts in every layer.",
      .examples =
          "  pv faults\n"
          "  pv bisect cpu:i16 cpu:i16@rope_pairs:layer=2 --model M.gguf\n",
      .list = option};
  pv_error err = PV_ERROR_INIT;
  size_t count = 0;
  const pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  const pv_fault *list = pv_faults(&count);
  if (json) {
    json_t *object =
        json_pack("{s:s, s:o}", "schema", "pv/faults/v1", "faults", pv_probe_faults_json());
    return pv_call_exit(pv_json_print(object, JSON_INDENT(1), &err), &err);
  }
  if (!names) return print_text(list, count);
  for (size_t i = 0; i < count; i++) puts(list[i].name);
  return 0;
}
