#include "validator/cli/evidence_merge.h"

#include "base/output.h"
#include "reports/render/put.h"
#include "reports/render/render.h"
#include "validator/cli/validate_text.h"

static void put_list(pv_text *out, const pv_strings *list) {
  for (size_t i = 0; i < list->count; i++)
    pv_put_plain(out, "%s%s", i == 0 ? "" : ", ", list->items[i]);
}

/* What has to be run again, as it can be typed. */
static void put_missing(const pv_merged *m, pv_text *out) {
  pv_text_puts(out, "nothing was written: nobody judged ");
  put_list(out, &m->falsifiers);
  pv_text_puts(out, m->parts.count == 1 ? "\n  missing: part " : "\n  missing: parts ");
  put_list(out, &m->parts);
  pv_text_printf(out, " of %u\n", m->of);
  for (size_t i = 0; i < m->parts.count; i++)
    pv_put_plain(out, "  run: %s --shard %s/%u\n", m->whole, m->parts.items[i], m->of);
}

pv_code pv_evidence_merge(pv_arena *arena, const pv_merge_ask *ask, bool json, int *exit_code,
                          pv_error *err) {
  const pv_terminal how = {.ascii = !pv_validate_unicode(), .width = 100};
  pv_merged m = {0};
  pv_text out = PV_TEXT_INIT, missing = PV_TEXT_INIT;
  pv_code code = pv_merge(arena, ask, &m, err);
  if (code != PV_OK) return code;
  const pv_render_links links = {.folder = m.shown};
  if (m.shown == NULL) {
    put_missing(&m, &missing);
    *exit_code = 3;
  } else {
    *exit_code = m.result.exit_code;
    code = json ? pv_render_json(&m.result, &links, &out, err)
                : pv_render_terminal(&m.result, &links, &how, &out, err);
  }
  if (m.result.publish && !json && m.written == m.result.contract->status)
    pv_text_puts(&out, "  published; the contract is as it was\n");
  else if (m.result.publish && !json)
    pv_text_printf(&out, "  the contract now says %s\n", pv_contract_status_name(m.written));
  if (m.refused != NULL) pv_put_plain(&missing, "  note: nothing was published: %s\n", m.refused);
  if (m.note != NULL) pv_put_plain(&missing, "  note: `latest` is not this run: %s\n", m.note);
  if (code == PV_OK && (out.failed || missing.failed)) code = pv_error_nomem(err, "the run");
  if (code == PV_OK && out.length > 0) code = pv_output_write(out.data, out.length, err);
  if (code == PV_OK && missing.length > 0) fputs(missing.data, stderr);
  pv_text_free(&out);
  pv_text_free(&missing);
  return code;
}
