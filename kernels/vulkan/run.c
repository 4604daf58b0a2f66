/* Shaders compiled by the driver, and what runs on a queue. */
#include "base/clock.h"
#include "kernels/vulkan/state.h"

#define A_MINUTE UINT64_C(60000000000)
#define SOON     0.02 /* seconds */
enum { BEGUN = 0, ENDED = 1, OTHERS = 2, STAMPS = PV_VULKAN_STAMPS };

pv_code pv_vulkan_compile(pv_vulkan_device *d, const pv_vulkan_module *module, uint32_t variant,
                          pv_vulkan_pipeline *out, pv_error *err) {
  const pv_vulkan_code *spirv = &module->code[d->subnormals];
  const VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                         .codeSize = spirv->bytes,
                                         .pCode = spirv->words};
  const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                     .size = PV_VULKAN_ARGUMENTS};
  const VkPipelineLayoutCreateInfo shape = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                            .pushConstantRangeCount = 1,
                                            .pPushConstantRanges = &range};
  const VkSpecializationMapEntry number = {.constantID = 0, .size = sizeof variant};
  const VkSpecializationInfo constants = {1, &number, sizeof variant, &variant};
  VkShaderModule shader = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkPipeline pipeline = VK_NULL_HANDLE;
  VkResult result = d->api.CreateShaderModule(d->device, &code, NULL, &shader);
  if (result == VK_SUCCESS) result = d->api.CreatePipelineLayout(d->device, &shape, NULL, &layout);
  const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = shader,
                .pName = "main",
                .pSpecializationInfo = &constants},
      .layout = layout};
  if (result == VK_SUCCESS)
    result = d->api.CreateComputePipelines(d->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline);
  d->api.DestroyShaderModule(d->device, shader, NULL);
  if (result != VK_SUCCESS) {
    d->api.DestroyPipelineLayout(d->device, layout, NULL);
    return pv_vulkan_failed(result, "the driver does not take a shader", err);
  }
  *out = (pv_vulkan_pipeline){pipeline, layout};
  return PV_OK;
}

void pv_vulkan_discard(pv_vulkan_device *d, pv_vulkan_pipeline *p) {
  if (d->of->stuck) return;
  d->api.DestroyPipeline(d->device, p->pipeline, NULL);
  d->api.DestroyPipelineLayout(d->device, p->layout, NULL);
  *p = (pv_vulkan_pipeline){0};
}

pv_code pv_vulkan_begin(pv_vulkan_device *d, pv_error *err) {
  const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                         .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  const VkResult result = d->api.BeginCommandBuffer(d->commands, &info);
  d->stamped = 0;
  d->copied = true; /* by what ran before, it may be */
  if (result == VK_SUCCESS && d->tick > 0) {
    d->api.CmdResetQueryPool(d->commands, d->queries, 0, STAMPS);
    d->api.CmdWriteTimestamp(d->commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, d->queries, BEGUN);
  }
  return pv_vulkan_failed(result, "the device's commands", err);
}

static VkCommandBuffer target(const pv_vulkan_device *d) {
  return d->keeping != NULL ? d->keeping : d->commands;
}

/* What comes next begins when all before has ended, and sees what that wrote. Between launches
 * alone nothing else is waited for: a device may have to empty caches for copies and for the host.
 */
static void wait_for_all(pv_vulkan_device *d, bool launches) {
  const VkAccessFlags shader = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  const bool all = !launches || d->copied;
  const VkMemoryBarrier seen = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | (all ? VK_ACCESS_TRANSFER_WRITE_BIT : 0U),
      .dstAccessMask =
          shader | (all ? VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT : 0U)};
  const VkPipelineStageFlags work =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | (all ? VK_PIPELINE_STAGE_TRANSFER_BIT : 0U);
  d->api.CmdPipelineBarrier(target(d), work, work, 0, 1, &seen, 0, NULL, 0, NULL);
  d->copied = !launches;
}

/* The host sees all that was written. */
static void show_host(pv_vulkan_device *d) {
  const VkMemoryBarrier seen = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
  d->api.CmdPipelineBarrier(d->commands,
                            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                            VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &seen, 0, NULL, 0, NULL);
}

void pv_vulkan_copy(pv_vulkan_device *d, const pv_vulkan_memory *from, uint64_t from_at,
                    const pv_vulkan_memory *to, uint64_t to_at, uint64_t bytes) {
  const VkBufferCopy region = {.srcOffset = from_at, .dstOffset = to_at, .size = bytes};
  wait_for_all(d, false);
  d->api.CmdCopyBuffer(d->commands, from->buffer, to->buffer, 1, &region);
}

void pv_vulkan_clear(pv_vulkan_device *d, const pv_vulkan_memory *memory) {
  wait_for_all(d, false);
  d->api.CmdFillBuffer(d->commands, memory->buffer, 0, VK_WHOLE_SIZE, 0);
}

void pv_vulkan_launch(pv_vulkan_device *d, const pv_vulkan_pipeline *p, const void *arguments,
                      uint32_t bytes, uint32_t groups, uint32_t rows, bool beside) {
  const VkCommandBuffer to = target(d);
  if (!beside) wait_for_all(d, true);
  d->api.CmdBindPipeline(to, VK_PIPELINE_BIND_POINT_COMPUTE, p->pipeline);
  d->api.CmdPushConstants(to, p->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, bytes, arguments);
  d->api.CmdDispatch(to, groups, rows, 1);
}

pv_code pv_vulkan_keep(pv_vulkan_device *d, pv_error *err) {
  const VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = d->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_SECONDARY,
      .commandBufferCount = 1};
  const VkCommandBufferInheritanceInfo none = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
  const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                         .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
                                         .pInheritanceInfo = &none};
  VkCommandBuffer made = NULL;
  VkResult result = d->api.AllocateCommandBuffers(d->device, &commands, &made);
  if (result == VK_SUCCESS) result = d->api.BeginCommandBuffer(made, &info);
  if (result == VK_SUCCESS) {
    d->keeping = made;
    d->copied = true; /* whatever comes before it */
  }
  return pv_vulkan_failed(result, "the device's commands", err);
}

pv_code pv_vulkan_kept(pv_vulkan_device *d, pv_vulkan_sequence *out, pv_error *err) {
  const VkResult result = d->api.EndCommandBuffer(d->keeping);
  if (result == VK_SUCCESS) *out = d->keeping;
  d->keeping = NULL;
  d->copied = true; /* again: what was made has not run */
  return pv_vulkan_failed(result, "the device's commands", err);
}

void pv_vulkan_repeat(pv_vulkan_device *d, pv_vulkan_sequence sequence) {
  const VkCommandBuffer kept = sequence;
  d->api.CmdExecuteCommands(d->commands, 1, &kept);
  d->copied = true; /* it may be */
}

void pv_vulkan_stamp(pv_vulkan_device *d) {
  if (d->tick > 0)
    d->api.CmdWriteTimestamp(d->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, d->queries,
                             OTHERS + d->stamped);
  d->stamped++;
}

uint64_t pv_vulkan_stamp_of(const pv_vulkan_device *d, uint32_t number) {
  return d->stamps[OTHERS + number];
}

double pv_vulkan_seconds(const pv_vulkan_device *d, uint64_t from, uint64_t to) {
  return d->tick * (double)((to - from) & d->tick_mask);
}

/* To sleep and to be woken takes longer than a launch: what ends soon is waited for
 * without. */
static VkResult await_fence(const pv_vulkan_device *d) {
  const double until = pv_clock_now() + (d->polled ? SOON : 0);
  VkResult result = VK_TIMEOUT;
  while (result == VK_TIMEOUT && pv_clock_now() < until)
    result = d->api.WaitForFences(d->device, 1, &d->fence, VK_TRUE, 0);
  if (result == VK_TIMEOUT)
    result = d->api.WaitForFences(d->device, 1, &d->fence, VK_TRUE, A_MINUTE);
  return result;
}

pv_code pv_vulkan_finish(pv_vulkan_device *d, double *seconds, pv_error *err) {
  const VkSubmitInfo work = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                             .commandBufferCount = 1,
                             .pCommandBuffers = &d->commands};
  show_host(d);
  if (d->tick > 0)
    d->api.CmdWriteTimestamp(d->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, d->queries, ENDED);
  VkResult result = d->api.EndCommandBuffer(d->commands);
  if (result == VK_SUCCESS) result = d->api.ResetFences(d->device, 1, &d->fence);
  if (result == VK_SUCCESS) result = d->api.QueueSubmit(d->queue, 1, &work, d->fence);
  if (result == VK_SUCCESS) result = await_fence(d);
  if (result == VK_TIMEOUT) d->of->stuck = true;
  if (result == VK_SUCCESS && d->tick > 0)
    result = d->api.GetQueryPoolResults(d->device, d->queries, 0, OTHERS + d->stamped,
                                        sizeof d->stamps, d->stamps, sizeof *d->stamps,
                                        VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  if (result == VK_SUCCESS) *seconds = pv_vulkan_seconds(d, d->stamps[BEGUN], d->stamps[ENDED]);
  return pv_vulkan_failed(result, "the device", err);
}
