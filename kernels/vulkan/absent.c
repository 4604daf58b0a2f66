/* A build without Vulkan: nothing opens, and that is said. */
#include "kernels/vulkan/device.h"
#include "kernels/vulkan/prove.h"

static pv_code absent(pv_error *err) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "this build has no Vulkan");
  pv_error_hint(err, "install libvulkan-dev and glslang-tools and build again");
  return PV_ERR_UNSUPPORTED;
}

pv_code pv_vulkan_open(pv_vulkan **out, pv_error *err) {
  (void)out;
  return absent(err);
}
void pv_vulkan_close(pv_vulkan *vulkan) {
  (void)vulkan;
}
size_t pv_vulkan_count(const pv_vulkan *vulkan) {
  (void)vulkan;
  return 0;
}
pv_code pv_vulkan_choose(const pv_vulkan *vulkan, int wanted, size_t *out, pv_error *err) {
  (void)vulkan;
  (void)wanted;
  (void)out;
  return absent(err);
}
void pv_vulkan_tell(pv_vulkan *vulkan, size_t index) {
  (void)vulkan;
  (void)index;
}
void pv_vulkan_describe(const pv_vulkan *vulkan, size_t index, pv_vulkan_about *out) {
  (void)vulkan;
  (void)index;
  *out = (pv_vulkan_about){.type = "other"};
}
pv_code pv_vulkan_prove(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module,
                        pv_proof *out, pv_error *err) {
  (void)vulkan;
  (void)index;
  (void)module;
  (void)out;
  return absent(err);
}

const char *pv_vulkan_proved(size_t index) {
  (void)index;
  return NULL;
}

pv_code pv_vulkan_prove_once(pv_vulkan *vulkan, size_t index, pv_error *err) {
  (void)vulkan;
  (void)index;
  return absent(err);
}

void pv_proof_describe(const pv_proof_result *result, char out[PV_PROOF_ROOM]) {
  (void)result;
  out[0] = '\0'; /* there is none */
}
