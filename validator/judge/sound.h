/* Only a sound contract is run: loaded, without a severe finding, and so are those it rests on. */
#ifndef PV_JUDGE_SOUND_H
#define PV_JUDGE_SOUND_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/judge/providers.h"
#include "validator/rules/rules.h"

/* Loads the contract, asks its providers (those that `given` names in the place of its own), binds
 * it to what the probe can check and lints it and every contract that it depends on, near or far.
 * `findings` gets what is severe in them; with one the result is PV_ERR_INPUT, as for a file that
 * has a single flaw, which is then the error. */
pv_code pv_sound_load(pv_arena *arena, const pv_known *known, const pv_given_providers *given,
                      const char *path, pv_contract **out, pv_findings *findings, pv_error *err);

#endif
