/* The digest of a model, which other work does not wait for: a file of 20 GB takes 20 seconds. */
#ifndef PV_PROBE_DIGEST_H
#define PV_PROBE_DIGEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/gguf/gguf.h"

/* Begins as {0}, and stays where it is. */
typedef struct pv_digest {
  const pv_gguf *gguf; /* NULL: not begun, or taken */
  bool drop;           /* as pv_gguf_digest takes it */
  pthread_t thread;
  bool threaded;
  atomic_bool done;
  char digest[PV_SHA256_HEX];
  pv_code code;
  pv_error err;
} pv_digest;

/* `gguf` must stay open until the digest was taken. With one thread, or where no other starts, it
 * is made when it is taken. */
void pv_digest_begin(pv_digest *d, const pv_gguf *gguf, bool drop, unsigned threads);
/* Whether taking it would not wait. */
bool pv_digest_ready(pv_digest *d);
/* Waits for it; once. */
pv_code pv_digest_take(pv_digest *d, char out[PV_SHA256_HEX], pv_error *err);
/* Waits for one that nobody took. */
void pv_digest_close(pv_digest *d);

#endif
