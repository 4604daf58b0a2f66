/* The shaders that lie in this program, as SPIR-V: data only, no driver is touched. What is
 * asserted about it is asserted about what a driver is given. */
#ifndef PV_VULKAN_MODULES_H
#define PV_VULKAN_MODULES_H

#include <stddef.h>
#include <stdint.h>

typedef struct pv_vulkan_module {
  const char *name;  /* of the .comp file */
  const char *fault; /* planted in it; NULL: none */
  const char *about; /* what that is */
  const uint32_t *words;
  size_t bytes;
} pv_vulkan_module;

/* All modules, the sound ones first; none in a build without glslangValidator. */
const pv_vulkan_module *pv_vulkan_modules(size_t *count);
/* The module NAME, or NAME@FAULT; NULL: there is none. */
const pv_vulkan_module *pv_vulkan_module_find(const char *name);

#endif
