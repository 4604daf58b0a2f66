#include "validator/yaml/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

typedef struct reader {
  pv_arena *arena;
  const char *file;
  const char *bytes;
  size_t length;
  yaml_parser_t parser;
  int64_t line, line_start, column, at; /* the last mark that was turned into bytes */
  size_t nodes;
  bool ended; /* the document was ended by '...' */
  pv_error *err;
} reader;

static pv_code refuse(reader *r, const char *rule, int64_t byte, const char *what,
                      const char *hint) {
  int64_t line = 1, start = 0;
  for (int64_t i = 0; i < byte && i < (int64_t)r->length; i++)
    if (r->bytes[i] == '\n') {
      line++;
      start = i + 1;
    }
  pv_error_set(r->err, PV_ERR_INPUT, "%s", what);
  pv_error_at(r->err, r->file, line, byte - start + 1, byte);
  pv_error_rule(r->err, rule);
  pv_error_hint(r->err, "%s", hint);
  return PV_ERR_INPUT;
}

/* Characters that would hide text from a reader, or lines from us. */
static bool forbidden(const unsigned char *s, size_t left) {
  if (s[0] == '\r') return left < 2 || s[1] != '\n';
  if (s[0] < 0x20) return s[0] != '\t' && s[0] != '\n';
  if (s[0] == 0x7f) return true;
  if (left < 2 || s[0] < 0xc2) return false;
  const unsigned c2 = s[1];
  if (s[0] == 0xc2) return c2 < 0xa0;  /* C1 controls */
  if (s[0] == 0xd8) return c2 == 0x9c; /* U+061C */
  if (left < 3) return false;
  if (s[0] == 0xe2 && c2 == 0x80)
    return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
  if (s[0] == 0xe2 && c2 == 0x81) return s[2] >= 0xa6 && s[2] <= 0xa9;
  return s[0] == 0xef && c2 == 0xbb && s[2] == 0xbf;
}

static pv_code scan(reader *r) {
  const unsigned char *s = (const unsigned char *)r->bytes;
  if (r->length > PV_YAML_BYTES_MAX)
    return refuse(r, "PV001", 0, "the file is larger than 1 MiB", "split it");
  if (r->length >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)))
    return refuse(r, "PV002", 0, "the file is UTF-16",
                  "save it as UTF-8 without a byte order mark");
  if (r->length >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
    return refuse(r, "PV002", 0, "the file begins with a byte order mark", "save it without one");
  if (memchr(s, 0, r->length) != NULL)
    return refuse(r, "PV002", (const unsigned char *)memchr(s, 0, r->length) - s,
                  "the file holds a NUL byte", "contracts are UTF-8 text");
  if (!pv_utf8_valid(r->bytes, r->length)) {
    size_t good = 0;
    while (pv_utf8_valid(r->bytes + good, 1) ||
           (good + 2 <= r->length && pv_utf8_valid(r->bytes + good, 2)) ||
           (good + 3 <= r->length && pv_utf8_valid(r->bytes + good, 3)) ||
           (good + 4 <= r->length && pv_utf8_valid(r->bytes + good, 4)))
      good += pv_utf8_valid(r->bytes + good, 1)   ? 1
              : pv_utf8_valid(r->bytes + good, 2) ? 2
              : pv_utf8_valid(r->bytes + good, 3) ? 3
                                                  : 4;
    return refuse(r, "PV002", (int64_t)good, "the file is not valid UTF-8", "save it as UTF-8");
  }
  size_t blanks = 0;
  for (size_t i = 0; i < r->length; i++) {
    if (forbidden(s + i, r->length - i))
      return refuse(r, "PV003", (int64_t)i,
                    "a control or bidirectional character could hide text from a reader",
                    "remove it");
    blanks = s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n' ? blanks + 1 : 0;
    if (blanks > PV_YAML_BLANKS_MAX)
      return refuse(r, "PV001", (int64_t)i, "more than 4096 blanks or line ends in a row",
                    "remove them");
  }
  return PV_OK;
}

/* libyaml's line and column (characters) as a byte offset. The search goes on from the last mark,
 * in its line too: from the line's start, one line of 1 MiB would take minutes. Only errors look
 * back. */
static int64_t byte_of(reader *r, yaml_mark_t mark) {
  const int64_t length = (int64_t)r->length;
  if ((int64_t)mark.line < r->line) r->line = r->line_start = r->column = r->at = 0;
  while (r->line < (int64_t)mark.line) {
    const char *end = memchr(r->bytes + r->line_start, '\n', r->length - (size_t)r->line_start);
    if (end == NULL) return length;
    r->line_start = r->at = end - r->bytes + 1;
    r->column = 0;
    r->line++;
  }
  if ((int64_t)mark.column < r->column) {
    r->at = r->line_start;
    r->column = 0;
  }
  for (; r->column < (int64_t)mark.column && r->at < length; r->column++) {
    r->at++;
    while (r->at < length && ((unsigned char)r->bytes[r->at] & 0xc0) == 0x80) r->at++;
  }
  return r->at;
}

static pv_place place_of(reader *r, const yaml_event_t *event) {
  const int64_t begin = byte_of(r, event->start_mark);
  const int64_t line_start = r->line_start;
  const int64_t end = byte_of(r, event->end_mark);
  return (pv_place){(int64_t)event->start_mark.line + 1, begin - line_start + 1, begin, end};
}

static pv_code refuse_event(reader *r, const char *rule, const yaml_event_t *event,
                            const char *what, const char *hint) {
  return refuse(r, rule, byte_of(r, event->start_mark), what, hint);
}

static pv_code out_of_memory(reader *r) {
  return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory for '%s'", r->file);
}

static bool says(const char *text, const char *part) {
  return text != NULL && strstr(text, part) != NULL;
}

/* What libyaml could not read. Two of its errors are rules of ours, and an error of its decoder has
 * no mark. */
static pv_code refuse_unreadable(reader *r) {
  const yaml_parser_t *p = &r->parser;
  char what[200];
  if (p->error == YAML_MEMORY_ERROR) return out_of_memory(r);
  if (says(p->context, "directive"))
    return refuse(r, "PV007", byte_of(r, p->context_mark), "directives are not allowed",
                  "remove it");
  if (r->ended && says(p->problem, "<document start>"))
    return refuse(r, "PV009", byte_of(r, p->problem_mark), "a second document begins here",
                  "one contract per file");
  snprintf(what, sizeof what, "this is not YAML: %s",
           p->problem != NULL ? p->problem : "unreadable");
  return refuse(
      r, "PV005",
      p->error == YAML_READER_ERROR ? (int64_t)p->problem_offset : byte_of(r, p->problem_mark),
      what, "check the indentation and the quotes here");
}

static pv_code next(reader *r, yaml_event_t *event) {
  return yaml_parser_parse(&r->parser, event) ? PV_OK : refuse_unreadable(r);
}

static pv_code read_node(reader *r, yaml_event_t *event, int depth, pv_yaml_node **out);

static pv_code read_scalar(reader *r, const yaml_event_t *event, pv_yaml_node *node) {
  const yaml_scalar_style_t style = event->data.scalar.style;
  const bool quoted =
      style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
  node->kind = PV_YAML_SCALAR;
  node->style = quoted                             ? PV_YAML_QUOTED
                : style == YAML_PLAIN_SCALAR_STYLE ? PV_YAML_PLAIN
                                                   : PV_YAML_BLOCK;
  node->length = event->data.scalar.length;
  if (memchr(event->data.scalar.value, 0, node->length) != NULL)
    return refuse_event(r, "PV003", event, "a text holds an escaped NUL", "remove it");
  node->text = pv_arena_strndup(r->arena, (const char *)event->data.scalar.value, node->length);
  if (quoted) {
    node->place.begin++;
    node->place.end--;
  }
  return node->text == NULL ? out_of_memory(r) : PV_OK;
}

/* Children are gathered in a list that doubles, then kept in the arena. */
static pv_code append(reader *r, pv_yaml_node ***list, size_t count, pv_yaml_node *node) {
  if ((count & (count - 1)) == 0) {
    pv_yaml_node **grown = PV_ARENA_NEW(r->arena, count == 0 ? 1 : 2 * count, pv_yaml_node *);
    if (grown == NULL) return out_of_memory(r);
    if (count > 0) memcpy(grown, *list, count * sizeof *grown);
    *list = grown;
  }
  (*list)[count] = node;
  return PV_OK;
}

static pv_code check_key(reader *r, const yaml_event_t *event, const pv_yaml_node *map,
                         const pv_yaml_node *key) {
  char what[160];
  if (key->kind != PV_YAML_SCALAR || key->length == 0)
    return refuse_event(r, "PV006", event, "a key is not a plain word", "write key: value");
  if (strcmp(key->text, "<<") == 0)
    return refuse_event(r, "PV007", event, "merge keys are not allowed", "write the keys out");
  if (map->count >= PV_YAML_KEYS_MAX)
    return refuse_event(r, "PV001", event, "a mapping has more than 4096 keys", "split it");
  for (size_t i = 0; i < map->count; i++)
    if (strcmp(map->keys[i]->text, key->text) == 0) {
      snprintf(what, sizeof what, "the key '%.60s' stands here a second time (first in line %lld)",
               key->text, (long long)map->keys[i]->place.line);
      return refuse_event(r, "PV008", event, what, "keep one of the two");
    }
  return PV_OK;
}

static pv_code read_children(reader *r, pv_yaml_node *node, int depth) {
  const yaml_event_type_t end =
      node->kind == PV_YAML_MAPPING ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
  pv_code code = PV_OK;
  for (bool done = false; code == PV_OK && !done;) {
    yaml_event_t event;
    pv_yaml_node *key = NULL, *value = NULL;
    code = next(r, &event);
    if (code != PV_OK) break;
    done = event.type == end;
    if (done) node->place.end = byte_of(r, event.end_mark);
    if (!done && node->kind == PV_YAML_MAPPING) {
      code = read_node(r, &event, depth, &key);
      if (code == PV_OK) code = check_key(r, &event, node, key);
      if (code == PV_OK) code = append(r, &node->keys, node->count, key);
      yaml_event_delete(&event);
      if (code == PV_OK) code = next(r, &event);
      if (code != PV_OK) break;
    }
    if (!done) code = read_node(r, &event, depth, &value);
    if (!done && code == PV_OK) code = append(r, &node->items, node->count, value);
    if (!done && code == PV_OK) node->count++;
    yaml_event_delete(&event);
  }
  return code;
}

static pv_code check_event(reader *r, const yaml_event_t *event, int depth) {
  const yaml_char_t *anchor = NULL, *tag = NULL;
  if (event->type == YAML_ALIAS_EVENT)
    return refuse_event(r, "PV007", event, "aliases are not allowed", "write the value out");
  if (event->type == YAML_SCALAR_EVENT) {
    anchor = event->data.scalar.anchor;
    tag = event->data.scalar.tag;
  } else if (event->type == YAML_SEQUENCE_START_EVENT) {
    anchor = event->data.sequence_start.anchor;
    tag = event->data.sequence_start.tag;
  } else if (event->type == YAML_MAPPING_START_EVENT) {
    anchor = event->data.mapping_start.anchor;
    tag = event->data.mapping_start.tag;
  }
  if (anchor != NULL)
    return refuse_event(r, "PV007", event, "anchors are not allowed", "write the value out");
  if (tag != NULL) return refuse_event(r, "PV007", event, "tags are not allowed", "remove the tag");
  if (event->type != YAML_SCALAR_EVENT && depth >= PV_YAML_DEPTH_MAX)
    return refuse_event(r, "PV004", event, "the nesting is deeper than 32", "flatten it");
  return PV_OK;
}

static pv_code read_node(reader *r, yaml_event_t *event, int depth, pv_yaml_node **out) {
  pv_code code = check_event(r, event, depth);
  if (code != PV_OK) return code;
  if (++r->nodes > PV_YAML_NODES_MAX)
    return refuse_event(r, "PV001", event, "there are more than 16384 keys and values", "split it");
  pv_yaml_node *node = PV_ARENA_NEW(r->arena, 1, pv_yaml_node);
  if (node == NULL) return out_of_memory(r);
  node->place = place_of(r, event);
  if (event->type == YAML_SCALAR_EVENT) {
    code = read_scalar(r, event, node);
  } else {
    node->kind = event->type == YAML_MAPPING_START_EVENT ? PV_YAML_MAPPING : PV_YAML_SEQUENCE;
    code = read_children(r, node, depth + 1);
  }
  *out = node;
  return code;
}

static pv_code read_document(reader *r, pv_yaml_node **out) {
  pv_code code = PV_OK;
  int documents = 0;
  for (bool done = false; code == PV_OK && !done;) {
    yaml_event_t event;
    code = next(r, &event);
    if (code != PV_OK) break;
    switch (event.type) {
      case YAML_STREAM_END_EVENT:
        done = true;
        break;
      case YAML_STREAM_START_EVENT:
        break;
      case YAML_DOCUMENT_END_EVENT:
        r->ended = !event.data.document_end.implicit;
        break;
      case YAML_DOCUMENT_START_EVENT:
        if (event.data.document_start.version_directive != NULL ||
            event.data.document_start.tag_directives.start !=
                event.data.document_start.tag_directives.end)
          code = refuse_event(r, "PV007", &event, "directives are not allowed", "remove it");
        else if (documents++ > 0)
          code = refuse_event(r, "PV009", &event, "a second document begins here",
                              "one contract per file");
        break;
      default:
        code = read_node(r, &event, 0, out);
        break;
    }
    yaml_event_delete(&event);
  }
  if (code == PV_OK && *out == NULL)
    code = refuse(r, "PV005", 0, "the file has no content", "write a contract");
  return code;
}

pv_code pv_yaml_parse(pv_arena *arena, const char *file, const void *bytes, size_t length,
                      pv_yaml_node **out, pv_error *err) {
  reader r = {.arena = arena, .file = file, .bytes = bytes, .length = length, .err = err};
  pv_yaml_node *root = NULL;
  pv_code code = scan(&r);
  if (code != PV_OK) return code;
  if (!yaml_parser_initialize(&r.parser)) return out_of_memory(&r);
  yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&r.parser, bytes, length);
  code = read_document(&r, &root);
  yaml_parser_delete(&r.parser);
  if (code == PV_OK) *out = root;
  return code;
}

const pv_yaml_node *pv_yaml_get(const pv_yaml_node *mapping, const char *key) {
  if (mapping == NULL || mapping->kind != PV_YAML_MAPPING) return NULL;
  for (size_t i = 0; i < mapping->count; i++)
    if (strcmp(mapping->keys[i]->text, key) == 0) return mapping->items[i];
  return NULL;
}
