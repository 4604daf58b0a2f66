#include "kernels/ptx/pattern.h"

#include <string.h>

#include "base/text.h"
#include "kernels/ptx/words.h"

static pv_code unknown(pv_arena *arena, const char *pattern, const char *part, size_t length,
                       bool opcode, pv_error *err) {
  const char *word = pv_arena_strndup(arena, part, length);
  if (word == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  pv_error_set(err, PV_ERR_INPUT, "the pattern '%.100s': PTX has no %s '%.60s'", pattern,
               opcode ? "instruction" : "modifier", word);
  const char *near = opcode ? pv_ptx_opcode_nearest(word) : pv_ptx_modifier_nearest(word);
  if (near != NULL) pv_error_hint(err, "did you mean %s?", near);
  return PV_ERR_INPUT;
}

static pv_ptx_space space_of(const char *part) {
  static const struct {
    const char *name;
    pv_ptx_space space;
  } list[] = {{"global", PV_PTX_GLOBAL},
              {"const", PV_PTX_CONST},
              {"shared", PV_PTX_SHARED},
              {"local", PV_PTX_LOCAL}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (strcmp(part, list[i].name) == 0) return list[i].space;
  return PV_PTX_NO_SPACE;
}

pv_code pv_ptx_pattern_parse(pv_arena *arena, const char *text, size_t length, pv_ptx_pattern *out,
                             pv_error *err) {
  pv_ptx_pattern p = {.text = pv_arena_strndup(arena, text, length)};
  size_t parts = 0, start = 0;
  if (p.text == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  if (strlen(p.text) != length || length == 0 || strcmp(p.text, ".") == 0)
    return pv_error_set(err, PV_ERR_INPUT, "an empty pattern");
  for (size_t i = 0; i < length; i++) parts += text[i] == '.';
  const char **list = PV_ARENA_NEW(arena, parts, const char *);
  if (list == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  while (start <= length) {
    const char *dot = memchr(p.text + start, '.', length - start);
    const size_t end = dot != NULL ? (size_t)(dot - p.text) : length;
    const bool opcode = start == 0;
    const char *word = NULL;
    if (opcode && end > 0) {
      const pv_ptx_opcode *known = pv_ptx_opcode_find(p.text, end);
      word = p.opcode = known != NULL ? known->name : NULL;
    } else if (!opcode) {
      word = list[p.part_count++] = pv_ptx_modifier_find(p.text + start, end - start);
    }
    if (word == NULL && !(opcode && end == 0))
      return unknown(arena, p.text, p.text + start, end - start, opcode, err);
    start = end + 1;
  }
  p.parts = list;
  if (p.opcode == NULL && p.part_count == 1) p.space = space_of(p.parts[0]);
  *out = p;
  return PV_OK;
}

pv_code pv_ptx_pattern_parse_count(pv_arena *arena, const char *text, pv_ptx_pattern *out,
                                   uint64_t *count, pv_error *err) {
  const char *dot = strrchr(text, '.');
  uint64_t number = 0;
  if (dot == NULL || dot == text || !pv_parse_u64(dot + 1, strlen(dot + 1), &number)) {
    pv_error_set(err, PV_ERR_INPUT, "'%.100s' does not end with a count", text);
    pv_error_hint(err, "shfl.sync.5 means: shfl.sync exactly 5 times");
    return PV_ERR_INPUT;
  }
  const pv_code code = pv_ptx_pattern_parse(arena, text, (size_t)(dot - text), out, err);
  if (code == PV_OK) *count = number;
  return code;
}

bool pv_ptx_matches(const pv_ptx_pattern *pattern, const pv_ptx_instruction *instruction) {
  size_t k = 1;
  if (pattern->opcode != NULL && strcmp(pattern->opcode, instruction->parts[0]) != 0) return false;
  for (size_t i = 0; i < pattern->part_count; i++, k++) {
    while (k < instruction->part_count && strcmp(pattern->parts[i], instruction->parts[k]) != 0)
      k++;
    if (k == instruction->part_count) return false;
  }
  return true;
}
