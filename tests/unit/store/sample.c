#include "tests/unit/store/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/known.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/store/derive.h"

const char sample_yaml[] =
    "# A comment on top.\n"
    "schema: pv/contract/v1\n"
    "\n"
    "metadata:\n"
    "  name: sample\n"
    "  version: \"1.0.9\"   # the version\n"
    "  kind: kernel\n"
    "  status: PROPOSED # typed by pv\n"
    "  created: \"2026-11-20\"\n"
    "  author: The pv authors\n"
    "  description: A sample.\n"
    "  amendment_history:\n"
    "    - version: \"1.0.9\"\n"
    "      date: \"2026-11-20\"\n"
    "      kind: created\n"
    "      title: First version\n"
    "      description: >-\n"
    "        Folded\n"
    "        text.\n"
    "  # a comment behind the history\n"
    "\n"
    "acceptance_criteria:\n"
    "  - id: AC_ONE\n"
    "    property: First\n"
    "    formal: a = b\n"
    "    needed_for: PROPOSED\n"
    "  - id: AC_TWO\n"
    "    property: Second\n"
    "    formal: b = c\n"
    "    needed_for: ACTIVE_ALGORITHM_LEVEL\n"
    "  - id: AC_THREE\n"
    "    property: Third\n"
    "    formal: c = d\n"
    "    needed_for: ACTIVE_RUNTIME\n"
    "\n"
    "falsification_tests:\n"
    "  - id: F_ONE\n"
    "    rule: r\n"
    "    prediction: p\n"
    "    criteria: [AC_ONE]\n"
    "    check: router.topk_rule\n"
    "    if_fails: look\n"
    "  - id: F_TWO\n"
    "    rule: r\n"
    "    prediction: p\n"
    "    criteria: [AC_TWO]\n"
    "    check: names.resolve\n"
    "    if_fails: look\n"
    "  - id: F_THREE\n"
    "    rule: r\n"
    "    prediction: p\n"
    "    criteria: [AC_THREE]\n"
    "    check: forward.finite\n"
    "    with: {backend: cuda}\n"
    "    if_fails: look\n"
    "\n"
    "implementation_stages:\n"
    "  - id: one\n"
    "    description: On any machine\n"
    "    criteria: [AC_ONE]\n"
    "  - id: three\n"
    "    description: On a device too\n"
    "    criteria: [AC_TWO, AC_THREE]\n"
    "  - id: later\n"
    "    description: Not written yet\n"
    "    criteria: []\n";

/* Contracts and results hold texts that are not const. */
static char empty[] = "", left_out[] = "there is no CUDA device", metric[] = "worst_cosine";
static char run_id[] = "20261122T101500Z-0badcafe", started[] = "2026-11-22T10:15:00Z";
static char command[] = "pv validate 'contracts/sample.yaml'", identity[] = "i16";
static char definition[] = "i16-v1", device[] = "device", h100[] = "NVIDIA H100", cpu[] = "cpu";

static pv_fact environment[] = {{device, h100}};
static pv_metric metrics[] = {{metric, 0.99999994039535522}};
static char *cpus[] = {cpu};

bool sample_subjects(sample *s) {
  pv_bind_checks(s->contract, testing_known());
  return pv_subject_all(&s->arena, s->contract, &s->basis, &s->subjects, NULL) == PV_OK;
}

bool sample_make(sample *s) {
  pv_error err = PV_ERROR_INIT;
  pv_arena_free(&s->arena); /* of the sample before this one */
  *s = (sample){.numerics = {{identity, definition}}};
  if (pv_contract_load_bytes(&s->arena, "contracts/sample.yaml", sample_yaml, strlen(sample_yaml),
                             &s->contract, &err) != PV_OK) {
    pv_error_print(&err, stdout);
    return false;
  }
  s->basis = (pv_basis){.model = "aa11",
                        .reference = "bb22",
                        .kernels = "cc33",
                        .numerics = s->numerics,
                        .numerics_count = 1};
  pv_result *r = &s->result;
  *r = (pv_result){.contract = s->contract,
                   .run_id = run_id,
                   .started = started,
                   .duration_s = 1.5,
                   .command = command,
                   .environment = environment,
                   .environment_count = 1,
                   .numerics = s->numerics,
                   .numerics_count = 1,
                   .falsifiers = PV_ARENA_NEW(&s->arena, 3, pv_falsifier_result),
                   .falsifier_count = 3};
  for (size_t i = 0; i < 3; i++)
    r->falsifiers[i] = (pv_falsifier_result){.falsifier = &s->contract->falsifiers[i],
                                             .verdict = i < 2 ? PV_PASS : PV_NOT_RUN,
                                             .source = i < 2 ? PV_FROM_RUN : PV_FROM_NOWHERE,
                                             .reason = i < 2 ? empty : left_out,
                                             .compared = i < 2 ? 10 : 0,
                                             .metrics = metrics,
                                             .metric_count = i < 2 ? 1 : 0,
                                             .backends = {cpus, NULL, i < 2 ? 1 : 0},
                                             .duration_s = 0.25};
  return sample_subjects(s) && pv_status_derive(&s->arena, r, NULL) == PV_OK;
}

void sample_fill(sample *s) {
  static char picture[] = "stage-error", line[] = "i16", x_label[] = "layer", y_label[] = "error";
  static char stage[] = "router", fault[] = "swap", said[] = "probe: \"no device\"\n";
  static char run[] = "20261120T101500Z-00000001", date[] = "2026-11-20";
  static char path_name[] = "path", path[] = "models/tiny.gguf", *faults[] = {fault, fault};
  static double x[] = {0.0, 1.0}, y[] = {0.5, 0.25};
  static pv_series series[] = {{picture, line, x_label, y_label, x, y, 2, true}};
  static pv_fact model[] = {{path_name, path}};
  pv_falsifier_result *f = s->result.falsifiers;
  f[0].series = series;
  f[0].series_count = 1;
  f[0].worst = (pv_worst){true, stage, 3, -1, 7, 0.25, 0.75};
  f[0].has_needed_tolerance = true;
  f[0].needed_tolerance = 0.5;
  f[1].source = PV_FROM_RECEIPT;
  f[1].receipt_run = run;
  f[1].receipt_date = date;
  f[1].receipt_device = h100;
  f[1].faults_declared = (pv_strings){faults, NULL, 2};
  f[1].faults_killed = (pv_strings){faults, NULL, 1};
  f[2].output = said;
  s->result.model = model;
  s->result.model_count = 1;
}

void sample_free(sample *s) {
  pv_arena_free(&s->arena);
}

const char *sample_publish(sample *s, const char *parent) {
  static char folder[512], path[600], digest[PV_SHA256_HEX], name[] = "report.md";
  static const char report[] = "# A report\n";
  pv_fact file = {name, digest};
  pv_evidence e = {.result = &s->result,
                   .subjects = s->subjects,
                   .contract_path = "contracts/sample.yaml",
                   .files = &file,
                   .file_count = 1};
  pv_text text = PV_TEXT_INIT;
  snprintf(folder, sizeof folder, "%s/%s", parent, s->result.run_id);
  bool made = pv_folder_make(folder, NULL) == PV_OK &&
              pv_subject_contract(s->contract, e.semantics, NULL) == PV_OK &&
              pv_sha256_bytes(report, sizeof report - 1, digest, NULL) == PV_OK &&
              pv_evidence_render(&e, &text, NULL) == PV_OK;
  snprintf(path, sizeof path, "%s/report.md", folder);
  made = made && pv_file_replace(path, report, sizeof report - 1, NULL) == PV_OK;
  snprintf(path, sizeof path, "%s/evidence.json", folder);
  made = made && pv_file_replace(path, text.data, text.length, NULL) == PV_OK;
  pv_text_free(&text);
  return made ? folder : NULL;
}
