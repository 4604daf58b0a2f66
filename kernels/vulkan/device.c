#include "kernels/vulkan/device.h"

#include <stdlib.h>

#include "kernels/vulkan/state.h"

enum { QUEUE_FAMILIES = 32 };

typedef struct features {
  VkPhysicalDeviceFeatures2 all;
  VkPhysicalDeviceBufferDeviceAddressFeatures addresses;
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot;
} features;

static void ask_for(features *f) {
  *f = (features){
      .all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f->addresses},
      .addresses = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
                    .pNext = &f->dot},
      .dot = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES}};
}

enum { SHARED = 32 << 10 }; /* bytes of a group, at most */

/* What the shaders rest on: float64 for the chosen forms, int64 and addresses for memory. */
static pv_code check_features(const pv_vulkan *v, size_t index, pv_error *err) {
  pv_vulkan_about about;
  features has;
  pv_vulkan_describe(v, index, &about);
  if (about.major == 1 && about.minor < 2)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the device '%s' knows Vulkan %u.%u, the shaders need 1.2", about.name,
                        about.major, about.minor);
  ask_for(&has);
  v->api.GetPhysicalDeviceFeatures2(v->devices[index], &has.all);
  const char *lacks = !has.all.features.shaderFloat64      ? "shaderFloat64"
                      : !has.all.features.shaderInt64      ? "shaderInt64"
                      : !has.addresses.bufferDeviceAddress ? "bufferDeviceAddress"
                      : !has.dot.shaderIntegerDotProduct   ? "shaderIntegerDotProduct"
                                                           : NULL;
  if (lacks != NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the device '%s' has no %s", about.name, lacks);
  VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  v->api.GetPhysicalDeviceProperties2(v->devices[index], &all);
  const uint32_t shared = all.properties.limits.maxComputeSharedMemorySize;
  return shared >= SHARED ? PV_OK
                          : pv_error_set(err, PV_ERR_UNSUPPORTED,
                                         "the device '%s' gives a group %u bytes of shared memory, "
                                         "the shaders need %d",
                                         about.name, shared, (int)SHARED);
}

static pv_code choose_queue(const pv_vulkan *v, size_t index, pv_vulkan_device *d, pv_error *err) {
  VkQueueFamilyProperties families[QUEUE_FAMILIES];
  uint32_t count = QUEUE_FAMILIES;
  VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  v->api.GetPhysicalDeviceQueueFamilyProperties(v->devices[index], &count, families);
  v->api.GetPhysicalDeviceProperties2(v->devices[index], &all);
  uint32_t found = count;
  for (uint32_t i = 0; i < count; i++) {
    const VkQueueFlags flags = families[i].queueFlags;
    if ((flags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    if (found == count) found = i;
    if ((flags & VK_QUEUE_GRAPHICS_BIT) != 0) continue;
    found = i; /* it computes and does not draw: launches wait for less */
    break;
  }
  if (found == count)
    return pv_error_set(err, PV_ERR_UNSUPPORTED,
                        "the device '%s' computes nothing: it has no queue for it",
                        all.properties.deviceName);
  const uint32_t bits = families[found].timestampValidBits;
  d->family = found;
  d->tick = bits == 0 ? 0 : 1e-9 * (double)all.properties.limits.timestampPeriod;
  d->tick_mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
  return PV_OK;
}

static pv_code open_logical(const pv_vulkan *v, size_t index, pv_vulkan_device *d, pv_error *err) {
  const float priority = 1.0F;
  features wanted;
  const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                         .queueFamilyIndex = d->family,
                                         .queueCount = 1,
                                         .pQueuePriorities = &priority};
  ask_for(&wanted);
  wanted.all.features.shaderFloat64 = VK_TRUE;
  wanted.all.features.shaderInt64 = VK_TRUE;
  wanted.addresses.bufferDeviceAddress = VK_TRUE;
  wanted.dot.shaderIntegerDotProduct = VK_TRUE;
  static const char *const extensions[] = {VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME};
  const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                   .pNext = &wanted.all,
                                   .queueCreateInfoCount = 1,
                                   .pQueueCreateInfos = &queue,
                                   .enabledExtensionCount = 1, /* of 1.3, asked for by its name */
                                   .ppEnabledExtensionNames = extensions};
  const VkResult result = v->api.CreateDevice(v->devices[index], &info, NULL, &d->device);
  if (result != VK_SUCCESS) return pv_vulkan_failed(result, "the device does not open", err);
#define FIND(name)                                                                               \
  d->api.name = (PFN_vk##name)v->api.GetDeviceProcAddr(d->device, "vk" #name);                   \
  if (d->api.name == NULL)                                                                       \
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the Vulkan driver is too old: it has no vk%s", \
                        #name);
  PV_VULKAN_DEVICE(FIND)
#undef FIND
  v->api.GetPhysicalDeviceMemoryProperties(v->devices[index], &d->memory);
  return PV_OK;
}

static pv_code open_queue(pv_vulkan_device *d, pv_error *err) {
  const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                        .queueFamilyIndex = d->family};
  const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  const VkQueryPoolCreateInfo queries = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                         .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                         .queryCount = PV_VULKAN_STAMPS};
  d->api.GetDeviceQueue(d->device, d->family, 0, &d->queue);
  VkResult result = d->api.CreateCommandPool(d->device, &pool, NULL, &d->pool);
  const VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = d->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1};
  if (result == VK_SUCCESS)
    result = d->api.AllocateCommandBuffers(d->device, &commands, &d->commands);
  if (result == VK_SUCCESS) result = d->api.CreateFence(d->device, &fence, NULL, &d->fence);
  if (result == VK_SUCCESS && d->tick > 0)
    result = d->api.CreateQueryPool(d->device, &queries, NULL, &d->queries);
  return pv_vulkan_failed(result, "the device's queue does not open", err);
}

pv_code pv_vulkan_device_open(pv_vulkan *v, size_t index, pv_vulkan_device **out, pv_error *err) {
  pv_vulkan_device *d = calloc(1, sizeof *d);
  if (d == NULL) return pv_error_nomem(err, "a device");
  pv_vulkan_about about;
  pv_vulkan_describe(v, index, &about);
  d->of = v;
  d->subnormals = about.subnormals;
  d->polled = !about.software;
  pv_code code = check_features(v, index, err);
  if (code == PV_OK) code = choose_queue(v, index, d, err);
  if (code == PV_OK) code = open_logical(v, index, d, err);
  if (code == PV_OK) code = open_queue(d, err);
  if (code == PV_OK)
    *out = d;
  else
    pv_vulkan_device_close(d);
  return code;
}

void pv_vulkan_device_close(pv_vulkan_device *d) {
  if (d == NULL) return;
  const bool stuck = d->of->stuck;
  if (d->pool != VK_NULL_HANDLE && !stuck) {
    (void)d->api.DeviceWaitIdle(d->device);
    d->api.DestroyQueryPool(d->device, d->queries, NULL);
    d->api.DestroyFence(d->device, d->fence, NULL);
    d->api.DestroyCommandPool(d->device, d->pool, NULL);
  }
  if (d->api.DestroyDevice != NULL && !stuck) d->api.DestroyDevice(d->device, NULL);
  free(d);
}
