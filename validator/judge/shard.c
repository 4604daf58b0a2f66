#include "validator/judge/shard.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "validator/judge/site.h"
#include "validator/store/evidence.h"
#include "validator/store/receipt.h"

/* A falsifier of one of the contracts. */
typedef struct item {
  size_t contract, falsifier; /* by their places */
  const char *name, *id;
  double seconds;
  unsigned part; /* from 1 */
} item;

typedef struct split {
  pv_arena *arena;
  const pv_shard_ask *ask;
  pv_contract *const *contracts;
  item *items;
  size_t count;
} split;

static pv_code no_shard(const char *text, pv_error *err) {
  return pv_error_refuse(err, "for example --shard 3/8: the third of eight parts",
                         "--shard takes K/N with K from 1 to N and N at most %d, not '%s'",
                         PV_EVIDENCE_PARTS_MAX, text);
}

pv_code pv_shard_parse(const char *text, unsigned *number, unsigned *of, pv_error *err) {
  uint64_t k = 0, n = 0;
  const char *slash = strchr(text, '/');
  if (slash == NULL || !pv_parse_u64(text, (size_t)(slash - text), &k) ||
      !pv_parse_u64(slash + 1, strlen(slash + 1), &n) || k < 1 || k > n ||
      n > PV_EVIDENCE_PARTS_MAX)
    return no_shard(text, err);
  *number = (unsigned)k;
  *of = (unsigned)n;
  return PV_OK;
}

/* What the falsifier took in that run; 0: nothing was measured. */
static double measured(const pv_result *run, const char *id) {
  for (size_t i = 0; i < run->falsifier_count; i++)
    if (run->falsifiers[i].source == PV_FROM_RUN &&
        strcmp(run->falsifiers[i].falsifier->id, id) == 0)
      return run->falsifiers[i].duration_s;
  return 0.0;
}

static pv_code load_latest(pv_arena *arena, const char *folder, const char *name, pv_receipts *out,
                           pv_error *err) {
  const char *path = pv_arena_printf(arena, "%s/%s/latest", folder, name);
  out->items = PV_ARENA_NEW(arena, 1, pv_evidence);
  if (path == NULL || out->items == NULL) return pv_error_nomem(err, "the parts");
  const pv_code code = pv_evidence_read(arena, path, out->items, NULL);
  if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "the parts");
  out->count = code == PV_OK;
  return PV_OK;
}

/* The runs that may tell what the contract's falsifiers take, newest first. */
static pv_code load_runs(split *s, const pv_contract *c, pv_receipts *out, pv_error *err) {
  pv_site site;
  pv_code code = PV_OK;
  if (s->ask->costs != NULL) return load_latest(s->arena, s->ask->costs, c->name, out, err);
  code = pv_site_find(s->arena, c->path, &site, err);
  if (code != PV_OK) return code;
  const char *published =
      site.home == NULL ? NULL
                        : pv_arena_printf(s->arena, "%s/reports/published/%s", site.home, c->name);
  const char *runs =
      site.runs == NULL ? NULL : pv_arena_printf(s->arena, "%s/reports/runs", site.runs);
  if ((site.home != NULL && published == NULL) || (site.runs != NULL && runs == NULL))
    return pv_error_nomem(err, "the parts");
  if (published != NULL) code = pv_receipts_load(s->arena, published, out, err);
  if (code == PV_OK && out->count == 0 && runs != NULL)
    code = load_latest(s->arena, runs, c->name, out, err);
  return code;
}

/* Adds the contract's falsifiers, each with its cost; `*by` says whose durations they are. */
static pv_code weigh(split *s, size_t contract, const char **by, pv_error *err) {
  const pv_contract *c = s->contracts[contract];
  item *own = &s->items[s->count];
  pv_receipts runs = {0};
  pv_text told = PV_TEXT_INIT;
  double sum = 0.0;
  size_t known = 0;
  pv_code code = load_runs(s, c, &runs, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < c->falsifier_count; i++) {
    own[i] =
        (item){.contract = contract, .falsifier = i, .name = c->name, .id = c->falsifiers[i].id};
    for (size_t r = 0; r < runs.count && own[i].seconds <= 0.0; r++)
      own[i].seconds = measured(runs.items[r].result, own[i].id);
    known += own[i].seconds > 0.0;
    sum += own[i].seconds;
  }
  for (size_t r = 0; r < runs.count; r++)
    pv_text_printf(&told, "%s%s", r == 0 ? "the durations of " : ", ",
                   runs.items[r].result->run_id);
  pv_text_printf(&told, "%s%zu of %zu falsifiers measured", runs.count == 0 ? "" : ", ", known,
                 c->falsifier_count);
  for (size_t i = 0; i < c->falsifier_count; i++) {
    if (own[i].seconds <= 0.0) own[i].seconds = known > 0 ? sum / (double)known : 1.0;
    if (s->ask->faults) own[i].seconds *= 1.0 + (double)c->falsifiers[i].faults.count;
  }
  s->count += c->falsifier_count;
  *by = told.failed ? NULL : pv_arena_strdup(s->arena, told.data);
  pv_text_free(&told);
  return *by == NULL ? pv_error_nomem(err, "the parts") : PV_OK;
}

/* By name, not by place on the line: the same parts in whatever order contracts were named. */
static int by_name(const void *a, const void *b) {
  const item *left = a, *right = b;
  const int names = strcmp(left->name, right->name);
  if (names != 0) return names;
  return left->falsifier < right->falsifier ? -1 : left->falsifier > right->falsifier;
}

static int dearest_first(const void *a, const void *b) {
  const item *left = a, *right = b;
  if (left->seconds > right->seconds || left->seconds < right->seconds)
    return left->seconds > right->seconds ? -1 : 1;
  return by_name(a, b);
}

static pv_code deal(split *s, pv_error *err) {
  double *load = PV_ARENA_NEW(s->arena, s->ask->of, double);
  if (load == NULL) return pv_error_nomem(err, "the parts");
  qsort(s->items, s->count, sizeof *s->items, dearest_first);
  for (size_t i = 0; i < s->count; i++) {
    unsigned least = 0;
    for (unsigned p = 1; p < s->ask->of; p++)
      if (load[p] < load[least]) least = p;
    load[least] += s->items[i].seconds;
    s->items[i].part = least + 1;
  }
  return PV_OK;
}

/* Who judges what: what all parts of one run have in common. */
static pv_code digest(split *s, const char **out, pv_error *err) {
  char hex[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  qsort(s->items, s->count, sizeof *s->items, by_name);
  pv_text_printf(&text, "%u\n", s->ask->of);
  for (size_t i = 0; i < s->count; i++)
    pv_text_printf(&text, "%s %s %u\n", s->items[i].name, s->items[i].id, s->items[i].part);
  const pv_code code = text.failed ? pv_error_nomem(err, "the parts")
                                   : pv_sha256_bytes(text.data, text.length, hex, err);
  pv_text_free(&text);
  if (code != PV_OK) return code;
  *out = pv_arena_strdup(s->arena, hex);
  return *out == NULL ? pv_error_nomem(err, "the parts") : PV_OK;
}

pv_code pv_shard_split(pv_arena *arena, const pv_shard_ask *ask, pv_contract *const *contracts,
                       size_t count, pv_shard **out, pv_error *err) {
  split s = {.arena = arena, .ask = ask, .contracts = contracts};
  pv_shard *shards = PV_ARENA_NEW(arena, count + 1, pv_shard);
  bool **mine = PV_ARENA_NEW(arena, count + 1, bool *);
  const char *same = NULL;
  pv_code code = PV_OK;
  size_t all = 0;
  for (size_t i = 0; i < count; i++) all += contracts[i]->falsifier_count;
  s.items = PV_ARENA_NEW(arena, all + 1, item);
  if (shards == NULL || mine == NULL || s.items == NULL) return pv_error_nomem(err, "the parts");
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    mine[i] = PV_ARENA_NEW(arena, contracts[i]->falsifier_count + 1, bool);
    if (mine[i] == NULL) return pv_error_nomem(err, "the parts");
    code = weigh(&s, i, &shards[i].part.split_by, err);
  }
  if (code == PV_OK) code = deal(&s, err);
  if (code == PV_OK) code = digest(&s, &same, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < s.count; i++)
    mine[s.items[i].contract][s.items[i].falsifier] = s.items[i].part == ask->number;
  for (size_t i = 0; i < count; i++) {
    pv_part *part = &shards[i].part;
    part->number = ask->number;
    part->of = ask->of;
    part->split = same;
    part->whole = ask->whole;
    part->faults = ask->faults;
    shards[i].mine = mine[i];
  }
  *out = shards;
  return PV_OK;
}

/* The folder of the newest run in `published`; NULL: there is none that can be read. */
static pv_code newest(pv_arena *arena, const char *published, const char **out, pv_error *err) {
  DIR *dir = opendir(published);
  const char *id = NULL;
  pv_code code = PV_OK;
  *out = NULL;
  if (dir == NULL) return PV_OK;
  for (const struct dirent *e = readdir(dir); e != NULL && code != PV_ERR_NOMEM; e = readdir(dir)) {
    pv_evidence evidence;
    const char *path = pv_arena_printf(arena, "%s/%s", published, e->d_name);
    if (e->d_name[0] == '.') continue;
    code = path == NULL ? PV_ERR_NOMEM : pv_evidence_read(arena, path, &evidence, NULL);
    if (code != PV_OK || (id != NULL && strcmp(evidence.result->run_id, id) <= 0)) continue;
    id = evidence.result->run_id;
    *out = path;
  }
  closedir(dir);
  return code == PV_ERR_NOMEM ? pv_error_nomem(err, "the parts") : PV_OK;
}

pv_code pv_shard_pin(pv_arena *arena, const pv_contract *contract, const char *folder,
                     pv_error *err) {
  pv_site site;
  const char *from = NULL;
  pv_bytes bytes = {0};
  pv_code code = pv_site_find(arena, contract->path, &site, err);
  if (code != PV_OK) return code;
  const char *published = pv_arena_printf(arena, "%s/reports/published/%s",
                                          site.home == NULL ? "" : site.home, contract->name);
  const char *to = pv_arena_printf(arena, "%s/%s/latest", folder, contract->name);
  const char *file = pv_arena_printf(arena, "%s/" PV_EVIDENCE_FILE, to == NULL ? "" : to);
  if (published == NULL || to == NULL || file == NULL) return pv_error_nomem(err, "the parts");
  if (site.home != NULL) code = newest(arena, published, &from, err);
  if (code == PV_OK && from == NULL && site.runs != NULL)
    from = pv_arena_printf(arena, "%s/reports/runs/%s/latest", site.runs, contract->name);
  if (code != PV_OK || from == NULL) return code;
  from = pv_arena_printf(arena, "%s/" PV_EVIDENCE_FILE, from);
  if (from == NULL) return pv_error_nomem(err, "the parts");
  if (pv_file_read(from, PV_EVIDENCE_LIMIT, &bytes, NULL) != PV_OK) return PV_OK; /* none */
  code = pv_folder_make(to, err);
  if (code == PV_OK) code = pv_file_replace(file, bytes.data, bytes.length, err);
  pv_bytes_free(&bytes);
  return code;
}
