/* Options that several commands share: which model, which tokens, which side computes. */
#ifndef PV_PROBE_CALL_H
#define PV_PROBE_CALL_H

#include "base/options.h"
#include "runtime/sources/side.h"

typedef struct pv_call {
  const char *model, *prompt, *ids, *side, *threads;
  const char *backend, *numerics, *path; /* the side as it was named before --side */
  bool plain; /* the names of control tokens in the prompt are text like any other */
} pv_call;
#define PV_CALL_DEFAULTS ((pv_call){.threads = "0"})

/* Entries for a pv_option list. */
#define PV_CALL_OPTIONS(call)                                                                     \
  {"--model", "FILE", "a GGUF model", &(call).model, NULL},                                       \
      {"--side", "SIDE", "who computes: KIND[:IDENTITY][@FAULT] (default cpu:i16)", &(call).side, \
       NULL},                                                                                     \
      {"--threads", "N", "threads (default: one per processor)", &(call).threads, NULL},          \
      {"--backend", "NAME", "old: the kind of --side", &(call).backend, NULL},                    \
      {"--numerics", "NAME", "old: the identity of --side", &(call).numerics, NULL}, {            \
    "--path", "NAME", "old: --side scalar or avx2", &(call).path, NULL                            \
  }
#define PV_CALL_TOKENS(call)                                                            \
  {"--ids", "1,2,3", "token ids", &(call).ids, NULL},                                   \
      {"--prompt", "TEXT", "text to encode, instead of --ids", &(call).prompt, NULL}, { \
    "--plain-text", NULL, "no control tokens in the prompt: <|im_end|> is text", NULL,  \
        &(call).plain                                                                   \
  }

/* What the options ask for; the caller closes the model and frees the ids. */
typedef struct pv_job {
  pv_model *model;
  uint32_t *ids;
  size_t count;
  pv_side side;
  unsigned threads;
} pv_job;

/* `tokens`: ids or a prompt are needed. */
pv_code pv_call_open(const pv_call *call, bool tokens, pv_job *out, pv_error *err);
void pv_job_close(pv_job *job);

/* A side, and the fault that an option of its own names, or NULL. `old`: the text is made of such
 * options. What is of the old spelling is read, and that is said on standard error. */
pv_code pv_call_side(const char *text, const char *fault, bool old, pv_side *out, pv_error *err);

/* Prints the error, if any, and returns the exit code. */
int pv_call_exit(pv_code code, const pv_error *err);

/* True when progress may be shown: standard error is a terminal. */
bool pv_call_terminal(void);

#endif
