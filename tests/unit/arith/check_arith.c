/* check-arith: judges the scalar functions of kernels/arith/arith.h over their float32 arguments.
 *
 *   check-arith [--function NAME] [--stride N] [--threads N] [--header FILE]
 *
 * Prints per function the largest error in ulp and where it occurs, and how many results are not
 * the correctly rounded ones. --stride 1 (the default) judges all 2^32 arguments. --header FILE
 * also demands that each PV_<NAME>_F32_MAX_ULP of that file is judged here.
 * Exit code: 0 all bounds hold, 1 one does not, 2 wrong call, 4 the reference itself is unfit. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "kernels/arith/arith.h"
#include "tests/unit/arith/reference.h"

#define ARGUMENTS     (UINT64_C(1) << 32)
#define BLOCK         (UINT64_C(1) << 20)
#define AUDIT_SAMPLES 40000
#define THREADS_MAX   64

typedef struct check_tally {
  uint64_t judged, wrong, nan_wrong, by_mpfr;
  double worst; /* ulp */
  uint32_t worst_bits;
} check_tally;

typedef struct sweep {
  const pv_reference *reference;
  uint64_t stride;
  atomic_uint_fast64_t next; /* first argument of the next block */
} sweep;

typedef struct worker {
  pthread_t thread;
  sweep *shared;
  check_tally tally;
} worker;

typedef struct check_options {
  const char *function; /* NULL: all */
  const char *header;   /* NULL: not checked */
  uint64_t stride, threads;
} check_options;

static void judge(const pv_reference *reference, uint32_t bits, check_tally *tally) {
  const float x = pv_f32_bits(bits);
  const float y = reference->compute(x);
  if (isnan(x)) {
    tally->judged++;
    tally->nan_wrong += !isnan(y);
    return;
  }
  if (fabsf(x) > reference->domain) return;
  const pv_judgement judgement = pv_reference_at(reference, x);
  const double error = pv_reference_ulp(y, &judgement);
  tally->judged++;
  tally->by_mpfr += judgement.by_mpfr;
  if (!isnan(judgement.rounded) && pv_bits_f32(y) != pv_bits_f32(judgement.rounded)) {
    /* rint alone may lose the sign of zero: its contract is the value */
    if (reference->bound > 0.0 || y != judgement.rounded) tally->wrong++;
  }
  if (error > tally->worst || (error == tally->worst && bits < tally->worst_bits)) {
    tally->worst = error;
    tally->worst_bits = bits;
  }
}

static void *work(void *argument) {
  worker *self = argument;
  sweep *shared = self->shared;
  self->tally.worst_bits = UINT32_MAX;
  for (;;) {
    const uint64_t first = atomic_fetch_add(&shared->next, BLOCK);
    if (first >= ARGUMENTS) break;
    uint64_t bits = (first + shared->stride - 1) / shared->stride * shared->stride;
    for (; bits < first + BLOCK; bits += shared->stride)
      judge(shared->reference, (uint32_t)bits, &self->tally);
  }
  mpfr_free_cache();
  return NULL;
}

static void merge(check_tally *into, const check_tally *from) {
  into->judged += from->judged;
  into->wrong += from->wrong;
  into->nan_wrong += from->nan_wrong;
  into->by_mpfr += from->by_mpfr;
  if (from->worst > into->worst ||
      (from->worst == into->worst && from->worst_bits < into->worst_bits)) {
    into->worst = from->worst;
    into->worst_bits = from->worst_bits;
  }
}

/* What a stride may step over: the ends of the number line, and where the largest error lies. */
static void judge_landmarks(const pv_reference *reference, check_tally *total) {
  static const uint32_t magnitudes[] = {0u,          1u,          0x007fffffu, 0x00800000u,
                                        0x3f800000u, 0x42b17218u, 0x42cff1b4u, 0x42f00000u,
                                        0x7f7fffffu, 0x7f800000u, 0x7fc00000u};
  judge(reference, reference->worst, total);
  for (size_t i = 0; i < sizeof magnitudes / sizeof magnitudes[0]; i++) {
    judge(reference, magnitudes[i], total);
    judge(reference, magnitudes[i] | 0x80000000u, total);
  }
}

static bool run_sweep(const pv_reference *reference, const check_options *options,
                      check_tally *total) {
  static worker workers[THREADS_MAX];
  sweep shared = {.reference = reference, .stride = options->stride};
  *total = (check_tally){.worst_bits = UINT32_MAX};
  if (options->stride > 1) judge_landmarks(reference, total);
  uint64_t started = 0;
  for (; started < options->threads; started++) {
    workers[started] = (worker){.shared = &shared};
    if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) break;
  }
  for (uint64_t i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    merge(total, &workers[i].tally);
  }
  return started > 0;
}

/* Prints one function's figures; true when its bound holds. The running maximum comes from values
 * known to PV_REFERENCE_ERROR, which is less than 2^-20 ulp: that much is held against it. */
static bool report(const pv_reference *reference, const check_tally *tally) {
  const float x = pv_f32_bits(tally->worst_bits), y = reference->compute(x);
  const double exact = pv_reference_ulp_exact(reference, x, y);
  bool ok = tally->judged > 0 && tally->nan_wrong == 0;
  if (reference->rounded)
    ok = ok && tally->wrong == 0;
  else
    ok = ok && tally->worst + 0x1p-20 <= reference->bound && exact <= reference->bound;
  printf(
      "%-5s %s: largest error %.7f ulp (bound %g) at x = %a (0x%08x), got %a, rounded %a; "
      "%llu judged, %llu not correctly rounded, %llu NaN lost, %llu decided by MPFR\n",
      reference->name, ok ? "PASS" : "FAIL", reference->bound == 0.0 ? tally->worst : exact,
      reference->bound, (double)x, tally->worst_bits, (double)y,
      (double)pv_reference_at(reference, x).rounded, (unsigned long long)tally->judged,
      (unsigned long long)tally->wrong, (unsigned long long)tally->nan_wrong,
      (unsigned long long)tally->by_mpfr);
  fflush(stdout);
  return ok;
}

static const pv_reference *reference_find(const char *name, size_t length) {
  for (size_t i = 0; i < pv_reference_count; i++) {
    const char *known = pv_references[i].name;
    if (strlen(known) == length && strncasecmp(known, name, length) == 0) return &pv_references[i];
  }
  return NULL;
}

/* A function with a documented bound that nobody judges would be a claim without evidence. */
static bool header_covered(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return false;
  }
  bool ok = true;
  unsigned found = 0;
  char line[512];
  while (fgets(line, sizeof line, file) != NULL) {
    const char prefix[] = "#define PV_", suffix[] = "_F32_MAX_ULP";
    if (strncmp(line, prefix, sizeof prefix - 1) != 0) continue;
    const char *name = line + sizeof prefix - 1, *end = strstr(name, suffix);
    if (end == NULL) continue;
    found++;
    if (reference_find(name, (size_t)(end - name)) == NULL) {
      fprintf(stderr, "%s: %.*s has a bound but no reference\n", path, (int)(end - name), name);
      ok = false;
    }
  }
  fclose(file);
  if (found == 0) fprintf(stderr, "%s: no documented bound found\n", path);
  return ok && found > 0;
}

static bool parse_count(const char *text, uint64_t limit, uint64_t *out) {
  return pv_parse_u64(text, strlen(text), out) && *out >= 1 && *out <= limit;
}

static bool parse(int argc, char **argv, check_options *options) {
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    bool ok = value != NULL;
    if (ok && strcmp(name, "--function") == 0) {
      options->function = value;
      ok = reference_find(value, strlen(value)) != NULL;
    } else if (ok && strcmp(name, "--stride") == 0) {
      ok = parse_count(value, ARGUMENTS - 1, &options->stride);
    } else if (ok && strcmp(name, "--threads") == 0) {
      ok = parse_count(value, THREADS_MAX, &options->threads);
    } else if (ok && strcmp(name, "--header") == 0) {
      options->header = value;
    } else {
      ok = false;
    }
    if (!ok) {
      fprintf(stderr,
              "check-arith: cannot take %s %s\nusage: check-arith [--function NAME] "
              "[--stride N] [--threads N] [--header FILE]\n",
              name, value != NULL ? value : "(no value)");
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  check_options options = {.stride = 1, .threads = 1};
  if (!parse(argc, argv, &options)) return 2;
  bool ok = options.header == NULL || header_covered(options.header);
  for (size_t i = 0; i < pv_reference_count; i++) {
    const pv_reference *reference = &pv_references[i];
    if (options.function != NULL && strcasecmp(options.function, reference->name) != 0) continue;
    const double audit = pv_reference_audit(reference, AUDIT_SAMPLES);
    if (!(audit <= PV_REFERENCE_ERROR / 8)) {
      fprintf(stderr, "check-arith: the reference for %s is off by %g\n", reference->name, audit);
      return 4;
    }
    check_tally total;
    if (!run_sweep(reference, &options, &total)) {
      fprintf(stderr, "check-arith: no thread could be started\n");
      return 4;
    }
    if (!report(reference, &total)) ok = false;
  }
  mpfr_free_cache();
  return ok ? 0 : 1;
}
