/* What reading a descriptor is made of: keys, words and expressions of its YAML, with their places.
 */
#ifndef PV_GUEST_READER_H
#define PV_GUEST_READER_H

#include "runtime/guest/descriptor.h"
#include "validator/yaml/yaml.h"

typedef struct pv_guest_reader {
  pv_arena *arena;
  const char *path, *bytes;
  pv_guest_descriptor *d;
  pv_code code; /* the first error; nothing is read after it */
  pv_error *err;
} pv_guest_reader;

typedef struct pv_guest_text {
  const char *text;
  pv_guest_place place;
} pv_guest_text;

/* Notes an error at the node; always false. A hint may follow. */
bool pv_guest_refuse(pv_guest_reader *r, const pv_yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool pv_guest_refuse_at(pv_guest_reader *r, pv_guest_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "did you mean", or all of the words. */
void pv_guest_hint_words(pv_guest_reader *r, const char *word, const char *const *words,
                         size_t count);

pv_guest_place pv_guest_place_of(const pv_guest_reader *r, const pv_yaml_node *node);
/* A mapping with these keys and no others; `words` ends with NULL. */
bool pv_guest_keys(pv_guest_reader *r, const pv_yaml_node *map, const char *what,
                   const char *const *words);
/* The text of a key that must be one; `fallback` where it is not there. */
const char *pv_guest_word(pv_guest_reader *r, const pv_yaml_node *map, const char *key,
                          const char *fallback);
bool pv_guest_flag(pv_guest_reader *r, const pv_yaml_node *map, const char *key);
/* The node as a scalar; "" and an error where it is none. */
pv_guest_text pv_guest_scalar(pv_guest_reader *r, const pv_yaml_node *node);
/* An expression over sizes and the constants read so far, NULL for a NULL node. */
const pv_guest_expression *pv_guest_read_expression(pv_guest_reader *r, const pv_yaml_node *node);
const pv_guest_expression *pv_guest_bind(pv_guest_reader *r, pv_guest_text text);
/* The text of item *at of a list, and on with *at: where the comma of a function's arguments cut
 * it, all of its pieces. `key`: that of an item `key: text`, else NULL. */
pv_guest_text pv_guest_item(pv_guest_reader *r, const pv_yaml_node *list, size_t *at,
                            const char **key);
/* The buffer of that name; PV_GUEST_BUFFERS when there is none. */
size_t pv_guest_buffer(const pv_guest_descriptor *d, const char *name);
size_t pv_guest_buffer_names(const pv_guest_descriptor *d, const char *out[PV_GUEST_BUFFERS]);

/* Grid, block, parameters and what else one launch says. */
void pv_guest_read_launch(pv_guest_reader *r, const pv_yaml_node *map, pv_guest_launch *out);

#endif
