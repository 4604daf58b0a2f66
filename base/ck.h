/* Checked arithmetic. Sizes, counts and offsets combine only through these: each returns false
 * and leaves `*out` untouched when the exact result does not fit. */
#ifndef PV_BASE_CK_H
#define PV_BASE_CK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool pv_ck_add(uint64_t a, uint64_t b, uint64_t *out) {
  uint64_t r;
  if (__builtin_add_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

static inline bool pv_ck_mul(uint64_t a, uint64_t b, uint64_t *out) {
  uint64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

/* Rounds `a` up to a multiple of `align`, which must be a power of two. */
static inline bool pv_ck_align(uint64_t a, uint64_t align, uint64_t *out) {
  uint64_t r;
  if (align == 0 || (align & (align - 1)) != 0) return false;
  if (__builtin_add_overflow(a, align - 1, &r)) return false;
  *out = r & ~(align - 1);
  return true;
}

/* True when [offset, offset + length) lies inside [0, limit). */
static inline bool pv_ck_range(uint64_t offset, uint64_t length, uint64_t limit) {
  return offset <= limit && length <= limit - offset;
}

static inline bool pv_ck_size(uint64_t a, size_t *out) {
  if (a > SIZE_MAX) return false;
  *out = (size_t)a;
  return true;
}

static inline bool pv_ck_u32(uint64_t a, uint32_t *out) {
  if (a > UINT32_MAX) return false;
  *out = (uint32_t)a;
  return true;
}

#endif
