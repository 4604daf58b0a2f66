/* Any bytes as a contract: refused with a rule and a place, or loaded and judged by every rule; a
 * second time the same. Every node of the tree lies inside the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/known.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char path[] = "/nowhere/fuzz.yaml"; /* nothing lies beside it */

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void look_at(const pv_yaml_node *node, size_t size, int depth) {
  const pv_place *p = &node->place;
  demand(0 <= p->begin && p->begin <= p->end && p->end <= (int64_t)size, "a node is in the file");
  demand(p->line > 0 && p->column > 0, "a node has a line and a column");
  demand(depth <= PV_YAML_DEPTH_MAX, "the tree is not too deep");
  demand(node->kind != PV_YAML_SCALAR || strlen(node->text) == node->length, "a text holds no NUL");
  for (size_t i = 0; i < node->count; i++) {
    look_at(node->items[i], size, depth + 1);
    if (node->kind == PV_YAML_MAPPING) look_at(node->keys[i], size, depth + 1);
  }
}

/* What the tools would say of these bytes. */
static pv_findings judge(pv_arena *arena, const uint8_t *data, size_t size) {
  pv_error err = PV_ERROR_INIT;
  pv_findings findings = {0};
  pv_flaws flaws = {0};
  pv_yaml_node *root = NULL;
  pv_contract *c = NULL;
  pv_code code = pv_yaml_parse(arena, path, data, size, &root, &err);
  demand(code == PV_OK || root == NULL, "a refused file gives no tree");
  if (code == PV_OK) {
    look_at(root, size, 0);
    if (pv_contract_kind_of(root) != PV_CONTRACT_OURS) {
      demand(pv_rules_dialect(arena, path, root, &findings, &err) == PV_OK,
             "the dialect is judged");
      return findings;
    }
    code = pv_contract_read_bytes(arena, path, data, size, &c, &flaws, &err);
  }
  if (code == PV_OK) {
    demand(memcmp(c->bytes, data, size) == 0 && c->length == size, "the bytes are kept");
    demand(pv_rules_run(arena, testing_known(), c, &findings, &err) == PV_OK, "the rules are run");
    return findings;
  }
  demand(code == PV_ERR_INPUT && err.message[0] != '\0', "a refusal says why");
  demand(pv_rule_find(err.rule) != NULL, "a refusal names a rule");
  demand(flaws.count <= PV_FLAWS_MAX, "the flaws have a bound");
  demand(flaws.count == 0 || strcmp(flaws.items[0].message, err.message) == 0,
         "the error is the first flaw");
  demand(pv_findings_from_error(arena, &findings, &err, NULL) == PV_OK, "a refusal is a finding");
  for (size_t i = 1; i < flaws.count; i++) {
    const pv_error *flaw = &flaws.items[i];
    demand(pv_rule_find(flaw->rule) != NULL && flaw->hint[0] != '\0' && flaw->line > 0,
           "a flaw names a rule, a cure and a place");
    demand(pv_findings_from_error(arena, &findings, flaw, NULL) == PV_OK, "a flaw is a finding");
  }
  return findings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  const pv_findings first = judge(&arena, data, size), second = judge(&arena, data, size);
  demand(first.count == second.count && first.severe == second.severe, "the verdict is stable");
  for (size_t i = 0; i < first.count; i++) {
    const pv_finding *a = &first.items[i], *b = &second.items[i];
    demand(a->rule == b->rule && a->line == b->line && a->column == b->column &&
               strcmp(a->message, b->message) == 0,
           "each finding is stable");
  }
  pv_arena_free(&arena);
  return 0;
}
