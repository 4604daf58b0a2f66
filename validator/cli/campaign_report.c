#include "validator/cli/campaign_report.h"

#include "base/file.h"
#include "base/output.h"
#include "reports/render/campaign.h"
#include "reports/render/put.h"
#include "validator/campaign/report.h"

static pv_code write_page(pv_arena *arena, const char *folder, const char *name, pv_code rendered,
                          const pv_text *text, pv_error *err) {
  if (rendered != PV_OK) return rendered;
  const char *path = pv_arena_printf(arena, "%s/%s", folder, name);
  return path == NULL ? pv_error_nomem(err, "the report")
                      : pv_file_replace(path, text->data, text->length, err);
}

pv_code pv_campaign_report(pv_arena *arena, const char *folder, const char *out, const char *probe,
                           bool json, pv_error *err) {
  pv_campaign c = {0};
  pv_text html = PV_TEXT_INIT, markdown = PV_TEXT_INIT, said = PV_TEXT_INIT;
  size_t read = 0;
  const char *to = out == NULL ? folder : out;
  pv_code code = out == NULL ? PV_OK : pv_folder_make(out, err);
  if (code == PV_OK) code = pv_campaign_read(arena, folder, to, probe, &c, &read, err);
  if (code == PV_OK)
    code =
        write_page(arena, to, "campaign.html", pv_render_campaign_html(&c, &html, err), &html, err);
  if (code == PV_OK)
    code = write_page(arena, to, "campaign.md", pv_render_campaign_markdown(&c, &markdown, err),
                      &markdown, err);
  if (code == PV_OK)
    code = json ? pv_render_campaign_json(&c, &said, err) : pv_render_campaign_text(&c, &said, err);
  if (code == PV_OK && !json)
    pv_put_plain(&said, "  %zu files were read anew\n  report: %s/campaign.html\n", read, to);
  if (code == PV_OK && said.failed) code = pv_error_nomem(err, "the report");
  if (code == PV_OK) code = pv_output_write(said.data, said.length, err);
  pv_text_free(&html);
  pv_text_free(&markdown);
  pv_text_free(&said);
  return code;
}
