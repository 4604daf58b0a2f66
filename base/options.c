#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/text.h"

static void print_help(const pv_options *o) {
  printf("%s\n\nUsage: pv %s%s%s [options]\n\nOptions:\n", o->summary, o->command,
         o->positional != NULL ? " " : "", o->positional != NULL ? o->positional : "");
  for (const pv_option *p = o->list; p->name != NULL; p++)
    printf("  %-12s %-9s %s\n", p->name, p->value != NULL ? p->value : "", p->about);
  printf("  %-12s %-9s %s\n\nExamples:\n%s", "--help", "", "this text", o->examples);
}

static const pv_option *find(const pv_options *o, const char *name, size_t length) {
  for (const pv_option *p = o->list; p->name != NULL; p++)
    if (strlen(p->name) == length && strncmp(p->name, name, length) == 0) return p;
  return NULL;
}

static pv_code unknown(const pv_options *o, const char *argument, pv_error *err) {
  size_t count = 0;
  while (o->list[count].name != NULL) count++;
  const char *best = pv_text_nearest(argument, o->list, count, sizeof *o->list, 4);
  pv_error_set(err, PV_ERR_INPUT, "pv %s has no option '%s'", o->command, argument);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s?", best);
  else
    pv_error_hint(err, "see: pv %s --help", o->command);
  return PV_ERR_INPUT;
}

pv_code pv_options_parse(pv_options *options, int argc, char **argv, bool *help, pv_error *err) {
  *help = false;
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i];
    if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
      print_help(options);
      *help = true;
      return PV_OK;
    }
    if (a[0] != '-' || a[1] == '\0') {
      if (options->rest_count == options->rest_max)
        return pv_error_set(err, PV_ERR_INPUT, "pv %s takes no argument '%s'", options->command, a);
      options->rest[options->rest_count++] = a;
      continue;
    }
    const char *equals = strchr(a, '=');
    const pv_option *p = find(options, a, equals != NULL ? (size_t)(equals - a) : strlen(a));
    if (p == NULL) return unknown(options, a, err);
    if (p->flag != NULL) {
      if (equals != NULL) return pv_error_set(err, PV_ERR_INPUT, "%s takes no value", p->name);
      *p->flag = true;
      continue;
    }
    if (equals == NULL && i + 1 == argc)
      return pv_error_set(err, PV_ERR_INPUT, "%s needs a value: %s", p->name, p->value);
    *p->text = equals != NULL ? equals + 1 : argv[++i];
  }
  return PV_OK;
}

pv_code pv_option_u64(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                      pv_error *err) {
  uint64_t value = 0;
  if (text == NULL) return PV_OK;
  if (!pv_parse_u64(text, strlen(text), &value) || value < min || value > max)
    return pv_error_set(err, PV_ERR_INPUT, "%s '%s' is not a whole number from %llu to %llu", name,
                        text, (unsigned long long)min, (unsigned long long)max);
  *out = value;
  return PV_OK;
}

pv_code pv_option_real(const char *name, const char *text, double min, double max, double *out,
                       pv_error *err) {
  double value = 0.0;
  if (text == NULL) return PV_OK;
  if (!pv_parse_f64(text, strlen(text), &value) || !(value >= min && value <= max))
    return pv_error_set(err, PV_ERR_INPUT, "%s '%s' is not a number from %g to %g", name, text, min,
                        max);
  *out = value;
  return PV_OK;
}

pv_code pv_option_bytes(const char *name, const char *text, uint64_t *out, pv_error *err) {
  static const char units[] = "KMGT";
  uint64_t value = 0;
  if (text == NULL) return PV_OK;
  size_t length = strlen(text);
  const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
  bool fits = pv_parse_u64(text, unit != NULL ? --length : length, &value) && value > 0;
  for (const char *u = units; unit != NULL && u <= unit && fits; u++)
    fits = pv_ck_mul(value, 1000, &value);
  if (!fits) {
    pv_error_set(err, PV_ERR_INPUT, "%s '%.60s' is no number of bytes", name, text);
    pv_error_hint(err, "say a whole number, alone or of K, M, G or T: 8G is 8,000,000,000");
    return PV_ERR_INPUT;
  }
  *out = value;
  return PV_OK;
}

pv_code pv_option_ids(const char *name, const char *text, uint32_t **out, size_t *count,
                      pv_error *err) {
  size_t n = 1;
  for (const char *p = text; *p != '\0'; p++) n += *p == ',';
  uint32_t *ids = calloc(n, sizeof *ids);
  if (ids == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for %s", name);
  n = 0;
  for (const char *p = text;; p++) {
    const size_t length = strcspn(p, ",");
    uint64_t value = 0;
    if (!pv_parse_u64(p, length, &value) || value > UINT32_MAX) {
      free(ids);
      return pv_error_refuse(err, "write ids as 1,2,3 without blanks",
                             "%s has '%.*s' where a token id should be", name,
                             (int)(length < 40 ? length : 40), p);
    }
    ids[n++] = (uint32_t)value;
    p += length;
    if (*p == '\0') break;
  }
  *out = ids;
  *count = n;
  return PV_OK;
}
