/* The table that `pv validate` prints. One line per criterion; reasons only where there is one. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/page.h"

enum { WIDTH_MIN = 40, WIDTH_MAX = 160, WIDTH_DEFAULT = 80, VERDICT = 13, ID_MAX = 28, SOURCE = 8 };

typedef struct page {
  pv_page page;
  pv_text *out; /* the page's */
  const pv_result *r;
  const pv_terminal *how;
  size_t width;
} page;

static void color(const page *p, const char *sgr) {
  if (p->how->color) pv_text_printf(p->out, "\x1b[%sm", sgr);
}

static void plain(const page *p) {
  color(p, "0");
}

/* Columns of clean text: one per character. East Asian wide characters are not told apart. */
static size_t columns(const char *text) {
  size_t n = 0;
  for (; *text != '\0'; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

/* The first `room` columns, with an ellipsis when there is more. */
static void put_clipped(const page *p, const char *text, size_t room) {
  if (columns(text) <= room) {
    pv_text_puts(p->out, text);
    return;
  }
  const char *dots = p->how->ascii ? "..." : "…";
  const size_t taken = p->how->ascii ? 3 : 1;
  size_t left = room > taken ? room - taken : 0, i = 0;
  for (; text[i] != '\0'; i++) {
    if (((unsigned char)text[i] & 0xc0) != 0x80 && left-- == 0) break;
  }
  pv_text_add(p->out, text, i);
  pv_text_puts(p->out, dots);
}

static void put_blanks(const page *p, size_t count) {
  for (size_t i = 0; i < count; i++) pv_text_puts(p->out, " ");
}

/* Words of `text` in lines of the page's width, each indented; at most `lines` of them. */
static void put_wrapped(const page *p, const char *text, size_t indent, size_t lines) {
  const size_t room = p->width > indent + 20 ? p->width - indent : 20;
  while (*text != '\0' && lines-- > 0) {
    size_t end = 0, used = 0, last = 0;
    for (; text[end] != '\0' && used < room; end++) {
      if (text[end] == ' ') last = end;
      used += ((unsigned char)text[end + 1] & 0xc0) != 0x80;
    }
    if (text[end] != '\0' && text[end] != ' ' && last > 0) end = last;
    put_blanks(p, indent);
    if (lines == 0 && text[end] != '\0') {
      put_clipped(p, text, room);
      end = strlen(text);
    } else {
      pv_text_add(p->out, text, end);
    }
    pv_text_puts(p->out, "\n");
    text += end;
    while (*text == ' ') text++;
  }
}

/* Clean text; in ASCII mode characters beyond it become '?'. */
static const char *clean(page *p, const char *value) {
  pv_text text = PV_TEXT_INIT;
  pv_esc_line(&text, value, PV_ESC_CLIP * 2);
  size_t kept = 0;
  for (size_t i = 0; i < text.length && p->how->ascii; i++) {
    const unsigned char c = (unsigned char)text.data[i];
    if ((c & 0xc0) != 0x80) text.data[kept++] = c < 0x80 ? (char)c : '?';
  }
  if (p->how->ascii && text.data != NULL) text.data[kept] = '\0';
  return pv_page_keep(&p->page, &text);
}

/* Takes the text. */
static void put_said(page *p, pv_text *text, size_t indent, size_t lines) {
  put_wrapped(p, clean(p, pv_page_keep(&p->page, text)), indent, lines);
}

static void put_look(const page *p, pv_verdict verdict, const char *name) {
  const pv_look *look = pv_view_look(verdict);
  color(p, look->ansi);
  pv_text_printf(p->out, "%s %s", p->how->ascii ? look->ascii : look->glyph, name);
  plain(p);
}

static void put_head(page *p) {
  const pv_result *r = p->r;
  pv_text text = PV_TEXT_INIT;
  color(p, "1");
  pv_text_puts(p->out, clean(p, r->contract->name));
  plain(p);
  pv_text_printf(p->out, " %s\n", clean(p, r->contract->version));
  put_look(p, pv_view_outcome_look(r), pv_view_outcome(r));
  pv_text_puts(p->out, "\n");
  pv_view_sentence(&text, r);
  put_said(p, &text, 2, 8);
  pv_text_printf(&text, "status %s", pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_text_printf(&text, " -> %s", pv_contract_status_name(r->status_after));
  pv_text_puts(&text, ": ");
  pv_view_transition(&text, r);
  put_said(p, &text, 2, 4);
}

/* Room for the longest verdict; the longest of all is rare. */
static size_t verdict_width(const pv_result *r) {
  size_t widest = VERDICT;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const size_t n = strlen(pv_verdict_name(r->criteria[i].verdict)) + 1;
    if (n > widest) widest = n;
  }
  return widest;
}

static size_t id_width(const pv_result *r) {
  size_t widest = 8;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const size_t n = columns(r->criteria[i].criterion->id);
    if (n > widest) widest = n;
  }
  return widest > ID_MAX ? ID_MAX : widest;
}

/* mark, verdict, id, source, claim: the claim gives way first, the source never. */
static void put_row(page *p, const pv_criterion_result *c, size_t ids) {
  const char *name = pv_verdict_name(c->verdict), *id = clean(p, c->criterion->id);
  const size_t verdicts = verdict_width(p->r), used = 4 + verdicts + ids + 2 + SOURCE + 2;
  pv_text_puts(p->out, "  ");
  put_look(p, c->verdict, name);
  put_blanks(p, verdicts - strlen(name));
  put_clipped(p, id, ids);
  put_blanks(p, columns(id) < ids ? ids - columns(id) + 2 : 2);
  pv_text_printf(p->out, "%-*s", SOURCE,
                 c->source == PV_FROM_RUN ? "this run" : pv_source_name(c->source));
  if (p->width > used + 16) {
    pv_text_puts(p->out, "  ");
    put_clipped(p, clean(p, c->criterion->property), p->width - used);
  }
  pv_text_puts(p->out, "\n");
}

static void put_criterion(page *p, size_t i, size_t ids) {
  const pv_criterion_result *c = &p->r->criteria[i];
  pv_text more = PV_TEXT_INIT;
  put_row(p, c, ids);
  if (c->verdict != PV_PASS)
    pv_view_criterion_reason(&more, p->r, i);
  else if (c->source == PV_FROM_RECEIPT)
    pv_view_criterion_source(&more, p->r, i);
  put_said(p, &more, 6, 4);
}

/* Falsifiers that no criterion names would otherwise be false without being seen. */
static void put_unbound(page *p) {
  const pv_result *r = p->r;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    const pv_look *look = pv_view_look(f->verdict);
    bool named = false;
    if (pv_view_concern(f->verdict) != PV_CONCERN_FALSE) continue;
    for (size_t c = 0; c < r->criterion_count; c++)
      for (size_t k = 0; k < r->criteria[c].falsifier_count; k++)
        named = named || r->criteria[c].falsifiers[k] == i;
    if (named) continue;
    pv_text_printf(p->out, "  %s %s  falsifier %s\n", p->how->ascii ? look->ascii : look->glyph,
                   pv_verdict_name(f->verdict), clean(p, f->falsifier->id));
    put_wrapped(p, clean(p, f->reason), 6, 4);
  }
}

/* Adds what a view says, if it says anything, behind its name. */
static void add_view(page *p, pv_text *out, const char *name,
                     void (*view)(pv_text *out, const pv_result *r, size_t falsifier), size_t i) {
  const char *said = pv_page_say_of(&p->page, view, i);
  if (said[0] != '\0') pv_text_printf(out, "; %s %s", name, said);
}

/* Each falsifier: its verdict, then what is behind it. */
static void put_falsifiers(page *p) {
  const pv_result *r = p->r;
  if (!p->how->falsifiers || r->falsifier_count == 0) return;
  pv_text_puts(p->out, "\n  falsifiers\n");
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    pv_text more = PV_TEXT_INIT;
    pv_text_puts(p->out, "  ");
    put_look(p, f->verdict, pv_verdict_name(f->verdict));
    pv_text_printf(p->out, "  %s", clean(p, f->falsifier->id));
    pv_text_printf(p->out, "  %s\n", clean(p, f->falsifier->check));
    pv_text_puts(&more, "compared ");
    pv_fmt_count(&more, f->compared);
    add_view(p, &more, "gate", pv_view_gate, i);
    add_view(p, &more, "measured", pv_view_measured, i);
    add_view(p, &more, "worst element", pv_view_worst, i);
    add_view(p, &more, "planted faults:", pv_view_faults, i);
    add_view(p, &more, "from", pv_view_falsifier_source, i);
    if (f->source == PV_FROM_RUN) {
      pv_text_puts(&more, "; ");
      pv_fmt_seconds(&more, f->duration_s);
    }
    put_said(p, &more, 6, 8);
    put_wrapped(p, clean(p, f->reason), 6, 8);
  }
}

/* Falsifiers over which a PASS says less than it seems to. */
static void put_never(page *p) {
  pv_text text = PV_TEXT_INIT;
  for (size_t i = 0; i < p->r->falsifier_count; i++)
    if (p->r->falsifiers[i].never_fails)
      pv_text_printf(
          &text, "%s%s",
          text.length == 0 ? "never seen to fail, for a provider plants nothing in it: " : ", ",
          p->r->falsifiers[i].falsifier->id);
  put_said(p, &text, 2, 4);
}

static void put_foot(page *p) {
  const pv_render_links *links = p->page.links;
  pv_text text = PV_TEXT_INIT;
  pv_stages_line(&text, p->r);
  /* As far as they go: a stage claims nothing that its criteria above do not. */
  put_said(p, &text, 2, 4);
  pv_text_puts(&text, "evidence: ");
  pv_view_where(&text, p->r);
  pv_text_puts(&text, "; ");
  pv_fmt_seconds(&text, p->r->duration_s);
  put_said(p, &text, 2, 3);
  if (links == NULL || links->folder == NULL) return;
  /* Not wrapped and not clipped: a path is there to be copied. */
  pv_text_puts(p->out, "  report:   ");
  pv_text_escape(p->out, links->folder, strlen(links->folder));
  pv_text_puts(p->out, "/report.md\n");
}

pv_code pv_render_terminal(const pv_result *result, const pv_render_links *links,
                           const pv_terminal *terminal, pv_text *out, pv_error *err) {
  size_t width = terminal->width == 0 ? WIDTH_DEFAULT : terminal->width;
  width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
  page p = {{.out = out, .r = result, .links = links}, out, result, terminal, width};
  const pv_code code = pv_page_begin(&p.page, err);
  if (code != PV_OK) return code;
  put_head(&p);
  pv_text_puts(out, "\n");
  const size_t ids = id_width(result);
  for (size_t i = 0; i < result->criterion_count; i++) put_criterion(&p, i, ids);
  put_unbound(&p);
  put_never(&p);
  put_falsifiers(&p);
  pv_text_puts(out, "\n");
  put_foot(&p);
  return pv_page_end(&p.page, PV_OK, err);
}
