#include "validator/campaign/report.h"

#include <stdlib.h>
#include <string.h>

#include "validator/campaign/index.h"
#include "validator/judge/own.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"
#include "validator/store/evidence.h"

typedef struct reading {
  pv_arena *arena;
  const char *folder, *probe;
  const pv_known *known;
  char *here;
  pv_campaign *out;
  size_t difference_room;
  /* The contract of the cells that are looked at, as it lies here. */
  pv_contract *contract;
  const char *name, *why; /* why it is not here */
  pv_run_hello hello;     /* what the probe says of itself */
} reading;

static pv_code nomem(pv_error *err) {
  return pv_error_nomem(err, "the campaign");
}

static bool fatal(pv_code code) {
  return code == PV_ERR_NOMEM || code == PV_ERR_CANCELLED;
}

/* The contract of the evidence as it lies here; `why` where it does not. */
static pv_code find_contract(reading *r, const pv_evidence *e, pv_error *err) {
  const char *path = NULL;
  pv_error local = PV_ERROR_INIT;
  const char *name = e->result->contract->name;
  if (r->name != NULL && strcmp(r->name, name) == 0) return PV_OK;
  r->name = pv_arena_strdup(r->arena, name);
  r->contract = NULL;
  r->why = NULL;
  if (r->name == NULL) return nomem(err);
  pv_code code =
      r->here == NULL ? PV_OK : pv_own_or_above(r->arena, r->here, e->contract_path, &path, err);
  if (code == PV_OK && path == NULL)
    code = pv_own_or_above(r->arena, r->folder, e->contract_path, &path, err);
  if (code != PV_OK) return code;
  if (path == NULL) {
    r->why = "its contract does not lie here";
    return PV_OK;
  }
  code = pv_contract_load(r->arena, path, &r->contract, &local);
  const pv_run_spec spec = {.probe = r->probe, .contract = r->contract};
  if (code == PV_OK) pv_bind_checks(r->contract, r->known);
  if (code == PV_OK && r->hello.environment_count == 0)
    code = pv_run_ask(r->arena, &spec, &r->hello, &local);
  if (fatal(code)) return pv_error_set(err, code, "%s", local.message);
  if (code == PV_OK) return PV_OK;
  r->contract = NULL;
  r->why = pv_arena_strdup(r->arena, local.message);
  return r->why == NULL ? nomem(err) : PV_OK;
}

/* The first of its falsifiers that no longer holds here, or NULL. */
static pv_code find_stale(reading *r, pv_arena *scratch, const pv_evidence *e, const char **out,
                          pv_error *err) {
  char semantics[PV_SHA256_HEX];
  pv_subject *now = NULL;
  const pv_run_hello *h = &r->hello;
  const pv_result *run = e->result;
  const pv_basis basis = {
      .model = pv_fact_value(run->model, run->model_count, "sha256"),
      .reference = pv_fact_value(run->model, run->model_count, "reference_sha256"),
      .kernels = pv_fact_value(h->environment, h->environment_count, "kernels_sha256"),
      .ptx = pv_fact_value(h->environment, h->environment_count, "ptx_sha256"),
      .builtin = pv_fact_value(h->environment, h->environment_count, "builtin_prompts_sha256"),
      .numerics = h->numerics,
      .numerics_count = h->numerics_count};
  pv_code code = pv_subject_contract(r->contract, semantics, err);
  if (code == PV_OK && strcmp(semantics, e->semantics) != 0) {
    *out = "the contract claims something else now";
    return PV_OK;
  }
  if (code == PV_OK) code = pv_subject_all(scratch, r->contract, &basis, &now, err);
  for (size_t i = 0; i < run->falsifier_count && code == PV_OK && *out == NULL; i++) {
    const pv_falsifier_result *f = &run->falsifiers[i];
    const pv_falsifier *own = pv_contract_falsifier(r->contract, f->falsifier->id);
    pv_text changed = PV_TEXT_INIT;
    if (f->source != PV_FROM_RUN || own == NULL) continue;
    if (!pv_subject_holds(&e->subjects[i], &now[own - r->contract->falsifiers], &changed)) {
      *out = changed.failed
                 ? NULL
                 : pv_arena_printf(r->arena, "%s was for another state of %s", f->falsifier->id,
                                   changed.data == NULL ? "something" : changed.data);
      if (*out == NULL) code = nomem(err);
    }
    pv_text_free(&changed);
  }
  return code;
}

static pv_code add_difference(reading *r, const pv_campaign_difference *one, pv_error *err) {
  pv_campaign *c = r->out;
  if (!pv_arena_room(r->arena, &c->differences, c->difference_count, &r->difference_room,
                     sizeof *c->differences))
    return nomem(err);
  c->differences[c->difference_count++] = *one;
  return PV_OK;
}

/* What two runs of one contract over one model judged themselves, and not alike. */
static pv_code compare(reading *r, const pv_campaign_cell *a, const pv_result *left,
                       const pv_campaign_cell *b, const pv_result *right, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < left->falsifier_count && code == PV_OK; i++)
    for (size_t k = 0; k < right->falsifier_count && code == PV_OK; k++) {
      const pv_falsifier_result *f = &left->falsifiers[i], *g = &right->falsifiers[k];
      if (f->source != PV_FROM_RUN || g->source != PV_FROM_RUN || f->verdict == g->verdict ||
          strcmp(f->falsifier->id, g->falsifier->id) != 0)
        continue;
      const pv_campaign_difference one = {
          .contract = a->contract,
          .model = a->model,
          .falsifier = pv_arena_strdup(r->arena, f->falsifier->id),
          .device = {a->device, b->device},
          .verdict = {pv_verdict_name(f->verdict), pv_verdict_name(g->verdict)}};
      code = one.falsifier == NULL ? nomem(err) : add_difference(r, &one, err);
    }
  return code;
}

static bool same_row(const pv_campaign_cell *a, const pv_campaign_cell *b) {
  return strcmp(a->contract, b->contract) == 0 && strcmp(a->model_sha256, b->model_sha256) == 0;
}

/* The cells of one contract and model: each held against what lies here, then with one another. */
static pv_code look_at_row(reading *r, pv_campaign_cell *cells, size_t count, pv_error *err) {
  pv_arena scratch = PV_ARENA_INIT;
  pv_evidence *all = PV_ARENA_NEW(&scratch, count, pv_evidence);
  pv_code code = all == NULL ? nomem(err) : PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    pv_error local = PV_ERROR_INIT;
    char *folder =
        pv_arena_printf(&scratch, "%s/%.*s", r->folder,
                        (int)(strlen(cells[i].place) - sizeof PV_EVIDENCE_FILE), cells[i].place);
    code = folder == NULL ? nomem(err) : pv_evidence_read(&scratch, folder, &all[i], &local);
    if (code != PV_OK) { /* it changed while it was read */
      if (err != NULL && folder != NULL) *err = local;
      break;
    }
    code = find_contract(r, &all[i], err);
    cells[i].unknown = r->why;
    if (code == PV_OK && r->contract != NULL)
      code = find_stale(r, &scratch, &all[i], &cells[i].stale, err);
    r->out->stale += code == PV_OK && cells[i].stale != NULL;
    for (size_t k = 0; k < i && code == PV_OK; k++)
      code = compare(r, &cells[k], all[k].result, &cells[i], all[i].result, err);
  }
  pv_arena_free(&scratch);
  return code;
}

/* A list in which each is once. */
typedef struct names {
  const pv_campaign_cell **items; /* one that has it */
  size_t count;
} names;

static void add_name(names *all, const pv_campaign_cell *cell, bool device) {
  for (size_t i = 0; i < all->count; i++)
    if (device ? strcmp(all->items[i]->device, cell->device) == 0
               : strcmp(all->items[i]->model_sha256, cell->model_sha256) == 0)
      return;
  all->items[all->count++] = cell;
}

static int by_place(const void *a, const void *b) {
  const pv_campaign_cell *left = a, *right = b;
  const char *const pairs[][2] = {{left->contract, right->contract},
                                  {left->model, right->model},
                                  {left->model_sha256, right->model_sha256},
                                  {left->device, right->device}};
  int order = 0;
  for (size_t i = 0; i < 4 && order == 0; i++) order = strcmp(pairs[i][0], pairs[i][1]);
  return order;
}

/* Whether the contract's cells from `cells` on have one of this model and device. */
static bool there(const pv_campaign_cell *cells, size_t count, const char *sha,
                  const char *device) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(cells[i].model_sha256, sha) == 0 && strcmp(cells[i].device, device) == 0)
      return true;
  return false;
}

/* Adds the cells that nobody ran, in their places. */
static pv_code add_missing(reading *r, pv_error *err) {
  pv_campaign *c = r->out;
  names models = {PV_ARENA_NEW(r->arena, c->cell_count + 1, const pv_campaign_cell *), 0};
  names devices = {PV_ARENA_NEW(r->arena, c->cell_count + 1, const pv_campaign_cell *), 0};
  if (models.items == NULL || devices.items == NULL) return nomem(err);
  for (size_t i = 0; i < c->cell_count; i++) {
    if (c->cells[i].model_sha256[0] != '\0') add_name(&models, &c->cells[i], false);
    add_name(&devices, &c->cells[i], true);
    c->contracts += i == 0 || strcmp(c->cells[i].contract, c->cells[i - 1].contract) != 0;
  }
  c->models = models.count;
  c->devices = devices.count;
  pv_campaign_cell *all =
      PV_ARENA_NEW(r->arena, c->cell_count + c->contracts * (models.count + 1) * devices.count + 1,
                   pv_campaign_cell);
  if (all == NULL) return nomem(err);
  size_t count = 0;
  for (size_t i = 0, end; i < c->cell_count; i = end) {
    bool some = false;
    for (end = i; end < c->cell_count && strcmp(c->cells[end].contract, c->cells[i].contract) == 0;
         end++) {
      some |= c->cells[end].model_sha256[0] != '\0';
      all[count++] = c->cells[end];
    }
    for (size_t m = 0; m < (some ? models.count : 1); m++)
      for (size_t d = 0; d < devices.count; d++) {
        const char *sha = some ? models.items[m]->model_sha256 : "";
        if (there(&c->cells[i], end - i, sha, devices.items[d]->device)) continue;
        all[count++] = (pv_campaign_cell){.contract = c->cells[i].contract,
                                          .model = some ? models.items[m]->model : "",
                                          .model_sha256 = sha,
                                          .device = devices.items[d]->device};
        c->missing++;
      }
  }
  if (count > 0) qsort(all, count, sizeof *all, by_place);
  c->cells = all;
  c->cell_count = count;
  return PV_OK;
}

pv_code pv_campaign_read(pv_arena *arena, const char *folder, const char *place, const char *probe,
                         pv_campaign *out, size_t *read, pv_error *err) {
  pv_index *index = NULL;
  pv_campaign c = {0};
  reading r = {.arena = arena, .folder = folder, .out = &c};
  pv_code code = pv_index_open(folder, place, &index, err);
  if (code == PV_OK) code = pv_index_cells(index, arena, &c, err);
  if (code == PV_OK) *read = pv_index_read(index);
  pv_index_close(index);
  if (code == PV_OK) code = pv_run_find_probe(arena, probe, &r.probe, err);
  if (code == PV_OK) code = pv_run_describe(arena, probe, 0, &r.known, err);
  r.here = realpath(".", NULL);
  for (size_t i = 0, end; i < c.cell_count && code == PV_OK; i = end) {
    end = i + 1;
    while (end < c.cell_count && same_row(&c.cells[i], &c.cells[end])) end++;
    code = look_at_row(&r, &c.cells[i], end - i, err);
  }
  if (code == PV_OK) code = add_missing(&r, err);
  free(r.here);
  if (code == PV_OK) *out = c;
  return code;
}
