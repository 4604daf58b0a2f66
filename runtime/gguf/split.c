/* The parts of a model that was split: that they are what they say, and of one model. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/parts.h"
#include "runtime/gguf/internal.h"

#define KEY_NUMBER "split.no"
#define KEY_COUNT  "split.count"
#define KEY_TOTAL  "split.tensors.count"

pv_code gguf_refuse_part(const pv_gguf *gguf, int64_t byte, pv_error *err, const char *rule,
                         const char *hint, const char *fmt, ...) {
  char message[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  pv_error_set(err, PV_ERR_INPUT, "%s", message);
  pv_error_at(err, gguf->path, 0, 0, byte);
  pv_error_rule(err, rule);
  pv_error_hint(err, "%s", hint);
  return PV_ERR_INPUT;
}

static int64_t place(const pv_gguf *gguf, const char *key) {
  const pv_gguf_value *value = pv_gguf_find(gguf, key);
  return value == NULL ? -1 : (int64_t)value->offset;
}

pv_code gguf_split_count(const pv_gguf *gguf, uint64_t *out, pv_error *err) {
  uint64_t count = 1;
  pv_code code = PV_OK;
  if (pv_gguf_find(gguf, KEY_COUNT) != NULL) code = pv_gguf_get_u64(gguf, KEY_COUNT, &count, err);
  if (code == PV_OK && count > PV_PARTS_MAX)
    code = gguf_refuse_part(gguf, place(gguf, KEY_COUNT), err, "PV-GGUF-SPLIT", GGUF_CURE_DAMAGED,
                            KEY_COUNT " is %llu; at most %u are read", (unsigned long long)count,
                            PV_PARTS_MAX);
  if (code == PV_OK) *out = count == 0 ? 1 : count;
  return code;
}

/* The file is the part as which it stands here. */
static pv_code check_place(const pv_gguf *part, uint32_t number, uint32_t count, pv_error *err) {
  uint64_t own = 0, of = 0;
  pv_code code = pv_gguf_get_u64(part, KEY_NUMBER, &own, err);
  if (code == PV_OK) code = pv_gguf_get_u64(part, KEY_COUNT, &of, err);
  if (code != PV_OK) return code;
  if (own >= of)
    return gguf_refuse_part(part, place(part, KEY_NUMBER), err, "PV-GGUF-SPLIT", GGUF_CURE_DAMAGED,
                            KEY_NUMBER " is %llu, and the model has %llu parts (" KEY_COUNT ")",
                            (unsigned long long)own, (unsigned long long)of);
  if (own == number && of == count) return PV_OK;
  return gguf_refuse_part(
      part, place(part, own != number ? KEY_NUMBER : KEY_COUNT), err, "PV-GGUF-SPLIT",
      "it was renamed, or copied over another part: copy or download this part again",
      "the file stands for part %u of %u of a model, and says that it is part %llu of %llu",
      (unsigned)number + 1, (unsigned)count, (unsigned long long)own + 1, (unsigned long long)of);
}

/* All count the same tensors, and hold that many together. */
static pv_code check_total(pv_gguf *const *parts, uint32_t count, uint64_t *total, pv_error *err) {
  uint64_t all = 0, said = 0, own = 0;
  pv_code code = pv_gguf_get_u64(parts[0], KEY_TOTAL, &said, err);
  for (uint32_t i = 0; i < count && code == PV_OK; i++) {
    code = pv_gguf_get_u64(parts[i], KEY_TOTAL, &own, err);
    if (code == PV_OK && own != said)
      code = gguf_refuse_part(parts[i], place(parts[i], KEY_TOTAL), err, "PV-GGUF-SPLIT",
                              "it is a part of another model: copy or download all parts again",
                              KEY_TOTAL " is %llu, in the first part %llu", (unsigned long long)own,
                              (unsigned long long)said);
    all += parts[i]->tensor_count; /* at most a million of each of 65535 */
  }
  if (code != PV_OK) return code;
  if (all != said)
    return gguf_refuse_part(parts[0], place(parts[0], KEY_TOTAL), err, "PV-GGUF-SPLIT",
                            "a part is of another model: copy or download all parts again",
                            "the %u parts hold %llu tensors, and " KEY_TOTAL " is %llu",
                            (unsigned)count, (unsigned long long)all, (unsigned long long)said);
  if (all > PV_GGUF_MAX_TENSORS)
    return gguf_refuse_part(parts[0], place(parts[0], KEY_TOTAL), err, "PV-GGUF-COUNT",
                            GGUF_CURE_DAMAGED, "%llu tensors in %u parts; at most %u are read",
                            (unsigned long long)all, (unsigned)count, PV_GGUF_MAX_TENSORS);
  *total = all;
  return PV_OK;
}

static bool is_own(pv_gguf_string key) {
  return (key.length > 6 && memcmp(key.data, "split.", 6) == 0) ||
         (key.length == 17 && memcmp(key.data, "general.alignment", 17) == 0);
}

/* What another part says of the model, beside itself, the first says too. */
static pv_code check_keys(const pv_gguf *first, const pv_gguf *part, pv_error *err) {
  char name[96];
  for (uint64_t i = 0; i < part->value_count; i++) {
    const pv_gguf_value *own = &part->values[i], *said = gguf_find_key(first, own->key);
    if (is_own(own->key) ||
        (said != NULL && said->type == own->type && said->element == own->element &&
         said->bytes == own->bytes && memcmp(said->data, own->data, (size_t)own->bytes) == 0))
      continue;
    return gguf_refuse_part(part, (int64_t)own->offset, err, "PV-GGUF-SPLIT",
                            "it is a part of another model: copy or download all parts again",
                            "key '%s' is not in the first part%s", gguf_show(own->key, name),
                            said == NULL ? "" : " with this value");
  }
  return PV_OK;
}

static pv_code check_twice(pv_gguf *const *parts, const pv_gguf_string *const *names,
                           uint64_t count, pv_error *err) {
  const pv_gguf_string *twice = gguf_index_duplicate(names, count);
  char name[96];
  if (twice == NULL) return PV_OK;
  const pv_gguf *part = parts[((const pv_gguf_tensor *)(const void *)twice)->part];
  return gguf_refuse_part(part, (const unsigned char *)twice->data - part->data, err,
                          "PV-GGUF-DUPLICATE-TENSOR",
                          "a part is of another model: copy or download all parts again",
                          "tensor '%s' is also in an earlier part", gguf_show(*twice, name));
}

/* One directory of all: what the first part had goes. */
static pv_code merge(pv_gguf *const *parts, uint32_t count, uint64_t total, pv_error *err) {
  pv_gguf *first = parts[0];
  uint64_t have = 0;
  const pv_gguf_string **names = NULL;
  pv_gguf_tensor *tensors = calloc(total == 0 ? 1 : (size_t)total, sizeof *tensors);
  pv_gguf **rest = calloc(count, sizeof *rest);
  pv_code code =
      tensors == NULL || rest == NULL ? pv_error_nomem(err, "the parts of a model") : PV_OK;
  for (uint32_t i = 0; i < count && code == PV_OK; i++) {
    memcpy(tensors + have, parts[i]->tensors, (size_t)parts[i]->tensor_count * sizeof *tensors);
    for (uint64_t end = have + parts[i]->tensor_count; have < end; have++) tensors[have].part = i;
    if (i > 0) rest[i - 1] = parts[i];
  }
  if (code == PV_OK) code = gguf_index_make(tensors, total, sizeof *tensors, &names, err);
  if (code == PV_OK) code = check_twice(parts, names, total, err);
  if (code != PV_OK) {
    free(tensors);
    free(rest);
    free(names);
    return code;
  }
  free(first->tensors);
  free(first->names);
  first->tensors = tensors;
  first->tensor_count = total;
  first->names = names;
  first->rest = rest;
  first->rest_count = count - 1;
  return PV_OK;
}

pv_code gguf_join(pv_gguf *const *parts, uint32_t count, pv_error *err) {
  uint64_t said = 1, total = 0;
  pv_code code = gguf_split_count(parts[0], &said, err);
  if (code == PV_OK && count == 1 && said == 1) return PV_OK;
  for (uint32_t i = 0; i < count && code == PV_OK; i++) code = check_place(parts[i], i, count, err);
  if (code == PV_OK) code = check_total(parts, count, &total, err);
  for (uint32_t i = 1; i < count && code == PV_OK; i++) code = check_keys(parts[0], parts[i], err);
  return code == PV_OK ? merge(parts, count, total, err) : code;
}
