/* What is asked, and what a judgement then stands on: the first steps, before anything is run. */
#ifndef PV_JUDGE_GROUND_H
#define PV_JUDGE_GROUND_H

#include "validator/judge/facts.h"
#include "validator/judge/shard.h"
#include "validator/judge/site.h"

/* Texts may be NULL but for the command of a run. */
typedef struct pv_request {
  const pv_contract *contract;
  const char *command, *model, *reference, *backend, *only, *out, *probe;
  const char *model_key; /* who must have signed the model: a file, or NULL */
  unsigned threads;
  uint64_t memory;       /* bytes that a side may hold; 0: what there is */
  bool given_providers;  /* a program that the call names judges: --provider */
  bool publish, faults;  /* faults: run each falsifier against those that it declares */
  bool quiet;            /* nothing is said while it runs */
  bool any;              /* no contract was named: pv_any_ask */
  const pv_shard *shard; /* of this contract; NULL: all of it is judged */
  const char *prompts;   /* the words of the call that gave the prompts (the reference is made of
                            them)  as a command takes them; NULL: none did */
} pv_request;

typedef struct pv_ground {
  pv_site site;
  const char *model, *reference; /* paths, or NULL */
  bool lacking; /* some falsifier needs a model or a reference, and there is none */
} pv_ground;

/* The only model that counts for a contract that names one is that one: another that the user gave
 * is PV_ERR_INPUT, another default is none. What was not found is told in `notes`. */
pv_code pv_ground_find(pv_arena *arena, const pv_request *request, pv_strings *notes,
                       pv_ground *out, pv_error *err);

/* How to get the model that the contract names: one sentence. */
char *pv_ground_cure(pv_arena *arena, const pv_contract *contract);

/* Bits of pv_known_needs over the falsifiers that `selected` names; NULL: all. */
unsigned pv_ground_needs(const pv_contract *contract, const bool *selected);

/* Something that the reader of a judgement should know. Beyond 64 they are dropped. */
pv_code pv_ground_note(pv_arena *arena, pv_strings *notes, const char *what, const char *which,
                       pv_error *err);

#endif
