/* A side: somebody who has rows of stages, by one grammar on every command line and in reports:
 *
 *     KIND[:IDENTITY][@FAULT[:layer=N]]     trace:DIR     KIND:PROGRAM[,key=value...]
 *
 * Kinds are rows of one table, those of several devices by any of their numbers, "cuda0+1";
 * those that have a program are engines (engine.h). Without an identity it is i16, or the only one
 * that the kind computes. */
#ifndef PV_SOURCES_SIDE_H
#define PV_SOURCES_SIDE_H

#include "base/devices.h"
#include "base/text.h"
#include "runtime/faults/faults.h"

typedef struct pv_side_kind {
  const char *name, *about;
  const char *backend; /* of pv_forward_open; NULL: none, what was recorded or another engine */
  const char *path;    /* its CPU code path; NULL: the fastest */
  unsigned numerics;   /* bit n: computes pv_numerics n */
  bool defines;        /* computed by the definition */
  const char *program; /* of an engine: that of `$PATH` which is run when none is named, "" where
                          one must be; else NULL */
} pv_side_kind;

/* The table, in the order in which it is told; NULL for an unknown name. */
const pv_side_kind *pv_side_kinds(size_t *count);
const pv_side_kind *pv_side_kind_find(const char *name);

typedef struct pv_side {
  const pv_side_kind *kind;
  pv_numerics numerics; /* of a trace not known before its manifest is read */
  pv_planted planted;   /* fault NULL: none */
  const char *folder;   /* of a trace, into the text that was parsed; else NULL */
  const char *program;  /* of an engine, "PROGRAM[,key=value...]", into the same text; else NULL */
  char devices[PV_DEVICES_TEXT]; /* "0+1" or "0+1/experts" of a kind of several; else "" */
} pv_side;

/* One error for whatever is wrong: what does not exist, the words that do, the nearest of them.
 * `*old`: the text is of the spelling before this grammar ("cpu:f64", the bare name of a folder),
 * which is read for one version more. */
pv_code pv_side_parse(const char *text, pv_side *out, bool *old, pv_error *err);

/* Length of the first piece of "PROGRAM,key=value,key=1,2,3": a comma begins a piece where a key of
 * small letters, digits and - and an equals sign are behind it. */
size_t pv_side_piece(const char *text);

/* The side as it is written today. */
void pv_side_text(const pv_side *side, pv_text *out);

/* The kind as it is written: "cuda", "cuda0+1", "cuda0+1/experts". */
void pv_side_put_kind(const pv_side *side, pv_text *out);
/* Who computes it, as pv_forward_open takes it, of a kind that has a backend. Returns `out`. */
enum { PV_SIDE_BACKEND = PV_DEVICES_TEXT + 32 };
const char *pv_side_backend(const pv_side *side, char out[PV_SIDE_BACKEND]);

/* Opens who computes; close with pv_fault_close. `config`'s numerics and path are the side's,
 * whatever it holds. A trace and an engine are PV_ERR_INPUT: they compute nothing here. Else as
 * pv_fault_open. */
pv_code pv_side_open(const pv_side *side, const pv_model *model, const pv_backend_config *config,
                     pv_fault_side *out, pv_error *err);

#endif
