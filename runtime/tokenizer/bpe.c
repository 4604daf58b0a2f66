/* The merge loop over one piece. Symbols are a doubly linked list over the piece's bytes; candidate
 * pairs wait in a binary heap ordered by (rank, position). A pair whose symbols changed since it
 * was queued is recognised by the rank of what stands there now; where tokens share a score that
 * pair is queued with the same rank and place, so it is its turn. Each merge queues at most two
 * pairs, so a piece of n bytes costs O(n log n). */
#include <stdlib.h>

#include "base/ck.h"
#include "runtime/tokenizer/internal.h"

#define NO_SYMBOL UINT32_MAX
#define NO_TOKEN  (UINT32_MAX - 1) /* a character that no token spells */

typedef struct symbol {
  uint32_t id; /* NO_SYMBOL: merged into its left neighbour */
  uint32_t before, after;
  uint32_t start; /* its first byte in the piece; it ends where the next one starts */
} symbol;

struct pv_bpe {
  const unsigned char *piece;
  uint32_t length; /* bytes of the piece */
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

/* n symbols give n - 1 first pairs, and each of at most n - 1 merges takes one out and adds two:
 * the heap never holds more than 2 n. */
static pv_code reserve(pv_bpe *bpe, size_t count, pv_error *err) {
  if (count <= bpe->capacity) return PV_OK;
  uint64_t capacity, symbol_bytes, heap_bytes;
  if (!pv_ck_align(count, 256, &capacity) || !pv_ck_mul(capacity, sizeof(symbol), &symbol_bytes) ||
      !pv_ck_mul(capacity, 2 * sizeof(uint64_t), &heap_bytes))
    return pv_error_set(err, PV_ERR_LIMIT, "a piece of %zu symbols is too long", count);
  symbol *symbols = malloc((size_t)symbol_bytes);
  uint64_t *heap = malloc((size_t)heap_bytes);
  if (symbols == NULL || heap == NULL) {
    free(symbols);
    free(heap);
    return pv_error_set(err, PV_ERR_NOMEM, "no memory to encode a piece of %zu symbols", count);
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

static uint32_t end_of(const pv_bpe *bpe, uint32_t at) {
  const uint32_t after = bpe->symbols[at].after;
  return after == NO_SYMBOL ? bpe->length : bpe->symbols[after].start;
}

/* The normal token that these bytes of the piece spell, or PV_TABLE_NONE. */
static uint32_t token_of(const pv_tokenizer *tok, const pv_bpe *bpe, uint32_t from, uint32_t to) {
  if (to - from > tok->longest) return PV_TABLE_NONE;
  return pv_string_table_get(&tok->texts, (const char *)bpe->piece + from, to - from);
}

/* The merge of the pair that begins at `at`; false when there is none. */
static bool pair_at(const pv_tokenizer *tok, const pv_bpe *bpe, uint32_t at, uint32_t *rank,
                    uint32_t *merged) {
  const symbol *left = &bpe->symbols[at];
  if (left->id == NO_SYMBOL || left->after == NO_SYMBOL) return false;
  if (tok->scored) {
    *merged = token_of(tok, bpe, left->start, end_of(bpe, left->after));
    if (*merged != PV_TABLE_NONE) *rank = tok->rank[*merged];
    return *merged != PV_TABLE_NONE;
  }
  const pv_pair_slot *pair =
      pv_pair_table_get(&tok->merges, left->id, bpe->symbols[left->after].id);
  if (pair == NULL) return false;
  *rank = pair->rank;
  *merged = pair->merged;
  return true;
}

static void offer(const pv_tokenizer *tok, pv_bpe *bpe, uint32_t at) {
  uint32_t rank, merged;
  if (at != NO_SYMBOL && pair_at(tok, bpe, at, &rank, &merged))
    push(bpe, (uint64_t)rank << 32 | at);
}

static void merge(pv_bpe *bpe, uint32_t at, uint32_t merged) {
  symbol *left = &bpe->symbols[at];
  symbol *right = &bpe->symbols[left->after];
  left->id = merged;
  left->after = right->after;
  if (right->after != NO_SYMBOL) bpe->symbols[right->after].before = at;
  right->id = NO_SYMBOL;
}

/* Bytes, or characters where there are scores. */
static bool starts_symbol(const pv_tokenizer *tok, unsigned char byte) {
  return !tok->scored || (byte & 0xc0) != 0x80;
}

/* The piece as a chain of its smallest parts; returns how many there are. */
static uint32_t lay_out(const pv_tokenizer *tok, pv_bpe *bpe) {
  uint32_t count = 0;
  for (uint32_t at = 0, end; at < bpe->length; at = end) {
    for (end = at + 1; end < bpe->length && !starts_symbol(tok, bpe->piece[end]);) end++;
    uint32_t id = tok->scored ? token_of(tok, bpe, at, end) : tok->byte[bpe->piece[at]];
    if (id == PV_TABLE_NONE) id = NO_TOKEN;
    bpe->symbols[count] = (symbol){.id = id,
                                   .before = count == 0 ? NO_SYMBOL : count - 1,
                                   .after = end == bpe->length ? NO_SYMBOL : count + 1,
                                   .start = at};
    count++;
  }
  return count;
}

static pv_code emit(const pv_tokenizer *tok, const pv_bpe *bpe, pv_id_list *out, pv_error *err) {
  pv_code code = PV_OK;
  for (uint32_t i = 0; i != NO_SYMBOL && code == PV_OK; i = bpe->symbols[i].after) {
    const symbol *s = &bpe->symbols[i];
    if (s->id != NO_TOKEN) code = pv_id_list_add(out, s->id, err);
    for (uint32_t at = s->start; s->id == NO_TOKEN && at < end_of(bpe, i) && code == PV_OK; at++)
      code = pv_id_list_add(out, tok->byte[bpe->piece[at]], err);
  }
  return code;
}

pv_code pv_bpe_piece(const pv_tokenizer *tok, pv_bpe *bpe, const unsigned char *piece,
                     size_t length, pv_id_list *out, pv_error *err) {
  if (length > UINT32_MAX - 2)
    return pv_error_set(err, PV_ERR_LIMIT, "a piece of %zu bytes is too long", length);
  size_t most = 0;
  for (size_t i = 0; i < length; i++) most += starts_symbol(tok, piece[i]);
  const pv_code code = reserve(bpe, most, err);
  if (code != PV_OK) return code;
  bpe->piece = piece;
  bpe->length = (uint32_t)length;
  bpe->queued = 0;
  const uint32_t count = lay_out(tok, bpe);
  for (uint32_t i = 0; i < count; i++) offer(tok, bpe, i);
  while (bpe->queued > 0) {
    const uint64_t queued = pop(bpe);
    const uint32_t at = (uint32_t)queued;
    uint32_t rank, merged;
    if (!pair_at(tok, bpe, at, &rank, &merged) || rank != queued >> 32) continue;
    merge(bpe, at, merged);
    offer(tok, bpe, bpe->symbols[at].before);
    offer(tok, bpe, at);
  }
  return emit(tok, bpe, out, err);
}
