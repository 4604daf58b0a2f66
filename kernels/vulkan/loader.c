#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/vulkan/state.h"

/* Buffer addresses are of 1.2. */
#define OLDEST VK_API_VERSION_1_2

static const char *result_name(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "out of memory";
    case VK_ERROR_DEVICE_LOST:
      return "it is lost";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "the driver does not start";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "a feature is not there after all";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "too many objects";
    case VK_TIMEOUT:
      return "it did not end within a minute";
    default:
      return "the driver failed";
  }
}

pv_code pv_vulkan_failed(VkResult result, const char *what, pv_error *err) {
  if (result == VK_SUCCESS) return PV_OK;
  const bool memory =
      result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY;
  const pv_code code = memory ? PV_ERR_NOMEM : PV_ERR_DEVICE;
  pv_error_set(err, code, "%s: %s (VkResult %d)", what, result_name(result), (int)result);
  pv_error_hint(err, memory ? "free the device's memory, or ask for less"
                            : "nothing that it computed since the last check counts");
  return code;
}

static pv_code open_library(pv_vulkan *v, PFN_vkGetInstanceProcAddr *find, pv_error *err) {
  v->library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (v->library == NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no Vulkan loader (libvulkan.so.1)");
    pv_error_hint(err, "on Debian: apt-get install libvulkan1 mesa-vulkan-drivers");
    return PV_ERR_UNSUPPORTED;
  }
  *(void **)find = dlsym(v->library, "vkGetInstanceProcAddr");
  return *find != NULL ? PV_OK
                       : pv_error_set(err, PV_ERR_UNSUPPORTED,
                                      "libvulkan.so.1 is no Vulkan loader: it has no "
                                      "vkGetInstanceProcAddr");
}

static pv_code lacks(const char *name, pv_error *err) {
  return pv_error_set(err, PV_ERR_UNSUPPORTED, "the Vulkan loader is too old: it has no vk%s",
                      name);
}

#define FIND(name)                                           \
  v->api.name = (PFN_vk##name)find(v->instance, "vk" #name); \
  if (v->api.name == NULL) return lacks(#name, err);

static pv_code no_device(pv_error *err) {
  pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has a Vulkan loader but no device");
  pv_error_hint(err,
                "install the driver of its GPU, or mesa-vulkan-drivers, which computes on the CPU");
  return PV_ERR_UNSUPPORTED;
}

static pv_code open_instance(pv_vulkan *v, PFN_vkGetInstanceProcAddr find, pv_error *err) {
  const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "pv", .apiVersion = OLDEST};
  const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                     .pApplicationInfo = &application};
  PV_VULKAN_GLOBAL(FIND)
  VkResult result = v->api.CreateInstance(&info, NULL, &v->instance);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) return no_device(err);
  if (result != VK_SUCCESS) return pv_vulkan_failed(result, "Vulkan does not start", err);
  PV_VULKAN_INSTANCE(FIND)
  v->count = PV_VULKAN_DEVICES;
  result = v->api.EnumeratePhysicalDevices(v->instance, &v->count, v->devices);
  if (result == VK_INCOMPLETE) result = VK_SUCCESS;
  if (result == VK_SUCCESS && v->count == 0) return no_device(err);
  return pv_vulkan_failed(result, "Vulkan does not list its devices", err);
}

pv_code pv_vulkan_open(pv_vulkan **out, pv_error *err) {
  PFN_vkGetInstanceProcAddr find = NULL;
  pv_vulkan *v = calloc(1, sizeof *v);
  if (v == NULL) return pv_error_nomem(err, "Vulkan");
  pv_code code = open_library(v, &find, err);
  if (code == PV_OK) code = open_instance(v, find, err);
  if (code == PV_OK)
    *out = v;
  else
    pv_vulkan_close(v);
  return code;
}

void pv_vulkan_close(pv_vulkan *v) {
  if (v == NULL) return;
  if (v->instance != NULL && !v->stuck && v->api.DestroyInstance != NULL)
    v->api.DestroyInstance(v->instance, NULL);
  if (v->library != NULL && !v->stuck) dlclose(v->library);
  free(v);
}

size_t pv_vulkan_count(const pv_vulkan *v) {
  return v->count;
}

static const char *type_name(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "cpu";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
    default:
      return "other";
  }
}

pv_code pv_vulkan_choose(const pv_vulkan *v, int wanted, size_t *out, pv_error *err) {
  pv_vulkan_about about = {0};
  if (wanted >= 0 && (size_t)wanted >= v->count) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "there is no Vulkan device %d: this machine has %u",
                 wanted, v->count);
    pv_error_hint(err, "see: pv vulkan list");
    return PV_ERR_UNSUPPORTED;
  }
  *out = wanted >= 0 ? (size_t)wanted : 0;
  for (size_t i = 0; wanted == PV_VULKAN_ANY && i < v->count; i++) {
    pv_vulkan_describe(v, i, &about);
    if (about.software) continue;
    *out = i;
    break;
  }
  return PV_OK;
}

void pv_vulkan_tell(pv_vulkan *v, size_t index) {
  v->told[index] = true;
}

void pv_vulkan_describe(const pv_vulkan *v, size_t index, pv_vulkan_about *out) {
  VkPhysicalDeviceDriverProperties driver = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceFloatControlsProperties floats = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES, .pNext = &driver};
  VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                     .pNext = &floats};
  const VkPhysicalDeviceProperties *p = &all.properties;
  v->api.GetPhysicalDeviceProperties2(v->devices[index], &all);
  *out = (pv_vulkan_about){
      .type = type_name(p->deviceType),
      .software = p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU,
      .major = VK_API_VERSION_MAJOR(p->apiVersion),
      .minor = VK_API_VERSION_MINOR(p->apiVersion),
      .patch = VK_API_VERSION_PATCH(p->apiVersion),
      .vendor = p->vendorID,
      .device = p->deviceID,
      .promised = floats.shaderDenormPreserveFloat32 && floats.shaderDenormPreserveFloat64};
  out->subnormals = out->promised || v->told[index] ? PV_VULKAN_KEPT : PV_VULKAN_UNSAID;
  (void)snprintf(out->name, sizeof out->name, "%s", p->deviceName);
  if (driver.driverName[0] != '\0') /* a device of 1.1 may leave it empty */
    (void)snprintf(out->driver, sizeof out->driver, "%.120s %.120s", driver.driverName,
                   driver.driverInfo);
  else
    (void)snprintf(out->driver, sizeof out->driver, "%u", p->driverVersion);
}
