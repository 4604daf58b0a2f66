/* Writes a GGUF file of a model of any shape with random weights: the same bytes for the
 * same options, whatever the number of threads. Weights have a standard deviation of 1/sqrt(row
 * length), projections back into the residual stream 1/sqrt(2 * layers) of that, so activations
 * stay of order 1 at any depth. Quantised tensors get random block integers and scales directly;
 * nothing is encoded from floats. */
#ifndef PV_SYNTH_SYNTH_H
#define PV_SYNTH_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/model/model.h"

typedef enum pv_synth_layout {
  PV_SYNTH_F32,
  PV_SYNTH_F16,
  PV_SYNTH_BF16,
  PV_SYNTH_Q8_0,
  PV_SYNTH_Q6_K,
  PV_SYNTH_Q4_K_M,    /* as published files of the 30B-A3B shape: attn_v and ffn_down_exps mix
                         Q4_K and Q6_K over the layers, head Q6_K, all else Q4_K */
  PV_SYNTH_Q4_K_M_KV8 /* as newer quantisers write it for a mixture of experts: attn_k and attn_v
                         Q8_0, attn_output Q5_K, the rest as above */
} pv_synth_layout;
#define PV_SYNTH_LAYOUT_COUNT 7

typedef struct pv_synth_options {
  const pv_plan *plan; /* the architecture */
  pv_shape shape;      /* vocab is at least PV_SYNTH_VOCAB_MIN */
  pv_synth_layout layout;
  uint64_t seed;
  uint32_t threads; /* 0: two for each processor */
  char name[64];    /* general.name; "" for one made of the shape */
  const char
      *prompts; /* lengths of prompts for a reference beside the file, or NULL: the caller's */

  /* One channel of the token embedding becomes `outlier` times the rms of the row's other
   * channels; 0 for none. The embedding is F32 then: a quantised block would lose its other
   * values. `outlier_token` -1 means every row. */
  double outlier;
  uint32_t outlier_channel;
  int64_t outlier_token;

  /* The router rows of experts 2j and 2j+1 differ only in channel j mod hidden, where the first
   * has 0 and the second this value: their logits differ by near_tie * x[channel]. Negative for
   * none, 0 for exact ties. */
  double near_tie;

  /* Every weight is one of the integers -4..3 (norms are 1) and exact in its type, so that a
   * matrix product of integers is exact in any order. Activations are not scaled to order 1. */
  bool integers;

  bool force;   /* replace an existing file */
  bool no_sync; /* do not wait for the disk */
} pv_synth_options;

/* 256 single bytes and two special tokens. */
#define PV_SYNTH_VOCAB_MIN 258u
#define PV_SYNTH_VOCAB_MAX 1000000u

/* The shape "tiny", layout Q4_K_M, seed 1, no outlier, no ties. */
pv_synth_options pv_synth_defaults(void);
/* Fills `shape` from a known name ("tiny", "qwen3-coder-30b-a3b"), without what the architecture
 * has none of; false when it is unknown. */
bool pv_synth_shape(const pv_plan *plan, const char *name, pv_shape *shape);
const char *pv_synth_layout_name(pv_synth_layout layout);

/* Checks the options and gives the size of the file that they make. */
pv_code pv_synth_size(const pv_synth_options *options, uint64_t *bytes, pv_error *err);

/* Called now and then from the thread that called pv_synth_write. */
typedef void (*pv_synth_progress)(void *context, uint64_t done, uint64_t total);

/* Writes to a file without a name, or where the file system has none to a temporary one beside
 * `path`, and gives it its name when it is complete. On any failure, and when pv_cancelled(),
 * nothing is left behind; a killed process leaves at most the temporary file. Refused: wrong
 * options, an existing file without `force`, a folder or a symbolic link at `path`, too little free
 * space. `progress` may be NULL. */
pv_code pv_synth_write(const pv_synth_options *options, const char *path,
                       pv_synth_progress progress, void *context, pv_error *err);

/* Reads "--shape tiny --layers 8 ... --out FILE"; argv[0] is skipped. `*path` points into argv.
 * With --help `*help` is true and nothing else is checked. */
pv_code pv_synth_parse(int argc, char **argv, pv_synth_options *options, const char **path,
                       bool *help, pv_error *err);
extern const char pv_synth_help[];

#endif
