#include "tests/unit/rules/sample.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/known.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"

const char sample_sound[] =
    "schema: pv/contract/v1\n"          /* 1 */
    "metadata:\n"                       /* 2 */
    "  name: sample\n"                  /* 3 */
    "  version: \"1.0.0\"\n"            /* 4 */
    "  kind: kernel\n"                  /* 5 */
    "  status: PROPOSED\n"              /* 6 */
    "  created: \"2026-11-22\"\n"       /* 7 */
    "  author: somebody\n"              /* 8 */
    "  description: a sample\n"         /* 9 */
    "  amendment_history:\n"            /* 10 */
    "    - version: \"1.0.0\"\n"        /* 11 */
    "      date: \"2026-11-22\"\n"      /* 12 */
    "      kind: created\n"             /* 13 */
    "      title: First version\n"      /* 14 */
    "acceptance_criteria:\n"            /* 15 */
    "  - id: AC_1\n"                    /* 16 */
    "    property: it holds\n"          /* 17 */
    "    needed_for: ACTIVE_RUNTIME\n"  /* 18 */
    "falsification_tests:\n"            /* 19 */
    "  - id: F_1\n"                     /* 20 */
    "    rule: a rule\n"                /* 21 */
    "    prediction: nothing differs\n" /* 22 */
    "    criteria: [AC_1]\n"            /* 23 */
    "    check: gemv.exact\n"           /* 24 */
    "    with: {type: Q6_K}\n"          /* 25 */
    "    faults: [wrong_sub_scale]\n"   /* 26 */
    "    if_fails: look there\n"        /* 27 */
    "implementation_stages:\n"          /* 28 */
    "  - id: first\n"                   /* 29 */
    "    criteria: []\n"                /* 30 */
    "    description: all of it\n";     /* 31 */

void sample_edit(pv_text *out, const char *base, const char *const *changes) {
  pv_text_puts(out, base);
  for (; changes[0] != NULL; changes += 2) {
    const char *at = strstr(out->data, changes[0]);
    if (!EXPECT(at != NULL)) {
      fprintf(stderr, "  no place for: %s\n", changes[0]);
      return;
    }
    pv_text changed = PV_TEXT_INIT;
    pv_text_add(&changed, out->data, (size_t)(at - out->data));
    pv_text_puts(&changed, changes[1]);
    pv_text_puts(&changed, at + strlen(changes[0]));
    pv_text_free(out);
    *out = changed;
  }
}

void sample_put(const char *name, const char *lines) {
  char file[80], named[80];
  pv_text text = PV_TEXT_INIT, history = PV_TEXT_INIT;
  snprintf(file, sizeof file, "%s.yaml", name);
  snprintf(named, sizeof named, "name: %s\n", name);
  pv_text_printf(&history, "%s  amendment_history:", lines);
  sample_edit(
      &text, sample_sound,
      (const char *const[]){"name: sample\n", named, "  amendment_history:", history.data, NULL});
  folder_write(file, text.data);
  pv_text_free(&history);
  pv_text_free(&text);
}

void sample_judge(pv_arena *arena, const char *path, const char *text, size_t length,
                  pv_findings *findings) {
  pv_error err = PV_ERROR_INIT;
  pv_yaml_node *root = NULL;
  pv_contract *contract = NULL;
  pv_code code = pv_yaml_parse(arena, path, text, length, &root, &err);
  if (code == PV_OK && pv_contract_kind_of(root) != PV_CONTRACT_OURS) {
    EXPECT_I64(pv_rules_dialect(arena, path, root, findings, NULL), PV_OK);
    return;
  }
  pv_flaws flaws = {0};
  if (code == PV_OK)
    code = pv_contract_read_bytes(arena, path, text, length, &contract, &flaws, &err);
  if (code == PV_OK)
    EXPECT_I64(pv_rules_run(arena, testing_known(), contract, findings, NULL), PV_OK);
  else if (flaws.count == 0)
    EXPECT_I64(pv_findings_from_error(arena, findings, &err, NULL), PV_OK);
  for (size_t i = 0; i < flaws.count; i++)
    EXPECT_I64(pv_findings_from_error(arena, findings, &flaws.items[i], NULL), PV_OK);
  if (flaws.count > 0) EXPECT_STR(err.message, flaws.items[0].message);
}

bool sample_expect(const char *path, const char *text, const char *wanted) {
  pv_arena arena = PV_ARENA_INIT;
  pv_findings findings = {0};
  pv_text said = PV_TEXT_INIT;
  size_t severe = 0;
  sample_judge(&arena, path, text, strlen(text), &findings);
  pv_text_puts(&said, "");
  for (size_t i = 0; i < findings.count; i++) {
    const pv_finding *f = &findings.items[i];
    pv_text_printf(&said, "%s %lld:%lld %s\n", f->rule->id, (long long)f->line,
                   (long long)f->column, f->message);
    EXPECT_STR(f->file, path);
    EXPECT(f->hint[0] != '\0');
    severe += f->rule->severity == PV_SEVERE;
  }
  EXPECT_U64(findings.severe, severe);
  const bool good = EXPECT_STR(said.data, wanted);
  pv_text_free(&said);
  pv_arena_free(&arena);
  return good;
}
