/* The part of Vulkan that is used. The loader is opened at run time, so that a program needs none
 * to start; types and values are those of the headers of libvulkan-dev. */
#ifndef PV_VULKAN_API_H
#define PV_VULKAN_API_H

#include <vulkan/vulkan_core.h>

/* X(name without vk): what there is before an instance, of an instance, of a device. */
#define PV_VULKAN_GLOBAL(X) X(CreateInstance) X(EnumerateInstanceVersion)
#define PV_VULKAN_INSTANCE(X)               \
  X(DestroyInstance)                        \
  X(EnumeratePhysicalDevices)               \
  X(GetPhysicalDeviceProperties2)           \
  X(GetPhysicalDeviceFeatures2)             \
  X(GetPhysicalDeviceMemoryProperties)      \
  X(GetPhysicalDeviceQueueFamilyProperties) \
  X(CreateDevice)                           \
  X(GetDeviceProcAddr)
#define PV_VULKAN_DEVICE(X)      \
  X(DestroyDevice)               \
  X(GetDeviceQueue)              \
  X(CreateCommandPool)           \
  X(DestroyCommandPool)          \
  X(AllocateCommandBuffers)      \
  X(BeginCommandBuffer)          \
  X(EndCommandBuffer)            \
  X(CreateFence)                 \
  X(DestroyFence)                \
  X(ResetFences)                 \
  X(WaitForFences)               \
  X(QueueSubmit)                 \
  X(DeviceWaitIdle)              \
  X(CreateQueryPool)             \
  X(DestroyQueryPool)            \
  X(GetQueryPoolResults)         \
  X(CmdResetQueryPool)           \
  X(CmdWriteTimestamp)           \
  X(CreateBuffer)                \
  X(DestroyBuffer)               \
  X(GetBufferMemoryRequirements) \
  X(GetBufferDeviceAddress)      \
  X(AllocateMemory)              \
  X(FreeMemory)                  \
  X(BindBufferMemory)            \
  X(MapMemory)                   \
  X(CreateShaderModule)          \
  X(DestroyShaderModule)         \
  X(CreatePipelineLayout)        \
  X(DestroyPipelineLayout)       \
  X(CreateComputePipelines)      \
  X(DestroyPipeline)             \
  X(CmdBindPipeline)             \
  X(CmdPushConstants)            \
  X(CmdDispatch)                 \
  X(CmdCopyBuffer)               \
  X(CmdFillBuffer)               \
  X(CmdPipelineBarrier)          \
  X(CmdExecuteCommands)

/* NOLINTBEGIN(bugprone-macro-parentheses): these make a declaration */
#define PV_VULKAN_MEMBER(name) PFN_vk##name name;
typedef struct pv_vulkan_api {
  PV_VULKAN_GLOBAL(PV_VULKAN_MEMBER)
  PV_VULKAN_INSTANCE(PV_VULKAN_MEMBER)
} pv_vulkan_api;
typedef struct pv_vulkan_device_api {
  PV_VULKAN_DEVICE(PV_VULKAN_MEMBER)
} pv_vulkan_device_api;
#undef PV_VULKAN_MEMBER
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
