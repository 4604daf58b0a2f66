#include "runtime/probe/digest.h"

#include <string.h>

static void *work(void *context) {
  pv_digest *d = context;
  d->code = pv_gguf_digest(d->gguf, d->drop, d->digest, &d->err);
  atomic_store(&d->done, true);
  return NULL;
}

void pv_digest_begin(pv_digest *d, const pv_gguf *gguf, bool drop, unsigned threads) {
  d->gguf = gguf;
  d->drop = drop;
  d->threaded = threads != 1 && pthread_create(&d->thread, NULL, work, d) == 0;
}

bool pv_digest_ready(pv_digest *d) {
  return d->gguf != NULL && atomic_load(&d->done);
}

pv_code pv_digest_take(pv_digest *d, char out[PV_SHA256_HEX], pv_error *err) {
  if (d->threaded)
    pthread_join(d->thread, NULL);
  else
    work(d);
  d->threaded = false;
  d->gguf = NULL;
  if (d->code != PV_OK && err != NULL) *err = d->err;
  if (d->code == PV_OK) memcpy(out, d->digest, sizeof d->digest);
  return d->code;
}

void pv_digest_close(pv_digest *d) {
  if (d->threaded) pthread_join(d->thread, NULL);
  *d = (pv_digest){0};
}
