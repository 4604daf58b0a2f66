/* pv validate: run the falsifiers, take what receipts still hold, judge, report, maybe publish. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "base/output.h"
#include "reports/render/put.h"
#include "reports/render/render.h"
#include "validator/cli/commands.h"
#include "validator/cli/suggest.h"
#include "validator/judge/any.h"
#include "validator/judge/given.h"
#include "validator/judge/publish.h"
#include "validator/judge/sound.h"
#include "validator/store/derive.h"

enum { FILES_MAX = 256 };

typedef struct arguments {
  const char *model, *reference, *backend, *threads, *only, *out, *probe, *providers;
  pv_given_prompts prompts;
  bool publish, faults, json, help;
  const char *files[FILES_MAX];
  size_t file_count;
} arguments;

static pv_code parse(int argc, char **argv, arguments *a, pv_error *err) {
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model (default: " PV_SITE_MODEL ")", &a->model, NULL},
      {"--reference", "FILE", "reference logits (default: those beside the model)", &a->reference,
       NULL},
      {"--prompt", "TEXT", "judge over this prompt, instead of a reference's or the built-in ones",
       &a->prompts.prompt, NULL},
      {"--ids", "1,2,3", "or over these token ids", &a->prompts.ids, NULL},
      {"--text", "FILE", "or over a file's text, of which the first 512 tokens are taken",
       &a->prompts.text, NULL},
      {"--plain-text", NULL, "no control tokens in the prompt: <|im_end|> is text", NULL,
       &a->prompts.plain},
      {"--backend", "NAME", "where the contract names none; ptx also for cuda (interpreted)",
       &a->backend, NULL},
      {"--threads", "N", "threads (default: one per processor)", &a->threads, NULL},
      {"--only", "ID,...", "only these criteria or falsifiers", &a->only, NULL},
      {"--out", "DIR", "reports go below DIR (default: reports/runs)", &a->out, NULL},
      {"--provider", "FILE,...", "programs in the place of the contracts' providers of their names",
       &a->providers, NULL},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &a->probe, NULL},
      {"--publish", NULL, "keep the evidence; write a status that it supports", NULL, &a->publish},
      {"--faults", NULL, "run each falsifier against the faults that it declares, too", NULL,
       &a->faults},
      {"--json", NULL, "one JSON object per contract on standard output", NULL, &a->json},
      {0}};
  pv_options options = {
      .command = "validate",
      .summary =
          "Runs the falsifiers of contracts and judges: which criteria hold, which status the\n"
          "evidence supports. Writes a report; without --publish no tracked file changes.\n"
          "With --model and no contract the model is judged by the contract about every model.\n"
          "Exit codes: 0 what it claims holds; 1 something is falsified; 2 wrong input or call;\n"
          "3 nothing falsified, but not everything could be judged; 4 internal error.\n"
          "With --faults a falsifier that passes over a fault that it declares is VACUOUS, and "
          "one\n"
          "that could not be tried is exit code 3.",
      .positional = "[CONTRACT...]",
      .examples =
          "  pv validate --model models/tiny-coder-moe-Q4_K_M.gguf --ids 861,1644,198\n"
          "  pv validate contracts/qwen3-moe-forward-gpu-v1.yaml\n"
          "  pv validate contracts/moe-router-v1.yaml --only AC_ROUTER_001 --json\n"
          "  pv validate contracts/moe-router-v1.yaml --faults\n"
          "  pv validate contracts/moe-router-v1.yaml --publish\n",
      .list = list,
      .rest = a->files,
      .rest_max = FILES_MAX};
  const pv_code code = pv_options_parse(&options, argc, argv, &a->help, err);
  a->file_count = options.rest_count;
  return code;
}

/* The options of a command that takes the same prompts; NULL: there are none. */
static pv_code prompt_words(pv_arena *arena, const pv_given_prompts *given, const char **out,
                            pv_error *err) {
  const char *const named[][2] = {
      {"--ids", given->ids}, {"--prompt", given->prompt}, {"--text", given->text}};
  pv_text text = PV_TEXT_INIT;
  *out = NULL;
  if (!pv_given_any(given)) return PV_OK;
  for (size_t i = 0; i < 3; i++) {
    if (named[i][1] == NULL) continue;
    pv_text_printf(&text, "%s=", named[i][0]);
    pv_text_shell(&text, named[i][1]);
  }
  if (given->plain) pv_text_puts(&text, " --plain-text");
  *out = text.failed ? NULL : pv_arena_strdup(arena, text.data);
  pv_text_free(&text);
  return *out == NULL ? pv_error_nomem(err, "the prompts") : PV_OK;
}

/* Of the prompts that the call gives. */
static pv_code check_prompts(const arguments *a, pv_error *err) {
  const pv_given_prompts *given = &a->prompts;
  const int ways = (given->ids != NULL) + (given->prompt != NULL) + (given->text != NULL) +
                   (a->reference != NULL);
  if (ways > 1)
    return pv_error_refuse(err, "a reference has prompts of its own",
                           "give one of --prompt, --ids, --text and --reference");
  if (pv_given_any(given) && a->model == NULL)
    return pv_error_refuse(err, "add --model FILE", "--prompt, --ids and --text are of a model");
  if (given->plain && given->prompt == NULL && given->text == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "--plain-text needs --prompt TEXT or --text FILE");
  if (a->publish && pv_given_any(given))
    return pv_error_refuse(err, "leave out the prompt or --publish",
                           "a run over prompts of the call is not published");
  return PV_OK;
}

/* Calls that contradict themselves are refused before anything is read. */
static pv_code check_call(const arguments *a, unsigned *threads, pv_error *err) {
  uint64_t count = 0;
  pv_code code = check_prompts(a, err);
  if (code != PV_OK) return code;
  if (a->file_count == 0 && a->model == NULL)
    return pv_error_refuse(err,
                           "for example: pv validate --model FILE, or pv validate contracts/*.yaml",
                           "neither a contract nor a model was named");
  if (a->publish && a->file_count == 0)
    return pv_error_refuse(err, "name the contract that the evidence is for",
                           "a run without a contract of its own is not published");
  if (a->publish && a->only != NULL)
    return pv_error_refuse(err, "leave out --only or --publish", "a partial run is not published");
  if (a->publish && a->backend != NULL)
    return pv_error_refuse(err, "leave out --backend or --publish",
                           "a run with another backend than the contract's is not published");
  if (a->publish && a->out != NULL)
    return pv_error_refuse(err, "leave out --out or --publish",
                           "published evidence has one place, below reports/published");
  if (a->publish && a->providers != NULL)
    return pv_error_refuse(err, "leave out --provider or --publish",
                           "a run with another provider than the contract's is not published");
  code = pv_option_u64("--threads", a->threads, 1, 256, &count, err);
  *threads = (unsigned)count;
  return code;
}

static pv_code no_backend(const char *const *words, const char *name, pv_error *err) {
  pv_text list = PV_TEXT_INIT;
  for (size_t i = 0; words[i] != NULL; i++)
    pv_text_printf(&list, "%s%s", i == 0 ? "" : words[i + 1] != NULL ? ", " : " and ", words[i]);
  pv_error_set(err, PV_ERR_INPUT, "there is no backend '%s'", name);
  if (!list.failed) pv_error_hint(err, "the backends are %s", list.data);
  pv_text_free(&list);
  return PV_ERR_INPUT;
}

static bool unicode_terminal(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value == NULL || value[0] == '\0') continue;
    return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
  }
  return false;
}

static pv_terminal terminal(void) {
  struct winsize size = {0};
  const bool tty = isatty(STDOUT_FILENO) == 1;
  const char *no_color = getenv("NO_COLOR");
  pv_terminal out = {.color = tty && (no_color == NULL || no_color[0] == '\0'),
                     .ascii = !unicode_terminal(),
                     .width = 100};
  if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) out.width = size.ws_col;
  return out;
}

static void print_notes(const pv_judgement *j) {
  pv_text text = PV_TEXT_INIT;
  for (size_t i = 0; i < j->notes.count; i++)
    pv_put_plain(&text, "  note: %s\n", j->notes.items[i]);
  if (!text.failed && text.data != NULL) fputs(text.data, stderr);
  pv_text_free(&text);
}

/* What --publish would do about a status that is not the file's; NULL when it would refuse. */
static const char *hint(const pv_judgement *j) {
  const pv_request *q = &j->request;
  pv_text why = PV_TEXT_INIT;
  const bool refused = q->only != NULL || q->backend != NULL || q->out != NULL || q->publish ||
                       q->given_providers || q->prompts != NULL || j->ground.lacking ||
                       j->result.status_before > PV_STATUS_ACTIVE_RUNTIME ||
                       j->ground.site.home == NULL || strcmp(j->git.commit, "none") == 0 ||
                       pv_publish_refused(&j->result, &why);
  pv_text_free(&why);
  if (refused || j->result.status_before == j->result.status_after) return NULL;
  return j->git.dirty ? "after a commit, --publish would record it" : "--publish would record it";
}

/* What was caught of what was asked for; which pairs were not tried, and why, stands in the notes.
 */
static void put_faults(const pv_judgement *j, pv_text *out) {
  const pv_result *r = &j->result;
  size_t declared = 0, killed = 0, left_out = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    const bool asked =
        (j->trial.spec.selected[i] || j->trial.absent[i]) && f->verdict != PV_NOT_APPLICABLE;
    *(asked ? &declared : &left_out) += f->faults_declared.count;
    killed += f->faults_killed.count;
  }
  if (declared > 0)
    pv_text_printf(out, "  planted faults: %zu of %zu pairs of falsifier and fault were caught",
                   killed, declared);
  else
    pv_text_puts(out, "  planted faults: none, so nothing shows that these falsifiers can fail");
  if (r->faults_untried > 0) pv_text_printf(out, ", %u not tried", r->faults_untried);
  if (left_out > 0) pv_text_printf(out, "; %zu left out", left_out);
  pv_text_puts(out, "\n");
}

/* Of which architecture a model is that nobody has written a contract for. */
static void put_kind(const pv_judgement *j, pv_text *out) {
  const pv_result *r = &j->result;
  const char *experts = pv_fact_value(r->model, r->model_count, "experts");
  const char *const names[] = {"arch", "layers", "hidden", "vocabulary"};
  const char *values[4];
  for (size_t i = 0; i < 4; i++) {
    values[i] = pv_fact_value(r->model, r->model_count, names[i]);
    if (values[i] == NULL) return; /* no probe has opened it */
  }
  pv_put_plain(out, "  kind:     %s, %s layers of width %s, %s tokens, %s experts\n", values[0],
               values[1], values[2], values[3], experts == NULL ? "no" : experts);
}

/* What was taken from around the contract: a verdict is about exactly that. */
static void put_taken(const pv_judgement *j, pv_text *out) {
  if (j->trial.spec.model != NULL)
    pv_put_plain(out, j->request.model != NULL ? "  model:    %s (--model)\n" : "  model:    %s\n",
                 j->trial.spec.model);
  if (j->request.prompts != NULL)
    pv_put_plain(out, "  prompts:  those of the call, and their first 16 and 32 tokens\n");
  if (j->request.any) {
    put_kind(j, out);
    if (j->request.backend != NULL && strcmp(j->request.backend, "ptx") == 0)
      pv_put_plain(out, "  device:   none is asked, the kernels are interpreted: %s\n",
                   pv_fact_value(j->result.environment, j->result.environment_count, "cuda"));
    pv_put_plain(out, "  contract: %s\n", j->request.contract->path);
  }
  for (size_t i = 0; i < j->request.contract->provider_count; i++) {
    const pv_provider *p = &j->request.contract->providers[i];
    if (p->known != NULL)
      pv_put_plain(out,
                   p->given ? "  provider: %s %s, %s (--provider)\n" : "  provider: %s %s, %s\n",
                   p->name, p->version, p->path);
  }
  pv_put_plain(out, "  root:     %s (%s)\n  receipts: %s\n", j->ground.site.root,
               j->ground.site.root_why, j->ground.site.evidence_why);
}

static pv_code show(const arguments *a, const pv_judgement *j, pv_error *err) {
  const pv_terminal how = terminal();
  const pv_render_links links = {.folder = j->shown};
  pv_text text = PV_TEXT_INIT;
  pv_code code = a->json ? pv_render_json(&j->result, &links, &text, err)
                         : pv_render_terminal(&j->result, &links, &how, &text, err);
  if (code == PV_OK && !a->json && !j->result.status_carried) {
    pv_text_puts(&text, "  ");
    pv_status_explain(&j->result, &text);
    pv_text_puts(&text, "\n");
  }
  if (code == PV_OK && !a->json) {
    put_taken(j, &text);
    pv_suggest_bisect(j, &text);
    pv_suggest_interpreter(j, &text);
  }
  if (code == PV_OK && !a->json && a->faults) put_faults(j, &text);
  if (code == PV_OK && !a->json && j->result.publish) {
    if (j->written == j->request.contract->status)
      pv_text_puts(&text, "  published; the contract is as it was\n");
    else
      pv_text_printf(&text, "  the contract now says %s\n", pv_contract_status_name(j->written));
  }
  if (code == PV_OK && !a->json && !j->result.publish && hint(j) != NULL)
    pv_text_printf(&text, "  %s\n", hint(j));
  if (code == PV_OK) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  if (code == PV_OK) print_notes(j);
  return code;
}

/* The worse of two exit codes of contracts: falsified before not judged before verified. */
static int worse(int a, int b) {
  static const int order[] = {0, 3, 1, 2, 4};
  int ia = 4, ib = 4;
  for (int i = 0; i < 5; i++) {
    if (order[i] == a) ia = i;
    if (order[i] == b) ib = i;
  }
  return ia > ib ? a : b;
}

static void print_findings(const pv_findings *findings) {
  for (size_t i = 0; i < findings->count; i++) {
    const pv_finding *f = &findings->items[i];
    pv_error shown = PV_ERROR_INIT;
    pv_error_set(&shown, PV_ERR_INPUT, "%s", f->message);
    pv_error_at(&shown, f->file, f->line, f->column, -1);
    pv_error_rule(&shown, f->rule->id);
    if (f->hint[0] != '\0') pv_error_hint(&shown, "%s", f->hint);
    pv_error_print(&shown, stderr);
  }
}

static int fail(const pv_error *err) {
  pv_error_print(err, stderr);
  if (err->code == PV_ERR_CANCELLED)
    fputs("interrupted: what ran was stopped, no report was written, no status was moved\n",
          stderr);
  return pv_code_exit(err->code);
}

int pv_cmd_validate(int argc, char **argv) {
  arguments a = {0};
  unsigned threads = 0;
  int exit_code = 0;
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_contract *contracts[FILES_MAX];
  pv_findings findings = {0};
  pv_given_providers given = {0};
  const pv_known *known = NULL;
  const char *prompts = NULL;
  pv_child_place place = {0};
  char *command = NULL;
  pv_code code = parse(argc, argv, &a, &err);
  if (code == PV_OK && a.help) goto cleanup;
  if (code == PV_OK) code = check_call(&a, &threads, &err);
  if (code == PV_OK) code = pv_facts_command(&arena, argc, argv, &command, &err);
  if (code == PV_OK) code = pv_providers_split(&arena, a.providers, &given, &err);
  if (code == PV_OK) code = pv_run_describe(&arena, a.probe, 0, &known, &err);
  if (code == PV_OK && a.backend != NULL &&
      !pv_known_lists(pv_known_words(known, "backend"), a.backend))
    code = no_backend(pv_known_words(known, "backend"), a.backend, &err);
  const bool any = a.file_count == 0;
  if (code == PV_OK && any) code = pv_any_contract(&arena, &a.files[a.file_count++], &err);
  /* All are read before the first is run: a typing error in the last costs no minutes. */
  for (size_t i = 0; code == PV_OK && i < a.file_count; i++)
    code = pv_sound_load(&arena, known, &given, a.files[i], &contracts[i], &findings, &err);
  print_findings(&findings);
  if (code == PV_OK) code = prompt_words(&arena, &a.prompts, &prompts, &err);
  if (code == PV_OK && prompts != NULL)
    code = pv_given_make(&arena, a.probe, a.model, &a.prompts, &place, &a.reference, &err);
  for (size_t i = 0; code == PV_OK && i < a.file_count; i++) {
    pv_request request = {.contract = contracts[i],
                          .command = command,
                          .model = a.model,
                          .reference = a.reference,
                          .backend = a.backend,
                          .only = a.only,
                          .out = a.out,
                          .probe = a.probe,
                          .threads = threads,
                          .given_providers = given.count > 0,
                          .prompts = prompts,
                          .publish = a.publish,
                          .faults = a.faults};
    pv_judgement j;
    if (any) code = pv_any_ask(&arena, contracts[i], &request, &err);
    if (code == PV_OK) code = pv_judge(&arena, &request, &j, &err);
    if (code == PV_OK) code = show(&a, &j, &err);
    if (code == PV_OK) exit_code = worse(exit_code, j.result.exit_code);
  }
cleanup:
  pv_given_remove(&place);
  if (code != PV_OK) exit_code = fail(&err);
  pv_arena_free(&arena);
  return exit_code;
}
