/* Where the time of a forward goes: by kernel, or by operation of the CPU, beside the work that it
 * cannot do without. Each result is the same bits as without a profile. */
#ifndef PV_PROFILE_PROFILE_H
#define PV_PROFILE_PROFILE_H

#include "runtime/forward/speed.h"
#include "runtime/profile/ceilings.h"

enum { PV_PROFILE_ROWS = 128, PV_PROFILE_REPEATS = PV_CEILING_REPEATS };

/* Of a prompt, or of one decoded token. */
typedef struct pv_profile_row {
  const char *what; /* as in pv_meter_part */
  uint64_t rows;    /* of the plan */
  double calls;
  pv_rates seconds; /* of the repeats */
  pv_work work;
} pv_profile_row;

typedef struct pv_profile {
  pv_profile_row row[PV_PROFILE_ROWS]; /* what takes longest first */
  size_t count;
  pv_rates rest;  /* of what belongs to no row */
  pv_rates whole; /* of what was measured: by a device's clock, or from the first id to the last */
  double sum;     /* of the medians of the rows and the rest: what shares are of */
} pv_profile;

/* Of a prompt of so many tokens, after one run that is not counted. PV_ERR_UNSUPPORTED for a
 * forward whose time says nothing. */
pv_code pv_profile_prefill(const pv_speed *s, const pv_worker *worker, size_t tokens,
                           size_t repeats, pv_profile *out, pv_error *err);
/* Of tokens decoded behind the first `context` positions, which are in the cache. */
pv_code pv_profile_decode(const pv_speed *s, const pv_worker *worker, size_t context, size_t tokens,
                          size_t repeats, pv_profile *out, pv_error *err);

/* What a row's work takes at least. */
typedef struct pv_floor {
  double seconds;
  const char *by; /* "memory", or what multiplies; NULL: there is no work that must be done */
} pv_floor;
pv_floor pv_profile_floor(const pv_profile_row *row, const pv_ceilings *ceilings);

/* "mm", "add, rmsnorm": the kernel, or the operations of the rows. Cut to `size` bytes. */
void pv_profile_name(const pv_profile_row *row, const pv_plan *plan, char *out, size_t size);
/* "q, k, v": the stages. */
void pv_profile_stages(const pv_profile_row *row, const pv_plan *plan, char *out, size_t size);

#endif
