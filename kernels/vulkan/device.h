/* A GPU of any make: the Vulkan loader opened at run time, its devices, and on one of them memory,
 * compiled shaders and what runs. A program without descriptors: a shader gets one struct of at
 * most PV_VULKAN_ARGUMENTS bytes, in which memory is an address of 64 bits. */
#ifndef PV_VULKAN_DEVICE_H
#define PV_VULKAN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/vulkan/modules.h"

enum { PV_VULKAN_ARGUMENTS = 128, PV_VULKAN_NAME = 256 };      /* what every device takes */
enum { PV_VULKAN_STAMPED = 1024, PV_VULKAN_DEVICES_MAX = 16 }; /* more devices are not looked at */

typedef struct pv_vulkan pv_vulkan;               /* the loader and an instance */
typedef struct pv_vulkan_device pv_vulkan_device; /* one device, open */

/* What a report names. */
typedef struct pv_vulkan_about {
  char name[PV_VULKAN_NAME];       /* "llvmpipe (LLVM 15.0.6, 256 bits)" */
  char driver[PV_VULKAN_NAME];     /* "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)" */
  bool software;                   /* no GPU: the CPU computes */
  const char *type;                /* "cpu", "integrated", "discrete", "virtual", "other" */
  unsigned major, minor, patch;    /* the version of Vulkan */
  uint32_t vendor, device;         /* ids of PCI */
  pv_vulkan_subnormals subnormals; /* what its shaders say of them */
  bool promised;                   /* its driver says that it keeps them when it is told */
} pv_vulkan_about;

typedef struct pv_vulkan_memory {
  uint64_t address; /* for shaders */
  void *mapped;     /* of memory of the host; else NULL */
  uint64_t bytes;
  void *buffer, *memory; /* handles */
} pv_vulkan_memory;

typedef struct pv_vulkan_pipeline {
  void *pipeline, *layout; /* handles */
} pv_vulkan_pipeline;

typedef void *pv_vulkan_sequence; /* a handle; NULL: none */

/* PV_ERR_UNSUPPORTED with the reason: a build without Vulkan, no loader, no driver or no device,
 * one that is too old. `*out` is the caller's to close. */
pv_code pv_vulkan_open(pv_vulkan **out, pv_error *err);
void pv_vulkan_close(pv_vulkan *vulkan);
size_t pv_vulkan_count(const pv_vulkan *vulkan); /* at least 1 */
void pv_vulkan_describe(const pv_vulkan *vulkan, size_t index, pv_vulkan_about *out);

/* The number of the device that is meant: `wanted`, or PV_VULKAN_ANY, the first that is a GPU, or
 * the first of all where none is. PV_ERR_UNSUPPORTED: there is none of that number. */
enum { PV_VULKAN_ANY = -1 };
pv_code pv_vulkan_choose(const pv_vulkan *vulkan, int wanted, size_t *out, pv_error *err);

/* Shaders say from now on that subnormals are kept, though the driver does not promise to. */
void pv_vulkan_tell(pv_vulkan *vulkan, size_t index);

/* PV_ERR_UNSUPPORTED: the device is too old or lacks a feature, which is named. It must be closed
 * before `vulkan` is. */
pv_code pv_vulkan_device_open(pv_vulkan *vulkan, size_t index, pv_vulkan_device **out,
                              pv_error *err);
void pv_vulkan_device_close(pv_vulkan_device *device);
/* Of its own memory, used or not. */
uint64_t pv_vulkan_device_bytes(const pv_vulkan_device *device);

/* `bytes` > 0, of the device or (mapped, coherent) of the host. PV_ERR_NOMEM when it has not as
 * much.
 */
pv_code pv_vulkan_allocate(pv_vulkan_device *device, uint64_t bytes, bool host,
                           pv_vulkan_memory *out, pv_error *err);
void pv_vulkan_release(pv_vulkan_device *device, pv_vulkan_memory *memory); /* also what is zero */

/* A shader's `main`; `variant` is its constant number 0, where it has one. */
pv_code pv_vulkan_compile(pv_vulkan_device *device, const pv_vulkan_module *module,
                          uint32_t variant, pv_vulkan_pipeline *out, pv_error *err);
void pv_vulkan_discard(pv_vulkan_device *device, pv_vulkan_pipeline *pipeline);

/* What runs, in order (a launch: a grid of `groups` times `rows`), each after the one before has
 * ended and its memory is seen; a launch `beside` the one before begins with it. */
pv_code pv_vulkan_begin(pv_vulkan_device *device, pv_error *err);
void pv_vulkan_copy(pv_vulkan_device *device, const pv_vulkan_memory *from, uint64_t from_at,
                    const pv_vulkan_memory *to, uint64_t to_at, uint64_t bytes);
/* All of it, of whole words, becomes zeros. */
void pv_vulkan_clear(pv_vulkan_device *device, const pv_vulkan_memory *memory);
void pv_vulkan_launch(pv_vulkan_device *device, const pv_vulkan_pipeline *pipeline,
                      const void *arguments, uint32_t bytes, uint32_t groups, uint32_t rows,
                      bool beside);
/* Between both, launches become a sequence instead, which the device keeps until it is closed, and
 * which runs as often as it is repeated among what runs. */
pv_code pv_vulkan_keep(pv_vulkan_device *device, pv_error *err);
pv_code pv_vulkan_kept(pv_vulkan_device *device, pv_vulkan_sequence *out, pv_error *err);
void pv_vulkan_repeat(pv_vulkan_device *device, pv_vulkan_sequence sequence);
/* The time at which all that was queued before has ended, at most PV_VULKAN_STAMPED times until it
 * runs; the first is number 0. Once it has run, the stamps are there, in ticks of the device, until
 * something else runs. */
void pv_vulkan_stamp(pv_vulkan_device *device);
uint64_t pv_vulkan_stamp_of(const pv_vulkan_device *device, uint32_t number);
/* From one stamp to another; 0: the device has no clock. */
double pv_vulkan_seconds(const pv_vulkan_device *device, uint64_t from, uint64_t to);
/* Runs it and waits. PV_ERR_DEVICE: the device is lost, or did not end within a minute: nothing
 * that it computed counts, and of one that still runs all stays as it is until the process ends.
 * `*seconds`, on the device's own clock; 0 where it has none. */
pv_code pv_vulkan_finish(pv_vulkan_device *device, double *seconds, pv_error *err);

#endif
