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
 * One that flushes subnormals is told to keep them, and proved again: a driver may take that
 * without a promise (NVIDIA's does), and the proof says whether it did. From then on it stays told.
 * Over the device number `index`, with a module called "proof" (or one with a fault planted).
 * Errors are those of device.h; `*out` has a result then for what was run before. */
pv_code pv_vulkan_prove(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module,
                        pv_proof *out, pv_error *err);
/* One sentence about a result that differs, of at most PV_PROOF_ROOM characters. */
enum { PV_PROOF_ROOM = 400 };
void pv_proof_describe(const pv_proof_result *result, char out[PV_PROOF_ROOM]);

/* Before a device computes anything: proved once in this process, by the sound module, from any
 * thread. PV_ERR_UNSUPPORTED, with the operation, of a device that failed, each time that it is
 * asked for. Else as pv_vulkan_prove. */
pv_code pv_vulkan_prove_once(pv_vulkan *vulkan, size_t index, pv_error *err);

/* What evidence says of the device number `index`: its name, driver and proof, once it was proved
 * so in this process; else NULL. */
const char *pv_vulkan_proved(size_t index);

#endif
