/* pv explain: what any word means that pv prints: a rule, a check, a verdict, a status, an exit
 * code, a side, a fault, a stage, a format, a criterion or a falsifier. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "reports/render/put.h"
#include "validator/cli/commands.h"
#include "validator/cli/files.h"
#include "validator/cli/topics.h"
#include "validator/cli/words.h"
#include "validator/judge/providers.h"
#include "validator/model/contract_load.h"
#include "validator/rules/rules.h"
#include "validator/run/run.h"

static bool explain_rule(const char *id) {
  const pv_rule *rule = pv_rule_find(id);
  if (rule == NULL) return false;
  printf("%s (%s): %s.\n\nWhy: %s\nFix: %s\n", rule->id,
         rule->severity == PV_SEVERE ? "error" : "warning", rule->title, rule->because, rule->fix);
  return true;
}

static void print_param(const pv_known_param *p) {
  static const char *const kinds[] = {"whole number", "number",        "word", "side",
                                      "name",         "list of names", "file"};
  printf("  %-18s %s", p->name, kinds[p->type]);
  if (p->type == PV_KNOWN_INTEGER || p->type == PV_KNOWN_NUMBER)
    printf(" from %g to %g%s%s", p->min, p->max, p->unit[0] != '\0' ? " " : "", p->unit);
  for (size_t i = 0; p->words[i] != NULL; i++) printf("%s%s", i == 0 ? ": " : ", ", p->words[i]);
  if (p->fallback == NULL)
    printf(" (required)");
  else if (p->fallback[0] != '\0')
    printf(" (%s when absent)", p->fallback);
  printf("\n  %-18s %s\n", "", p->about);
}

/* What can be planted in a check of a provider. */
static void print_faults(const pv_known_check *spec) {
  if (spec->subject != PV_ON_FOREIGN) return;
  printf("\nFaults: %s", spec->faults[0] == NULL ? "none, so nobody sees it fail" : "");
  for (size_t i = 0; spec->faults[i] != NULL; i++)
    printf("%s%s", i == 0 ? "" : ", ", spec->faults[i]);
  puts("");
}

static bool explain_check(const pv_known *known, const char *name) {
  const pv_known_check *spec = pv_known_check_find(known, name);
  if (spec == NULL) return false;
  printf("%s: %s\n\nNeeds:%s%s%s%s%s. Default timeout: %g s.\n", spec->name, spec->about,
         spec->needs == 0 ? " nothing" : "", spec->needs & PV_NEEDS_MODEL ? " a model" : "",
         spec->needs & PV_NEEDS_EXPERTS ? " with experts" : "",
         spec->needs & PV_NEEDS_REFERENCE ? " a reference" : "",
         (spec->needs & (PV_NEEDS_REFERENCE | PV_NEEDS_PROMPTS)) == PV_NEEDS_PROMPTS
             ? ", prompts (of its reference, else built in)"
             : "",
         spec->timeout_s);
  if (spec->param_count > 0) puts("\nParameters:");
  for (size_t i = 0; i < spec->param_count; i++) print_param(&spec->params[i]);
  print_faults(spec);
  return true;
}

static bool explain_word(const char *name) {
  const pv_word *word = pv_word_find(name);
  if (word == NULL) return false;
  printf("%s, %s:\n  %s\n", word->name, word->kind, word->text);
  return true;
}

/* A word of the probe's; some are two things, as f64 is a side and an identity. */
static bool explain_meanings(const pv_known *known, const char *name) {
  bool found = false;
  for (size_t i = 0; i < known->word_count; i++) {
    const pv_known_word *w = &known->words[i];
    if (strcmp(w->name, name) != 0) continue;
    printf("%s, %s:\n  %s\n", w->name, w->kind, w->about);
    found = true;
  }
  return found;
}

static bool explain_topic(const char *name) {
  const pv_topic *topic = pv_topic_find(name);
  if (topic == NULL) return false;
  printf("%s: %s\n\n%s\n", topic->name, topic->about, topic->text);
  return true;
}

static void field(const char *name, const char *text) {
  if (text == NULL) return;
  printf("  %-12s ", name);
  (void)pv_put_print("%s\n", text);
}

static void show_falsifier(const pv_falsifier *f) {
  printf("%s, bound to the check %s\n", f->id, f->check);
  field("rule", f->rule);
  field("prediction", f->prediction);
  for (size_t i = 0; i < f->with_count; i++) {
    pv_text list = PV_TEXT_INIT;
    for (size_t k = 0; k < f->with[i].list.count; k++)
      pv_text_printf(&list, "%s%s", k > 0 ? ", " : "", f->with[i].list.items[k]);
    field(f->with[i].name, f->with[i].text != NULL ? f->with[i].text : list.data);
    pv_text_free(&list);
  }
  for (size_t i = 0; i < f->criteria.count; i++) field("judges", f->criteria.items[i]);
  for (size_t i = 0; i < f->faults.count; i++) field("must catch", f->faults.items[i]);
  field("if it fails", f->if_fails);
}

static void show_criterion(const pv_contract *c, const pv_criterion *k) {
  (void)pv_put_print("%s: %s\n", k->id, k->property);
  field("formal", k->formal);
  field("where", k->where);
  field("needed for", pv_contract_status_name(k->needed_for));
  for (size_t i = 0; i < c->falsifier_count; i++)
    if (pv_strings_has(&c->falsifiers[i].criteria, k->id)) field("falsifier", c->falsifiers[i].id);
}

/* Looks for a criterion or falsifier in one file. */
static bool explain_in(const char *path, const char *id) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  bool found = false;
  if (pv_contract_load(&arena, path, &c, NULL) == PV_OK) {
    const pv_criterion *k = pv_contract_criterion(c, id);
    const pv_falsifier *f = k == NULL ? pv_contract_falsifier(c, id) : NULL;
    found = k != NULL || f != NULL;
    if (found) printf("%s %s, ", c->name, c->version);
    if (k != NULL) show_criterion(c, k);
    if (f != NULL) show_falsifier(f);
  }
  pv_arena_free(&arena);
  return found;
}

static void list_all(const pv_known *known) {
  size_t count = 0;
  puts("Checks:");
  for (size_t i = 0; i < known->check_count; i++)
    printf("  %-24s %s\n", known->checks[i].name, known->checks[i].about);
  const pv_rule *rules = pv_rule_list(&count);
  puts("\nRules:");
  for (size_t i = 0; i < count; i++) printf("  %-24s %s\n", rules[i].id, rules[i].title);
  const pv_word *word;
  const char *kind = "";
  for (size_t i = 0; (word = pv_word_at(i)) != NULL; kind = word->kind, i++) {
    if (strcmp(kind, word->kind) != 0) printf("\nWords, %s:\n", word->kind);
    printf("  %-24s %s\n", word->name, word->text);
  }
  kind = "";
  for (size_t i = 0; i < known->word_count; kind = known->words[i].kind, i++) {
    if (strcmp(kind, known->words[i].kind) != 0) printf("\nWords, %s:\n", known->words[i].kind);
    printf("  %-24s %s\n", known->words[i].name, known->words[i].about);
  }
  puts("\nFormats:");
  const pv_topic *topic;
  for (size_t i = 0; (topic = pv_topic_at(i)) != NULL; i++)
    printf("  %-24s %s\n", topic->name, topic->about);
}

static void suggest(pv_error *err, const pv_known *known, const char *id) {
  size_t count = 0;
  const pv_rule *rules = pv_rule_list(&count);
  const char *best = pv_known_check_nearest(known, id);
  if (best == NULL) best = pv_text_nearest(id, rules, count, sizeof *rules, 2);
  if (best == NULL) best = pv_word_nearest(id);
  if (best == NULL)
    best = pv_text_nearest(id, known->words, known->word_count, sizeof *known->words, 3);
  const pv_topic *topic;
  for (size_t i = 0; best == NULL && (topic = pv_topic_at(i)) != NULL; i++)
    best = pv_text_nearest(id, topic, 1, sizeof *topic, 5);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s?", best);
  else
    pv_error_hint(err, "`pv explain` lists checks, rules and words");
}

/* Starts a program that the call names, and tells of it or of one of its checks. */
static pv_code explain_provider(pv_arena *arena, const char *file, const char *id, pv_error *err) {
  pv_contract nothing = {0};
  const pv_given_providers given = {{file}, 1};
  const pv_code code = pv_providers_ask(arena, &nothing, &given, err);
  if (code != PV_OK) return code;
  const pv_provider *p = &nothing.providers[0];
  if (id == NULL) {
    printf("%s %s, a provider of checks:\n", p->name, p->version);
    for (size_t i = 0; i < p->known->check_count; i++)
      printf("  %-24s %s\n", p->known->checks[i].name, p->known->checks[i].about);
    return PV_OK;
  }
  if (explain_check(p->known, id)) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "the provider has no check '%s'", id);
  const char *near = pv_known_check_nearest(p->known, id);
  pv_error_hint(err, near == NULL ? "its first is %s" : "did you mean %s?",
                near == NULL ? p->known->checks[0].name : near);
  return PV_ERR_INPUT;
}

int pv_cmd_explain(int argc, char **argv) {
  enum { ARGUMENTS = 64 };
  const char *rest[ARGUMENTS];
  const char *provider = NULL;
  const pv_option list[] = {
      {"--provider", "FILE", "of the checks that this program has", &provider, NULL}, {0}};
  bool help = false;
  pv_options options = {
      .command = "explain",
      .summary =
          "Explains any word that pv prints: a rule, a check, a verdict, a status, an exit code, a "
          "side,\n"
          "an identity, a fault, a stage, a finding, a format, or a criterion or falsifier of the\n"
          "contracts in ./contracts, else of those that pv came with (or of the files named).\n"
          "Without an argument: lists all.",
      .positional = "[ID [FILE...]]",
      .examples =
          "  pv explain STALE\n  pv explain 3\n  pv explain f32-f64acc\n  pv explain PV028\n  pv "
          "explain forward.arbiter\n  pv explain AC_GPU_MOE_008\n"
          "  pv explain kernel-descriptor\n"
          "  pv explain --provider examples/providers/softmax.py softmax/sum\n",
      .list = list,
      .rest = rest,
      .rest_max = ARGUMENTS};
  pv_error err = PV_ERROR_INIT;
  pv_arena arena = PV_ARENA_INIT;
  const pv_known *known = NULL;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  const char *id = options.rest_count > 0 ? rest[0] : NULL;
  if (code == PV_OK && !help && provider != NULL) {
    code = explain_provider(&arena, provider, id, &err);
    goto cleanup;
  }
  if (code != PV_OK || help ||
      (id != NULL && (explain_rule(id) || explain_word(id) || explain_topic(id))))
    goto cleanup;
  code = pv_run_describe(&arena, NULL, 0, &known, &err);
  if (code != PV_OK) goto cleanup;
  if (id == NULL) {
    list_all(known);
    goto cleanup;
  }
  bool found = explain_check(known, id);
  if (!found) found = explain_meanings(known, id);
  for (size_t i = 1; i < options.rest_count && !found; i++) found = explain_in(rest[i], id);
  pv_strings files = {0};
  const char *folder = NULL;
  if (!found && options.rest_count == 1 && pv_files_default(&arena, &folder, NULL) == PV_OK)
    (void)pv_files_yaml(&arena, folder, &files, NULL);
  for (size_t i = 0; i < files.count && !found; i++) found = explain_in(files.items[i], id);
  if (!found) {
    code = pv_error_set(&err, PV_ERR_INPUT, "nothing is called '%s'", id);
    suggest(&err, known, id);
  }
cleanup:
  if (code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
