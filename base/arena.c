#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"

enum { BLOCK_BYTES = 64 << 10, ALIGN = 16 };

struct pv_arena_block {
  pv_arena_block *next;
  size_t used, size;
  _Alignas(ALIGN) unsigned char bytes[];
};

void *pv_arena_alloc(pv_arena *arena, size_t count, size_t size) {
  uint64_t bytes = 0, total = 0;
  if (!pv_ck_mul(count, size, &bytes) || !pv_ck_align(bytes == 0 ? 1 : bytes, ALIGN, &bytes))
    return NULL;
  pv_arena_block *block = arena->head;
  if (block == NULL || bytes > block->size - block->used) {
    const uint64_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    if (!pv_ck_add(room, sizeof *block, &total)) return NULL;
    block = calloc(1, total);
    if (block == NULL) return NULL;
    block->size = room;
    block->next = arena->head;
    arena->head = block;
  }
  void *out = block->bytes + block->used;
  block->used += bytes;
  return out;
}

bool pv_arena_room(pv_arena *arena, void *items, size_t count, size_t *capacity, size_t size) {
  uint64_t wanted = 8;
  void *old = NULL;
  if (count < *capacity) return true;
  if (*capacity > 0 && !pv_ck_mul(*capacity, 2, &wanted)) return false;
  void *grown = pv_arena_alloc(arena, wanted, size);
  if (grown == NULL) return false;
  memcpy(&old, items, sizeof old); /* a pointer to some type */
  if (count > 0) memcpy(grown, old, count * size);
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

char *pv_arena_strndup(pv_arena *arena, const char *text, size_t length) {
  uint64_t bytes = 0;
  if (!pv_ck_add(length, 1, &bytes)) return NULL;
  char *copy = pv_arena_alloc(arena, bytes, 1);
  if (copy != NULL && length > 0) memcpy(copy, text, length);
  return copy;
}

char *pv_arena_strdup(pv_arena *arena, const char *text) {
  return pv_arena_strndup(arena, text, strlen(text));
}

char *pv_arena_printf(pv_arena *arena, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *text = length < 0 ? NULL : pv_arena_alloc(arena, (size_t)length + 1, 1);
  if (text != NULL) vsnprintf(text, (size_t)length + 1, fmt, again);
  va_end(again);
  return text;
}

void pv_arena_free(pv_arena *arena) {
  for (pv_arena_block *block = arena->head; block != NULL;) {
    pv_arena_block *next = block->next;
    free(block);
    block = next;
  }
  arena->head = NULL;
}
