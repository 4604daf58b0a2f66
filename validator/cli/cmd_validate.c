/* pv validate: run the falsifiers, take what receipts still hold, judge, report, maybe publish. */
#include <stdlib.h>
#include <string.h>

#include "base/devices.h"
#include "base/options.h"
#include "base/output.h"
#include "reports/render/put.h"
#include "validator/cli/colour.h"
#include "validator/cli/commands.h"
#include "validator/cli/files.h"
#include "validator/cli/outputs.h"
#include "validator/cli/validate_text.h"
#include "validator/judge/any.h"
#include "validator/judge/given.h"
#include "validator/judge/own.h"
#include "validator/judge/sound.h"

enum { FILES_MAX = 256 };

typedef enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_GITHUB, FORMAT_SARIF, FORMATS } format;

typedef struct arguments {
  const char *model, *model_key, *reference, *backend, *threads, *memory, *only, *out, *probe,
      *providers;
  const char *shard, *costs;
  const char *format, *color;
  pv_given_prompts prompts;
  pv_outputs outputs;
  bool publish, faults, json, quiet, verbose, help;
  const char *files[FILES_MAX];
  size_t file_count;
} arguments;

/* A call in the making; all of it in the arena. */
typedef struct session {
  arguments a;
  pv_arena arena;
  format format;
  bool color, any; /* any: no contract was named */
  bool ready;      /* the call is one that can be followed */
  bool begun;      /* the files of --junit and its like are there */
  unsigned threads;
  uint64_t memory;
  char *command;
  const char *prompts;
  const pv_known *known;
  pv_given_providers given;
  pv_child_place place;
  pv_findings findings;
  pv_contract **contracts; /* one for each file */
  pv_shard *shards;        /* the same; NULL without --shard */
  pv_judgement *judged;
  pv_outcome *outcomes;
  size_t count; /* of these two */
} session;

static const char examples[] =
    "  pv validate --model models/tiny-coder-moe-Q4_K_M.gguf --ids 861,1644,198\n"
    "  pv validate contracts/qwen3-moe-forward-gpu-v1.yaml\n"
    "  pv validate contracts/moe-router-v1.yaml --only AC_ROUTER_001 --json\n"
    "  pv validate contracts/moe-router-v1.yaml --faults\n"
    "  pv validate contracts/moe-router-v1.yaml --shard 1/2\n"
    "  pv validate contracts/examples --format github --junit junit.xml --summary "
    "summary.md\n"
    "  pv validate contracts/moe-router-v1.yaml --publish\n";

static pv_code parse(int argc, char **argv, arguments *a, pv_error *err) {
  const pv_option list[] = {
      {"--model", "FILE", "a GGUF model (default: " PV_SITE_MODEL ")", &a->model, NULL},
      {"--model-key", "FILE", "only a model that this key or certificate signed (model.sig)",
       &a->model_key, NULL},
      {"--reference", "FILE", "reference logits (default: those beside the model)", &a->reference,
       NULL},
      {"--prompt", "TEXT", "judge over this prompt, instead of a reference's or the built-in ones",
       &a->prompts.prompt, NULL},
      {"--ids", "1,2,3", "or over these token ids", &a->prompts.ids, NULL},
      {"--text", "FILE",
       "or over a file's text (-: standard input), of which the first 512 tokens are taken",
       &a->prompts.text, NULL},
      {"--plain-text", NULL, "no control tokens in the prompt: <|im_end|> is text", NULL,
       &a->prompts.plain},
      {"--backend", "NAME", "where the contract names none; ptx also for cuda (interpreted)",
       &a->backend, NULL},
      {"--threads", "N", "threads (default: one per processor)", &a->threads, NULL},
      {"--memory", "BYTES", "sides hold no more (8G): layers beyond it come and go; the bits stay",
       &a->memory, NULL},
      {"--only", "ID,...", "only these criteria or falsifiers", &a->only, NULL},
      {"--shard", "K/N", "judge the Kth of N parts, which `pv evidence merge` joins to the run",
       &a->shard, NULL},
      {"--costs", "DIR", "split by the runs of DIR (default: what is published, else reports/runs)",
       &a->costs, NULL},
      {"--out", "DIR", "reports go below DIR (default: reports/runs)", &a->out, NULL},
      {"--provider", "FILE,...", "programs in the place of the contracts' providers of their names",
       &a->providers, NULL},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &a->probe, NULL},
      {"--publish", NULL, "keep the evidence; write a status that it supports", NULL, &a->publish},
      {"--faults", NULL, "run each falsifier against the faults that it declares, too", NULL,
       &a->faults},
      {"--format", "text|json|github|sarif", "what is printed (default: text); github: annotations",
       &a->format, NULL},
      {"--json", NULL, "as --format json: one JSON object per contract on standard output", NULL,
       &a->json},
      {"--junit", "FILE", "write JUnit of all contracts, too", &a->outputs.junit, NULL},
      {"--sarif", "FILE", "write SARIF 2.1.0, too", &a->outputs.sarif, NULL},
      {"--summary", "FILE", "write a summary in Markdown, below 1 MiB, too", &a->outputs.summary,
       NULL},
      {"-q", NULL, "quiet: one line of each contract that is not as it claims, and no more", NULL,
       &a->quiet},
      {"--quiet", NULL, "as -q", NULL, &a->quiet},
      {"-v", NULL, "verbose: each falsifier, too, with what it measured", NULL, &a->verbose},
      {"--verbose", NULL, "as -v", NULL, &a->verbose},
      PV_COLOUR_OPTION(&a->color),
      {0}};
  pv_options options = {
      .command = "validate",
      .summary =
          "Runs the falsifiers of contracts and judges: which criteria hold, which status the\n"
          "evidence supports. Writes a report; without --publish no tracked file changes.\n"
          "With --model and no contract the model is judged by the contract about every model. Of\n"
          "a folder all contracts in it are judged, and in its folders.\n"
          "Exit codes: 0 what it claims holds; 1 something is falsified; 2 wrong input or call;\n"
          "3 nothing falsified, but not everything could be judged; 4 internal error; 130 Ctrl-C.\n"
          "With --shard it is about that part alone, and 0 says nothing of the contract.\n"
          "With --faults a falsifier that passes over a fault that it declares is VACUOUS, and "
          "one\n"
          "that could not be tried is exit code 3.",
      .positional = "[CONTRACT|DIR...]",
      .examples = examples,
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

static pv_code check_format(const arguments *a, format *out, pv_error *err) {
  static const char *const words[FORMATS] = {"text", "json", "github", "sarif"};
  *out = a->json ? FORMAT_JSON : FORMAT_TEXT;
  if (a->quiet && a->verbose)
    return pv_error_set(err, PV_ERR_INPUT, "quiet and verbose can not both be");
  if (a->format == NULL) return PV_OK;
  for (int i = 0; i < FORMATS; i++) {
    if (strcmp(a->format, words[i]) != 0) continue;
    if (a->json && i != FORMAT_JSON)
      return pv_error_set(err, PV_ERR_INPUT, "--json is another format than --format %s", words[i]);
    *out = i;
    return PV_OK;
  }
  return pv_error_refuse(err, "the formats are text, json, github and sarif",
                         "there is no format '%s'", a->format);
}

/* A part has a place of its own, and its run is joined from all. */
static pv_code check_shard(const arguments *a, pv_error *err) {
  unsigned number = 0, of = 0;
  if (a->costs != NULL && a->shard == NULL)
    return pv_error_refuse(err, "add --shard K/N", "--costs says how a run is split");
  if (a->shard == NULL) return PV_OK;
  if (a->costs != NULL && !pv_files_is_folder(a->costs))
    return pv_error_refuse(err, "name a folder of runs, such as reports/runs",
                           "--costs: there is no folder '%s'", a->costs);
  if (a->file_count == 0)
    return pv_error_refuse(err, "name contracts, for example contracts/moe-router-v1.yaml",
                           "--shard splits contracts, and none was named");
  if (a->only != NULL)
    return pv_error_refuse(err, "leave out --only or --shard",
                           "a part of a partial run is not judged");
  if (a->publish)
    return pv_error_refuse(err, "leave out --shard or --publish",
                           "a part of a run is not published");
  return pv_shard_parse(a->shard, &number, &of, err);
}

/* Calls that contradict themselves are refused before anything is read. */
static pv_code check_call(session *s, pv_error *err) {
  const arguments *a = &s->a;
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
  code = check_shard(a, err);
  if (code == PV_OK) code = pv_option_u64("--threads", a->threads, 1, 256, &count, err);
  if (code == PV_OK) code = pv_option_bytes("--memory", a->memory, &s->memory, err);
  s->threads = (unsigned)count;
  return code;
}

static bool is_backend(const char *const *words, const char *name) {
  for (size_t i = 0; words[i] != NULL; i++)
    if (pv_devices_fit(words[i], name, strlen(name))) return true;
  return false;
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

static void print_notes(const pv_judgement *j) {
  pv_text text = PV_TEXT_INIT;
  for (size_t i = 0; i < j->notes.count; i++)
    pv_put_plain(&text, "  note: %s\n", j->notes.items[i]);
  if (!text.failed && text.data != NULL) fputs(text.data, stderr);
  pv_text_free(&text);
}

/* SARIF is one document about all: print_end. */
static pv_code show(const session *s, const pv_judgement *j, const pv_outcome *o, pv_error *err) {
  const pv_render_links links = {.folder = j->shown};
  pv_text text = PV_TEXT_INIT;
  pv_code code = PV_OK;
  if (s->format == FORMAT_JSON)
    code = pv_render_json(&j->result, &links, &text, err);
  else if (s->format == FORMAT_GITHUB)
    code = pv_render_github(o, &text, err);
  else if (s->format == FORMAT_TEXT && s->a.quiet)
    pv_validate_quiet(j, &text);
  else if (s->format == FORMAT_TEXT)
    code = pv_validate_text(j, s->color, s->a.verbose, &text, err);
  if (code == PV_OK && text.failed) code = pv_error_nomem(err, "the report");
  if (code == PV_OK) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  if (code == PV_OK && !s->a.quiet) print_notes(j);
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

/* What is severe in the contracts, and the error that ended the call. */
static pv_code list_failures(session *s, const pv_error *last, pv_call *call, pv_error *err) {
  pv_error *all = PV_ARENA_NEW(&s->arena, s->findings.count + 1, pv_error);
  if (all == NULL) return pv_error_nomem(err, "the errors");
  for (size_t i = 0; i < s->findings.count; i++) {
    const pv_finding *f = &s->findings.items[i];
    all[i] = PV_ERROR_INIT;
    pv_error_set(&all[i], PV_ERR_INPUT, "%s", f->message);
    pv_error_at(&all[i], f->file, f->line, f->column, -1);
    pv_error_rule(&all[i], f->rule->id);
    if (f->hint[0] != '\0') pv_error_hint(&all[i], "%s", f->hint);
  }
  if (last->code != PV_OK) all[s->findings.count] = *last;
  call->failures = all;
  call->failure_count = s->findings.count + (last->code != PV_OK);
  return PV_OK;
}

static void print_failures(const session *s, const pv_call *call) {
  pv_text text = PV_TEXT_INIT;
  for (size_t i = 0; i < call->failure_count; i++) {
    pv_error_print(&call->failures[i], stderr);
    if (s->format == FORMAT_GITHUB) pv_render_github_failure(&call->failures[i], &text);
    if (call->failures[i].code == PV_ERR_CANCELLED)
      fputs("interrupted: what ran was stopped, no report was written, no status was moved\n",
            stderr);
  }
  if (text.length > 0 && !text.failed) (void)pv_output_write(text.data, text.length, NULL);
  pv_text_free(&text);
}

/* One line over several contracts, or the document over all. */
static pv_code print_end(const session *s, const pv_call *call, int exit_code, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = PV_OK;
  if (s->format == FORMAT_SARIF) {
    code = pv_render_sarif(call, &text, err);
  } else if (s->format != FORMAT_JSON && s->a.file_count > 1 && call->failure_count == 0 &&
             !(s->a.quiet && exit_code == 0)) {
    pv_render_tally(call, &text);
    pv_text_printf(&text, "; exit code %d\n", exit_code);
  }
  if (code == PV_OK && text.failed) code = pv_error_nomem(err, "the report");
  if (code == PV_OK && text.length > 0) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

/* The contracts that folders on the line, or names of pv's own, stand for take their place. */
static pv_code expand(session *s, pv_error *err) {
  const char *given[FILES_MAX];
  const size_t count = s->a.file_count;
  memcpy(given, s->a.files, sizeof given);
  s->a.file_count = 0;
  for (size_t i = 0; i < count; i++) {
    pv_strings found = {.items = (char *[]){(char *)(uintptr_t)given[i]}, .count = 1};
    pv_code code = PV_OK;
    if (pv_files_is_folder(given[i]))
      code = pv_files_contracts(&s->arena, given[i], FILES_MAX, &found, err);
    else if ((code = pv_own_contract(&s->arena, given[i], &given[i], err)) == PV_OK)
      found.items[0] = (char *)(uintptr_t)given[i];
    if (code != PV_OK) return code;
    if (found.count > FILES_MAX - s->a.file_count)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %d contracts at once", FILES_MAX);
    for (size_t k = 0; k < found.count; k++) s->a.files[s->a.file_count++] = found.items[k];
  }
  return PV_OK;
}

/* The call alone, as far as it can be judged without reading a contract. */
static pv_code begin(session *s, int argc, char **argv, pv_error *err) {
  pv_code code = parse(argc, argv, &s->a, err);
  if (code != PV_OK || s->a.help) return code;
  code = check_call(s, err);
  if (code == PV_OK) code = check_format(&s->a, &s->format, err);
  if (code == PV_OK) code = pv_colour_wanted(s->a.color, &s->color, err);
  if (code == PV_OK) code = pv_facts_command(&s->arena, argc, argv, &s->command, err);
  if (code != PV_OK) return code;
  code = expand(s, err);
  /* Also where a folder has no contract: the files then say so. */
  const char *inputs[FILES_MAX + 2];
  size_t count = s->a.file_count;
  memcpy(inputs, s->a.files, count * sizeof *inputs);
  inputs[count++] = s->a.model;
  inputs[count++] = s->a.reference;
  const pv_code ready = pv_outputs_begin(&s->a.outputs, inputs, count, code == PV_OK ? err : NULL);
  s->begun = ready == PV_OK;
  return code == PV_OK ? ready : code;
}

/* All are read before the first is run: a typing error in the last costs no minutes. */
static pv_code load(session *s, pv_error *err) {
  arguments *a = &s->a;
  s->any = a->file_count == 0;
  pv_code code = pv_providers_split(&s->arena, a->providers, &s->given, err);
  if (code == PV_OK) code = pv_run_describe(&s->arena, a->probe, 0, &s->known, err);
  if (code == PV_OK && a->backend != NULL &&
      !is_backend(pv_known_words(s->known, "backend"), a->backend))
    code = no_backend(pv_known_words(s->known, "backend"), a->backend, err);
  if (code == PV_OK && s->any) code = pv_any_contract(&s->arena, &a->files[a->file_count++], err);
  s->contracts = PV_ARENA_NEW(&s->arena, a->file_count + 1, pv_contract *);
  s->judged = PV_ARENA_NEW(&s->arena, a->file_count + 1, pv_judgement);
  s->outcomes = PV_ARENA_NEW(&s->arena, a->file_count + 1, pv_outcome);
  if (code == PV_OK && (s->contracts == NULL || s->judged == NULL || s->outcomes == NULL))
    code = pv_error_nomem(err, "the contracts");
  for (size_t i = 0; code == PV_OK && i < a->file_count; i++)
    code = pv_sound_load(&s->arena, s->known, &s->given, a->files[i], &s->contracts[i],
                         &s->findings, err);
  if (code == PV_OK) code = prompt_words(&s->arena, &a->prompts, &s->prompts, err);
  if (code == PV_OK && s->prompts != NULL)
    code = pv_given_make(&s->arena, a->probe, a->model, &a->prompts, &s->place, &a->reference, err);
  return code;
}

/* How many words are an option, with its value, that says which part it is and where it goes. */
static unsigned of_part(const char *word) {
  static const char *const own[] = {"--shard", "--costs", "--out"};
  for (size_t i = 0; i < 3; i++) {
    const size_t length = strlen(own[i]);
    if (strncmp(word, own[i], length) == 0 && (word[length] == '\0' || word[length] == '='))
      return word[length] == '=' ? 1 : 2;
  }
  return 0;
}

/* The call without these. */
static pv_code split(session *s, int argc, char **argv, pv_error *err) {
  pv_shard_ask ask = {.faults = s->a.faults, .costs = s->a.costs};
  char **words = PV_ARENA_NEW(&s->arena, (size_t)argc + 1, char *), *whole = NULL;
  int count = 0;
  if (s->a.shard == NULL) return PV_OK;
  if (words == NULL) return pv_error_nomem(err, "the parts");
  for (int i = 0; i < argc; i++) {
    const unsigned own = of_part(argv[i]);
    if (own == 0) words[count++] = argv[i];
    i += own == 2;
  }
  pv_code code = pv_shard_parse(s->a.shard, &ask.number, &ask.of, err);
  if (code == PV_OK) code = pv_facts_command(&s->arena, count, words, &whole, err);
  ask.whole = whole;
  return code == PV_OK
             ? pv_shard_split(&s->arena, &ask, s->contracts, s->a.file_count, &s->shards, err)
             : code;
}

/* The contract as a CI calls it: from the root of the repository, else as it was written. */
static const char *ci_path(session *s, const pv_judgement *j) {
  const char *repository = j->ground.site.repository, *path = j->request.contract->path;
  char *real = repository == NULL ? NULL : realpath(path, NULL);
  const char *out = real == NULL ? path : pv_site_relative(&s->arena, repository, real);
  free(real);
  return out;
}

static pv_code judge_one(session *s, size_t i, int *exit_code, pv_error *err) {
  const arguments *a = &s->a;
  pv_judgement *j = &s->judged[i];
  pv_request request = {.contract = s->contracts[i],
                        .command = s->command,
                        .model = a->model,
                        .model_key = a->model_key,
                        .reference = a->reference,
                        .backend = a->backend,
                        .only = a->only,
                        .out = a->out,
                        .probe = a->probe,
                        .threads = s->threads,
                        .memory = s->memory,
                        .given_providers = s->given.count > 0,
                        .shard = s->shards == NULL ? NULL : &s->shards[i],
                        .prompts = s->prompts,
                        .publish = a->publish,
                        .quiet = a->quiet,
                        .faults = a->faults};
  pv_code code = s->any ? pv_any_ask(&s->arena, s->contracts[i], &request, err) : PV_OK;
  if (code == PV_OK) code = pv_judge(&s->arena, &request, j, err);
  if (code != PV_OK) return code;
  const char *file = ci_path(s, j);
  if (file == NULL) return pv_error_nomem(err, "the report");
  s->outcomes[s->count++] = (pv_outcome){.result = &j->result, .file = file, .folder = j->shown};
  *exit_code = worse(*exit_code, j->result.exit_code);
  return show(s, j, &s->outcomes[i], err);
}

/* What is said when all was judged, or why not, on the terminal and in files. */
static int end(session *s, int exit_code, const pv_error *last) {
  pv_error err = PV_ERROR_INIT;
  pv_call call = {.items = s->outcomes, .count = s->count};
  pv_code code = list_failures(s, last, &call, &err);
  if (code == PV_OK) print_failures(s, &call);
  if (last->code != PV_OK) exit_code = pv_code_exit(last->code);
  if (code == PV_OK && s->ready) code = print_end(s, &call, exit_code, &err);
  const pv_code written =
      s->begun ? pv_outputs_write(&s->a.outputs, &call, code == PV_OK ? &err : NULL) : PV_OK;
  if (code == PV_OK) code = written;
  if (code != PV_OK) pv_error_print(&err, stderr);
  return code != PV_OK && last->code == PV_OK ? pv_code_exit(code) : exit_code;
}

int pv_cmd_validate(int argc, char **argv) {
  session s = {.arena = PV_ARENA_INIT};
  int exit_code = 0;
  pv_error err = PV_ERROR_INIT;
  pv_code code = begin(&s, argc, argv, &err);
  s.ready = code == PV_OK;
  if (code == PV_OK && !s.a.help) code = load(&s, &err);
  if (code == PV_OK && !s.a.help) code = split(&s, argc, argv, &err);
  for (size_t i = 0; code == PV_OK && i < s.a.file_count && !s.a.help; i++)
    code = judge_one(&s, i, &exit_code, &err);
  pv_given_remove(&s.place);
  if (code == PV_OK) err = PV_ERROR_INIT; /* some steps look for what need not be there */
  if (!s.a.help) exit_code = end(&s, exit_code, &err);
  pv_arena_free(&s.arena);
  return exit_code;
}
