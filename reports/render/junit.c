/* junit.xml: what CI systems show. Nothing that was not looked at may count as a success there, and
 * what keeps `pv` from exit code 0 is a failure or an error: a CI server does not look at what was
 * skipped. The last case is the status itself, so an exit code that no falsifier explains (a status
 * that somebody typed, a declared divergence that is none) is not green either. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/gate.h"
#include "reports/render/view.h"

enum { OUTPUT_BYTES = 4 << 10, TEXT_BYTES = 1024 };

typedef struct totals {
  size_t tests, failures, errors, skipped;
} totals;

/* What a case is called: NULL is a success. */
static const char *element(const pv_result *r, size_t falsifier) {
  switch (pv_view_concern(r->falsifiers[falsifier].verdict)) {
    case PV_CONCERN_NONE:
      return NULL;
    case PV_CONCERN_FALSE:
      return "failure";
    case PV_CONCERN_UNJUDGED:
      return "error";
    default:
      return r->exit_code != 0 && pv_view_needed(r, falsifier) ? "error" : "skipped";
  }
}

static const char *status_element(const pv_result *r) {
  return r->exit_code == 0 ? NULL : r->exit_code == 3 ? "error" : "failure";
}

static void count_one(totals *t, const char *name) {
  t->tests++;
  if (name == NULL) return;
  t->failures += strcmp(name, "failure") == 0;
  t->errors += strcmp(name, "error") == 0;
  t->skipped += strcmp(name, "skipped") == 0;
}

static totals count(const pv_result *r) {
  totals t = {0};
  for (size_t i = 0; i < r->falsifier_count; i++) count_one(&t, element(r, i));
  count_one(&t, status_element(r));
  return t;
}

static void put_attribute(pv_text *out, const char *name, const char *value) {
  pv_text_printf(out, " %s=\"", name);
  pv_esc_xml(out, value, TEXT_BYTES);
  pv_text_puts(out, "\"");
}

static void put_totals(pv_text *out, const totals *t, double seconds) {
  pv_text_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"",
                 t->tests, t->failures, t->errors, t->skipped);
  pv_fmt_fixed(out, seconds, 3);
  pv_text_puts(out, "\"");
}

static void put_property(pv_text *out, const char *margin, const char *name, const char *value) {
  if (pv_view_text(value)[0] == '\0') return;
  pv_text_printf(out, "%s<property", margin);
  put_attribute(out, "name", name);
  put_attribute(out, "value", value);
  pv_text_puts(out, "/>\n");
}

/* `name` is an element's, or NULL for a success. */
static void put_outcome(pv_text *out, const char *name, const char *type, const char *reason) {
  if (name == NULL) return;
  pv_text message = PV_TEXT_INIT;
  pv_text_printf(&message, "%s: %s", type, reason);
  pv_text_printf(out, "      <%s", name);
  put_attribute(out, "message", message.data);
  if (strcmp(name, "skipped") != 0) put_attribute(out, "type", type);
  pv_text_puts(out, "/>\n");
  out->failed = out->failed || message.failed;
  pv_text_free(&message);
}

/* Which earlier run a case that was not run here rests on. */
static void put_source(pv_text *out, const pv_falsifier_result *f) {
  pv_text_puts(out, "      <properties>\n");
  put_property(out, "        ", "source",
               f->source == PV_FROM_RUN       ? "run"
               : f->source == PV_FROM_RECEIPT ? "receipt"
                                              : "nowhere");
  if (f->source != PV_FROM_RUN) {
    put_property(out, "        ", "receipt.run", f->receipt_run);
    put_property(out, "        ", "receipt.date", f->receipt_date);
    put_property(out, "        ", "receipt.device", f->receipt_device);
  }
  pv_text_puts(out, "      </properties>\n");
}

/* Where the answer comes from, and the numbers behind it, as readers show them below a case. */
static void put_system_out(pv_text *out, const pv_falsifier_result *f) {
  pv_gate gate;
  const bool gated = pv_gate_find(f->falsifier, &gate);
  pv_text lines = PV_TEXT_INIT;
  pv_text_puts(&lines, "source: ");
  pv_view_falsifier_source(&lines, f);
  pv_text_puts(&lines, "\ncompared: ");
  pv_fmt_count(&lines, f->compared);
  if (f->worst.present) {
    pv_text_puts(&lines, "\nworst element: ");
    pv_view_worst(&lines, &f->worst);
  }
  if (gated) {
    pv_text_puts(&lines, "\ngate: ");
    pv_gate_put(&lines, &gate);
  }
  if (f->has_needed_tolerance) {
    pv_text_puts(&lines, "\nmeasured: ");
    pv_gate_put_measured(&lines, gated ? &gate : NULL, f->needed_tolerance);
  }
  for (size_t i = 0; i < f->metric_count && lines.length < OUTPUT_BYTES; i++) {
    pv_text_printf(&lines, "\n%s: ", pv_view_text(f->metrics[i].name));
    pv_fmt_number(&lines, f->metrics[i].value);
  }
  pv_text_puts(out, "      <system-out>");
  pv_esc_xml_lines(out, lines.data, OUTPUT_BYTES);
  pv_text_puts(out, "</system-out>\n");
  out->failed = out->failed || lines.failed;
  pv_text_free(&lines);
  if (f->output == NULL || f->output[0] == '\0') return;
  pv_text_puts(out, "      <system-err>");
  pv_esc_xml_lines(out, f->output, OUTPUT_BYTES);
  pv_text_puts(out, "</system-err>\n");
}

static void open_case(pv_text *out, const pv_result *r, const char *name) {
  pv_text_puts(out, "    <testcase");
  put_attribute(out, "classname", r->contract->name);
  put_attribute(out, "name", name);
}

/* What was not run here has no time: that of a receipt was spent on another day, elsewhere. */
static void put_case(pv_text *out, const pv_result *r, size_t index) {
  const pv_falsifier_result *f = &r->falsifiers[index];
  const char *reason = pv_view_text(f->reason);
  open_case(out, r, f->falsifier->id);
  if (f->source == PV_FROM_RUN) {
    pv_text_puts(out, " time=\"");
    pv_fmt_fixed(out, f->duration_s > 0.0 ? f->duration_s : 0.0, 3);
    pv_text_puts(out, "\"");
  }
  pv_text_puts(out, ">\n");
  put_source(out, f);
  put_outcome(out, element(r, index), pv_verdict_name(f->verdict),
              reason[0] != '\0' ? reason : pv_view_look(f->verdict)->means);
  put_system_out(out, f);
  pv_text_puts(out, "    </testcase>\n");
}

static void put_status(pv_text *out, const pv_result *r) {
  pv_text sentence = PV_TEXT_INIT;
  pv_view_sentence(&sentence, r);
  open_case(out, r, "status");
  pv_text_puts(out, ">\n");
  put_outcome(out, status_element(r), pv_view_outcome(r), pv_view_text(sentence.data));
  pv_text_puts(out, "      <system-out>");
  pv_esc_xml_lines(out, sentence.data, OUTPUT_BYTES);
  pv_text_puts(out, "</system-out>\n    </testcase>\n");
  out->failed = out->failed || sentence.failed;
  pv_text_free(&sentence);
}

pv_code pv_render_junit(const pv_result *result, pv_text *out, pv_error *err) {
  const pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  const size_t begin = out->length;
  const pv_contract *c = result->contract;
  const totals t = count(result);
  const double seconds = result->duration_s > 0.0 ? result->duration_s : 0.0;
  pv_text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pv validate\"");
  put_totals(out, &t, seconds);
  pv_text_puts(out, ">\n  <testsuite");
  put_attribute(out, "name", c->name);
  put_totals(out, &t, seconds);
  put_attribute(out, "timestamp", result->started);
  pv_text_puts(out, ">\n    <properties>\n");
  put_property(out, "      ", "contract.version", c->version);
  put_property(out, "      ", "contract.sha256", c->sha256);
  put_property(out, "      ", "status.before", pv_contract_status_name(result->status_before));
  put_property(out, "      ", "status.after", pv_contract_status_name(result->status_after));
  put_property(out, "      ", "status.supported", result->status_carried ? "true" : "false");
  put_property(out, "      ", "run", result->run_id);
  pv_text_puts(out, "    </properties>\n");
  for (size_t i = 0; i < result->falsifier_count; i++) put_case(out, result, i);
  put_status(out, result);
  pv_text_puts(out, "  </testsuite>\n</testsuites>\n");
  return pv_view_end(out, begin, PV_OK, err);
}
