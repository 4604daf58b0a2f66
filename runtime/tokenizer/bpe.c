/* The merge loop over one piece. Symbols are a doubly linked list over the piece's bytes; candidate
 * pairs wait in a binary heap ordered by (rank, position). A rank belongs to one pair of ids, so a
 * pair whose symbols changed since it was queued is recognised by the rank of what stands there
 * now. Each merge queues at most two pairs, so a piece of n bytes costs O(n log n). */
#include <stdlib.h>

#include "base/ck.h"
#include "runtime/tokenizer/internal.h"

#define NO_SYMBOL UINT32_MAX

typedef struct symbol {
  uint32_t id; /* NO_SYMBOL: merged into its left neighbour */
  uint32_t before, after;
} symbol;

struct pv_bpe {
  symbol *symbols;
  uint64_t *heap;  /* rank << 32 | position of the left symbol */
  size_t capacity; /* symbols; the heap holds twice as many */
  size_t queued;
};

pv_bpe *pv_bpe_new(void) {
  return calloc(1, sizeof(pv_bpe));
}

void pv_bpe_free(pv_bpe *bpe) {
  if (bpe == NULL) return;
  free(bpe->symbols);
  free(bpe->heap);
  free(bpe);
}

/* n bytes give n - 1 first pairs, and each of at most n - 1 merges takes one out and adds two: the
 * heap never holds more than 2 n. */
static pv_code reserve(pv_bpe *bpe, size_t length, pv_error *err) {
  if (length <= bpe->capacity) return PV_OK;
  uint64_t capacity, symbol_bytes, heap_bytes;
  if (!pv_ck_align(length, 256, &capacity) || !pv_ck_mul(capacity, sizeof(symbol), &symbol_bytes) ||
      !pv_ck_mul(capacity, 2 * sizeof(uint64_t), &heap_bytes))
    return pv_error_set(err, PV_ERR_LIMIT, "a piece of %zu bytes is too long", length);
  symbol *symbols = malloc((size_t)symbol_bytes);
  uint64_t *heap = malloc((size_t)heap_bytes);
  if (symbols == NULL || heap == NULL) {
    free(symbols);
    free(heap);
    return pv_error_set(err, PV_ERR_NOMEM, "no memory to encode a piece of %zu bytes", length);
  }
  free(bpe->symbols);
  free(bpe->heap);
  bpe->symbols = symbols;
  bpe->heap = heap;
  bpe->capacity = (size_t)capacity;
  return PV_OK;
}

static void push(pv_bpe *bpe, uint64_t pair) {
  size_t at = bpe->queued++;
  while (at > 0 && pair < bpe->heap[(at - 1) / 2]) {
    bpe->heap[at] = bpe->heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  bpe->heap[at] = pair;
}

static uint64_t pop(pv_bpe *bpe) {
  const uint64_t top = bpe->heap[0], last = bpe->heap[--bpe->queued];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= bpe->queued) break;
    if (child + 1 < bpe->queued && bpe->heap[child + 1] < bpe->heap[child]) child++;
    if (bpe->heap[child] >= last) break;
    bpe->heap[at] = bpe->heap[child];
    at = child;
  }
  bpe->heap[at] = last;
  return top;
}

/* The merge of the pair that begins at `at`, or NULL. */
static const pv_pair_slot *pair_at(const pv_tokenizer *tok, const pv_bpe *bpe, uint32_t at) {
  const symbol *left = &bpe->symbols[at];
  if (left->id == NO_SYMBOL || left->after == NO_SYMBOL) return NULL;
  return pv_pair_table_get(&tok->merges, left->id, bpe->symbols[left->after].id);
}

static void offer(const pv_tokenizer *tok, pv_bpe *bpe, uint32_t at) {
  const pv_pair_slot *pair = at == NO_SYMBOL ? NULL : pair_at(tok, bpe, at);
  if (pair != NULL) push(bpe, (uint64_t)pair->rank << 32 | at);
}

static void merge(pv_bpe *bpe, uint32_t at, uint32_t merged) {
  symbol *left = &bpe->symbols[at];
  symbol *right = &bpe->symbols[left->after];
  left->id = merged;
  left->after = right->after;
  if (right->after != NO_SYMBOL) bpe->symbols[right->after].before = at;
  right->id = NO_SYMBOL;
}

pv_code pv_bpe_piece(const pv_tokenizer *tok, pv_bpe *bpe, const unsigned char *piece,
                     size_t length, pv_id_list *out, pv_error *err) {
  if (length > UINT32_MAX - 1)
    return pv_error_set(err, PV_ERR_LIMIT, "a piece of %zu bytes is too long", length);
  pv_code code = reserve(bpe, length, err);
  if (code != PV_OK) return code;
  bpe->queued = 0;
  for (uint32_t i = 0; i < length; i++)
    bpe->symbols[i] = (symbol){.id = tok->byte[piece[i]],
                               .before = i == 0 ? NO_SYMBOL : i - 1,
                               .after = i + 1 == length ? NO_SYMBOL : i + 1};
  for (uint32_t i = 0; i < length; i++) offer(tok, bpe, i);
  while (bpe->queued > 0) {
    const uint64_t queued = pop(bpe);
    const uint32_t at = (uint32_t)queued;
    const pv_pair_slot *pair = pair_at(tok, bpe, at);
    if (pair == NULL || pair->rank != queued >> 32) continue;
    merge(bpe, at, pair->merged);
    offer(tok, bpe, bpe->symbols[at].before);
    offer(tok, bpe, at);
  }
  for (uint32_t i = 0; i != NO_SYMBOL && code == PV_OK; i = bpe->symbols[i].after)
    code = pv_id_list_add(out, bpe->symbols[i].id, err);
  return code;
}
