/* A provider of checks (docs/provider-protocol.md): is an RMS norm in float32 near one in float64?
 * Put your own function in the place of norm(): the rest is how it is judged and how it is told. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 2048, ROWS = 200 };
static const double EPSILON = 1e-6;

static const char description[] =
    "{\"protocol\": \"pv/provider/v1\", \"name\": \"rms_norm\", \"version\": \"1.0\", \"checks\": ["
    "{\"name\": \"reference\", \"about\": \"Each element is that of an RMS norm in float64, near "
    "enough.\", \"params\": [{\"name\": \"max_error\", \"about\": \"how far off, relative\", "
    "\"type\": \"number\", \"default\": \"1e-6\", \"min\": 0, \"max\": 1, \"unit\": \"\", "
    "\"loosens\": \"up\"}], \"faults\": [\"tail_dropped\", \"epsilon_forgotten\"]}]}";

/* The function under test, as a kernel does it: eight sums side by side, and a tail. */
static void norm(const float *x, float *y, int n, const char *fault) {
  float lane[8] = {0}, sum = 0;
  const int whole = n - n % 8;
  for (int i = 0; i < whole; i++) lane[i % 8] += x[i] * x[i];
  for (int i = 0; i < 8; i++) sum += lane[i];
  if (strcmp(fault, "tail_dropped") != 0)
    for (int i = whole; i < n; i++) sum += x[i] * x[i];
  const float more = strcmp(fault, "epsilon_forgotten") == 0 ? 0 : (float)EPSILON;
  const float scale = 1 / sqrtf(sum / (float)n + more);
  for (int i = 0; i < n; i++) y[i] = x[i] * scale;
}

static double reference(const float *x, int n, int i) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += (double)x[k] * x[k];
  return x[i] / sqrt(sum / n + EPSILON);
}

/* From -1 to 1, always the same. */
static float next(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (float)(*seed >> 40) / (1 << 23) - 1;
}

/* JSON has no number for what is none: it is told in words. */
static json_t *told(double x) {
  return isfinite(x) ? json_real(x) : json_string(isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
}

static json_t *judge(double limit, const char *fault) {
  static float x[LONGEST], y[LONGEST];
  uint64_t seed = 1;
  double worst = -1, left = 0, right = 0;
  int row = 0, index = 0, compared = 0;
  char reason[120] = "";
  for (int r = 0; r < ROWS; r++) {
    const int n = r + 1 < ROWS ? 1 + r * 7 % LONGEST : LONGEST;
    const float size = r % 3 == 0 ? 1e-4F : r % 3 == 1 ? 1 : 1e4F; /* where epsilon counts, too */
    for (int i = 0; i < n; i++) x[i] = size * next(&seed);
    norm(x, y, n, fault);
    for (int i = 0; i < n; i += 1 + n / 50, compared++) {
      const double want = reference(x, n, i), error = fabs(y[i] - want) / fmax(fabs(want), 1e-3);
      if (error <= worst || isnan(worst)) continue; /* a NaN is the worst of all */
      worst = error, row = r, index = i, left = y[i], right = want;
    }
  }
  const int held = worst <= limit;
  if (!held)
    snprintf(reason, sizeof reason, "row %d is off by %g, more than %g", row, worst, limit);
  return json_pack("{s:s, s:s, s:i, s:{s:o}, s:o, s:{s:s, s:i, s:i, s:i, s:o, s:o}}", "verdict",
                   held ? "PASS" : "FAIL", "reason", reason, "compared", compared, "metrics",
                   "max_error", told(worst), "needed_tolerance", told(worst), "worst", "stage",
                   "rms_norm", "layer", -1, "position", row, "index", index, "left", told(left),
                   "right", told(right));
}

int main(int argc, char **argv) {
  static char line[1 << 16];
  if (argc == 2 && strcmp(argv[1], "describe") == 0) return puts(description) < 0;
  if (argc != 2 || strcmp(argv[1], "run") != 0 || fgets(line, sizeof line, stdin) == NULL) return 2;
  json_t *asked = json_loads(line, 0, NULL);
  const char *fault = json_string_value(json_object_get(asked, "fault"));
  const json_t *with = json_object_get(asked, "with");
  json_t *answer =
      judge(json_number_value(json_object_get(with, "max_error")), fault == NULL ? "" : fault);
  json_object_set_new(answer, "type", json_string("result"));
  json_object_set(answer, "nonce", json_object_get(asked, "nonce"));
  json_object_set(answer, "id", json_object_get(asked, "id"));
  char *text = json_dumps(answer, JSON_COMPACT);
  return text == NULL || puts(text) < 0;
}
