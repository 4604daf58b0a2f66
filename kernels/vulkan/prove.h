/* The start-up proof: a device runs the operation suite, and each bit is held against the CPU's. A
 * device that fails one is not used: what it computes would be somebody else's function. */
#ifndef PV_VULKAN_PROVE_H
#define PV_VULKAN_PROVE_H

#include "kernels/vulkan/cases.h"
#include "kernels/vulkan/device.h"
#include "kernels/vulkan/modules.h"

enum { PV_PROOF_MAX = 32 };

typedef struct pv_proof_result {
  const pv_operation *operation;
  uint64_t compared, differing;
  double seconds; /* on the device's own clock; 0: it has none */
  /* The first that differs: operands, what the device gave, and the CPU. */
  uint64_t a, b, c, got, want;
} pv_proof_result;

typedef struct pv_proof {
  pv_proof_result results[PV_PROOF_MAX];
  size_t count;
  const pv_proof_result *failed; /* the first that differs; NULL: it is proved */
} pv_proof;

/* A device that failed is not asked for the billions of conversions any more: they have no result.
 * Over the device number `index`, with a module called "proof" (or one with a fault planted).
 * Errors are those of device.h; `*out` has a result then for what was run before. */
pv_code pv_vulkan_prove(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module,
                        pv_proof *out, pv_error *err);

#endif
