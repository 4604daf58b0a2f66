#include "validator/judge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "validator/judge/facts.h"
#include "validator/judge/folder.h"
#include "validator/judge/own.h"
#include "validator/judge/publish.h"
#include "validator/judge/same_run.h"
#include "validator/judge/site.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"
#include "validator/store/derive.h"

static pv_code nomem(pv_error *err) {
  return pv_error_nomem(err, "the parts");
}

static pv_code read_one(pv_arena *arena, const char *folder, pv_named_part *out, pv_error *err) {
  pv_strings problems = {0};
  pv_code code = pv_evidence_verify(arena, folder, &problems, err);
  if (code != PV_OK) return code;
  if (problems.count > 0) {
    pv_error_set(err, PV_ERR_INPUT, "the part is not as it was written: %s", problems.items[0]);
    pv_error_hint(err, "run it again");
  } else {
    code = pv_evidence_read_any(arena, folder, &out->evidence, err);
    out->folder = folder;
    if (code != PV_OK) return code;
    if (out->evidence.result->part.of > 0) return PV_OK;
    pv_error_set(err, PV_ERR_INPUT, "this is a whole run, and no part of one");
    pv_error_hint(err, "parts are what pv validate --shard K/N writes");
  }
  pv_error_at(err, folder, 0, 0, -1);
  return PV_ERR_INPUT;
}

static int by_number(const void *a, const void *b) {
  const pv_named_part *left = a, *right = b;
  const pv_result *l = left->evidence.result, *r = right->evidence.result;
  if (l->part.number != r->part.number) return l->part.number < r->part.number ? -1 : 1;
  return strcmp(l->run_id, r->run_id);
}

/* `owner` gets for each falsifier the part that judged it; one that none did is missing. */
static pv_code find_owners(const pv_named_part *parts, size_t count, size_t *owner, pv_merged *out,
                           pv_error *err) {
  const pv_result *first = parts[0].evidence.result;
  for (size_t i = 0; i < first->falsifier_count; i++) {
    owner[i] = SIZE_MAX;
    for (size_t p = 0; p < count; p++) {
      const pv_falsifier_result *f = &parts[p].evidence.result->falsifiers[i];
      if (f->of_another_part) continue;
      if (owner[i] != SIZE_MAX)
        return pv_error_refuse(err, "leave out one of them",
                               "%s was judged by two parts: %s and %s", f->falsifier->id,
                               parts[owner[i]].folder, parts[p].folder);
      owner[i] = p;
    }
    if (owner[i] == SIZE_MAX)
      out->falsifiers.items[out->falsifiers.count++] = first->falsifiers[i].falsifier->id;
  }
  return PV_OK;
}

static pv_code find_missing(pv_arena *arena, const pv_named_part *parts, size_t count,
                            pv_merged *out, pv_error *err) {
  bool *there = PV_ARENA_NEW(arena, (size_t)out->of + 1, bool);
  out->parts.items = PV_ARENA_NEW(arena, (size_t)out->of + 1, char *);
  if (there == NULL || out->parts.items == NULL) return nomem(err);
  for (size_t p = 0; p < count; p++) there[parts[p].evidence.result->part.number] = true;
  for (unsigned n = 1; n <= out->of; n++) {
    if (there[n]) continue;
    char *text = pv_arena_printf(arena, "%u", n);
    if (text == NULL) return nomem(err);
    out->parts.items[out->parts.count++] = text;
  }
  return PV_OK;
}

/* The contract from here, else from the parts upwards, else pv's own: the very bytes. */
static pv_code load_contract(pv_arena *arena, const pv_named_part *part, const char *probe,
                             pv_contract **out, pv_error *err) {
  const char *relative = part->evidence.contract_path, *path = NULL;
  const pv_contract *want = part->evidence.result->contract;
  const pv_known *known = NULL;
  char *here = realpath(".", NULL);
  pv_code code = here == NULL ? PV_OK : pv_own_or_above(arena, here, relative, &path, err);
  free(here);
  if (code == PV_OK && path == NULL)
    code = pv_own_or_above(arena, part->folder, relative, &path, err);
  if (code != PV_OK) return code;
  if (path == NULL)
    return pv_error_refuse(err, "call it in the repository that has it",
                           "the contract of the parts, %s, does not lie here", relative);
  code = pv_contract_load(arena, path, out, err);
  if (code != PV_OK) return code;
  if (strcmp((*out)->sha256, want->sha256) != 0) {
    pv_error_set(err, PV_ERR_INPUT,
                 "this is another contract than that of the parts: %.12s, not %.12s",
                 (*out)->sha256, want->sha256);
    pv_error_at(err, path, 0, 0, -1);
    pv_error_hint(err, "check out the commit of the parts");
    return PV_ERR_INPUT;
  }
  code = pv_run_describe(arena, probe, 0, &known, err);
  if (code == PV_OK) pv_bind_checks(*out, known);
  return code;
}

/* The run's name follows from its parts: joined twice, it is the same run. */
static pv_code name_run(pv_arena *arena, const pv_named_part *parts, size_t count, pv_result *r,
                        pv_error *err) {
  char compact[32] = "", digest[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  size_t length = 0;
  r->started = parts[0].evidence.result->started;
  for (size_t p = 0; p < count; p++) {
    const pv_result *one = parts[p].evidence.result;
    if (strcmp(one->started, r->started) < 0) r->started = one->started;
    r->duration_s += one->duration_s;
    pv_text_printf(&text, "%s\n", one->run_id);
  }
  for (const char *c = r->started; *c != '\0' && length + 1 < sizeof compact; c++)
    if (*c != '-' && *c != ':') compact[length++] = *c;
  const pv_code code =
      text.failed ? nomem(err) : pv_sha256_bytes(text.data, text.length, digest, err);
  pv_text_free(&text);
  if (code != PV_OK) return code;
  r->run_id = pv_arena_printf(arena, "%s-%.8s", compact, digest);
  return r->run_id == NULL ? nomem(err) : PV_OK;
}

static pv_code join(pv_arena *arena, const pv_named_part *parts, size_t count, const size_t *owner,
                    const pv_contract *c, pv_evidence *e, pv_result *out, pv_error *err) {
  const pv_result *first = parts[0].evidence.result;
  pv_subject *subjects = PV_ARENA_NEW(arena, first->falsifier_count + 1, pv_subject);
  pv_result r = {
      .contract = c,
      .command = pv_arena_strdup(arena, first->part.whole),
      .numerics = first->numerics,
      .numerics_count = first->numerics_count,
      .falsifier_count = first->falsifier_count,
      .falsifiers = PV_ARENA_NEW(arena, first->falsifier_count + 1, pv_falsifier_result)};
  if (subjects == NULL || r.command == NULL || r.falsifiers == NULL) return nomem(err);
  for (size_t i = 0; i < r.falsifier_count; i++) {
    r.falsifiers[i] = parts[owner[i]].evidence.result->falsifiers[i];
    r.falsifiers[i].falsifier = &c->falsifiers[i];
    subjects[i] = parts[owner[i]].evidence.subjects[i];
  }
  for (size_t p = 0; p < count; p++) {
    r.partial |= parts[p].evidence.result->partial;
    r.faults_untried += parts[p].evidence.result->faults_untried;
  }
  pv_code code = pv_same_run_facts(arena, parts, count, &r, err);
  if (code == PV_OK) code = name_run(arena, parts, count, &r, err);
  if (code == PV_OK) code = pv_status_derive(arena, &r, err);
  if (code != PV_OK) return code;
  *out = r;
  *e = (pv_evidence){
      .result = out, .subjects = subjects, .contract_path = parts[0].evidence.contract_path};
  memcpy(e->semantics, parts[0].evidence.semantics, sizeof e->semantics);
  return PV_OK;
}

/* Whether this run could have been published by one call: what its parts are about is what is
 * checked out here. */
static pv_code may_publish(pv_arena *arena, const pv_site *site, const pv_result *r,
                           pv_error *err) {
  const pv_request request = {.contract = r->contract};
  const pv_ground ground = {.site = *site};
  const char *of = pv_fact_value(r->environment, r->environment_count, "git");
  pv_git git;
  if (r->partial)
    return pv_error_refuse(err,
                           "leave out --publish, or make the parts without --backend and the like",
                           "a partial run is not published: %s", r->command);
  pv_code code = pv_facts_git(arena, site->repository == NULL ? NULL : site->root, &git, err);
  if (code == PV_OK) code = pv_publish_allowed(&request, &ground, &git, err);
  if (code != PV_OK || (of != NULL && strcmp(of, git.commit) == 0)) return code;
  return pv_error_refuse(err, "check out the commit of the parts, and make them without changes",
                         "the parts are of the commit %s, and here is %s", of == NULL ? "none" : of,
                         git.commit);
}

static pv_code open_place(pv_arena *arena, const pv_merge_ask *ask, const pv_site *site,
                          const pv_result *r, pv_run_folder *out, pv_error *err) {
  const pv_contract *c = r->contract;
  char *aside = NULL;
  if (!r->publish && ask->out == NULL && site->runs == NULL)
    return pv_error_refuse(err, "--out DIR names a place for the run",
                           "no run is written beside '%s': %s", c->path, site->runs_why);
  const char *base = r->publish         ? pv_arena_printf(arena, "%s/reports/published", site->home)
                     : ask->out != NULL ? pv_arena_strdup(arena, ask->out)
                                        : pv_arena_printf(arena, "%s/reports/runs", site->runs);
  if (base == NULL) return nomem(err);
  /* Each call writes aside under a name of its own. */
  pv_code code = pv_facts_run_id(arena, r->started, c->sha256, "merge", &aside, err);
  if (code == PV_OK) code = pv_run_folder_open(arena, base, c->name, aside, out, err);
  if (code != PV_OK) return code;
  return r->publish
             ? pv_run_folder_device(
                   arena, pv_fact_value(r->environment, r->environment_count, "device"), out, err)
             : pv_run_folder_call(arena, r->run_id, out, err);
}

/* A run that supports nothing that could be published goes where it goes without --publish. */
static pv_code decide(pv_arena *arena, const pv_merge_ask *ask, const pv_site *site, pv_merged *out,
                      pv_error *err) {
  pv_text why = PV_TEXT_INIT;
  if (!ask->publish) return PV_OK;
  pv_code code = may_publish(arena, site, &out->result, err);
  if (code != PV_OK) return code;
  out->result.publish = !pv_publish_refused(&out->result, &why);
  if (!out->result.publish) {
    out->refused = why.failed || why.data == NULL ? NULL : pv_arena_strdup(arena, why.data);
    if (out->refused == NULL) code = nomem(err);
  }
  pv_text_free(&why);
  return code;
}

static pv_code write_run(pv_arena *arena, const pv_merge_ask *ask, pv_evidence *e, pv_merged *out,
                         pv_error *err) {
  pv_result *r = &out->result;
  pv_run_folder folder = {0};
  pv_site site;
  pv_code code = pv_site_find(arena, r->contract->path, &site, err);
  if (code == PV_OK) code = decide(arena, ask, &site, out, err);
  if (code != PV_OK) return code;
  code = open_place(arena, ask, &site, r, &folder, err);
  if (code == PV_OK && (out->shown = pv_site_shown(arena, folder.final)) == NULL) code = nomem(err);
  pv_render_links links = {.folder = out->shown};
  /* Published reports name their place in the repository, not the way there from here. */
  if (code == PV_OK && r->publish &&
      (links.folder = pv_site_relative(arena, site.home, folder.final)) == NULL)
    code = nomem(err);
  if (code == PV_OK) code = pv_run_folder_fill(arena, &folder, e, &links, err);
  if (code == PV_OK && r->publish) {
    code = pv_publish(arena, r, &folder, &out->written, err);
  } else if (code == PV_OK) {
    code = pv_run_folder_finish(&folder, err);
    folder.kept = code == PV_OK;
    if (code == PV_OK) out->note = pv_run_folder_latest(&folder);
  }
  pv_run_folder_close(&folder);
  return code;
}

/* A part of which no falsifier is this contract's is not in the run: with it or without, it is the
 * same one. */
static size_t drop_idle(pv_named_part *parts, size_t count) {
  size_t kept = 0;
  for (size_t p = 0; p < count; p++) {
    const pv_result *r = parts[p].evidence.result;
    bool judges = false;
    for (size_t i = 0; i < r->falsifier_count; i++) judges |= !r->falsifiers[i].of_another_part;
    if (judges) parts[kept++] = parts[p];
  }
  return kept > 0 ? kept : 1;
}

pv_code pv_merge(pv_arena *arena, const pv_merge_ask *ask, pv_merged *out, pv_error *err) {
  pv_named_part *parts = PV_ARENA_NEW(arena, ask->count + 1, pv_named_part);
  pv_contract *contract = NULL;
  pv_evidence evidence;
  pv_code code = PV_OK;
  if (parts == NULL) return nomem(err);
  for (size_t i = 0; i < ask->count && code == PV_OK; i++)
    code = read_one(arena, ask->folders[i], &parts[i], err);
  if (code != PV_OK) return code;
  qsort(parts, ask->count, sizeof *parts, by_number);
  for (size_t i = 1; i < ask->count && code == PV_OK; i++)
    code = pv_same_run(&parts[0], &parts[i], err);
  if (code != PV_OK) return code;
  const pv_result *first = parts[0].evidence.result;
  size_t *owner = PV_ARENA_NEW(arena, first->falsifier_count + 1, size_t);
  *out = (pv_merged){.of = first->part.of,
                     .whole = first->part.whole,
                     .falsifiers.items = PV_ARENA_NEW(arena, first->falsifier_count + 1, char *)};
  if (owner == NULL || out->falsifiers.items == NULL) return nomem(err);
  code = find_missing(arena, parts, ask->count, out, err);
  const size_t count = drop_idle(parts, ask->count);
  if (code == PV_OK) code = find_owners(parts, count, owner, out, err);
  if (code != PV_OK || out->falsifiers.count > 0) return code;
  code = load_contract(arena, &parts[0], ask->probe, &contract, err);
  if (code == PV_OK)
    code = join(arena, parts, count, owner, contract, &evidence, &out->result, err);
  return code == PV_OK ? write_run(arena, ask, &evidence, out, err) : code;
}
