#include "validator/cli/validate_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/render/put.h"
#include "reports/render/view.h"
#include "screen/screen.h"
#include "validator/cli/suggest.h"
#include "validator/judge/publish.h"
#include "validator/store/derive.h"

bool pv_validate_unicode(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value == NULL || value[0] == '\0') continue;
    return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
  }
  return false;
}

static pv_terminal terminal(bool color, bool falsifiers) {
  const unsigned width = pv_screen_width(STDOUT_FILENO);
  return (pv_terminal){.color = color,
                       .ascii = !pv_validate_unicode(),
                       .width = width > 0 ? width : 100,
                       .falsifiers = falsifiers};
}

/* What --publish would do about a status that is not the file's; NULL when it would refuse. */
static const char *hint(const pv_judgement *j) {
  const pv_request *q = &j->request;
  pv_text why = PV_TEXT_INIT;
  const bool refused = q->only != NULL || q->backend != NULL || q->out != NULL || q->publish ||
                       q->given_providers || q->prompts != NULL || j->ground.lacking ||
                       j->result.status_before > PV_STATUS_ACTIVE_RUNTIME ||
                       j->ground.site.home == NULL || strcmp(j->git.commit, "none") == 0 ||
                       pv_publish_refused(&j->result, &why);
  pv_text_free(&why);
  if (refused || j->result.status_before == j->result.status_after) return NULL;
  return j->git.dirty ? "after a commit, --publish would record it" : "--publish would record it";
}

/* What was caught of what was asked for; which pairs were not tried, and why, stands in the notes.
 */
static void put_faults(const pv_judgement *j, pv_text *out) {
  const pv_result *r = &j->result;
  size_t declared = 0, killed = 0, left_out = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    const bool asked =
        (j->trial.spec.selected[i] || j->trial.absent[i]) && f->verdict != PV_NOT_APPLICABLE;
    *(asked ? &declared : &left_out) += f->faults_declared.count;
    killed += f->faults_killed.count;
  }
  if (declared > 0)
    pv_text_printf(out, "  planted faults: %zu of %zu pairs of falsifier and fault were caught",
                   killed, declared);
  else
    pv_text_puts(out, "  planted faults: none, so nothing shows that these falsifiers can fail");
  if (r->faults_untried > 0) pv_text_printf(out, ", %u not tried", r->faults_untried);
  if (left_out > 0) pv_text_printf(out, "; %zu left out", left_out);
  pv_text_puts(out, "\n");
}

/* Of which architecture a model is that nobody has written a contract for. */
static void put_kind(const pv_judgement *j, pv_text *out) {
  const pv_result *r = &j->result;
  const char *experts = pv_fact_value(r->model, r->model_count, "experts");
  const char *const names[] = {"arch", "layers", "hidden", "vocabulary"};
  const char *values[4];
  for (size_t i = 0; i < 4; i++) {
    values[i] = pv_fact_value(r->model, r->model_count, names[i]);
    if (values[i] == NULL) return; /* no probe has opened it */
  }
  pv_put_plain(out, "  kind:     %s, %s layers of width %s, %s tokens, %s experts\n", values[0],
               values[1], values[2], values[3], experts == NULL ? "no" : experts);
}

/* What was taken from around the contract: a verdict is about exactly that. */
static void put_taken(const pv_judgement *j, pv_text *out) {
  if (j->trial.spec.model != NULL)
    pv_put_plain(out, j->request.model != NULL ? "  model:    %s (--model)\n" : "  model:    %s\n",
                 j->trial.spec.model);
  if (j->request.prompts != NULL)
    pv_put_plain(out, "  prompts:  those of the call, and their first 16 and 32 tokens\n");
  if (j->request.any) {
    put_kind(j, out);
    if (j->request.backend != NULL && strcmp(j->request.backend, "ptx") == 0)
      pv_put_plain(out, "  device:   none is asked, the kernels are interpreted: %s\n",
                   pv_fact_value(j->result.environment, j->result.environment_count, "cuda"));
    pv_put_plain(out, "  contract: %s\n", j->request.contract->path);
  }
  for (size_t i = 0; i < j->request.contract->provider_count; i++) {
    const pv_provider *p = &j->request.contract->providers[i];
    if (p->known != NULL)
      pv_put_plain(out,
                   p->given ? "  provider: %s %s, %s (--provider)\n" : "  provider: %s %s, %s\n",
                   p->name, p->version, p->path);
  }
  pv_put_plain(out, "  root:     %s (%s)\n  receipts: %s\n", j->ground.site.root,
               j->ground.site.root_why, j->ground.site.evidence_why);
}

/* What came of publishing, or would. */
static void put_published(const pv_judgement *j, pv_text *out) {
  if (!j->result.publish) {
    const char *what = hint(j);
    if (what != NULL) pv_text_printf(out, "  %s\n", what);
  } else if (j->written == j->request.contract->status) {
    pv_text_puts(out, "  published; the contract is as it was\n");
  } else {
    pv_text_printf(out, "  the contract now says %s\n", pv_contract_status_name(j->written));
  }
}

pv_code pv_validate_text(const pv_judgement *j, bool color, bool falsifiers, pv_text *out,
                         pv_error *err) {
  const pv_terminal how = terminal(color, falsifiers);
  const pv_render_links links = {.folder = j->shown};
  const pv_code code = pv_render_terminal(&j->result, &links, &how, out, err);
  if (code != PV_OK) return code;
  if (j->result.part.of == 0 && !j->result.status_carried) {
    pv_text_puts(out, "  ");
    pv_status_explain(&j->result, out);
    pv_text_puts(out, "\n");
  }
  put_taken(j, out);
  pv_suggest_bisect(j, out);
  pv_suggest_interpreter(j, out);
  if (j->request.faults) put_faults(j, out);
  put_published(j, out);
  return PV_OK;
}

void pv_validate_quiet(const pv_judgement *j, pv_text *out) {
  pv_text sentence = PV_TEXT_INIT;
  if (j->result.exit_code == 0) return;
  pv_view_sentence(&sentence, &j->result);
  pv_put_plain(out, "%s: %s. %s\n", j->request.contract->path, pv_view_outcome(&j->result),
               sentence.data);
  out->failed |= sentence.failed;
  pv_text_free(&sentence);
}
