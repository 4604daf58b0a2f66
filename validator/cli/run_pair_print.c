/* What changed between two runs, for a reader or a program. */
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "reports/render/fmt.h"
#include "reports/render/put.h"
#include "validator/cli/run_pair.h"

enum {
  LINE = 60
}; /* what is longer stands in lines of its own: old and new, one below the other */

static void put_change(pv_text *out, const char *name, const char *old, const char *new,
                       const char *more) {
  const char *const values[] = {old == NULL ? "none" : old, new == NULL ? "none" : new};
  if (2 + strlen(name) + 2 + strlen(values[0]) + 4 + strlen(values[1]) + strlen(more) <= LINE) {
    pv_put_plain(out, "  %s: %s -> %s%s\n", name, values[0], values[1], more);
    return;
  }
  pv_put_plain(out, "  %s\n    - %s\n    + %s%s\n", name, values[0], values[1], more);
}

static const char *fact(const pv_result *r, const char *name, const char *otherwise) {
  const char *value = pv_fact_value(r->environment, r->environment_count, name);
  return value == NULL || strcmp(value, "none") == 0 ? otherwise : value;
}

static void put_heads(pv_text *out, const pv_run_pair *p) {
  static const char *const names[] = {"old", "new"};
  pv_put_plain(out, "%s\n", p->run[1].result->contract->name);
  for (int i = 0; i < 2; i++) {
    const pv_result *r = p->run[i].result;
    pv_put_plain(out, "  %s: %s, %s\n       %s\n", names[i], r->run_id, fact(r, "device", "cpu"),
                 p->place[i]);
  }
}

static void put_number(pv_text *out, bool known, double value) {
  if (known)
    pv_fmt_number(out, value);
  else
    pv_text_puts(out, "none");
}

static void put_gate(pv_text *out, const struct pv_pair_metric *m) {
  const char *sign = m->minimum ? ">=" : "<=";
  if (!m->gated[0] && !m->gated[1]) return;
  pv_text_printf(out, "%s%s, gate %s ", m->unit[0] != '\0' ? " " : "", m->unit, sign);
  put_number(out, m->gated[0], m->gate[0]);
  if (m->gated[0] == m->gated[1] && m->gate[0] == m->gate[1]) return;
  pv_text_printf(out, " -> %s ", sign);
  put_number(out, m->gated[1], m->gate[1]);
}

static void put_metric(pv_text *out, const struct pv_pair_metric *m) {
  pv_text name = PV_TEXT_INIT, old = PV_TEXT_INIT, new = PV_TEXT_INIT, gate = PV_TEXT_INIT;
  pv_text_printf(&name, "%s %s", m->falsifier, m->name);
  put_number(&old, m->known[0], m->value[0]);
  put_number(&new, m->known[1], m->value[1]);
  put_gate(&gate, m);
  out->failed |= name.failed || old.failed || new.failed || gate.failed;
  if (!out->failed)
    put_change(out, name.data, old.data, new.data, gate.data == NULL ? "" : gate.data);
  pv_text_free(&name);
  pv_text_free(&old);
  pv_text_free(&new);
  pv_text_free(&gate);
}

/* A digest is told by its first digits. */
static const char *shorten(char out[13], const char *value) {
  if (value == NULL || strlen(value) != 64 || strspn(value, "0123456789abcdef") != 64) return value;
  memcpy(out, value, 12);
  out[12] = '\0';
  return out;
}

static void put_texts(pv_text *out, const char *title, const struct pv_pair_text *list,
                      size_t count) {
  char old[13], new[13];
  if (count > 0) pv_text_printf(out, "\n%s\n", title);
  for (size_t i = 0; i < count; i++)
    put_change(out, list[i].name, shorten(old, list[i].value[0]), shorten(new, list[i].value[1]),
               "");
}

static const char *plural(size_t count) {
  return count == 1 ? "" : "s";
}

static void put_text(pv_text *out, const pv_run_pair *p) {
  size_t worse = 0;
  put_heads(out, p);
  if (p->verdict_count > 0) pv_text_puts(out, "\nverdicts\n");
  for (size_t i = 0; i < p->verdict_count; i++) {
    const struct pv_pair_verdict *v = &p->verdicts[i];
    put_change(out, v->id, v->verdict[0], v->verdict[1], v->worse ? ", worse" : "");
    worse += v->worse;
  }
  if (p->metric_count > 0) pv_text_puts(out, "\nmetrics\n");
  for (size_t i = 0; i < p->metric_count; i++) put_metric(out, &p->metrics[i]);
  put_texts(out, "digests", p->digests, p->digest_count);
  put_texts(out, "environment", p->environment, p->environment_count);
  pv_text_printf(out, "\n%zu verdict%s changed, %zu for the worse;\n", p->verdict_count,
                 plural(p->verdict_count), worse);
  pv_text_printf(out, "%zu metric%s, %zu digest%s, %zu of the environment\n", p->metric_count,
                 plural(p->metric_count), p->digest_count, plural(p->digest_count),
                 p->environment_count);
}

static json_t *run_object(const pv_run_pair *p, int side) {
  const pv_result *r = p->run[side].result;
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", pv_json_text(r->run_id), "place",
                   pv_json_text(p->place[side]), "version", pv_json_text(r->contract->version),
                   "device", pv_json_text(fact(r, "device", "cpu")), "commit",
                   pv_json_text(fact(r, "git", "none")));
}

static json_t *text_or_null(const char *text) {
  return text == NULL ? json_null() : pv_json_text(text);
}

static json_t *number_or_null(bool known, double value) {
  return known ? pv_json_number(value) : json_null();
}

static json_t *verdicts_json(const pv_run_pair *p) {
  json_t *out = json_array();
  for (size_t i = 0; i < p->verdict_count; i++) {
    const struct pv_pair_verdict *v = &p->verdicts[i];
    pv_json_append(&out, json_pack("{s:s, s:o, s:o, s:o, s:b}", "of", v->kind, "id",
                                   pv_json_text(v->id), "old", text_or_null(v->verdict[0]), "new",
                                   text_or_null(v->verdict[1]), "worse", v->worse ? 1 : 0));
  }
  return out;
}

static json_t *metrics_json(const pv_run_pair *p) {
  json_t *out = json_array();
  for (size_t i = 0; i < p->metric_count; i++) {
    const struct pv_pair_metric *m = &p->metrics[i];
    pv_json_append(&out,
                   json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "falsifier",
                             pv_json_text(m->falsifier), "name", pv_json_text(m->name), "unit",
                             pv_json_text(m->unit), "old", number_or_null(m->known[0], m->value[0]),
                             "new", number_or_null(m->known[1], m->value[1]), "old_gate",
                             number_or_null(m->gated[0], m->gate[0]), "new_gate",
                             number_or_null(m->gated[1], m->gate[1])));
  }
  return out;
}

static json_t *texts_json(const struct pv_pair_text *list, size_t count) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++)
    pv_json_append(
        &out, json_pack("{s:o, s:o, s:o}", "name", pv_json_text(list[i].name), "old",
                        text_or_null(list[i].value[0]), "new", text_or_null(list[i].value[1])));
  return out;
}

static pv_code print_json(const pv_run_pair *p, pv_error *err) {
  json_t *root = json_pack(
      "{s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "schema", PV_RUN_DIFF_SCHEMA, "contract",
      pv_json_text(p->run[1].result->contract->name), "old", run_object(p, 0), "new",
      run_object(p, 1), "worse", pv_run_pair_worse(p) ? 1 : 0, "verdicts", verdicts_json(p),
      "metrics", metrics_json(p), "digests", texts_json(p->digests, p->digest_count), "environment",
      texts_json(p->environment, p->environment_count));
  return pv_json_print(root, JSON_INDENT(1), err);
}

pv_code pv_run_pair_print(const pv_run_pair *p, bool json, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  if (json) return print_json(p, err);
  put_text(&text, p);
  const pv_code code = text.failed ? pv_error_nomem(err, "the changes")
                                   : pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}
