/* The providers of a contract, asked what they can check. */
#ifndef PV_JUDGE_PROVIDERS_H
#define PV_JUDGE_PROVIDERS_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

/* Programs that the call names: --provider FILE. */
typedef struct pv_given_providers {
  const char *files[8];
  size_t count;
} pv_given_providers;

/* "a.py,b.py" as `--provider` has them; NULL: none. */
pv_code pv_providers_split(pv_arena *arena, const char *text, pv_given_providers *out,
                           pv_error *err);

/* Starts each provider of the contract once, to describe itself, and notes in the contract what it
 * said or why it did not: that is no error, its falsifiers have a verdict for it. A program that
 * the call names takes the place of the contract's of the same name, or is added to them; one of
 * those that does not describe itself is PV_ERR_INPUT. The contract's own is started only where pv
 * would take a file from: not in a folder that anybody may write, nor another user's (site.h). */
pv_code pv_providers_ask(pv_arena *arena, pv_contract *contract, const pv_given_providers *given,
                         pv_error *err);

#endif
