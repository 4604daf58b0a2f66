#include "reports/render/page.h"

pv_code pv_page_begin(pv_page *p, pv_error *err) {
  p->begin = p->out->length;
  return pv_render_check(p->r, err);
}

pv_code pv_page_end(pv_page *p, pv_code code, pv_error *err) {
  pv_arena_free(&p->said);
  return pv_view_end(p->out, p->begin, code, err);
}

void pv_page_put(pv_page *p, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  pv_put_list(p->out, &p->how, fmt, args);
  va_end(args);
}

const char *pv_page_keep(pv_page *p, pv_text *text) {
  const char *kept = text->length == 0 ? "" : pv_arena_strdup(&p->said, text->data);
  p->out->failed |= text->failed || kept == NULL;
  pv_text_free(text);
  return pv_view_text(kept);
}

const char *pv_page_say(pv_page *p, void (*view)(pv_text *out, const pv_result *result)) {
  pv_text text = PV_TEXT_INIT;
  view(&text, p->r);
  return pv_page_keep(p, &text);
}

const char *pv_page_say_of(pv_page *p,
                           void (*view)(pv_text *out, const pv_result *result, size_t index),
                           size_t index) {
  pv_text text = PV_TEXT_INIT;
  view(&text, p->r, index);
  return pv_page_keep(p, &text);
}

void pv_page_names(pv_page *p, const pv_strings *names, size_t most, bool code,
                   const char *between) {
  for (size_t i = 0; i < names->count && i < most; i++) {
    if (i > 0) pv_text_puts(p->out, between);
    (code ? p->how.code : p->how.text)(p->out, names->items[i]);
  }
  if (names->count > most)
    pv_text_printf(p->out, "%sand %zu more", between[0] == ',' ? " " : between,
                   names->count - most);
}

pv_strings pv_page_falsifiers(pv_page *p, const pv_criterion_result *c) {
  pv_strings out = {.items = PV_ARENA_NEW(&p->said, c->falsifier_count + 1, char *)};
  if (out.items == NULL) p->out->failed = true;
  for (size_t i = 0; out.items != NULL && i < c->falsifier_count; i++)
    out.items[out.count++] = p->r->falsifiers[c->falsifiers[i]].falsifier->id;
  return out;
}

pv_tally pv_tally_begin(const pv_page *p, size_t budget) {
  return (pv_tally){p->out->length, budget, 0};
}

bool pv_tally_row(pv_tally *tally, const pv_page *p) {
  if (tally->omitted == 0 && p->out->length - tally->begin < tally->budget) return true;
  tally->omitted++;
  return false;
}
