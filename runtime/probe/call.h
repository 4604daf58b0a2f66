/* Options that several commands share: which model, which tokens, which side computes. */
#ifndef PV_PROBE_CALL_H
#define PV_PROBE_CALL_H

#include "base/file.h"
#include "base/options.h"
#include "runtime/reference/reference.h"
#include "runtime/sources/engine.h"
#include "runtime/walk/walk.h"

typedef struct pv_call {
  const char *model, *prompt, *ids, *text, *side, *threads, *memory;
  const char *backend, *numerics, *path;         /* the side as it was named before --side */
  const char *random, *seed, *reference, *named; /* of several sequences of tokens */
  const char *engine_timeout;                    /* of sides that are other engines */
  const char *words[2]; /* MODEL, and TEXT where there is one: the rest of pv_call_parse */
  bool plain;           /* the names of control tokens in the prompt are text like any other */
} pv_call;
#define PV_CALL_DEFAULTS ((pv_call){.threads = "0"})

/* Entries for a pv_option list. */
#define PV_CALL_OPTIONS(call)                                                                     \
  {"--model", "FILE", "a GGUF model", &(call).model, NULL},                                       \
      {"--side", "SIDE", "who computes: KIND[:IDENTITY][@FAULT] (default cpu:i16)", &(call).side, \
       NULL},                                                                                     \
      PV_CALL_LIMITS(call),                                                                       \
      {"--backend", "NAME", "old: the kind of --side", &(call).backend, NULL},                    \
      {"--numerics", "NAME", "old: the identity of --side", &(call).numerics, NULL}, {            \
    "--path", "NAME", "old: --side scalar or avx2", &(call).path, NULL                            \
  }
/* What a side may take of the machine. */
#define PV_CALL_LIMITS(call)                                                               \
  {"--threads", "N", "threads (default: one per processor)", &(call).threads, NULL}, {     \
    "--memory", "BYTES", "hold no more (8G): layers beyond it come and go; the bits stay", \
        &(call).memory, NULL                                                               \
  }
#define PV_CALL_TOKENS(call)                                                                 \
  {"--ids", "1,2,3", "token ids", &(call).ids, NULL},                                        \
      {"--prompt", "TEXT", "text to encode, instead of --ids", &(call).prompt, NULL},        \
      {"--text", "FILE", "a file with the text; - is standard input", &(call).text, NULL}, { \
    "--plain-text", NULL, "no control tokens in the prompt: <|im_end|> is text", NULL,       \
        &(call).plain                                                                        \
  }

/* Of commands over any number of sequences; to be listed behind PV_CALL_TOKENS. */
#define PV_CALL_SEQUENCES(call)                                                                   \
  {"--random", "N,N", "random tokens instead: how many, in each sequence", &(call).random, NULL}, \
      {"--seed", "N", "of what is random (default 1)", &(call).seed, NULL},                       \
      {"--reference", "FILE", "every prompt of a model's reference, instead of --ids",            \
       &(call).reference, NULL},                                                                  \
  {                                                                                               \
    "--named", "NAME", "of the reference, or of the built-in prompts, this one alone",            \
        &(call).named, NULL                                                                       \
  }

/* Of commands that run other engines. */
#define PV_CALL_ENGINES(call)                                                                \
  {                                                                                          \
    "--engine-timeout", "S", "how long a side that is another engine may run (default 600)", \
        &(call).engine_timeout, NULL                                                         \
  }

/* What the options ask for; pv_job_close closes and frees all of it. */
typedef struct pv_job {
  pv_model *model;
  uint32_t *ids;
  size_t count;
  pv_side side;
  unsigned threads;
  pv_sequence *sequences; /* of pv_call_sequences; of `ids`, of the reference, or of neither */
  size_t sequence_count, longest;
  pv_reference *reference;
} pv_job;

/* pv_options_parse of a command that is about a model: MODEL stands first or behind --model, and
 * with room for two words what follows is the prompt, "-" standard input. */
pv_code pv_call_parse(pv_call *call, pv_options *options, int argc, char **argv, bool *help,
                      pv_error *err);
/* The bytes of a file, or of standard input where it is called "-"; at most PV_TOKENIZER_MAX_TEXT.
 */
pv_code pv_call_read(const char *path, pv_bytes *out, pv_error *err);

/* Whether tokens are named: --ids, --prompt or --text. */
bool pv_call_given(const pv_call *call);
/* `tokens`: they are needed. */
pv_code pv_call_open(const pv_call *call, bool tokens, pv_job *out, pv_error *err);
void pv_job_close(pv_job *job);
/* Which tokens a command runs over, of a job that is open: those of pv_call_given, of --random,
 * or of a reference. Without any of them `otherwise`, which must outlive the job; without `ids` in
 * it that many random ones, and with no count PV_ERR_INPUT. */
pv_code pv_call_sequences(const pv_call *call, pv_sequence otherwise, pv_job *job, pv_error *err);
/* How a side that is another engine is run over these tokens. */
pv_code pv_call_engine(const pv_call *call, const pv_side *side, const pv_sequence *tokens,
                       pv_engine_spec *out, pv_error *err);
/* How far a walk is, in operations, for the line of progress (screen/progress.h). */
void pv_call_progress(void *unused, size_t done, size_t total);

/* A side, and the fault that an option of its own names, or NULL. `old`: the text is made of such
 * options. What is of the old spelling is read, and that is said on standard error. */
pv_code pv_call_side(const char *text, const char *fault, bool old, pv_side *out, pv_error *err);

/* Prints the error, if any, and returns the exit code. */
int pv_call_exit(pv_code code, const pv_error *err);

#endif
