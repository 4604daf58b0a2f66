/* The Vulkan loader $PV_REAL_VULKAN, with what $PV_FAKE_VULKAN says in its way: how a device is
 * absent, too old, full or broken is played here. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/vulkan/api.h"

#define EXPORT __attribute__((visibility("default")))
EXPORT PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance, const char *name);

static PFN_vkGetInstanceProcAddr real;
static PFN_vkGetDeviceProcAddr real_device;
static PFN_vkGetPhysicalDeviceProperties2 real_properties;
static PFN_vkGetPhysicalDeviceFeatures2 real_features;

static int is(const char *mode) {
  const char *asked = getenv("PV_FAKE_VULKAN");
  return asked != NULL && strcmp(asked, mode) == 0;
}

static VkResult create_nothing(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *with,
                               VkInstance *out) {
  (void)info;
  (void)with;
  (void)out;
  return is("no-driver") ? VK_ERROR_INCOMPATIBLE_DRIVER : VK_ERROR_INITIALIZATION_FAILED;
}

static VkResult list_nothing(VkInstance instance, uint32_t *count, VkPhysicalDevice *out) {
  (void)instance;
  (void)out;
  *count = 0;
  return VK_SUCCESS;
}

/* Too old, of software, a GPU, or short of shared memory, whatever it is. */
static void described(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *out) {
  real_properties(device, out);
  if (is("software"))
    out->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU;
  else if (is("no-shared"))
    out->properties.limits.maxComputeSharedMemorySize = 16384;
  else if (is("gpu"))
    out->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  else
    out->properties.apiVersion = VK_API_VERSION_1_1;
}

static void lacking(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *out) {
  VkPhysicalDeviceBufferDeviceAddressFeatures *addresses = out->pNext;
  real_features(device, out);
  if (is("no-float64")) out->features.shaderFloat64 = VK_FALSE;
  if (is("no-int64")) out->features.shaderInt64 = VK_FALSE;
  if (is("no-addresses")) addresses->bufferDeviceAddress = VK_FALSE;
  VkPhysicalDeviceShaderIntegerDotProductFeatures *dot = addresses->pNext;
  if (is("no-dot")) dot->shaderIntegerDotProduct = VK_FALSE;
}

static void no_queues(VkPhysicalDevice device, uint32_t *count, VkQueueFamilyProperties *out) {
  (void)device;
  (void)out;
  *count = 0;
}

static VkResult allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                         const VkAllocationCallbacks *with, VkDeviceMemory *out) {
  (void)device;
  (void)info;
  (void)with;
  (void)out;
  return VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

static VkResult compile(VkDevice device, VkPipelineCache cache, uint32_t count,
                        const VkComputePipelineCreateInfo *info, const VkAllocationCallbacks *with,
                        VkPipeline *out) {
  (void)device;
  (void)cache;
  (void)count;
  (void)info;
  (void)with;
  (void)out;
  return VK_ERROR_INVALID_SHADER_NV;
}

static VkResult submit(VkQueue queue, uint32_t count, const VkSubmitInfo *info, VkFence fence) {
  (void)queue;
  (void)count;
  (void)info;
  (void)fence;
  return VK_ERROR_DEVICE_LOST;
}

static VkResult wait_in_vain(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                             uint64_t limit) {
  (void)device;
  (void)count;
  (void)fences;
  (void)all;
  (void)limit;
  return VK_TIMEOUT;
}

static void compute_nothing(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z) {
  (void)commands;
  (void)x;
  (void)y;
  (void)z;
}

/* X(mode, name without vk, what is in its place) */
#define OF_DEVICE(X)                            \
  X("full", AllocateMemory, allocate)           \
  X("refused", CreateComputePipelines, compile) \
  X("lost", QueueSubmit, submit)                \
  X("stuck", WaitForFences, wait_in_vain)       \
  X("idle", CmdDispatch, compute_nothing)
#define OF_INSTANCE(X)                                     \
  X("no-driver", CreateInstance, create_nothing)           \
  X("no-start", CreateInstance, create_nothing)            \
  X("no-device", EnumeratePhysicalDevices, list_nothing)   \
  X("old-device", GetPhysicalDeviceProperties2, described) \
  X("software", GetPhysicalDeviceProperties2, described)   \
  X("no-shared", GetPhysicalDeviceProperties2, described)  \
  X("gpu", GetPhysicalDeviceProperties2, described)        \
  X("no-float64", GetPhysicalDeviceFeatures2, lacking)     \
  X("no-int64", GetPhysicalDeviceFeatures2, lacking)       \
  X("no-addresses", GetPhysicalDeviceFeatures2, lacking)   \
  X("no-dot", GetPhysicalDeviceFeatures2, lacking)         \
  X("no-queue", GetPhysicalDeviceQueueFamilyProperties, no_queues)
#define PLAY(mode, function, instead)                  \
  if (is(mode) && strcmp(name, "vk" #function) == 0) { \
    const PFN_vk##function typed = instead;            \
    return (PFN_vkVoidFunction)typed;                  \
  }

static PFN_vkVoidFunction find_device(VkDevice device, const char *name) {
  OF_DEVICE(PLAY)
  return real_device(device, name);
}

PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance, const char *name) {
  void *library = dlopen(getenv("PV_REAL_VULKAN"), RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return NULL;
  *(void **)&real = dlsym(library, "vkGetInstanceProcAddr");
  if (is("old-loader") && strcmp(name, "vkEnumerateInstanceVersion") == 0) return NULL;
  if (instance != NULL) {
    real_device = (PFN_vkGetDeviceProcAddr)real(instance, "vkGetDeviceProcAddr");
    real_features =
        (PFN_vkGetPhysicalDeviceFeatures2)real(instance, "vkGetPhysicalDeviceFeatures2");
    real_properties =
        (PFN_vkGetPhysicalDeviceProperties2)real(instance, "vkGetPhysicalDeviceProperties2");
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)find_device;
  }
  OF_INSTANCE(PLAY)
  return real(instance, name);
}
