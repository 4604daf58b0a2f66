/* A provider of one check for contracts: docs/provider-protocol.md. The script @NAME@ compiles it.
 * Put what you want to judge in the place of computed(), and what it must equal in that of
 * expected(). Answers go to standard output; print what else you want to see to standard error. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char description[] =
    "{\"protocol\": \"pv/provider/v1\", \"name\": \"@NAME@\", \"version\": \"1.0\", \"checks\": ["
    "{\"name\": \"error\", \"about\": \"Each number that is computed is near the one that is "
    "expected.\", \"params\": [{\"name\": \"max_error\", \"about\": \"how far off, relative\", "
    "\"type\": \"number\", \"default\": \"1e-6\", \"min\": 0, \"max\": 1, \"unit\": \"\", "
    "\"loosens\": \"up\"}], \"faults\": [\"last_term_dropped\"]}]}";

/* Under test: 1 + 1/2 + ... + 1/n. A planted fault shows that the check can fail. */
static float computed(int n, const char *fault) {
  const int last = strcmp(fault, "last_term_dropped") == 0 ? n - 1 : n;
  float sum = 0;
  for (int k = last; k > 0; k--) sum += 1 / (float)k;
  return sum;
}

static double expected(int n) {
  double sum = 0;
  for (int k = n; k > 0; k--) sum += 1 / (double)k;
  return sum;
}

static json_t *judge(double max_error, const char *fault) {
  double worst = 0;
  int at = 0, compared = 0;
  char reason[100] = "";
  for (int n = 1; n < 500; n++, compared++) {
    const double error = fabs(computed(n, fault) - expected(n)) / expected(n);
    if (error <= worst || isnan(worst)) continue;
    worst = error;
    at = n;
  }
  const int held = worst <= max_error; /* false for a NaN */
  if (!held)
    snprintf(reason, sizeof reason, "n = %d is off by %g, more than %g", at, worst, max_error);
  return json_pack("{s:s, s:s, s:i, s:{s:o}}", "verdict", held ? "PASS" : "FAIL", "reason", reason,
                   "compared", compared, "metrics", "max_error",
                   isfinite(worst) ? json_real(worst) : json_string("nan"));
}

int main(int argc, char **argv) {
  static char line[1 << 16];
  if (argc == 2 && strcmp(argv[1], "describe") == 0) return puts(description) < 0;
  if (argc != 2 || strcmp(argv[1], "run") != 0 || fgets(line, sizeof line, stdin) == NULL) return 2;
  json_t *asked = json_loads(line, 0, NULL);
  const json_t *with = json_object_get(asked, "with");
  const char *fault = json_string_value(json_object_get(asked, "fault"));
  json_t *answer =
      judge(json_number_value(json_object_get(with, "max_error")), fault == NULL ? "" : fault);
  json_object_set_new(answer, "type", json_string("result"));
  json_object_set(answer, "nonce", json_object_get(asked, "nonce"));
  json_object_set(answer, "id", json_object_get(asked, "id"));
  char *text = json_dumps(answer, JSON_COMPACT);
  return text == NULL || puts(text) < 0;
}
