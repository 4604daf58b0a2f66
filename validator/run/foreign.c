/* A provider's messages, read strictly: a number in a text or a misspelt key would be lost. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "validator/run/answer.h"

enum { REASON_MAX = 2000 };
#define CUT " [cut]"

typedef enum shape { TEXT, WHOLE, NUMBER, FLAG, NUMBERS } shape;

typedef struct field {
  const char *key;
  shape of;
} field;

static bool is_number(const json_t *value) {
  double number = 0;
  return pv_json_read_number(value, &number);
}

static bool is_of(const json_t *value, shape of) {
  switch (of) {
    case TEXT:
      return json_is_string(value);
    case WHOLE:
      return json_is_integer(value);
    case NUMBER:
      return is_number(value);
    case FLAG:
      return json_is_boolean(value);
    case NUMBERS:
      break;
  }
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!is_number(json_array_get(value, i))) return false;
  return json_is_array(value);
}

/* Every field is there, a flag may be left out, and of its type, and there is no other key. */
static bool has_shape(const json_t *object, const field *fields, size_t count) {
  size_t known = 0;
  if (!json_is_object(object)) return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *value = json_object_get(object, fields[i].key);
    if (value == NULL ? fields[i].of != FLAG : !is_of(value, fields[i].of)) return false;
    known += value != NULL;
  }
  return known == json_object_size(object);
}

static bool are_metrics(const json_t *object) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, name, value) {
    if (name[0] == '\0' || !is_number(value)) return false;
  }
  return true;
}

static bool is_worst(const json_t *object) {
  static const field fields[] = {{"stage", TEXT},  {"layer", WHOLE}, {"position", WHOLE},
                                 {"index", WHOLE}, {"left", NUMBER}, {"right", NUMBER}};
  return object == NULL || json_is_null(object) ||
         has_shape(object, fields, sizeof fields / sizeof *fields);
}

static bool are_series(const json_t *array) {
  static const field fields[] = {{"picture", TEXT}, {"name", TEXT},  {"x_label", TEXT},
                                 {"y_label", TEXT}, {"log_y", FLAG}, {"x", NUMBERS},
                                 {"y", NUMBERS}};
  for (size_t i = 0; i < json_array_size(array); i++)
    if (!has_shape(json_array_get(array, i), fields, sizeof fields / sizeof *fields)) return false;
  return true;
}

/* What is wrong with the inside of an answer, or NULL. */
static const char *odd_part(const json_t *message) {
  const json_t *needed = json_object_get(message, "needed_tolerance");
  if (needed != NULL && !json_is_null(needed) && !is_number(needed)) return "needed_tolerance";
  if (!are_metrics(json_object_get(message, "metrics"))) return "metrics";
  if (!is_worst(json_object_get(message, "worst"))) return "worst";
  return are_series(json_object_get(message, "series")) ? NULL : "series";
}

bool pv_answer_progress(const json_t *message) {
  static const field fields[] = {
      {"type", TEXT}, {"nonce", TEXT}, {"id", TEXT}, {"done", WHOLE}, {"total", WHOLE}};
  return has_shape(message, fields, sizeof fields / sizeof *fields);
}

/* The beginning of a sentence that would fill a report. */
static json_t *shortened(const json_t *text) {
  char kept[REASON_MAX + 1];
  size_t length = REASON_MAX - strlen(CUT);
  const char *bytes = json_string_value(text);
  while (((unsigned char)bytes[length] & 0xc0) == 0x80) length--; /* within a character */
  snprintf(kept, sizeof kept, "%.*s%s", (int)length, bytes, CUT);
  return json_string(kept);
}

/* What a provider leaves out is empty; what it has no word for is a word too many, for a misspelt
 * one would be lost. */
static json_t *complete(const json_t *message) {
  static const char *const keys[] = {"type",     "nonce",   "id",    "verdict",          "reason",
                                     "compared", "metrics", "worst", "needed_tolerance", "series"};
  const char *key;
  json_t *value, *out = json_object(); /* json_copy loses count when memory is out */
  json_object_foreach((json_t *)(uintptr_t)message, key, value) {
    bool known = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) known |= strcmp(keys[i], key) == 0;
    if (known)
      pv_json_set(&out, key, json_incref(value));
    else
      pv_json_set(&out, "unknown", json_string(key));
  }
  const json_t *reason = json_object_get(message, "reason");
  if (reason == NULL) pv_json_set(&out, "reason", json_string(""));
  if (json_string_length(reason) > REASON_MAX) pv_json_set(&out, "reason", shortened(reason));
  if (json_object_get(message, "metrics") == NULL) pv_json_set(&out, "metrics", json_object());
  if (json_object_get(message, "series") == NULL) pv_json_set(&out, "series", json_array());
  pv_json_set(&out, "backends", json_array());
  return out;
}

pv_code pv_answer_foreign(pv_arena *arena, const json_t *message, const json_t *with,
                          pv_falsifier_result *out, pv_error *err) {
  json_t *whole = complete(message);
  if (whole == NULL) return pv_error_nomem(err, "a provider's answer");
  const char *unknown = json_string_value(json_object_get(whole, "unknown"));
  const char *odd = odd_part(whole);
  pv_code code = PV_OK;
  if (unknown != NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "the message has a key '%.60s'", unknown);
  else if (odd != NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "the message has no usable '%s'", odd);
  else
    code = pv_answer_result(arena, whole, with, out, err);
  json_decref(whole);
  return code;
}
