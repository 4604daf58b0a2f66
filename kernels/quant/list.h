/* The tensor types that pv computes with: a line for each, by their numbers. Whoever makes
 * something of their rows defines PV_PLAIN_ROW(NAME, name, number) and PV_TYPE_ROW (type.h) and
 * includes this. */
/* clang-format off */
#include "kernels/quant/types/f32.h"
#include "kernels/quant/types/f16.h"
#include "kernels/quant/types/q4_0.h"
#include "kernels/quant/types/q4_1.h"
#include "kernels/quant/types/q5_0.h"
#include "kernels/quant/types/q5_1.h"
#include "kernels/quant/types/q8_0.h"
#include "kernels/quant/types/q2_k.h"
#include "kernels/quant/types/q3_k.h"
#include "kernels/quant/types/q4_k.h"
#include "kernels/quant/types/q5_k.h"
#include "kernels/quant/types/q6_k.h"
#include "kernels/quant/types/iq4_nl.h"
#include "kernels/quant/types/iq4_xs.h"
#include "kernels/quant/types/bf16.h"
#include "kernels/quant/types/tq2_0.h"
#include "kernels/quant/types/mxfp4.h"
