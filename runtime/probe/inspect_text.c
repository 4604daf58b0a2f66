#include "runtime/probe/inspect.h"

#include <string.h>

enum { LABEL = 14, TEMPLATE_LINES = 3, TEMPLATE_BYTES = 72 };

static void put_label(pv_text *out, const char *label) {
  pv_text_printf(out, "%-*s", LABEL, label);
}

static void put_escaped(pv_text *out, const char *text) {
  pv_text_escape(out, text, strlen(text));
}

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text == NULL ? "" : text;
}

static json_int_t number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

/* A value of the metadata, whatever its type; false: it is not there. */
static bool put_value(pv_text *out, const json_t *object, const char *name, const char *before,
                      const char *behind) {
  const json_t *value = json_object_get(object, name);
  if (value == NULL || json_is_null(value)) return false;
  pv_text_puts(out, before);
  if (json_is_string(value))
    put_escaped(out, json_string_value(value));
  else if (json_is_integer(value))
    pv_text_printf(out, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    pv_text_puts(out, PV_REAL('g', 9, json_real_value(value)));
  else
    pv_text_puts(out, json_is_true(value) ? "true" : "false");
  pv_text_puts(out, behind);
  return true;
}

/* "12.3 million" and the like. */
static void put_large(pv_text *out, json_int_t number, const char *const words[4]) {
  double value = (double)number;
  int step = 0;
  while (value >= 999.5 && step < 3) {
    value /= 1000.0;
    step++;
  }
  pv_text_puts(out, PV_REAL('g', 3, value));
  pv_text_puts(out, words[step]);
}

static void put_parts(pv_text *out, const json_t *facts) {
  const json_t *parts = json_object_get(facts, "parts");
  if (json_array_size(parts) < 2) return;
  put_label(out, "parts");
  pv_text_printf(out, "%zu\n", json_array_size(parts));
  for (size_t i = 0; i < json_array_size(parts); i++) {
    const json_t *part = json_array_get(parts, i);
    put_label(out, "");
    put_escaped(out, text_of(part, "file"));
    pv_text_printf(out, ": %lld tensors, %lld bytes\n", (long long)number_of(part, "tensors"),
                   (long long)number_of(part, "bytes"));
  }
}

static void put_types(pv_text *out, const json_t *facts, json_int_t parameters) {
  const json_t *types = json_object_get(facts, "types");
  json_int_t bytes = 0;
  for (size_t i = 0; i < json_array_size(types); i++)
    bytes += number_of(json_array_get(types, i), "bytes");
  put_label(out, "types");
  if (bytes == 0 || parameters == 0) {
    pv_text_puts(out, "none: the file has no tensors\n");
    return;
  }
  pv_text_puts(out, PV_REAL('f', 2, 8.0 * (double)bytes / (double)parameters));
  pv_text_puts(out, " bits for each parameter\n");
  for (size_t i = 0; i < json_array_size(types); i++) {
    const json_t *type = json_array_get(types, i);
    put_label(out, "");
    pv_text_printf(out, "%-7s %6lld tensors, ", text_of(type, "type"),
                   (long long)number_of(type, "tensors"));
    pv_text_puts(
        out, PV_REAL('f', 1, 100.0 * (double)number_of(type, "parameters") / (double)parameters));
    pv_text_puts(out, " % of the parameters, ");
    pv_text_puts(out, PV_REAL('f', 1, 100.0 * (double)number_of(type, "bytes") / (double)bytes));
    pv_text_puts(out, " % of the bytes");
    pv_text_puts(out, json_is_true(json_object_get(type, "computed")) ? "\n" : ": not computed\n");
  }
}

static void put_size(pv_text *out, const json_t *facts) {
  static const char *const bytes[4] = {" bytes", " kB", " MB", " GB"};
  static const char *const counts[4] = {"", " thousand", " million", " billion"};
  const json_t *parameters = json_object_get(facts, "parameters");
  const json_t *types = json_object_get(facts, "types");
  const json_int_t all = number_of(parameters, "all"), used = number_of(parameters, "of_a_token");
  json_int_t tensors = 0;
  for (size_t i = 0; i < json_array_size(types); i++)
    tensors += number_of(json_array_get(types, i), "tensors");
  put_label(out, "size");
  put_large(out, number_of(facts, "bytes"), bytes);
  pv_text_printf(out, " (%lld bytes), %lld tensors, %lld keys\n",
                 (long long)number_of(facts, "bytes"), (long long)tensors,
                 (long long)number_of(facts, "keys"));
  put_label(out, "parameters");
  put_large(out, all, counts);
  if (all >= 1000) pv_text_printf(out, " (%lld)", (long long)all);
  if (used > 0) {
    pv_text_puts(out, ", of which a token meets ");
    put_large(out, used, counts);
  }
  pv_text_puts(out, "\n");
  put_types(out, facts, all);
}

static void put_shape(pv_text *out, const json_t *shape) {
  put_label(out, "layers");
  if (!put_value(out, shape, "layers", "", "")) pv_text_puts(out, "not told");
  put_value(out, shape, "hidden", " of width ", "");
  put_value(out, shape, "ffn", ", feed-forward of width ", "");
  put_value(out, shape, "vocabulary", ", vocabulary ", "");
  put_value(out, shape, "context", ", context ", "");
  pv_text_puts(out, "\n");
  if (json_object_get(shape, "heads") != NULL) {
    put_label(out, "attention");
    put_value(out, shape, "heads", "", " heads");
    put_value(out, shape, "kv_heads", ", ", " of keys and values");
    put_value(out, shape, "head_dim", ", of ", " elements each");
    put_value(out, shape, "sliding_window", ", sliding window of ", " positions");
    pv_text_puts(out, "\n");
  }
  if (json_object_get(shape, "experts") == NULL) return;
  put_label(out, "experts");
  put_value(out, shape, "experts", "", "");
  put_value(out, shape, "experts_used", ", ", " for each token");
  put_value(out, shape, "expert_ffn", ", of width ", "");
  put_value(out, shape, "shared_ffn", ", beside them one for all, of width ", "");
  pv_text_puts(out, "\n");
}

static void put_rope(pv_text *out, const json_t *rope) {
  const json_t *scaling = json_object_get(rope, "scaling");
  const json_t *factors = json_object_get(rope, "factors");
  const char *between = "", *name = NULL;
  json_t *value = NULL;
  put_label(out, "RoPE");
  if (!put_value(out, rope, "base", "base ", "")) pv_text_puts(out, "base not told");
  put_value(out, rope, "base_sliding", ", in sliding layers ", "");
  put_value(out, rope, "dimensions", ", ", " dimensions");
  pv_text_puts(out, json_object_size(scaling) == 0 ? ", no scaling" : ", scaling: ");
  json_object_foreach((json_t *)(uintptr_t)scaling, name, value) {
    pv_text_puts(out, between);
    put_escaped(out, name);
    put_value(out, scaling, name, " ", "");
    between = ", ";
  }
  for (size_t i = 0; i < json_array_size(factors); i++)
    pv_text_printf(out, ", factors in %s", json_string_value(json_array_get(factors, i)));
  pv_text_puts(out, "\n");
}

static void put_tokenizer(pv_text *out, const json_t *tokenizer) {
  put_label(out, "tokenizer");
  if (!put_value(out, tokenizer, "model", "", "")) pv_text_puts(out, "none");
  put_value(out, tokenizer, "pre", ", split as ", "");
  put_value(out, tokenizer, "tokens", ", ", " tokens");
  put_value(out, tokenizer, "bos", ", begins with ", "");
  put_value(out, tokenizer, "eos", ", ends with ", "");
  pv_text_puts(out, "\n");
}

/* How many bytes of a line are shown: no character is cut. */
static size_t shown(const char *line, size_t length) {
  size_t n = length < TEMPLATE_BYTES ? length : TEMPLATE_BYTES;
  while (n < length && n > 0 && ((unsigned char)line[n] & 0xc0u) == 0x80) n--;
  return n;
}

static void put_template(pv_text *out, const json_t *facts) {
  const char *at = json_string_value(json_object_get(facts, "chat_template"));
  put_label(out, "chat template");
  if (at == NULL) {
    pv_text_puts(out, "none\n");
    return;
  }
  pv_text_printf(out, "%zu bytes\n", strlen(at));
  for (int line = 0; *at != '\0' && line < TEMPLATE_LINES; line++) {
    const size_t length = strcspn(at, "\n"), n = shown(at, length);
    put_label(out, "");
    pv_text_puts(out, "| ");
    pv_text_escape(out, at, n);
    pv_text_puts(out, n < length ? " ...\n" : "\n");
    at += length + (at[length] == '\n' ? 1 : 0);
  }
}

static void put_reason(pv_text *out, const json_t *facts, const char *why) {
  const json_t *reason = json_object_get(facts, why);
  pv_text_puts(out, "no: ");
  put_escaped(out, text_of(reason, "message"));
  pv_text_puts(out, "\n");
  if (put_value(out, reason, "byte", "              at byte ", "")) {
    put_value(out, reason, "file", " of ", "");
    put_value(out, reason, "rule", " [", "]");
    pv_text_puts(out, "\n");
  }
  put_value(out, reason, "cure", "              ", "\n");
}

static void put_verdict(pv_text *out, const json_t *facts) {
  put_label(out, "computed");
  if (put_value(out, facts, "plan", "yes, as one of the ", "\n")) {
    put_label(out, "");
    pv_text_puts(out, "pv validate --model FILE judges it (contracts/model-forward-v1.yaml)\n");
  } else {
    put_reason(out, facts, "not_computed");
  }
  put_label(out, "text");
  if (json_is_true(json_object_get(facts, "text")))
    pv_text_puts(out, "yes: --prompt TEXT, beside --ids\n");
  else
    put_reason(out, facts, "no_text");
}

void pv_inspect_text(const json_t *facts, pv_text *out) {
  static const char *const lines[][2] = {
      {"file", "file"}, {"name", "name"}, {"architecture", "architecture"}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    put_label(out, lines[i][0]);
    if (!put_value(out, facts, lines[i][1], "", "")) pv_text_puts(out, "not told");
    pv_text_puts(out, "\n");
  }
  put_parts(out, facts);
  put_size(out, facts);
  put_shape(out, json_object_get(facts, "shape"));
  put_rope(out, json_object_get(facts, "rope"));
  put_tokenizer(out, json_object_get(facts, "tokenizer"));
  put_template(out, facts);
  put_verdict(out, facts);
}
