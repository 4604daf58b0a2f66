/* causal-conv1d's forward pass in float32: its file up to where it is compiled for all types. */
#include <stdint.h>

#include <algorithm>
#include <initializer_list>

#include "conv1d-cut.cu"

template void causal_conv1d_fwd_cuda<float, float>(ConvParamsBase &params, cudaStream_t stream);
template void causal_conv1d_channellast_fwd_cuda<float, float>(ConvParamsBase &params,
                                                               cudaStream_t stream);
