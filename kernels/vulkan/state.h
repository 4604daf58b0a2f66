/* What stands behind the handles of device.h. */
#ifndef PV_VULKAN_STATE_H
#define PV_VULKAN_STATE_H

#include "kernels/vulkan/api.h"
#include "kernels/vulkan/device.h"

enum {
  PV_VULKAN_DEVICES = PV_VULKAN_DEVICES_MAX,
  PV_VULKAN_STAMPS = 2 + PV_VULKAN_STAMPED /* the beginning and the end of what runs, and others */
};

struct pv_vulkan {
  void *library;
  VkInstance instance;
  pv_vulkan_api api;
  VkPhysicalDevice devices[PV_VULKAN_DEVICES];
  uint32_t count;
  bool told[PV_VULKAN_DEVICES]; /* to keep subnormals, whatever its driver promises */
  bool stuck; /* a device still runs: nothing of it may be taken away, not even its driver */
};

struct pv_vulkan_device {
  pv_vulkan *of;
  VkDevice device;
  pv_vulkan_device_api api;
  VkPhysicalDeviceMemoryProperties memory;
  pv_vulkan_subnormals subnormals; /* which code it gets */
  uint32_t family;                 /* of queues */
  double tick;                     /* seconds of a timestamp; 0: there is none */
  uint64_t tick_mask;
  VkQueue queue;
  VkCommandPool pool;
  VkCommandBuffer commands, keeping; /* what runs; a sequence that is being made, or NULL */
  bool copied;                       /* something, since launches waited for one another */
  VkFence fence;
  bool polled; /* the fence, before the host sleeps: the device is none of the host's processors */
  VkQueryPool queries;
  uint64_t stamps[PV_VULKAN_STAMPS]; /* of what ran last */
  uint32_t stamped;                  /* of them, beside the first two */
};

/* PV_OK of VK_SUCCESS; PV_ERR_NOMEM; else PV_ERR_DEVICE. */
pv_code pv_vulkan_failed(VkResult result, const char *what, pv_error *err);

#endif
