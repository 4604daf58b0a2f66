/* The first screen of report.html: what was claimed, the verdict, which model, where, which commit,
 * and what nobody looked at. Texts are cut so that all of it fits on a telephone; what is cut
 * stands whole further down. `data-first` names each fact: tests/render measures where it ends. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/html_parts.h"
#include "reports/render/unseen.h"

/* Room for one text, in letters of usual width. */
enum { NAME = 52, CLAIM = 240, SENTENCE = 180, FACT = 40, LINE = 66, WHERE = 84 };

/* As many of the bytes as have room: names of capitals, of which there are many, take more. */
static size_t fitting(const char *value, size_t room) {
  size_t at = 0, taken = 0; /* in tenths of a letter */
  for (; value[at] != '\0' && taken < 10 * room; at++)
    if (((unsigned char)value[at] & 0xc0) != 0x80)
      taken += strchr("MWmw@%", value[at]) ? 16 : value[at] >= 'A' && value[at] <= 'Z' ? 12 : 10;
  return at;
}

static const char *cut(pv_page *p, const char *value, size_t room) {
  pv_text text = PV_TEXT_INIT;
  pv_esc_line(&text, value, fitting(pv_view_text(value), room));
  return pv_page_keep(p, &text);
}

/* What stands below a rung: who claims it and whether the evidence supports it. */
static const char *rung_words(const pv_result *r, pv_contract_status rung) {
  const bool here = rung == r->status_before, top = rung == r->status_after;
  if (here && top) return "✓ claimed and supported";
  if (top)
    return rung < r->status_before ? "✓ the evidence supports this"
                                   : "✓ supported, not yet claimed";
  if (here) return rung > r->status_after ? "✗ the file claims this" : "✓ claimed and supported";
  if (rung < r->status_after) return "✓ supported";
  return rung < r->status_before ? "✗ not supported" : "not claimed";
}

static void put_rung(pv_page *p, pv_contract_status rung) {
  const bool held = rung <= p->r->status_after, claimed = rung <= p->r->status_before;
  pv_page_put(p, "<li class=\"%s\"><b>", held ? "held" : claimed ? "gap" : "above");
  pv_html_word(p, pv_contract_status_name(rung));
  pv_page_put(p, "</b><span>%s</span></li>\n", rung_words(p->r, rung));
}

static bool on_ladder(pv_contract_status status) {
  return status <= PV_STATUS_ACTIVE_RUNTIME;
}

void pv_html_claim(pv_page *p) {
  const pv_result *r = p->r;
  const char *claim = pv_view_text(r->contract->description);
  if (claim[fitting(claim, CLAIM)] != '\0') pv_page_put(p, "<p class=\"whole\">%s</p>\n", claim);
  if (!on_ladder(r->status_before) || !on_ladder(r->status_after)) return;
  pv_page_put(p, "<ol class=\"ladder\" aria-label=\"Ladder of statuses\">\n");
  for (int s = PV_STATUS_DRAFT; s <= PV_STATUS_ACTIVE_RUNTIME; s++)
    put_rung(p, (pv_contract_status)s);
  pv_page_put(p, "</ol>\n");
}

static void put_tally(pv_page *p) {
  static const struct {
    pv_concern concern;
    pv_verdict look;
    const char *words;
  } rows[] = {{PV_CONCERN_NONE, PV_PASS, "hold"},
              {PV_CONCERN_FALSE, PV_FAIL, "false"},
              {PV_CONCERN_UNJUDGED, PV_ERROR, "could not be judged"},
              {PV_CONCERN_UNSEEN, PV_NOT_RUN, "nobody looked"},
              {PV_CONCERN_APART, PV_NOT_APPLICABLE, "not about this model"}};
  pv_page_put(p, "<ul class=\"tally\" aria-label=\"Criteria\">\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const size_t count = pv_view_count(p->r, rows[i].concern);
    if (count == 0 && rows[i].concern != PV_CONCERN_FALSE) continue;
    pv_page_put(p, "<li>");
    pv_html_icon(p, rows[i].look);
    pv_page_put(p, "<b>%zu</b> %s</li>\n", count, rows[i].words);
  }
  pv_page_put(p, "</ul>\n");
}

static const char *environment(const pv_page *p, const char *name) {
  return pv_view_text(pv_fact_value(p->r->environment, p->r->environment_count, name));
}

static const char *model(const pv_page *p, const char *name) {
  return pv_view_text(pv_fact_value(p->r->model, p->r->model_count, name));
}

static void begin_fact(pv_page *p, const char *title, const char *first) {
  pv_page_put(p, "<dt>%s</dt><dd data-first=\"%s\">", title, first);
}

static void put_model(pv_page *p) {
  enum { DIGITS = 12 };
  const char *digest = model(p, "sha256"), *name = model(p, "name"), *path = model(p, "path");
  begin_fact(p, "Model", "model");
  if (p->r->model_count == 0)
    pv_page_put(p, "none was opened");
  else
    pv_page_put(p, "%s", cut(p, name[0] != '\0' ? name : path, FACT));
  if (digest[0] != '\0')
    pv_page_put(p, " <code data-first=\"digest\" title=\"sha256 %s\">%s</code>", digest,
                cut(p, digest, DIGITS));
  if (name[0] != '\0' && path[0] != '\0')
    pv_page_put(p, "<span class=\"sub more\">%s</span>", cut(p, path, LINE));
  pv_page_put(p, "</dd>\n");
}

/* The fact "cuda" is the driver, or why there is none; "vulkan" is device and driver. */
static void put_device(pv_page *p) {
  const char *device = environment(p, "device"), *driver = environment(p, "cuda");
  const char *vulkan = pv_view_by_vulkan(p->r) ? environment(p, "vulkan") : "";
  const bool none = device[0] == '\0' || strcmp(device, "none") == 0;
  const bool cuda = environment(p, "cuda_code")[0] != '\0' || (!none && vulkan[0] == '\0');
  begin_fact(p, "Device", "device");
  pv_page_put(p, none ? "no GPU" : "%s", cut(p, device, FACT));
  pv_page_put(p, "<span class=\"sub\" data-first=\"driver\">%s %s</span>", cuda ? "driver" : "",
              driver[0] != '\0' ? cut(p, driver, LINE)
              : cuda            ? "not known"
                                : "the evidence does not say why");
  if (vulkan[0] != '\0')
    pv_page_put(p, "<span class=\"sub\" data-first=\"vulkan\">by Vulkan: %s</span>",
                cut(p, vulkan, LINE));
  pv_page_put(p, "</dd>\n");
}

static void put_host(pv_page *p) {
  const char *cpu = environment(p, "cpu"), *threads = environment(p, "threads");
  begin_fact(p, "Host", "host");
  pv_page_put(p, "%s", cpu[0] != '\0' ? cut(p, cpu, FACT) : "not known");
  if (threads[0] != '\0')
    pv_page_put(p, ", %s thread%s", cut(p, threads, FACT), strcmp(threads, "1") == 0 ? "" : "s");
  if (environment(p, "os")[0] != '\0')
    pv_page_put(p, "<span class=\"sub more\">%s</span>", cut(p, environment(p, "os"), FACT));
  pv_page_put(p, "</dd>\n");
}

static void put_facts(pv_page *p) {
  const pv_result *r = p->r;
  pv_page_put(p, "<dl class=\"first\">\n");
  put_model(p);
  put_device(p);
  put_host(p);
  begin_fact(p, "Commit", "commit");
  pv_page_put(p, "%-s</dd>\n", cut(p, pv_page_say(p, pv_view_commit), FACT));
  begin_fact(p, "Status", "status");
  pv_page_put(p, "%s", pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_page_put(p, " → %s", pv_contract_status_name(r->status_after));
  pv_page_put(p, "<span class=\"sub more\">%s</span></dd>\n", pv_page_say(p, pv_view_transition));
  begin_fact(p, "Evidence", "evidence");
  pv_page_put(p, "%s<span class=\"sub more\">%s, %f, exit code %d</span></dd>\n</dl>\n",
              cut(p, pv_page_say(p, pv_view_where), WHERE), cut(p, r->started, FACT), r->duration_s,
              r->exit_code);
}

static void put_unseen(pv_page *p) {
  pv_unseen rows[PV_UNSEEN_ROWS];
  size_t count = 0;
  if (!pv_unseen_find(&p->said, p->r, rows, &count)) p->out->failed = true;
  pv_page_put(p,
              "<section class=\"card unseen\" data-first=\"unseen\" aria-label=\"What nobody "
              "looked at\">\n<h2>What nobody looked at</h2>\n<dl>\n");
  for (size_t i = 0; i < count; i++)
    pv_page_put(
        p, rows[i].open ? "<dt>%s</dt><dd class=\"gap\">%s</dd>\n" : "<dt>%s</dt><dd>%s</dd>\n",
        rows[i].topic, cut(p, rows[i].text, LINE));
  pv_page_put(p, "</dl>\n</section>\n");
}

void pv_html_top(pv_page *p) {
  const pv_result *r = p->r;
  const pv_contract *c = r->contract;
  const pv_verdict look = pv_view_outcome_look(r);
  pv_page_put(p, "<header>\n<h1 data-first=\"contract\">%s <small>%s</small></h1>\n",
              cut(p, c->name, NAME), cut(p, c->version, NAME));
  pv_page_put(p, "<p class=\"dim\" data-first=\"claim\">%s</p>\n</header>\n",
              pv_view_text(c->description)[0] != '\0' ? cut(p, c->description, CLAIM)
                                                      : "The contract has no description.");
  pv_page_put(p,
              "<div class=\"top\">\n<section class=\"card hero %s\" aria-label=\"Verdict\">\n"
              "<p class=\"word\" data-first=\"verdict\">",
              pv_view_look(look)->css);
  pv_html_icon(p, look);
  pv_page_put(p, "%s</p>\n<p class=\"say\">%s</p>\n", pv_view_outcome(r),
              cut(p, pv_page_say(p, pv_view_sentence), SENTENCE));
  put_tally(p);
  put_facts(p);
  pv_page_put(p, "</section>\n");
  put_unseen(p);
  pv_page_put(p,
              "</div>\n<nav aria-label=\"Parts of the page\"><a href=\"#criteria\">Criteria</a>");
  if (r->falsifier_count > 0) pv_page_put(p, "<a href=\"#falsifiers\">Falsifiers</a>");
  pv_page_put(p, "<a href=\"#reproduce\">How to reproduce</a>");
  if (c->length > 0) pv_page_put(p, "<a href=\"#contract\">Contract</a>");
  pv_page_put(p, "</nav>\n");
}
