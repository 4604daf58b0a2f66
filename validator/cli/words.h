/* The words that the program `pv` prints and what they mean; those of the probe it tells itself
 * (validator/model/known.h). */
#ifndef PV_CLI_WORDS_H
#define PV_CLI_WORDS_H

#include <stddef.h>

typedef struct pv_word {
  const char *name, *kind, *text;
} pv_word;

/* Of one kind they stand together; NULL past the last. */
const pv_word *pv_word_at(size_t n);
/* NULL: there is none. */
const pv_word *pv_word_find(const char *name);
const char *pv_word_nearest(const char *name);

#endif
