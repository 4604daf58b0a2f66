/* vLLM's top-k of a row, and of experts: their files up to where they are called, less what
 * includes torch. */
#include <cfloat>

#include "vllm-topk-cut.cu"

#include "vllm-route-cut.cu"

const void *const pv_instances[] = {(const void *)vllm::topKPerRowPrefill<512, false>,
                                    (const void *)vllm::topKPerRowDecode<512, true>,
                                    (const void *)vllm::moe::moeTopK<256, int>};
