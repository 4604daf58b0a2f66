/* The table that `pv validate` prints. One line per criterion; reasons only where there is one. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/stages.h"
#include "reports/render/view.h"

enum { WIDTH_MIN = 40, WIDTH_MAX = 160, WIDTH_DEFAULT = 80, VERDICT = 13, ID_MAX = 28, SOURCE = 8 };

typedef struct page {
  pv_text *out;
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

/* Clean text in ASCII mode: characters beyond it become '?'. */
static char *clean(const page *p, pv_text *store, const char *value) {
  pv_text_free(store);
  pv_esc_line(store, value, PV_ESC_CLIP * 2);
  if (store->data == NULL) pv_text_puts(store, "");
  p->out->failed = p->out->failed || store->failed;
  if (store->data == NULL) return NULL;
  size_t kept = 0;
  for (size_t i = 0; i < store->length && p->how->ascii; i++) {
    const unsigned char c = (unsigned char)store->data[i];
    if ((c & 0xc0) != 0x80) store->data[kept++] = c < 0x80 ? (char)c : '?';
  }
  if (p->how->ascii) store->data[kept] = '\0';
  return store->data;
}

static void put_head(const page *p, const pv_result *r, pv_text *store) {
  pv_text plain_text = PV_TEXT_INIT;
  color(p, "1");
  pv_text_puts(p->out, pv_view_text(clean(p, store, r->contract->name)));
  plain(p);
  pv_text_printf(p->out, " %s\n", pv_view_text(clean(p, store, r->contract->version)));
  const pv_look *look = pv_view_look(pv_view_outcome_look(r));
  color(p, look->ansi);
  pv_text_printf(p->out, "%s %s", p->how->ascii ? look->ascii : look->glyph, pv_view_outcome(r));
  plain(p);
  pv_text_puts(p->out, "\n");
  pv_view_sentence(&plain_text, r);
  put_wrapped(p, pv_view_text(clean(p, store, plain_text.data)), 2, 8);
  pv_text_free(&plain_text);
  pv_text_printf(&plain_text, "status %s", pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_text_printf(&plain_text, " -> %s", pv_contract_status_name(r->status_after));
  pv_text_puts(&plain_text, ": ");
  pv_view_transition(&plain_text, r);
  put_wrapped(p, pv_view_text(clean(p, store, plain_text.data)), 2, 4);
  p->out->failed = p->out->failed || plain_text.failed;
  pv_text_free(&plain_text);
}

static size_t id_width(const pv_result *r) {
  size_t widest = 8;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const size_t n = columns(r->criteria[i].criterion->id);
    if (n > widest) widest = n;
  }
  return widest > ID_MAX ? ID_MAX : widest;
}

static const char *source_word(pv_source source) {
  return source == PV_FROM_RUN ? "this run" : source == PV_FROM_RECEIPT ? "receipt " : "nowhere ";
}

/* mark, verdict, id, source, claim: the claim gives way first, the source never. */
static void put_row(const page *p, const pv_criterion_result *c, size_t ids, pv_text *store) {
  const pv_look *look = pv_view_look(c->verdict);
  const char *name = pv_verdict_name(c->verdict);
  const size_t used = 4 + VERDICT + ids + 2 + SOURCE + 2;
  pv_text_puts(p->out, "  ");
  color(p, look->ansi);
  pv_text_printf(p->out, "%s %s", p->how->ascii ? look->ascii : look->glyph, name);
  plain(p);
  put_blanks(p, strlen(name) < VERDICT ? VERDICT - strlen(name) : 1);
  const char *id = pv_view_text(clean(p, store, c->criterion->id));
  put_clipped(p, id, ids);
  put_blanks(p, columns(id) < ids ? ids - columns(id) + 2 : 2);
  pv_text_puts(p->out, source_word(c->source));
  if (p->width > used + 16) {
    pv_text_puts(p->out, "  ");
    put_clipped(p, pv_view_text(clean(p, store, c->criterion->property)), p->width - used);
  }
  pv_text_puts(p->out, "\n");
}

static void put_criterion(const page *p, const pv_result *r, size_t i, size_t ids, pv_text *store) {
  const pv_criterion_result *c = &r->criteria[i];
  pv_text more = PV_TEXT_INIT;
  put_row(p, c, ids, store);
  if (c->verdict != PV_PASS) {
    pv_view_criterion_reason(&more, r, i);
  } else if (c->source == PV_FROM_RECEIPT) {
    pv_view_criterion_source(&more, r, i);
  }
  if (more.length > 0) put_wrapped(p, pv_view_text(clean(p, store, more.data)), 6, 4);
  p->out->failed = p->out->failed || more.failed;
  pv_text_free(&more);
}

/* Falsifiers that no criterion names would otherwise be false without being seen. */
static void put_unbound(const page *p, const pv_result *r, pv_text *store) {
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    bool named = false;
    if (pv_view_concern(f->verdict) != PV_CONCERN_FALSE) continue;
    for (size_t c = 0; c < r->criterion_count; c++)
      for (size_t k = 0; k < r->criteria[c].falsifier_count; k++)
        named = named || r->criteria[c].falsifiers[k] == i;
    if (named) continue;
    pv_text_printf(
        p->out, "  %s %s  falsifier ",
        p->how->ascii ? pv_view_look(f->verdict)->ascii : pv_view_look(f->verdict)->glyph,
        pv_verdict_name(f->verdict));
    pv_text_puts(p->out, pv_view_text(clean(p, store, f->falsifier->id)));
    pv_text_puts(p->out, "\n");
    put_wrapped(p, pv_view_text(clean(p, store, f->reason)), 6, 4);
  }
}

/* One line, as far as it goes: a stage claims nothing that its criteria above do not. */
static void put_stages(const page *p, const pv_result *r, pv_text *store) {
  pv_text text = PV_TEXT_INIT;
  pv_stages_line(&text, r);
  if (text.length > 0) put_wrapped(p, pv_view_text(clean(p, store, text.data)), 2, 4);
  p->out->failed = p->out->failed || text.failed;
  pv_text_free(&text);
}

static void put_foot(const page *p, const pv_result *r, const pv_render_links *links,
                     pv_text *store) {
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "evidence: ");
  pv_view_where(&text, r);
  pv_text_puts(&text, "; ");
  pv_fmt_seconds(&text, r->duration_s);
  put_wrapped(p, pv_view_text(clean(p, store, text.data)), 2, 3);
  p->out->failed = p->out->failed || text.failed;
  pv_text_free(&text);
  if (links == NULL || links->folder == NULL) return;
  /* Not wrapped and not clipped: a path is there to be copied. */
  pv_text_puts(p->out, "  report:   ");
  pv_text_escape(p->out, links->folder, strlen(links->folder));
  pv_text_puts(p->out, "/report.md\n");
}

pv_code pv_render_terminal(const pv_result *result, const pv_render_links *links,
                           const pv_terminal *terminal, pv_text *out, pv_error *err) {
  const pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  const size_t begin = out->length;
  size_t width = terminal->width == 0 ? WIDTH_DEFAULT : terminal->width;
  width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
  const page p = {out, terminal, width};
  pv_text store = PV_TEXT_INIT;
  put_head(&p, result, &store);
  pv_text_puts(out, "\n");
  const size_t ids = id_width(result);
  for (size_t i = 0; i < result->criterion_count; i++) put_criterion(&p, result, i, ids, &store);
  put_unbound(&p, result, &store);
  pv_text_puts(out, "\n");
  put_stages(&p, result, &store);
  put_foot(&p, result, links, &store);
  pv_text_free(&store);
  return pv_view_end(out, begin, PV_OK, err);
}
