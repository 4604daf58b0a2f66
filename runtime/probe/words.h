/* The words that the probe prints, of its own tables, with what each means: for pv explain. */
#ifndef PV_PROBE_WORDS_H
#define PV_PROBE_WORDS_H

#include <jansson.h>

/* An array of {name, kind, about}; a name may occur once for each kind. NULL when memory is out. */
json_t *pv_probe_words_json(void);

#endif
