/* The shaders that lie in this program, as SPIR-V: data only, no driver is touched. What is
 * asserted about it is asserted about what a driver is given. */
#ifndef PV_VULKAN_MODULES_H
#define PV_VULKAN_MODULES_H

#include <stddef.h>
#include <stdint.h>

/* A module is there twice: a device that can be told to keep subnormals must be, since its driver
 * may flush them else; one that cannot does not take a module that says so. */
typedef enum pv_vulkan_subnormals {
  PV_VULKAN_UNSAID,
  PV_VULKAN_KEPT, /* by the execution mode DenormPreserve, of float32 and float64 */
  PV_VULKAN_SUBNORMALS
} pv_vulkan_subnormals;

typedef struct pv_vulkan_code {
  const uint32_t *words;
  size_t bytes;
} pv_vulkan_code;

typedef struct pv_vulkan_module {
  const char *name;  /* of the .comp file */
  const char *fault; /* planted in it; NULL: none */
  const char *about; /* what that is */
  pv_vulkan_code code[PV_VULKAN_SUBNORMALS];
} pv_vulkan_module;

/* All modules, the sound ones first; none in a build without glslangValidator. */
const pv_vulkan_module *pv_vulkan_modules(size_t *count);
/* The module NAME, or NAME@FAULT; NULL: there is none. */
const pv_vulkan_module *pv_vulkan_module_find(const char *name);

#endif
