/* pv campaign: many contracts over many models on many hosts, by engines that are there: scripts
 * for Slurm, GNU parallel and GitHub Actions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "templates.h"
#include "validator/cli/campaign_report.h"
#include "validator/cli/commands.h"
#include "validator/cli/files.h"
#include "validator/judge/own.h"
#include "validator/judge/shard.h"
#include "validator/judge/site.h"
#include "validator/judge/sound.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"
#include "validator/store/evidence.h"

enum { FILES_MAX = 256, MODELS_MAX = 256, TASKS_MAX = 10000 };

typedef struct campaign {
  pv_arena *arena;
  const char *models, *parts, *out, *probe;
  bool faults, json, help;
  const char *files[FILES_MAX];
  size_t count;
  pv_contract *contracts[FILES_MAX];
  const char *list[MODELS_MAX]; /* models; one that is "" stands for none */
  size_t model_count;
  unsigned of;
  bool gpu;
  const char *folder, *relative; /* the real path of `out`, and from here */
} campaign;

static pv_code nomem(pv_error *err) {
  return pv_error_nomem(err, "the campaign");
}

/* Folders and names of pv's own stand for contracts, as in `pv validate`. */
static pv_code expand(campaign *c, const char *const *given, size_t count, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const char *one = given[i];
    pv_strings found = {.items = (char *[]){(char *)(uintptr_t)one}, .count = 1};
    if (pv_files_is_folder(one))
      code = pv_files_contracts(c->arena, one, FILES_MAX, &found, err);
    else if ((code = pv_own_contract(c->arena, one, &one, err)) == PV_OK)
      found.items[0] = (char *)(uintptr_t)one;
    if (code != PV_OK) break;
    if (found.count > FILES_MAX - c->count)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %d contracts at once", FILES_MAX);
    for (size_t k = 0; k < found.count; k++) c->files[c->count++] = found.items[k];
  }
  return code;
}

/* Whether a falsifier asks for a GPU. */
static pv_code asks_gpu(const pv_falsifier *f, bool *out, pv_error *err) {
  json_t *with = NULL;
  if (f->provider != NULL) return PV_OK;
  const pv_code code = pv_bind_with(f, NULL, &with, err);
  *out |= code == PV_OK && pv_bind_asks_gpu(f, with);
  json_decref(with);
  return code;
}

static void print_findings(const pv_findings *findings) {
  for (size_t i = 0; i < findings->count; i++) {
    const pv_finding *f = &findings->items[i];
    pv_error one = PV_ERROR_INIT;
    pv_error_set(&one, PV_ERR_INPUT, "%s", f->message);
    pv_error_at(&one, f->file, f->line, f->column, -1);
    pv_error_print(&one, stderr);
  }
}

/* Only sound contracts are sent to other hosts. */
static pv_code load(campaign *c, pv_error *err) {
  const pv_given_providers none = {0};
  const pv_known *known = NULL;
  pv_findings findings = {0};
  pv_code code = pv_run_describe(c->arena, c->probe, 0, &known, err);
  for (size_t i = 0; i < c->count && code == PV_OK; i++) {
    code = pv_sound_load(c->arena, known, &none, c->files[i], &c->contracts[i], &findings, err);
    for (size_t k = 0; k < i && code == PV_OK; k++)
      if (strcmp(c->contracts[k]->name, c->contracts[i]->name) == 0)
        code = pv_error_refuse(err, "name it once", "%s is named twice: %s and %s",
                               c->contracts[i]->name, c->files[k], c->files[i]);
    for (size_t k = 0; code == PV_OK && k < c->contracts[i]->falsifier_count; k++)
      code = asks_gpu(&c->contracts[i]->falsifiers[k], &c->gpu, err);
  }
  print_findings(&findings);
  return code;
}

/* "a.gguf,b.gguf"; none is one model that is not named. */
static pv_code split_models(campaign *c, pv_error *err) {
  struct stat info;
  c->list[0] = "";
  c->model_count = c->models == NULL ? 1 : 0;
  for (const char *at = c->models; at != NULL;) {
    const size_t length = strcspn(at, ",");
    char *one = pv_arena_strndup(c->arena, at, length);
    if (one == NULL) return nomem(err);
    if (c->model_count == MODELS_MAX)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %d models at once", MODELS_MAX);
    if (stat(one, &info) != 0)
      return pv_error_refuse(err, "names of files, with commas between them",
                             "--model: there is no file '%s'", one);
    c->list[c->model_count++] = one;
    at = at[length] == ',' ? at + length + 1 : NULL;
  }
  return PV_OK;
}

static pv_code check_call(campaign *c, pv_error *err) {
  uint64_t of = 0;
  if (c->count == 0)
    return pv_error_refuse(
        err, "for example: pv campaign contracts/moe-router-v1.yaml --parts 4 --out campaign",
        "name contracts");
  if (c->parts == NULL)
    return pv_error_refuse(err, "for example --parts 8", "say into how many parts it is split");
  if (c->out == NULL)
    return pv_error_refuse(err, "for example --out campaign", "say where the scripts go");
  pv_code code = pv_option_u64("--parts", c->parts, 1, PV_EVIDENCE_PARTS_MAX, &of, err);
  if (code == PV_OK) code = split_models(c, err);
  c->of = (unsigned)of;
  if (code == PV_OK && c->of * c->model_count > TASKS_MAX)
    return pv_error_refuse(err, "fewer parts, or fewer models",
                           "%zu models in %u parts are more than %d tasks", c->model_count, c->of,
                           TASKS_MAX);
  return code;
}

/* A new folder below this one, so that the scripts find the tree wherever it lies. */
static pv_code make_folder(campaign *c, pv_error *err) {
  char *here = realpath(".", NULL), *real = NULL;
  pv_code code = PV_OK;
  if (mkdir(c->out, 0777) != 0)
    code = errno == EEXIST ? pv_error_refuse(err, "remove it, or choose another name",
                                             "there is something at '%s'", c->out)
                           : pv_error_errno(err, errno, "cannot make the folder '%s'", c->out);
  if (code == PV_OK) real = realpath(c->out, NULL);
  if (code == PV_OK && (here == NULL || real == NULL)) code = nomem(err);
  if (code == PV_OK && (strncmp(real, here, strlen(here)) != 0 || real[strlen(here)] != '/')) {
    rmdir(c->out);
    code = pv_error_refuse(err, "call pv in the uppermost folder of the tree",
                           "--out '%s' does not lie below this folder", c->out);
  }
  if (code == PV_OK) {
    c->folder = pv_arena_strdup(c->arena, real);
    c->relative = pv_arena_strdup(c->arena, real + strlen(here) + 1);
    if (c->folder == NULL || c->relative == NULL) code = nomem(err);
  }
  free(here);
  free(real);
  return code;
}

static void put_array(pv_text *out, const char *name, const char *const *words, size_t count) {
  pv_text_printf(out, "%s=(", name);
  for (size_t i = 0; i < count; i++) {
    pv_text_puts(out, i == 0 ? "" : " ");
    pv_text_shell(out, words[i]);
  }
  pv_text_puts(out, ")\n");
}

/* What the scripts have in common. */
static pv_code put_plan(const campaign *c, pv_text *out, pv_error *err) {
  const char *names[FILES_MAX], *options[3], *folder = NULL;
  size_t count = 0;
  const pv_code code = pv_run_own_folder(c->arena, &folder, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < c->count; i++) names[i] = c->contracts[i]->name;
  if (c->probe != NULL) options[count++] = "--probe";
  if (c->probe != NULL) options[count++] = c->probe;
  pv_text_puts(
      out,
      "# shellcheck shell=bash disable=SC2034\n# What the campaign is: by pv campaign.\nroot=..");
  for (const char *p = c->relative; (p = strchr(p, '/')) != NULL; p++) pv_text_puts(out, "/..");
  pv_text_printf(out, " # from this folder\nparts=%u # of each model\ngpu=%s\n", c->of,
                 c->gpu ? "1 # some falsifier asks for one" : "");
  put_array(out, "contracts", c->files, c->count);
  put_array(out, "names", names, c->count);
  put_array(out, "models", c->list, c->model_count);
  put_array(out, "probe", options, count);
  if (c->faults) options[count++] = "--faults";
  put_array(out, "options", options, count);
  pv_text_puts(out, "program=${PV:-}\nif [ -z \"$program\" ]; then\n  program=");
  pv_text_shell(out, folder);
  pv_text_puts(out, "/pv\n  [ -x \"$program\" ] || program=pv\nfi\n");
  return out->failed ? nomem(err) : PV_OK;
}

/* The workflow with what stands between two @ filled in; a single one is its own. */
static void put_workflow(const campaign *c, pv_text *out) {
  static const char *const words[] = {"RUNNER", "INDICES", "FOLDER"};
  const char *at = (const char *)pv_template_campaign_github_yml;
  const char *end = at + sizeof pv_template_campaign_github_yml;
  while (at < end) {
    size_t i = 0;
    while (i < 3 && (at[0] != '@' || strncmp(at + 1, words[i], strlen(words[i])) != 0 ||
                     at[1 + strlen(words[i])] != '@'))
      i++;
    if (i == 0) pv_text_puts(out, c->gpu ? "[self-hosted, gpu]" : "ubuntu-24.04");
    for (size_t k = 0; i == 1 && k < c->of * c->model_count; k++)
      pv_text_printf(out, k == 0 ? "%zu" : ", %zu", k);
    if (i == 2) pv_text_puts(out, c->relative);
    if (i == 3) pv_text_add(out, at, 1);
    at += i == 3 ? 1 : strlen(words[i]) + 2;
  }
}

static pv_code write_file(const campaign *c, const char *name, const char *data, size_t length,
                          bool program, pv_error *err) {
  const char *path = pv_arena_printf(c->arena, "%s/%s", c->folder, name);
  if (path == NULL) return nomem(err);
  const pv_code code = pv_file_replace(path, data, length, err);
  if (code == PV_OK && program && chmod(path, 0755) != 0)
    return pv_error_errno(err, errno, "cannot make '%s' a program", path);
  return code;
}

static pv_code write_all(campaign *c, pv_error *err) {
  static const struct {
    const char *name;
    const unsigned char *text;
    size_t length;
  } scripts[] = {
      {"part.sh", pv_template_campaign_part_sh, sizeof pv_template_campaign_part_sh},
      {"merge.sh", pv_template_campaign_merge_sh, sizeof pv_template_campaign_merge_sh},
      {"slurm.sh", pv_template_campaign_slurm_sh, sizeof pv_template_campaign_slurm_sh},
      {"parallel.sh", pv_template_campaign_parallel_sh, sizeof pv_template_campaign_parallel_sh}};
  pv_text plan = PV_TEXT_INIT, workflow = PV_TEXT_INIT;
  pv_code code = make_folder(c, err);
  if (code != PV_OK) return code;
  const char *costs = pv_arena_printf(c->arena, "%s/costs", c->folder);
  code = costs == NULL ? nomem(err) : pv_folder_make(costs, err);
  for (size_t i = 0; i < c->count && code == PV_OK; i++)
    code = pv_shard_pin(c->arena, c->contracts[i], costs, err);
  if (code == PV_OK) code = put_plan(c, &plan, err);
  put_workflow(c, &workflow);
  if (code == PV_OK && workflow.failed) code = nomem(err);
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts && code == PV_OK; i++)
    code =
        write_file(c, scripts[i].name, (const char *)scripts[i].text, scripts[i].length, true, err);
  if (code == PV_OK) code = write_file(c, "github.yml", workflow.data, workflow.length, false, err);
  /* Last: without it no script does anything. */
  if (code == PV_OK) code = write_file(c, "plan.sh", plan.data, plan.length, false, err);
  pv_text_free(&plan);
  pv_text_free(&workflow);
  return code;
}

static pv_code act(campaign *c, pv_error *err) {
  pv_code code = check_call(c, err);
  if (code == PV_OK) code = load(c, err);
  if (code == PV_OK) code = write_all(c, err);
  if (code != PV_OK) return code;
  pv_text out = PV_TEXT_INIT;
  pv_text_printf(&out,
                 "%zu contract%s, %zu model%s, %u part%s of each: %zu tasks%s\n"
                 "  bash %s/slurm.sh      on Slurm\n"
                 "  bash %s/parallel.sh   with GNU parallel\n"
                 "  %s/github.yml         for .github/workflows\n",
                 c->count, c->count == 1 ? "" : "s", c->model_count, c->model_count == 1 ? "" : "s",
                 c->of, c->of == 1 ? "" : "s", c->of * c->model_count, c->gpu ? ", on a GPU" : "",
                 c->relative, c->relative, c->relative);
  code = out.failed ? nomem(err) : pv_output_write(out.data, out.length, err);
  pv_text_free(&out);
  return code;
}

static pv_code report(const campaign *c, const char *const *words, size_t count, pv_error *err) {
  static const char example[] = "for example: pv campaign report reports";
  if (count != 2) return pv_error_refuse(err, example, "pv campaign report needs one folder");
  if (c->models != NULL || c->parts != NULL || c->faults)
    return pv_error_refuse(err, example, "--model, --parts and --faults are of no report");
  return pv_campaign_report(c->arena, words[1], c->out, c->probe, c->json, err);
}

int pv_cmd_campaign(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  campaign c = {.arena = &arena};
  const char *words[FILES_MAX];
  const pv_option list[] = {
      {"--model", "FILE,...",
       "models, each judged by all contracts (default: that of each contract)", &c.models, NULL},
      {"--parts", "N", "into how many parts the run over one model is split", &c.parts, NULL},
      {"--out", "DIR", "a new folder, below this one, for the scripts and all that they write",
       &c.out, NULL},
      {"--faults", NULL, "run each falsifier against the faults that it declares, too", NULL,
       &c.faults},
      {"--json", NULL, "of a report: JSON on standard output", NULL, &c.json},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &c.probe, NULL},
      {0}};
  pv_options options = {
      .command = "campaign",
      .summary =
          "Writes scripts that judge contracts over models on many hosts, in parts, and join the\n"
          "parts: for Slurm, for GNU parallel, for GitHub Actions. Nothing is judged yet. A part\n"
          "that died is run again; one that was judged is not judged twice.\n"
          "report: one page about all runs below a folder, from many hosts: contracts, models and\n"
          "devices, what is stale, what differs between devices, what nobody ran.",
      .positional = "CONTRACT|DIR...|report DIR",
      .examples =
          "  pv campaign contracts/moe-router-v1.yaml --parts 2 --out campaign\n"
          "  pv campaign report reports --out pages\n",
      .list = list,
      .rest = words,
      .rest_max = FILES_MAX};
  pv_code code = pv_options_parse(&options, argc, argv, &c.help, &err);
  if (code != PV_OK || c.help) goto cleanup;
  if (options.rest_count > 0 && strcmp(words[0], "report") == 0) {
    code = report(&c, words, options.rest_count, &err);
  } else {
    if (c.json) code = pv_error_refuse(&err, "leave it out", "--json is of pv campaign report");
    if (code == PV_OK) code = expand(&c, words, options.rest_count, &err);
    if (code == PV_OK) code = act(&c, &err);
  }
cleanup:
  if (code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
