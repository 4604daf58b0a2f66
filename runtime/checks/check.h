/* What a check gets and what it leaves behind, and what it does both with. */
#ifndef PV_CHECKS_CHECK_H
#define PV_CHECKS_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "runtime/alone/alone.h"
#include "runtime/checks/spec.h"
#include "runtime/forward/weights.h"
#include "runtime/reference/reference.h"
#include "runtime/sources/walker.h"
#include "runtime/trace/capture.h"

/* What was seen of the reals of a run: all of them, once. */
typedef struct pv_seen {
  uint64_t elements;
  double largest; /* magnitude; infinite when one is no number */
  bool bad;       /* of the first that is no finite number, in the order of computation */
  pv_stage_element first;
  size_t position;
  double value;
} pv_seen;

/* Runs shared by the checks of one process. */
typedef struct pv_cached {
  pv_numerics numerics;
  const pv_reference_prompt *prompt;
  const pv_fault *fault; /* planted in it; NULL: the side itself */
  char *side;            /* KIND[@FAULT]; owned, `capture` may point to it */
  pv_capture *capture;   /* owned; of all stages, or of some roles */
  pv_seen seen;          /* elements 0: nobody has looked */
} pv_cached;
typedef struct pv_capture_cache {
  pv_cached *entries; /* owned; nothing is evicted, since a check may hold several */
  size_t count;
  unsigned roles; /* what a pass keeps of a side; bit n: the stages of pv_role n */
  uint64_t room;  /* bytes that a capture of all stages may have to be kept; 0: PV_CAPTURE_ROOM */
  char model_sha256[PV_SHA256_HEX]; /* "" until a recording says of which file it is */
} pv_capture_cache;
#define PV_CAPTURE_ROOM ((uint64_t)512 << 20)
void pv_capture_cache_free(pv_capture_cache *cache);

struct pv_check {
  /* given */
  pv_capture_cache *cache;
  const pv_check_spec *spec;
  const json_t *with;            /* parameters as bound; absent ones have the spec's fallback */
  const pv_model *model;         /* NULL when none was given */
  const pv_reference *reference; /* NULL when none was given */
  const pv_reference *builtin;   /* prompts of the model in its place; NULL with a reference */
  const char *model_path, *reference_path, *probe_path;
  unsigned threads;
  pv_planted planted;  /* in the side under test; fault NULL: none */
  pv_cpu_path kernels; /* filled in by pv_check_set */
  void (*progress)(void *context, size_t done, size_t total);
  void *progress_context;
  /* left behind */
  const char *verdict; /* "NOT_RUN" until a check decides */
  char reason[512];
  uint64_t compared;
  json_t *metrics, *series, *backends, *worst; /* owned; worst may be NULL */
  bool has_needed;
  double needed;
};

/* Parameters. The validator has checked types and ranges; a value that is missing and has no
 * fallback is PV_ERR_INTERNAL, reported by the caller of the check. */
const char *pv_check_word(const pv_check *check, const char *name);
double pv_check_real(const pv_check *check, const char *name);
/* Items of a list parameter; 0 when it is absent. */
size_t pv_check_list(const pv_check *check, const char *name, const char *out[32]);
pv_numerics pv_check_numerics(const pv_check *check, const char *name);

/* Verdicts. Each sets the verdict and the reason and returns PV_OK. A later FAIL keeps the first
 * reason. */
pv_code pv_check_pass(pv_check *check);
pv_code pv_check_fail(pv_check *check, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
pv_code pv_check_verdict(pv_check *check, const char *verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool pv_check_failed(const pv_check *check);

void pv_check_metric(pv_check *check, const char *name, double value);
/* The tolerance that would have been enough; one that is not finite is none. */
void pv_check_needed(pv_check *check, double tolerance);
void pv_check_backend(pv_check *check, const char *name);
void pv_check_worst(pv_check *check, pv_stage_id stage, uint32_t layer, size_t position,
                    size_t index, double left, double right);
void pv_check_series(pv_check *check, const char *picture, const char *name, const char *x_label,
                     const char *y_label, bool log_y, const double *x, const double *y,
                     size_t count);
void pv_check_progress(pv_check *check, size_t done, size_t total);

/* The prompts a check runs over, of the reference or where none was given of the built-in ones:
 * those named by `prompts`, else all up to `longest` tokens, at most 16 where the backend is ptx.
 * An unknown name is PV_ERR_INPUT. */
typedef struct pv_prompts {
  const pv_reference_prompt *items[64];
  size_t count;
} pv_prompts;
pv_code pv_check_prompts(const pv_check *check, size_t longest, pv_prompts *out, pv_error *err);

/* A capture of one prompt, kept for the other checks of this process: of all stages, but where
 * these do not fit in the cache's room of those alone that the check looks at. When the backend, or
 * the program of another engine, does not exist here the verdict becomes NOT_RUN with the reason
 * and
 * `*out` stays NULL. What was recorded has all stages that the check looks at; else PV_ERR_INPUT.
 */
pv_code pv_check_capture(pv_check *check, const char *backend, pv_numerics numerics,
                         const pv_reference_prompt *prompt, const pv_capture **out, pv_error *err);
/* Whether all stages of a run over so many tokens may be kept. */
bool pv_check_fits(const pv_check *check, size_t positions);
/* The roles of which a run that is not kept whole keeps the stages: those of the checks to come,
 * and how experts were chosen. */
unsigned pv_check_roles(const pv_check *check);
/* What is kept of a run, `roles` of it at least; 0: all stages. NULL: nothing yet. The pointer
 * holds until the next run is kept. */
pv_cached *pv_check_kept(const pv_check *check, const char *backend, pv_numerics numerics,
                         const pv_reference_prompt *prompt, unsigned roles);
/* Takes `side`, from malloc, and `capture` over; on an error they stay the caller's. */
pv_code pv_check_keep(pv_check *check, char *side, pv_numerics numerics,
                      const pv_reference_prompt *prompt, pv_capture *capture, pv_error *err);
/* Names in the result who computed a capture, and in the capture by the side whose place it takes.
 */
pv_code pv_check_name(pv_check *check, const char *word, pv_numerics numerics, pv_capture *capture,
                      pv_error *err);
void pv_check_note_who(pv_check *check, const pv_capture *capture);
/* Each device of Vulkan that was proved in this process: name, driver and proof. */
void pv_check_note_vulkan(pv_check *check);
/* Whether the parameter `device` lets a side compute where it does: of `gpu` no device of software,
 * and the verdict is NOT_RUN. Another side than one of Vulkan may. */
bool pv_check_on_device(pv_check *check, const char *side);
/* The same with a number of threads and a cut into batches; the caller frees it. */
pv_code pv_check_capture_spec(pv_check *check, const pv_capture_spec *spec, pv_capture **out,
                              pv_error *err);
/* The side that a word of the parameters (KIND[@FAULT]) and an identity name. */
pv_code pv_check_side(const char *word, pv_numerics numerics, pv_side *out, pv_error *err);
/* A forward for a side; for the one under test what stands in for it with the fault. */
pv_code pv_check_open(pv_check *check, const char *backend, const pv_backend_config *config,
                      pv_fault_side *out, pv_error *err);
/* Tells as a metric what a forward on a device has to send for each batch, if it does. */
pv_code pv_check_note_streams(pv_check *check, pv_forward *forward, pv_error *err);
/* Whether a word of the parameters names what was recorded, or is by another engine. */
bool pv_check_records(const char *word);

/* What another engine computed over a prompt. */
typedef struct pv_check_recorded {
  pv_recorded *trace; /* NULL: there is none here */
  char *made;         /* its folder, of an engine that was run */
} pv_check_recorded;
/* Runs the engine that `word` names, or opens the trace. A program that is not there makes the
 * verdict NOT_RUN. An error tells of which file of which side it is in its message. */
pv_code pv_check_record(pv_check *check, const char *word, const uint32_t *ids, size_t count,
                        pv_check_recorded *out, pv_error *err);
void pv_check_recorded_close(pv_check_recorded *recorded);
/* "llama.cpp 11434", which the caller frees; untouched where the trace does not say. How it was run
 * is of each prompt, and what was asked for stands in the side. */
pv_code pv_check_engine(const pv_recorded *trace, char **out, pv_error *err);
/* A capture of it, as pv_check_capture_spec. */
pv_code pv_check_capture_recorded(pv_check *check, const pv_capture_spec *spec, pv_capture **out,
                                  pv_error *err);
/* PV_ERR_INPUT where a recording lacks a stage that the check looks at. */
pv_code pv_check_complete(const pv_check *check, const char *word, const pv_capture *capture,
                          pv_error *err);
/* Whether a side is the one that a fault is planted in. */
bool pv_check_tests(const pv_check *check, const char *word, pv_numerics numerics);

/* The kernel set of a side (KIND[@FAULT]), as pv_alone_set_find; with a fault, that of the fault.
 */
pv_code pv_check_set(pv_check *check, const char *word, pv_alone_set *out, pv_error *err);
/* True when exactly this fault is planted. */
bool pv_check_planted(const pv_check *check, const char *fault);
/* False, and NOT_RUN, unless the check was given a model (and the prompts that it names: without a
 * reference there are the built-in ones alone); NOT_APPLICABLE where the model is none that the
 * check is about: no run of it ever could be a PASS. Whether that is an error the contract says. */
bool pv_check_has(pv_check *check, bool prompts);

#endif
