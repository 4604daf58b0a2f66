/* A build without Vulkan: nothing opens, and each way to a device says so in the same words. */
#include <string.h>

#include "kernels/vulkan/prove.h"
#include "runtime/forward/gpu_devices.h"
#include "tests/unit/testing.h"

static void says_so(pv_code code, const pv_error *err) {
  EXPECT(code == PV_ERR_UNSUPPORTED);
  EXPECT_STR(err->message, "this build has no Vulkan");
  EXPECT(strstr(err->hint, "glslang-tools") != NULL);
}

static void test_devices(void) {
  const pv_gpu_ops *const devices[] = {&pv_gpu_vulkan, &pv_gpu_vulkan0, &pv_gpu_vulkan1};
  const char *const names[] = {"vulkan", "vulkan0", "vulkan1"};
  for (size_t i = 0; i < 3; i++) {
    pv_gpu *gpu = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_STR(devices[i]->name, names[i]);
    says_so(devices[i]->open(0, &gpu, &err), &err);
    EXPECT(gpu == NULL);
  }
}

static void test_proof(void) {
  static pv_proof proof;
  pv_vulkan *vulkan = NULL;
  pv_vulkan_about about;
  pv_error opens = PV_ERROR_INIT, chooses = PV_ERROR_INIT, proves = PV_ERROR_INIT;
  size_t index = 0;
  says_so(pv_vulkan_open(&vulkan, &opens), &opens);
  says_so(pv_vulkan_choose(vulkan, PV_VULKAN_ANY, &index, &chooses), &chooses);
  says_so(pv_vulkan_prove(vulkan, 0, NULL, &proof, &proves), &proves);
  says_so(pv_vulkan_prove_once(vulkan, 0, &proves), &proves);
  pv_vulkan_describe(vulkan, 0, &about);
  pv_vulkan_tell(vulkan, 0);
  pv_vulkan_close(vulkan);
  EXPECT_U64(pv_vulkan_count(vulkan), 0);
  EXPECT_STR(about.type, "other");
  EXPECT(pv_vulkan_proved(0) == NULL);
  char why[PV_PROOF_ROOM] = "?";
  pv_proof_describe(&proof.results[0], why);
  EXPECT_STR(why, "");
}

int main(void) {
  return pv_testing_main("vulkan absent",
                         (pv_case[]){PV_CASE(test_devices), PV_CASE(test_proof), {0}});
}
