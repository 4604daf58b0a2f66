/* A build without Vulkan: nothing opens, in the words of kernels/vulkan. */
#include "kernels/vulkan/device.h"
#include "runtime/forward/gpu_devices.h"

static pv_code absent_open(unsigned number, pv_gpu **out, pv_error *err) {
  (void)number;
  pv_vulkan *vulkan = NULL;
  (void)out;
  return pv_vulkan_open(&vulkan, err);
}

const pv_gpu_ops pv_gpu_vulkan = {.name = "vulkan", .open = absent_open};
const pv_gpu_ops pv_gpu_vulkan0 = {.name = "vulkan0", .open = absent_open};
const pv_gpu_ops pv_gpu_vulkan1 = {.name = "vulkan1", .open = absent_open};
