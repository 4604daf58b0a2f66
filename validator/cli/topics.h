/* What is longer than a line to explain: formats that users write. */
#ifndef PV_CLI_TOPICS_H
#define PV_CLI_TOPICS_H

#include <stddef.h>

typedef struct pv_topic {
  const char *name, *about, *text;
} pv_topic;

/* NULL past the last; NULL for an unknown name. */
const pv_topic *pv_topic_at(size_t n);
const pv_topic *pv_topic_find(const char *name);

#endif
