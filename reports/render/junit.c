/* junit.xml: what CI systems show. Nothing that was not looked at may count as a success there, and
 * what keeps `pv` from exit code 0 is a failure or an error: a CI server does not look at what was
 * skipped. The last case is the status itself, so an exit code that no falsifier explains (a status
 * that somebody typed, a declared divergence that is none) is not green either. */
#include <string.h>

#include "reports/render/call.h"
#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/page.h"

enum { OUTPUT_BYTES = 4 << 10, TEXT_BYTES = 1024 };

typedef struct totals {
  size_t tests, failures, errors, skipped;
  double seconds;
} totals;

/* What a case is called: NULL is a success. */
static const char *element(const pv_result *r, size_t falsifier) {
  if (r->falsifiers[falsifier].of_another_part) return "skipped";
  switch (pv_view_concern(r->falsifiers[falsifier].verdict)) {
    case PV_CONCERN_NONE:
      return NULL;
    case PV_CONCERN_FALSE:
      return "failure";
    case PV_CONCERN_UNJUDGED:
      return "error";
    case PV_CONCERN_APART:
      return "skipped";
    default:
      return r->exit_code != 0 && pv_view_needed(r, falsifier) ? "error" : "skipped";
  }
}

static const char *status_element(const pv_result *r) {
  if (r->exit_code == 0) return r->part.of > 0 ? "skipped" : NULL;
  return r->exit_code == 3 ? "error" : "failure";
}

static void count_one(totals *t, const char *name) {
  t->tests++;
  if (name == NULL) return;
  t->failures += strcmp(name, "failure") == 0;
  t->errors += strcmp(name, "error") == 0;
  t->skipped += strcmp(name, "skipped") == 0;
}

static void count(totals *t, const pv_result *r) {
  for (size_t i = 0; i < r->falsifier_count; i++) count_one(t, element(r, i));
  count_one(t, status_element(r));
  t->seconds += r->duration_s > 0.0 ? r->duration_s : 0.0;
}

static void put_text(pv_text *out, const char *value) {
  pv_esc_xml(out, value, TEXT_BYTES);
}

/* The schema that servers go by knows what was skipped of a suite alone. */
static void put_totals(pv_text *out, const totals *t, bool suite) {
  pv_put_xml(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", t->tests, t->failures,
             t->errors);
  if (suite) pv_put_xml(out, " skipped=\"%zu\"", t->skipped);
  pv_put_xml(out, " time=\"%.3f\"", t->seconds);
}

static void put_property(pv_page *p, const char *name, const char *value) {
  if (pv_view_text(value)[0] == '\0') return;
  pv_page_put(p, "      <property name=\"%s\" value=\"%s\"/>\n", name, value);
}

/* `name` is an element's, or NULL for a success. */
static void put_outcome(pv_page *p, const char *name, const char *type, const char *reason) {
  if (name == NULL) return;
  pv_text message = PV_TEXT_INIT;
  pv_text_printf(&message, "%s: %s", type, reason);
  pv_page_put(p, "      <%s message=\"%s\"", name, pv_page_keep(p, &message));
  if (strcmp(name, "skipped") != 0) pv_page_put(p, " type=\"%s\"", type);
  pv_page_put(p, "/>\n");
}

static void put_lines(pv_page *p, const char *element, const char *lines) {
  pv_page_put(p, "      <%s>", element);
  pv_esc_xml_lines(p->out, lines, OUTPUT_BYTES);
  pv_page_put(p, "</%s>\n", element);
}

/* Where the answer comes from, which earlier run that was, and the numbers behind it, as readers
 * show them below a case. */
static void put_system_out(pv_page *p, size_t index) {
  static const struct {
    const char *name;
    void (*view)(pv_text *out, const pv_result *r, size_t falsifier);
  } views[] = {
      {"worst element", pv_view_worst}, {"gate", pv_view_gate}, {"measured", pv_view_measured}};
  const pv_falsifier_result *f = &p->r->falsifiers[index];
  pv_text lines = PV_TEXT_INIT;
  pv_text_puts(&lines, "source: ");
  pv_view_falsifier_source(&lines, p->r, index);
  if (f->source != PV_FROM_RUN && f->receipt_run != NULL)
    pv_text_printf(&lines, "\nreceipt: %s", f->receipt_run);
  pv_text_puts(&lines, "\ncompared: ");
  pv_fmt_count(&lines, f->compared);
  for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
    const char *said = pv_page_say_of(p, views[i].view, index);
    if (said[0] != '\0') pv_text_printf(&lines, "\n%s: %s", views[i].name, said);
  }
  for (size_t i = 0; i < f->metric_count && lines.length < OUTPUT_BYTES; i++) {
    pv_text_printf(&lines, "\n%s: ", pv_view_text(f->metrics[i].name));
    pv_fmt_number(&lines, f->metrics[i].value);
  }
  put_lines(p, "system-out", pv_page_keep(p, &lines));
  if (pv_view_text(f->output)[0] != '\0') put_lines(p, "system-err", f->output);
}

/* What was not run here has no time: that of a receipt was spent on another day, elsewhere. */
static void put_case(pv_page *p, size_t index) {
  const pv_falsifier_result *f = &p->r->falsifiers[index];
  const char *reason = pv_view_text(f->reason);
  pv_page_put(p, "    <testcase classname=\"%s\" name=\"%s\"", p->r->contract->name,
              f->falsifier->id);
  if (f->source == PV_FROM_RUN)
    pv_page_put(p, " time=\"%.3f\"", f->duration_s > 0.0 ? f->duration_s : 0.0);
  pv_page_put(p, ">\n");
  put_outcome(p, element(p->r, index), pv_verdict_name(f->verdict),
              reason[0] != '\0' ? reason : pv_view_look(f->verdict)->means);
  put_system_out(p, index);
  pv_page_put(p, "    </testcase>\n");
}

static void put_status(pv_page *p) {
  const char *sentence = pv_page_say(p, pv_view_sentence);
  pv_page_put(p, "    <testcase classname=\"%s\" name=\"status\">\n", p->r->contract->name);
  put_outcome(p, status_element(p->r), pv_view_outcome(p->r), sentence);
  put_lines(p, "system-out", sentence);
  pv_page_put(p, "    </testcase>\n");
}

static pv_code put_suite(const pv_result *r, pv_text *out, pv_error *err) {
  pv_page p = {.out = out, .r = r, .how = {put_text, put_text}};
  const pv_code code = pv_page_begin(&p, err);
  if (code != PV_OK) return code;
  totals t = {0};
  count(&t, r);
  pv_page_put(&p, "  <testsuite name=\"%s\"", r->contract->name);
  put_totals(out, &t, true);
  pv_page_put(&p, " timestamp=\"%s\">\n    <properties>\n", r->started);
  put_property(&p, "contract.version", r->contract->version);
  put_property(&p, "contract.sha256", r->contract->sha256);
  put_property(&p, "status.before", pv_contract_status_name(r->status_before));
  put_property(&p, "status.after", pv_contract_status_name(r->status_after));
  put_property(&p, "status.supported", r->status_carried ? "true" : "false");
  put_property(&p, "run", r->run_id);
  pv_page_put(&p, "    </properties>\n");
  for (size_t i = 0; i < r->falsifier_count; i++) put_case(&p, i);
  put_status(&p);
  pv_page_put(&p, "  </testsuite>\n");
  return pv_page_end(&p, PV_OK, err);
}

/* Why the call ended early: a case in error each. */
static void put_failures(const pv_call *call, pv_text *out) {
  const totals t = {.tests = call->failure_count, .errors = call->failure_count};
  if (call->failure_count == 0) return;
  pv_text_puts(out, "  <testsuite name=\"pv validate\"");
  put_totals(out, &t, true);
  pv_text_puts(out, ">\n");
  for (size_t i = 0; i < call->failure_count; i++) {
    const pv_error *e = &call->failures[i];
    pv_put_xml(out, "    <testcase classname=\"pv validate\" name=\"%s\">\n      <error message=\"",
               e->file[0] != '\0' ? e->file : "call");
    if (e->line > 0) pv_text_printf(out, "line %lld: ", (long long)e->line);
    pv_put_xml(out, "%s\" type=\"%s\">%s</error>\n    </testcase>\n", e->message,
               e->rule[0] != '\0' ? e->rule : "ERROR", e->hint);
  }
  pv_text_puts(out, "  </testsuite>\n");
}

pv_code pv_render_junit_call(const pv_call *call, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  pv_code code = PV_OK;
  totals all = {.tests = call->failure_count, .errors = call->failure_count};
  for (size_t i = 0; i < call->count; i++) count(&all, call->items[i].result);
  pv_text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pv validate\"");
  put_totals(out, &all, false);
  pv_text_puts(out, ">\n");
  put_failures(call, out);
  for (size_t i = 0; code == PV_OK && i < call->count; i++)
    code = put_suite(call->items[i].result, out, err);
  pv_text_puts(out, "</testsuites>\n");
  return pv_view_end(out, begin, code, err);
}

pv_code pv_render_junit(const pv_result *result, pv_text *out, pv_error *err) {
  const pv_outcome one = {.result = result};
  return pv_render_junit_call(&(pv_call){.items = &one, .count = 1}, out, err);
}
