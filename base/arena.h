/* A bump allocator: many small objects with one lifetime. Memory is zeroed and aligned to 16. */
#ifndef PV_BASE_ARENA_H
#define PV_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pv_arena_block pv_arena_block;
typedef struct pv_arena {
  pv_arena_block *head; /* owned; newest block first */
} pv_arena;

#define PV_ARENA_INIT ((pv_arena){0})

/* `count * size` zeroed bytes, or NULL when that overflows or memory is out. Never freed alone. */
void *pv_arena_alloc(pv_arena *arena, size_t count, size_t size);
#define PV_ARENA_NEW(arena, count, type) ((type *)pv_arena_alloc((arena), (count), sizeof(type)))

/* Room for one more element of a growing array: `items` is the address of a pointer to elements of
 * `size` bytes, of which there are `count`. A larger array takes the old one's place, which stays
 * in the arena: all take at most twice the bytes of the last. False when memory is out. */
bool pv_arena_room(pv_arena *arena, void *items, size_t count, size_t *capacity, size_t size);

/* Copies of text, always NUL-terminated; NULL when memory is out. */
char *pv_arena_strndup(pv_arena *arena, const char *text, size_t length);
char *pv_arena_strdup(pv_arena *arena, const char *text);
char *pv_arena_printf(pv_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything; the arena can be used again. */
void pv_arena_free(pv_arena *arena);

#endif
