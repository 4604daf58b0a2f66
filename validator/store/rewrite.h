/* Changing a contract's status: exactly the bytes of the status and of the version are replaced
 * and one amendment is inserted; every other byte, comments and line ends included, stays. */
#ifndef PV_STORE_REWRITE_H
#define PV_STORE_REWRITE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "validator/model/contract.h"

typedef struct pv_rewrite {
  const pv_contract *contract; /* as loaded: its bytes are the old ones */
  pv_contract_status status;   /* the new one; may be the old one */
  pv_amendment amendment;      /* its version is the contract's new version; place is ignored */
} pv_rewrite;

/* -1, 0 or 1 for an older, the same and a newer version; false when one is not three numbers. */
bool pv_rewrite_compare(const char *a, const char *b, int *out);
/* "1.4.9" to "1.4.10". PV_ERR_INPUT when it is not three numbers. */
pv_code pv_rewrite_bump(pv_arena *arena, const char *version, char **out, pv_error *err);

/* The new bytes, appended to `out`, from the old ones alone. The amendment goes where new ones go
 * in this file: to the end, or to the head when the newest comes first. PV_ERR_UNSUPPORTED when
 * the history is not a block list with an entry to imitate, or a scalar is not written plainly.
 * The new bytes were loaded again and hold exactly the change that was asked for. */
pv_code pv_rewrite_text(const pv_rewrite *rewrite, pv_text *out, pv_error *err);

/* Takes the contract's lock, compares the file with the digest of when it was loaded
 * (PV_ERR_CONFLICT when somebody was faster), makes the new bytes, calls `before` (which may be
 * NULL and may refuse), and replaces the file atomically. A symbolic link is refused. On a failure
 * the file is untouched, but for one case: see pv_file_replace. */
typedef pv_code (*pv_rewrite_before)(void *context, pv_error *err);
pv_code pv_rewrite_commit(const pv_rewrite *rewrite, pv_rewrite_before before, void *context,
                          pv_error *err);

/* The same for evidence that changes nothing in the contract: lock, comparison, `before`. */
pv_code pv_rewrite_keep(const pv_contract *contract, pv_rewrite_before before, void *context,
                        pv_error *err);

/* After a failed commit: true when the file still has the bytes it had when it was loaded. False
 * also when nobody can say: what the new bytes may name must then be kept. */
bool pv_rewrite_untouched(const pv_rewrite *rewrite);

#endif
