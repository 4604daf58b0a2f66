#include "tests/unit/freeze/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "tests/unit/testing.h"

enum { LINES = 512, CELLS = 512, MARK = 4 };

struct freeze_list {
  const char *path;
  bool update;
  pv_bytes file;
  char *line[LINES]; /* into the file; of a list that is written anew: owned */
  bool asked[LINES];
  size_t count;
  pv_text made; /* when it is written anew */
};

typedef struct cell { /* a stage of a layer, over all positions */
  const char *stage;
  uint32_t layer;
  unsigned rank; /* in the order of the forward, without the layer */
  size_t rows, width;
  pv_sha256 *hash;
  char digest[PV_SHA256_HEX];
} cell;

typedef struct print { /* of a run */
  cell cells[CELLS];
  size_t count;
  char digest[PV_SHA256_HEX];
} print;

freeze_list *freeze_list_open(const char *path) {
  freeze_list *l = calloc(1, sizeof *l);
  pv_error err = PV_ERROR_INIT;
  if (l == NULL || !EXPECT_I64(pv_file_read(path, 1u << 20, &l->file, &err), PV_OK)) {
    pv_error_print(&err, stderr);
    free(l);
    return NULL;
  }
  l->path = path;
  l->update = getenv("PV_UPDATE_GOLDEN") != NULL;
  char *rest = NULL;
  for (char *at = strtok_r((char *)l->file.data, "\n", &rest); at != NULL && l->count < LINES;
       at = strtok_r(NULL, "\n", &rest)) {
    if (l->update && at[0] == '#') pv_text_printf(&l->made, "%s\n", at);
    if (!l->update && at[0] != '#') l->line[l->count++] = at;
  }
  EXPECT(l->count < LINES);
  return l;
}

/* What follows "KEY = "; NULL when there is no such line. */
static const char *value_of(const freeze_list *l, const char *key, size_t *line) {
  const size_t n = strlen(key);
  for (size_t i = 0; i < l->count; i++)
    if (strncmp(l->line[i], key, n) == 0 && strncmp(l->line[i] + n, " = ", 3) == 0) {
      *line = i;
      return l->line[i] + n + 3;
    }
  return NULL;
}

/* The value of the line, which a list that is written anew gets now. */
static const char *ask(freeze_list *l, const char *key, const char *value) {
  size_t line = 0;
  const char *found = value_of(l, key, &line);
  if (found == NULL && l->update && l->count < LINES) {
    const size_t room = strlen(key) + strlen(value) + 4;
    char *text = malloc(room);
    if (text == NULL) return NULL;
    snprintf(text, room, "%s = %s", key, value);
    pv_text_printf(&l->made, "%s\n", text);
    l->line[l->count++] = text;
    found = value_of(l, key, &line);
  }
  if (found != NULL) l->asked[line] = true;
  return found;
}

bool freeze_list_same(freeze_list *list, const char *key, const char *digest) {
  const char *found = ask(list, key, digest);
  return found != NULL && strncmp(found, digest, strlen(digest)) == 0;
}

bool freeze_list_equal(const freeze_list *list, const char *key, const char *other) {
  size_t line = 0;
  const char *a = value_of(list, key, &line), *b = value_of(list, other, &line);
  return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool freeze_list_check(freeze_list *list, const char *key, const char *digest, const char *about) {
  const bool same = freeze_list_same(list, key, digest);
  if (!EXPECT(same)) printf("  %s has no line \"%s = %s\": %s\n", list->path, key, digest, about);
  return same;
}

/* The order of the forward. It is the lists', whatever the order in which a side computes. */
enum { FIRST_OF_LAYER = 1, FIRST_AFTER = 24 };
static bool rank_of(const char *stage, unsigned *rank) {
  static const char *const order[] = {"embedding",
                                      "attn_norm",
                                      "q",
                                      "k",
                                      "v",
                                      "q_rope",
                                      "k_rope",
                                      "attn_out",
                                      "attn_proj",
                                      "attn_residual",
                                      "ffn_norm",
                                      "moe_router_logits",
                                      "moe_router",
                                      "moe_router_indices",
                                      "expert_gate",
                                      "expert_up",
                                      "expert_swiglu",
                                      "expert_down",
                                      "moe_ffn_out",
                                      "ffn_gate",
                                      "ffn_up",
                                      "ffn_swiglu",
                                      "ffn_out",
                                      "ffn_residual",
                                      "final_norm",
                                      "logits",
                                      "argmax"};
  for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
    if (strcmp(order[i], stage) == 0) {
      *rank = i;
      return true;
    }
  return false;
}

static cell *cell_of(print *p, const freeze_rows *rows) {
  unsigned rank = 0;
  for (size_t i = 0; i < p->count; i++)
    if (p->cells[i].layer == rows->layer && strcmp(p->cells[i].stage, rows->stage) == 0)
      return &p->cells[i];
  if (!rank_of(rows->stage, &rank) || p->count == CELLS) return NULL;
  p->cells[p->count] = (cell){.stage = rows->stage,
                              .layer = rows->layer,
                              .rank = rank,
                              .width = rows->width,
                              .hash = pv_sha256_new()};
  return &p->cells[p->count++];
}

static bool is_nan(const char *element, size_t bytes) {
  float single = 0.0f;
  double value = 0.0;
  if (bytes == sizeof single) memcpy(&single, element, sizeof single);
  if (bytes == sizeof value) memcpy(&value, element, sizeof value);
  return single != single || value != value;
}

/* Which bits a NaN has is the compiler's choice (of two operands the first gives them): one text
 * stands for all. */
static void add_elements(pv_sha256 *hash, const freeze_rows *rows) {
  const size_t n = rows->rows * rows->width, size = rows->real_bytes > 0 ? rows->real_bytes : 4;
  const char *data = rows->data;
  size_t first = 0; /* not added yet */
  for (size_t i = 0; i < n && rows->real_bytes > 0; i++) {
    if (!is_nan(data + i * size, size)) continue;
    pv_sha256_add(hash, data + first * size, (i - first) * size);
    pv_sha256_add(hash, "nan", 3);
    first = i + 1;
  }
  pv_sha256_add(hash, data + first * size, (n - first) * size);
}

static void take(void *context, const freeze_rows *rows) {
  print *p = context;
  cell *c = cell_of(p, rows);
  if (c == NULL || c->hash == NULL || rows->width != c->width) {
    EXPECT(!"a stage is not known, or of another width than before");
    printf("  %s of layer %u, %zu elements\n", rows->stage, rows->layer, rows->width);
    return;
  }
  c->rows += rows->rows;
  add_elements(c->hash, rows);
}

static int in_order(const void *left, const void *right) {
  const cell *a = left, *b = right;
  const int x = a->rank < FIRST_OF_LAYER ? 0 : a->rank < FIRST_AFTER ? 1 : 2;
  const int y = b->rank < FIRST_OF_LAYER ? 0 : b->rank < FIRST_AFTER ? 1 : 2;
  if (x != y) return x - y;
  if (a->layer != b->layer) return a->layer < b->layer ? -1 : 1;
  return (int)a->rank - (int)b->rank;
}

/* The digest of all: of a line for each stage. Ends the cells' own in any case. */
static bool finish(print *p) {
  pv_text all = PV_TEXT_INIT;
  bool ok = true;
  qsort(p->cells, p->count, sizeof *p->cells, in_order);
  for (size_t i = 0; i < p->count; i++) {
    cell *c = &p->cells[i];
    ok = c->hash != NULL && pv_sha256_finish(c->hash, c->digest, NULL) == PV_OK && ok;
    pv_text_printf(&all, "%s %u %zu %zu %s\n", c->stage, c->layer, c->rows, c->width, c->digest);
  }
  ok = ok && p->count > 0 && !all.failed &&
       pv_sha256_bytes(all.data, all.length, p->digest, NULL) == PV_OK;
  pv_text_free(&all);
  return ok;
}

/* Says which stage is the first whose mark is not that of the line. */
static void say_first(const print *p, const char *key, const char *line, const freeze_side *side) {
  printf("  %s, computed by %s: ", key, side->source);
  if (line == NULL) {
    printf("the list has no such line\n");
    return;
  }
  const char *marks = strlen(line) > PV_SHA256_HEX ? line + PV_SHA256_HEX : "";
  if (strlen(marks) != MARK * p->count) {
    printf("%zu stages, the list has %zu\n", p->count, strlen(marks) / MARK);
    return;
  }
  for (size_t i = 0; i < p->count; i++)
    if (strncmp(marks + MARK * i, p->cells[i].digest, MARK) != 0) {
      printf("the first stage that differs is %s of layer %u\n", p->cells[i].stage,
             p->cells[i].layer);
      return;
    }
  printf("no stage differs by its mark; the number of rows or elements may\n");
}

/* The digest and the mark of each stage. */
static void line_of(const print *p, pv_text *out) {
  pv_text_printf(out, "%s ", p->digest);
  for (size_t i = 0; i < p->count; i++) pv_text_add(out, p->cells[i].digest, MARK);
}

bool freeze_list_check_run(freeze_list *list, const char *key, const freeze_side *side) {
  print *p = calloc(1, sizeof *p);
  pv_text value = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT(p != NULL)) return false;
  bool same = EXPECT_I64(freeze_run(side, take, p, &err), PV_OK);
  if (!same) pv_error_print(&err, stderr);
  same = EXPECT(finish(p)) && same;
  if (same) line_of(p, &value);
  if (same && EXPECT(!value.failed)) {
    const char *line = ask(list, key, value.data);
    same = EXPECT(line != NULL && strcmp(line, value.data) == 0);
    if (!same) say_first(p, key, line, side);
  }
  pv_text_free(&value);
  free(p);
  return same;
}

void freeze_list_close(freeze_list *list, bool whole) {
  pv_error err = PV_ERROR_INIT;
  if (list == NULL) return;
  for (size_t i = 0; i < list->count && whole; i++)
    if (!EXPECT(list->asked[i]))
      printf("  %s: nothing here has the line %.60s\n", list->path, list->line[i]);
  if (list->update) {
    if (EXPECT(whole))
      EXPECT_I64(pv_file_replace(list->path, list->made.data, list->made.length, &err), PV_OK);
    EXPECT(!"the list was written anew: run again without PV_UPDATE_GOLDEN");
    for (size_t i = 0; i < list->count; i++) free(list->line[i]);
  }
  pv_text_free(&list->made);
  pv_bytes_free(&list->file);
  free(list);
}
