/* junit.xml: what CI systems show. Nothing that was not looked at may count as a success there. */
#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/view.h"

enum { OUTPUT_BYTES = 4 << 10, TEXT_BYTES = 1024 };

typedef struct totals {
  size_t tests, failures, errors, skipped;
} totals;

static totals count(const pv_result *r) {
  totals t = {.tests = r->falsifier_count};
  for (size_t i = 0; i < r->falsifier_count; i++) {
    switch (r->falsifiers[i].verdict) {
      case PV_PASS:
        break;
      case PV_FAIL:
      case PV_VACUOUS:
        t.failures++;
        break;
      case PV_NOT_RUN:
      case PV_STALE:
      case PV_INCOMPARABLE:
        t.skipped++;
        break;
      default:
        t.errors++;
    }
  }
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

static void put_property(pv_text *out, const char *name, const char *value) {
  pv_text_puts(out, "      <property");
  put_attribute(out, "name", name);
  put_attribute(out, "value", value);
  pv_text_puts(out, "/>\n");
}

static const char *element(pv_verdict verdict) {
  switch (verdict) {
    case PV_PASS:
      return NULL;
    case PV_FAIL:
    case PV_VACUOUS:
      return "failure";
    case PV_NOT_RUN:
    case PV_STALE:
    case PV_INCOMPARABLE:
      return "skipped";
    default:
      return "error";
  }
}

static void put_outcome(pv_text *out, const pv_falsifier_result *f) {
  const char *name = element(f->verdict), *reason = pv_view_text(f->reason);
  if (name == NULL) return;
  if (reason[0] == '\0') reason = pv_view_look(f->verdict)->means;
  pv_text message = PV_TEXT_INIT;
  pv_text_printf(&message, "%s: %s", pv_verdict_name(f->verdict), reason);
  pv_text_printf(out, "      <%s", name);
  put_attribute(out, "message", message.data);
  if (f->verdict != PV_NOT_RUN && f->verdict != PV_STALE && f->verdict != PV_INCOMPARABLE)
    put_attribute(out, "type", pv_verdict_name(f->verdict));
  pv_text_puts(out, "/>\n");
  out->failed = out->failed || message.failed;
  pv_text_free(&message);
}

/* Where the answer comes from, and the numbers behind it, as readers show them below a case. */
static void put_system_out(pv_text *out, const pv_falsifier_result *f) {
  pv_text lines = PV_TEXT_INIT;
  pv_text_puts(&lines, "source: ");
  pv_view_falsifier_source(&lines, f);
  pv_text_puts(&lines, "\ncompared: ");
  pv_fmt_count(&lines, f->compared);
  if (f->worst.present) {
    pv_text_puts(&lines, "\nworst element: ");
    pv_view_worst(&lines, &f->worst);
  }
  if (f->has_needed_tolerance) {
    pv_text_puts(&lines, "\nneeded tolerance: ");
    pv_fmt_number(&lines, f->needed_tolerance);
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

static void put_case(pv_text *out, const pv_contract *contract, const pv_falsifier_result *f) {
  pv_text_puts(out, "    <testcase");
  put_attribute(out, "classname", contract->name);
  put_attribute(out, "name", f->falsifier->id);
  pv_text_puts(out, " time=\"");
  pv_fmt_fixed(out, f->duration_s > 0.0 ? f->duration_s : 0.0, 3);
  pv_text_puts(out, "\">\n");
  put_outcome(out, f);
  put_system_out(out, f);
  pv_text_puts(out, "    </testcase>\n");
}

pv_status pv_render_junit(const pv_result *result, pv_text *out, pv_error *err) {
  const pv_status status = pv_render_check(result, err);
  if (status != PV_OK) return status;
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
  put_property(out, "contract.version", c->version);
  put_property(out, "contract.sha256", c->sha256);
  put_property(out, "status.before", pv_contract_status_name(result->status_before));
  put_property(out, "status.after", pv_contract_status_name(result->status_after));
  put_property(out, "status.supported", result->status_carried ? "true" : "false");
  put_property(out, "run", result->run_id);
  pv_text_puts(out, "    </properties>\n");
  for (size_t i = 0; i < result->falsifier_count; i++) put_case(out, c, &result->falsifiers[i]);
  pv_text_puts(out, "  </testsuite>\n</testsuites>\n");
  return pv_view_end(out, begin, PV_OK, err);
}
