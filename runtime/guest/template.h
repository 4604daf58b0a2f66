/* A descriptor to begin with. */
#ifndef PV_GUEST_TEMPLATE_H
#define PV_GUEST_TEMPLATE_H

#include "base/text.h"
#include "runtime/guest/guest.h"

/* The descriptor of an entry of `file`, as far as its PTX tells; what is guessed or not known is
 * marked. `entry` NULL: the only one. Errors as pv_guest_signature_of. */
pv_code pv_guest_template(pv_arena *arena, const char *file, const char *as, const char *entry,
                          pv_text *out, pv_error *err);

#endif
