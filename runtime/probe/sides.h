/* Options that several commands share: which model, which tokens, which side computes. */
#ifndef PV_PROBE_SIDES_H
#define PV_PROBE_SIDES_H

#include "base/options.h"
#include "runtime/forward/forward.h"

typedef struct pv_side {
  const char *model, *prompt, *ids, *backend, *numerics, *threads, *path;
  bool plain; /* the names of control tokens in the prompt are text like any other */
} pv_side;
#define PV_SIDE_DEFAULTS ((pv_side){.backend = "cpu", .numerics = "i16", .threads = "0"})

/* Entries for a pv_option list. */
#define PV_SIDE_OPTIONS(side)                                                                     \
  {"--model", "FILE", "a GGUF model (Qwen3-MoE)", &(side).model, NULL},                           \
      {"--backend", "NAME", "cpu, cuda or ptx (default cpu); never a fallback", &(side).backend,  \
       NULL},                                                                                     \
      {"--numerics", "NAME", "i16, f32-f64acc, f64 or i8 (default i16)", &(side).numerics, NULL}, \
      {"--threads", "N", "threads (default: one per processor)", &(side).threads, NULL}, {        \
    "--path", "NAME", "CPU code path: scalar or avx2 (default: the fastest)", &(side).path, NULL  \
  }
#define PV_SIDE_TOKENS(side)                                                            \
  {"--ids", "1,2,3", "token ids", &(side).ids, NULL},                                   \
      {"--prompt", "TEXT", "text to encode, instead of --ids", &(side).prompt, NULL}, { \
    "--plain-text", NULL, "no control tokens in the prompt: <|im_end|> is text", NULL,  \
        &(side).plain                                                                   \
  }

/* What the options ask for; the caller closes the model and frees the ids. */
typedef struct pv_job {
  pv_model *model;
  uint32_t *ids;
  size_t count;
  pv_numerics numerics;
  unsigned threads;
} pv_job;

/* `tokens`: ids or a prompt are needed. */
pv_code pv_side_open(const pv_side *side, bool tokens, pv_job *out, pv_error *err);
void pv_job_close(pv_job *job);

/* "cuda:i16" into a backend's name and an identity. */
pv_code pv_side_parse(const char *text, char backend[16], pv_numerics *numerics, pv_error *err);

/* Prints the error, if any, and returns the exit code. */
int pv_side_exit(pv_code code, const pv_error *err);

/* True when progress may be shown: standard error is a terminal. */
bool pv_side_terminal(void);

#endif
