/* Any contract with another status: refused with a reason, or exactly the bytes of the status and
 * of the version are others and one piece is put in; what results is loaded and says what was
 * asked for. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validator/model/contract_load.h"
#include "validator/store/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

/* The old bytes with two scalars replaced, in their order. */
static void replaced(const pv_contract *c, const char *status, const char *version, pv_text *out) {
  const bool status_first = c->status_place.begin < c->version_place.begin;
  const pv_place *places[] = {status_first ? &c->status_place : &c->version_place,
                              status_first ? &c->version_place : &c->status_place};
  const char *texts[] = {status_first ? status : version, status_first ? version : status};
  size_t at = 0;
  for (int i = 0; i < 2; i++) {
    pv_text_add(out, (const char *)c->bytes + at, (size_t)places[i]->begin - at);
    pv_text_puts(out, texts[i]);
    at = (size_t)places[i]->end;
  }
  pv_text_add(out, (const char *)c->bytes + at, c->length - at);
}

static void check_bytes(const pv_text *want, const pv_text *got) {
  size_t head = 0, tail = 0;
  demand(!want->failed && !got->failed && got->length > want->length, "something is put in");
  while (head < want->length && want->data[head] == got->data[head]) head++;
  while (tail < want->length &&
         want->data[want->length - 1 - tail] == got->data[got->length - 1 - tail])
    tail++;
  demand(head + tail >= want->length, "every other byte stays");
}

static void check_contract(const pv_contract *old, const pv_contract *new, const pv_rewrite *w) {
  demand(new->status == w->status, "the status is the new one");
  demand(strcmp(new->version, w->amendment.version) == 0, "the version is the new one");
  demand(new->amendment_count == old->amendment_count + 1, "there is one amendment more");
  size_t found = 0;
  for (size_t i = 0; i < new->amendment_count; i++) {
    const pv_amendment *a = &new->amendments[i];
    found += strcmp(a->title, w->amendment.title) == 0 && a->evidence != NULL &&
             strcmp(a->evidence, w->amendment.evidence) == 0 && a->description != NULL &&
             strcmp(a->description, w->amendment.description) == 0;
  }
  demand(found >= 1, "the amendment is read as it was meant");
  demand(strcmp(new->name, old->name) == 0 && strcmp(new->description, old->description) == 0 &&
             new->criterion_count == old->criterion_count &&new->falsifier_count ==
                 old->falsifier_count,
         "the rest is the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char date[] = "2026-11-22", kind[] = "evidence", title[] = "Status: \"raised\"";
  static char about[] = "a \\ and\ntwo lines: \xc3\xa9 #", evidence[] = "20261122T101500Z-0badcafe";
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_text want = PV_TEXT_INIT, got = PV_TEXT_INIT;
  pv_contract *old = NULL, *new = NULL;
  char *version = NULL;
  if (pv_contract_load_bytes(&arena, "fuzz.yaml", data, size, &old, NULL) != PV_OK ||
      pv_rewrite_bump(&arena, old->version, &version, NULL) != PV_OK)
    goto cleanup;
  const pv_rewrite rewrite = {.contract = old,
                              .status = size % 2 == 0 ? PV_STATUS_ACTIVE_RUNTIME : PV_STATUS_DRAFT,
                              .amendment = {version, date, kind, title, about, evidence, {0}}};
  if (pv_rewrite_text(&rewrite, &got, &err) != PV_OK) {
    demand(err.message[0] != '\0', "a refusal says why");
    goto cleanup;
  }
  replaced(old, pv_contract_status_name(rewrite.status), version, &want);
  check_bytes(&want, &got);
  demand(pv_contract_load_bytes(&arena, "fuzz.yaml", got.data, got.length, &new, NULL) == PV_OK,
         "the result is loaded");
  check_contract(old, new, &rewrite);

cleanup:
  pv_text_free(&want);
  pv_text_free(&got);
  pv_arena_free(&arena);
  return 0;
}
