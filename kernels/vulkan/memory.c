/* Memory of a device, and of the host for it. */
#include "kernels/vulkan/state.h"

/* A kind of memory for which the buffer asks and that is what is wanted; UINT32_MAX: none. */
static uint32_t kind_of(const pv_vulkan_device *d, uint32_t among, VkMemoryPropertyFlags wanted) {
  for (uint32_t i = 0; i < d->memory.memoryTypeCount; i++)
    if ((among >> i & 1) != 0 && (d->memory.memoryTypes[i].propertyFlags & wanted) == wanted)
      return i;
  return UINT32_MAX;
}

/* Of the host it is cached where there is such: what the device gives is read from it. */
static uint32_t choose_kind(const pv_vulkan_device *d, uint32_t among, bool host) {
  const VkMemoryPropertyFlags seen =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  if (!host) return kind_of(d, among, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  const uint32_t cached = kind_of(d, among, seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  return cached != UINT32_MAX ? cached : kind_of(d, among, seen);
}

static pv_code too_little(uint64_t bytes, pv_error *err) {
  pv_error_set(err, PV_ERR_NOMEM, "the device has no %.1f MB of memory left", (double)bytes / 1e6);
  pv_error_hint(err, "free the device's memory, or ask for less");
  return PV_ERR_NOMEM;
}

static pv_code back_up(pv_vulkan_device *d, VkBuffer buffer, bool host, pv_vulkan_memory *out,
                       pv_error *err) {
  VkMemoryRequirements needs;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  d->api.GetBufferMemoryRequirements(d->device, buffer, &needs);
  const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                           .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
  const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                     .pNext = &flags,
                                     .allocationSize = needs.size,
                                     .memoryTypeIndex = choose_kind(d, needs.memoryTypeBits, host)};
  if (info.memoryTypeIndex == UINT32_MAX) return too_little(needs.size, err);
  VkResult result = d->api.AllocateMemory(d->device, &info, NULL, &memory);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY)
    return too_little(needs.size, err);
  if (result == VK_SUCCESS) {
    out->memory = memory;
    result = d->api.BindBufferMemory(d->device, buffer, memory, 0);
  }
  if (result == VK_SUCCESS && host)
    result = d->api.MapMemory(d->device, memory, 0, VK_WHOLE_SIZE, 0, &out->mapped);
  return pv_vulkan_failed(result, "memory of the device", err);
}

pv_code pv_vulkan_allocate(pv_vulkan_device *d, uint64_t bytes, bool host, pv_vulkan_memory *out,
                           pv_error *err) {
  const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = bytes,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
  VkBuffer buffer = VK_NULL_HANDLE;
  const VkResult result = d->api.CreateBuffer(d->device, &info, NULL, &buffer);
  if (result != VK_SUCCESS) return pv_vulkan_failed(result, "a buffer of the device", err);
  pv_vulkan_memory made = {.buffer = buffer, .bytes = bytes};
  const pv_code code = back_up(d, buffer, host, &made, err);
  if (code != PV_OK) {
    pv_vulkan_release(d, &made);
    return code;
  }
  const VkBufferDeviceAddressInfo of = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                        .buffer = buffer};
  made.address = d->api.GetBufferDeviceAddress(d->device, &of);
  *out = made;
  return PV_OK;
}

void pv_vulkan_release(pv_vulkan_device *d, pv_vulkan_memory *m) {
  if (d->of->stuck) return;
  if (m->buffer != NULL) d->api.DestroyBuffer(d->device, m->buffer, NULL);
  if (m->memory != NULL) d->api.FreeMemory(d->device, m->memory, NULL);
  *m = (pv_vulkan_memory){0};
}

uint64_t pv_vulkan_device_bytes(const pv_vulkan_device *d) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < d->memory.memoryHeapCount; i++) {
    const VkMemoryHeap *heap = &d->memory.memoryHeaps[i];
    if ((heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0 && heap->size > most)
      most = heap->size;
  }
  return most;
}
