#include "reports/render/campaign.h"

#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/html_parts.h"
#include "reports/render/json_parts.h"

enum { SHOWN = 2000, COLUMNS = 16 }; /* rows of a list on a page; devices */

/* A page in the making; the ways that formats differ in. */
typedef struct sheet {
  pv_text *out;
  pv_put how;
  bool html;
} sheet;

__attribute__((format(printf, 2, 3))) static void put(sheet *s, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  pv_put_list(s->out, &s->how, fmt, args);
  va_end(args);
}

static void put_xml_text(pv_text *out, const char *value) {
  pv_esc_xml(out, value, PV_ESC_CLIP);
}

static void heading(sheet *s, const char *title) {
  put(s, s->html ? "<h2>%s</h2>\n" : "\n## %s\n\n", title);
}

static void note(sheet *s, const char *text) {
  put(s, s->html ? "<p>%s</p>\n" : "%s\n", text);
}

/* The rows of a table: its head, then cells one after the other. */
static void table_begin(sheet *s, const char *const *names, size_t count) {
  if (s->html) pv_text_puts(s->out, "<div class=\"wide\"><table><thead><tr>");
  for (size_t i = 0; i < count; i++) put(s, s->html ? "<th>%s</th>" : "| %s ", names[i]);
  if (s->html) {
    pv_text_puts(s->out, "</tr></thead><tbody>\n");
    return;
  }
  pv_text_puts(s->out, "|\n");
  for (size_t i = 0; i < count; i++) pv_text_puts(s->out, "|---");
  pv_text_puts(s->out, "|\n");
}

static void row_begin(sheet *s) {
  if (s->html) pv_text_puts(s->out, "<tr>");
}

static void cell(sheet *s, const char *text) {
  put(s, s->html ? "<td>%s</td>" : "| %s ", text);
}

static void row_end(sheet *s) {
  pv_text_puts(s->out, s->html ? "</tr>\n" : "|\n");
}

static void table_end(sheet *s, size_t left_out) {
  if (s->html) pv_text_puts(s->out, "</tbody></table></div>\n");
  if (left_out > 0)
    put(s, s->html ? "<p>and %zu more; JSON has all</p>\n" : "\nand %zu more; JSON has all\n",
        left_out);
}

/* "tiny-coder-moe, 7234fb21b62b", or "-" of what needs no model. */
static const char *model_of(const pv_campaign_cell *c, char room[160]) {
  if (c->model_sha256[0] == '\0') return "-";
  snprintf(room, 160, "%.120s, %.12s", c->model, c->model_sha256);
  return room;
}

/* Cells of one contract and model, of which each device has one, are one row. */
static size_t row_of(const pv_campaign *c, size_t first) {
  size_t i = first;
  while (i < c->cell_count && strcmp(c->cells[i].contract, c->cells[first].contract) == 0 &&
         strcmp(c->cells[i].model_sha256, c->cells[first].model_sha256) == 0)
    i++;
  return i - first;
}

/* "Verified, 2026-11-29, 3 runs" */
static void put_newest(sheet *s, const pv_campaign_cell *one) {
  char text[256] = "nobody ran it";
  if (one->runs > 0)
    snprintf(text, sizeof text, "%.60s%s, %.10s%s", one->outcome,
             one->stale != NULL     ? ", STALE"
             : one->unknown != NULL ? ", not compared"
                                    : "",
             one->started, one->runs > 1 ? ", newest of " : "");
  if (one->runs > 1) snprintf(text + strlen(text), sizeof text - strlen(text), "%zu", one->runs);
  cell(s, text);
}

static void put_cells(sheet *s, const pv_campaign *c) {
  const char *names[2 + COLUMNS] = {"Contract", "Model"};
  char model[160];
  const size_t count = c->cell_count > 0 ? row_of(c, 0) : 0;
  const size_t columns = count < COLUMNS ? count : COLUMNS;
  size_t i = 0, rows = 0;
  heading(s, "Contracts over models, by device");
  for (size_t k = 0; k < columns; k++) names[2 + k] = c->cells[k].device;
  table_begin(s, names, 2 + columns);
  for (; i < c->cell_count && rows < SHOWN; i += row_of(c, i), rows++) {
    row_begin(s);
    cell(s, c->cells[i].contract);
    cell(s, model_of(&c->cells[i], model));
    for (size_t k = 0; k < columns; k++) put_newest(s, &c->cells[i + k]);
    row_end(s);
  }
  table_end(s, c->cell_count - i);
  if (count > columns)
    put(s,
        s->html ? "<p>and %zu more devices; JSON has all</p>\n"
                : "\nand %zu more devices; JSON has all\n",
        count - columns);
}

static void put_differences(sheet *s, const pv_campaign *c) {
  static const char *const names[] = {"Contract", "Model",  "Falsifier", "Device",
                                      "Verdict",  "Device", "Verdict"};
  size_t i = 0;
  heading(s, "What differs between devices");
  if (c->difference_count == 0) {
    note(s, "Nothing that was judged on two.");
    return;
  }
  table_begin(s, names, 7);
  for (; i < c->difference_count && i < SHOWN; i++) {
    const pv_campaign_difference *d = &c->differences[i];
    row_begin(s);
    cell(s, d->contract);
    cell(s, d->model[0] == '\0' ? "-" : d->model);
    cell(s, d->falsifier);
    for (size_t k = 0; k < 2; k++) {
      cell(s, d->device[k]);
      cell(s, d->verdict[k]);
    }
    row_end(s);
  }
  table_end(s, c->difference_count - i);
}

/* A cell with what is said of it, a row each, for which `say` says something. */
static void put_reasons(sheet *s, const pv_campaign *c, const char *title, const char *none,
                        const char *(*say)(const pv_campaign_cell *cell)) {
  static const char *const names[] = {"Contract", "Model", "Device", "Why"};
  size_t found = 0;
  char model[160];
  heading(s, title);
  for (size_t i = 0; i < c->cell_count; i++) {
    const char *why = say(&c->cells[i]);
    if (why == NULL || found++ >= SHOWN) continue;
    if (found == 1) table_begin(s, names, 4);
    row_begin(s);
    cell(s, c->cells[i].contract);
    cell(s, model_of(&c->cells[i], model));
    cell(s, c->cells[i].device);
    cell(s, why);
    row_end(s);
  }
  if (found == 0)
    note(s, none);
  else
    table_end(s, found > SHOWN ? found - SHOWN : 0);
}

static const char *why_stale(const pv_campaign_cell *cell) {
  return cell->stale;
}

static const char *why_unknown(const pv_campaign_cell *cell) {
  return cell->stale == NULL ? cell->unknown : NULL;
}

static void put_broken(sheet *s, const pv_campaign *c) {
  static const char *const names[] = {"File", "Why it does not count"};
  size_t i = 0;
  if (c->broken_count == 0) return;
  heading(s, "Evidence that does not count");
  table_begin(s, names, 2);
  for (; i < c->broken_count && i < SHOWN; i++) {
    row_begin(s);
    cell(s, c->broken[i].place);
    cell(s, c->broken[i].why);
    row_end(s);
  }
  table_end(s, c->broken_count - i);
}

static void put_count(sheet *s, size_t count, const char *one) {
  put(s, "%zu %s%s", count, one, count == 1 ? "" : "s");
}

static void put_sentence(sheet *s, const pv_campaign *c) {
  put_count(s, c->runs, "run");
  pv_text_puts(s->out, " of ");
  put_count(s, c->contracts, "contract");
  pv_text_puts(s->out, " over ");
  put_count(s, c->models, "model");
  pv_text_puts(s->out, " on ");
  put_count(s, c->devices, "device");
  put(s, ": %zu stale, %zu that nobody ran, %zu that devices disagree about, %zu broken", c->stale,
      c->missing, c->difference_count, c->broken_count);
}

/* What somebody must look at, then all there is. */
static void put_all(sheet *s, const pv_campaign *c) {
  put_differences(s, c);
  put_reasons(s, c, "What is stale", "Every run that can be compared still holds here.", why_stale);
  put_reasons(s, c, "What can not be compared", "Nothing.", why_unknown);
  put_broken(s, c);
  put_cells(s, c);
}

pv_code pv_render_campaign_text(const pv_campaign *campaign, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  sheet s = {out, {put_xml_text, put_xml_text}, false};
  put_sentence(&s, campaign);
  pv_text_puts(out, "\n");
  for (size_t i = 0; i < campaign->broken_count && i < 3; i++)
    pv_put_plain(out, "  broken: %s: %s\n", campaign->broken[i].place, campaign->broken[i].why);
  return pv_view_end(out, begin, PV_OK, err);
}

pv_code pv_render_campaign_markdown(const pv_campaign *campaign, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  sheet s = {out, {pv_esc_markdown, pv_esc_markdown_code}, false};
  pv_text_puts(out, "# Campaign\n\n");
  put_sentence(&s, campaign);
  pv_text_puts(out, ".\n");
  put_all(&s, campaign);
  return pv_view_end(out, begin, PV_OK, err);
}

pv_code pv_render_campaign_html(const pv_campaign *campaign, pv_text *out, pv_error *err) {
  const size_t begin = out->length;
  sheet s = {out, {put_xml_text, put_xml_text}, true};
  pv_text_puts(out,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
               "<title>Campaign</title>\n<style>\n");
  pv_html_style(out);
  pv_text_puts(out,
               ".wide{overflow-x:auto}.wide table{border-collapse:collapse}.wide th,.wide td"
               "{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--line)}\n"
               "</style>\n</head>\n<body>\n<main>\n<h1>Campaign</h1>\n<p>");
  put_sentence(&s, campaign);
  pv_text_puts(out, ".</p>\n");
  put_all(&s, campaign);
  pv_text_puts(out, "</main>\n</body>\n</html>\n");
  return pv_view_end(out, begin, PV_OK, err);
}

static json_t *text_or_null(const char *text) {
  return text == NULL ? json_null() : pv_json_text(text);
}

static json_t *cell_json(const pv_campaign_cell *c) {
  json_t *newest =
      c->runs == 0 ? json_null()
                   : json_pack("{s:o, s:o, s:o, s:o, s:i, s:b, s:o, s:o}", "run",
                               pv_json_text(c->run_id), "started", pv_json_text(c->started),
                               "place", pv_json_text(c->place), "outcome", pv_json_text(c->outcome),
                               "exit_code", c->exit_code, "stale", c->stale != NULL, "why_stale",
                               text_or_null(c->stale), "not_compared", text_or_null(c->unknown));
  return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "contract", pv_json_text(c->contract), "model",
                   pv_json_text(c->model), "model_sha256", pv_json_text(c->model_sha256), "device",
                   pv_json_text(c->device), "runs", (json_int_t)c->runs, "newest", newest);
}

pv_code pv_render_campaign_json(const pv_campaign *campaign, pv_text *out, pv_error *err) {
  const pv_campaign *c = campaign;
  json_t *cells = json_array(), *differences = json_array(), *broken = json_array();
  for (size_t i = 0; i < c->cell_count; i++) pv_json_append(&cells, cell_json(&c->cells[i]));
  for (size_t i = 0; i < c->difference_count; i++) {
    const pv_campaign_difference *d = &c->differences[i];
    pv_json_append(&differences,
                   json_pack("{s:o, s:o, s:o, s:[{s:o, s:s}, {s:o, s:s}]}", "contract",
                             pv_json_text(d->contract), "model", pv_json_text(d->model),
                             "falsifier", pv_json_text(d->falsifier), "verdicts", "device",
                             pv_json_text(d->device[0]), "verdict", d->verdict[0], "device",
                             pv_json_text(d->device[1]), "verdict", d->verdict[1]));
  }
  for (size_t i = 0; i < c->broken_count; i++)
    pv_json_append(&broken, json_pack("{s:o, s:o}", "place", pv_json_text(c->broken[i].place),
                                      "why", pv_json_text(c->broken[i].why)));
  return pv_json_put(
      out,
      json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "schema", PV_RENDER_CAMPAIGN,
                "runs", (json_int_t)c->runs, "contracts", (json_int_t)c->contracts, "models",
                (json_int_t)c->models, "devices", (json_int_t)c->devices, "stale",
                (json_int_t)c->stale, "missing", (json_int_t)c->missing, "cells", cells,
                "differences", differences, "broken", broken),
      err);
}
