/* cuFINUFFT's spreading of points in one dimension by what they reach, with a kernel of four
 * numbers. */
#include "1d/spreadinterp1d.cuh"

template __global__ void cufinufft::spreadinterp::spread_1d_output_driven<float, 1, 4>(
    const float *, const cuda_complex<float> *, cuda_complex<float> *, int, int, float, float,
    float, const int *, const int *, int, const int *, const int *, const int *, int, int, int *,
    const int);
