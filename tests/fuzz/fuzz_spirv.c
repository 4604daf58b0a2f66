/* Any bytes as SPIR-V: refused with a reason, or read to the end, each finding by a rule that there
 * is and at an instruction of these bytes; and the same each time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/spirv/spirv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static bool is_rule(const char *name) {
  for (size_t i = 0; pv_spirv_rules[i] != NULL; i++)
    if (strcmp(pv_spirv_rules[i], name) == 0) return true;
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  pv_spirv_report r, again;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_spirv_check(&arena, data, size, &r, &err);
  demand(pv_spirv_check(&arena, data, size, &again, NULL) == code, "the same each time");
  demand(code == PV_OK || err.message[0] != '\0', "a refusal says why");
  demand(code != PV_ERR_INPUT || (err.byte >= 0 && (size_t)err.byte <= size), "and where");
  if (code == PV_OK) {
    demand(size % 4 == 0 && r.instructions > 0, "what is read is words, and some");
    demand(r.count == again.count && r.instructions == again.instructions, "the same findings");
    for (size_t i = 0; i < r.count; i++) {
      demand(is_rule(r.findings[i].rule), "a rule that there is");
      demand(r.findings[i].byte < size && r.findings[i].byte % 4 == 0, "at an instruction");
      demand(r.findings[i].text[0] != '\0', "with a text");
      demand(r.findings[i].function == NULL || strlen(r.findings[i].function) <= size,
             "in a function whose name ends");
    }
  }
  pv_arena_free(&arena);
  return 0;
}
