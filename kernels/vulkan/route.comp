// The best experts by (value, index), and their weights. Of pv_cuda_route. Groups: rows. Reference: route of
// kernels/definition.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#include "kernels/vulkan/stages.glsl"

layout(local_size_x = 256) in;
const uint MOST_EXPERTS = 1024u; // PV_EXPERTS_MAX
shared float values[2u * WIDE_LANES];
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/route.glsl"

layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer route_argument { route_of route; };

void main() {
  route_of t = route_argument(argument).route;
  choose(t, gl_WorkGroupID.x);
  keep_route(t, gl_WorkGroupID.x);
}
