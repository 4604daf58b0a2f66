/* Sums, products, fma and conversions of f16 and bf16, each once rounded: against exact sums in 113
 * bits, rounded by a search among all numbers of the format. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ptx/conform/kernel.h"
#include "tests/unit/ptx/conform/runner.h"
#include "tests/unit/testing.h"

typedef __float128 exact; /* p + e is meant, where e is too small for p to hold */

static unsigned fraction_bits(char letter) {
  return letter == 'e' || letter == 'x' ? 10 : 7;
}
static uint32_t infinity_of(char letter) {
  return fraction_bits(letter) == 10 ? 0x7c00 : 0x7f80;
}
static bool is_nan(char letter, uint32_t h) {
  return (h & 0x7fff) > infinity_of(letter);
}

/* Infinity as the number that would come next. */
static exact value(char letter, uint32_t h) {
  const unsigned bits = fraction_bits(letter);
  const int bias = bits == 10 ? 15 : 127;
  const int field = (int)(h >> bits & (bits == 10 ? 31 : 255));
  exact x = (int)(h & ((1u << bits) - 1)) + (field > 0 ? 1 << bits : 0);
  for (int e = (field > 0 ? field : 1) - bias - (int)bits; e != 0; e += e < 0 ? 1 : -1)
    x = e < 0 ? x / 2 : x * 2;
  return (h & 0x8000) != 0 ? -x : x;
}

/* a sign of p + e */
static int sign_of(exact p, exact e) {
  return p > 0 || (p == 0 && e > 0) ? 1 : p < 0 || e < 0 ? -1 : 0;
}

/* `mode`: n, z, m or p. */
static uint32_t nearest(char letter, exact p, exact e, char mode) {
  const bool negative = sign_of(p, e) < 0 || (p == 0 && e == 0 && __builtin_signbit(p));
  if (negative) p = -p, e = -e;
  uint32_t low = 0, high = infinity_of(letter); /* low <= x < high, or beyond */
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (sign_of(p - value(letter, middle), e) < 0)
      high = middle;
    else
      low = middle;
  }
  const exact below = value(letter, low), above = value(letter, high);
  const int half = sign_of(2 * p - below - above, e);
  bool up = half > 0 || (half == 0 && (low & 1) != 0);
  if (mode == 'z' || mode == (negative ? 'p' : 'm')) up = false;
  if (mode == (negative ? 'm' : 'p')) up = sign_of(p - below, e) > 0;
  return (up ? high : low) | (negative ? 0x8000 : 0);
}

static uint32_t limited(const char *opcode, char letter, uint32_t r) {
  const bool nan = is_nan(letter, r);
  if (strstr(opcode, ".relu") != NULL) return nan ? 0x7fff : (r & 0x8000) != 0 ? 0 : r;
  if (strstr(opcode, ".sat") == NULL) return r;
  const uint32_t one = 0x3c00;
  return nan || (r & 0x8000) != 0 ? 0 : r < one ? r : one;
}

/* False where an operand is no finite number: what comes of those the device says. */
static bool wanted(const char *opcode, char letter, const uint32_t h[3], unsigned count,
                   uint32_t *out) {
  exact v[3] = {0, 0, 0};
  for (unsigned i = 0; i < count; i++) {
    if ((h[i] & 0x7fff) >= infinity_of(letter)) return false;
    v[i] = value(letter, h[i]);
  }
  exact p = v[0] * v[1], c = v[2], e = 0;
  if (opcode[0] == 'a') p = v[0], c = v[1];
  if (opcode[0] == 's') p = v[0], c = -v[1];
  if (opcode[0] == 'm') {
    *out = limited(opcode, letter, nearest(letter, p, 0, 'n'));
    return true;
  }
  const exact s = p + c, b = s - p;
  e = (p - (s - b)) + (c - b);
  *out = limited(opcode, letter, nearest(letter, s, e, 'n'));
  return true;
}

static size_t compared;

static void check_arithmetic(const pv_conform_kernel *k, const uint64_t *out) {
  const char letter = k->results[0];
  const unsigned count = (unsigned)strlen(k->operands);
  const bool pair = letter == 'x' || letter == 'y';
  for (size_t i = 0; i < k->cases; i++)
    for (unsigned shift = 0; shift < (pair ? 32 : 16); shift += 16) {
      const uint64_t *in = k->in + i * k->in_slots;
      uint32_t h[3] = {0}, want = 0;
      for (unsigned j = 0; j < count; j++) h[j] = (uint32_t)(in[j] >> shift) & 0xffff;
      const uint32_t got = (uint32_t)(out[i * k->out_slots] >> shift) & 0xffff;
      if (!wanted(k->form->opcode, letter, h, count, &want)) continue;
      compared++;
      if (got == want) continue;
      printf("%s: %04x %04x %04x: %04x, not %04x\n", k->name, h[0], h[1], h[2], got, want);
      EXPECT(false);
      return;
    }
}

static void check_conversion(const pv_conform_kernel *k, const uint64_t *out) {
  const char *opcode = k->form->opcode;
  for (size_t i = 0; i < k->cases; i++) {
    double d = 0;
    float f = 0;
    const uint64_t in = k->in[i * k->in_slots];
    const uint32_t low = (uint32_t)in, got = (uint32_t)out[i * k->out_slots];
    memcpy(&d, &in, sizeof d);
    memcpy(&f, &low, sizeof f);
    const exact x = k->operands[0] == 'f' ? (exact)f : (exact)d;
    if (!(x < (exact)0x1p1000 && x > -(exact)0x1p1000)) continue;
    const uint32_t want = limited(opcode, k->results[0], nearest(k->results[0], x, 0, opcode[5]));
    compared++;
    if (got == want) continue;
    printf("%s: %016llx: %04x, not %04x\n", k->name, (unsigned long long)in, got, want);
    EXPECT(false);
    return;
  }
}

static void check_form(pv_conform_runner *interpreter, const pv_conform_form *form,
                       void (*check)(const pv_conform_kernel *, const uint64_t *)) {
  pv_conform_kernel k;
  REQUIRE(pv_conform_kernel_make(form, &k, NULL) == PV_OK);
  uint64_t *out = calloc(k.cases, 8 * k.out_slots);
  if (EXPECT(out != NULL) && EXPECT(interpreter->run(interpreter, &k, out, NULL) == PV_OK))
    check(&k, out);
  free(out);
  pv_conform_kernel_free(&k);
}

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

static void test_each_is_rounded_once(void) {
  pv_conform_runner *interpreter = NULL;
  size_t forms = 0;
  REQUIRE(pv_conform_interpreter_open(&interpreter, NULL) == PV_OK);
  for (size_t i = 0; i < pv_conform_half_count; i++) {
    const char *opcode = pv_conform_half[i].opcode, *signature = pv_conform_half[i].signature;
    const bool sums = begins(opcode, "add.rn") || begins(opcode, "sub.rn") ||
                      begins(opcode, "mul.rn") || begins(opcode, "fma.rn");
    const bool narrows = begins(opcode, "cvt.r") && opcode[6] == '.' &&
                         (strcmp(signature, "e=f") == 0 || strcmp(signature, "b=f") == 0 ||
                          strcmp(signature, "e=d") == 0 || strcmp(signature, "b=d") == 0);
    if (!sums && !narrows) continue;
    forms++;
    check_form(interpreter, &pv_conform_half[i], sums ? check_arithmetic : check_conversion);
  }
  EXPECT(forms >= 40);
  EXPECT(compared > 50000);
  printf("%zu forms, %zu results\n", forms, compared);
  interpreter->close(interpreter);
}

int main(void) {
  return pv_testing_main("ptx half", (pv_case[]){PV_CASE(test_each_is_rounded_once), {0}});
}
