#!/usr/bin/env bash
# Kernels of llama.cpp, liger-kernel, gptqmodel, AutoAWQ, exllamav2, DeepSpeed, ColossalAI, torch-cluster, mmcv,
# torch-points-kernels, nerfacc, AQLM, causal-conv1d, vLLM, SGLang, xFormers, FlashInfer, xgrammar, torchao and others, fetched and
# compiled by build.sh, judged without a GPU: ./dev test --strangers. $1 is pv. Sound ones pass, known defects are found where they stand, and not in the version in
# which they were mended.
#
# $PV_STRANGERS: a folder that has them already, or gets them; else build-strangers.
# PV_STRANGERS_SAY=1 prints what was said of each.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

# check PTX DESCRIPTOR: what pv says, in $out and $code.
check() {
  call="$1 $2"
  out=$("$pv" kernel check "$1.ptx" --descriptor "$2.yaml" 2>&1)
  code=$?
  [ -z "${PV_STRANGERS_SAY:-}" ] || printf '%s\n%s\n' "$call" "$out"
}
sound() {
  check "$@"
  if [ "$code" -eq 0 ] && grep -q '^PASS ' <<<"$out"; then ok; else bad "$call: exit $code: $(head -n 4 <<<"$out")"; fi
}
# defect PTX DESCRIPTOR WORDS...: each of them is said, and nothing else was found.
defect() {
  local words
  check "$1" "$2"
  for words in "${@:3}"; do
    if [ "$code" -eq 1 ] && grep -qF -- "$words" <<<"$out"; then ok; else
      bad "$call: exit $code, '$words' is not said: $(head -n 4 <<<"$out")"
    fi
  done
}

tests/strangers/build.sh "${PV_STRANGERS:-build-strangers}" || {
  bad 'there are no kernels of strangers here'
  echo "$passed passed, $failed failed"
  exit 1
}
cd "${PV_STRANGERS:-build-strangers}/ptx" || exit 1

# llama.cpp, as it builds itself and without fast math
for math in '' -precise; do
  for name in q4_k-1 q4_k-2-padded q6_k-1 q8_0-1; do sound "llama-mmvq$math" "llama-$name"; done
  for length in 256 1024; do sound "llama-norm$math" "llama-rmsnorm-$length"; done
  sound "llama-softmax$math" llama-softmax
  sound "llama-quantize$math" llama-quantize_q8_1
  sound "llama-rope$math" llama-rope
done
sound llama-unary llama-swiglu
# it reads a row behind the weights when rows is odd
defect llama-mmvq llama-q4_k-2 'out of bounds' 'of the buffer of 3024 bytes' '(weights, byte 3040 of 3024)'
defect llama-mmvq llama-q6_k-2 'out of bounds' '(weights, byte 4410 of 4410)'
defect llama-mmvq llama-q4_k-experts 'out of bounds' '(weights, '
# and stored there what another block stores, until the middle of 2024
defect llama-0.2.78-mmvq llama-old-q4_k-2-padded 'race in device memory' 'mmvq-cut.cu:121' 'of block (0, 0, 0) wrote this'
sound llama-0.2.79-mmvq llama-old-q4_k-2-padded
# a buffer in shared memory that two reductions used without a barrier between
for grid in '' -grid; do
  defect llama-10240-softmax "llama-softmax$grid" 'shared-memory race' 'common.cuh:643'
  sound llama-10261-softmax "llama-softmax$grid"
done
sound llama-softmax llama-softmax-grid

sound llama-argmax llama-argmax
sound llama-topk-moe llama-topk-128
for type in q4_k q5_k q6_k; do sound llama-convert "llama-$type-dequantize"; done

# 32 tokens of a convolution that are loaded whole
defect inputs llama-conv-33 'out of bounds' 'ssm-conv.cu:93), ld.global' 'block (0, 0, 1), thread (97, 0, 0)' '(numbers, byte 18432 of 18432)'
sound inputs llama-conv-64

# Triton
for type in fp32 fp16 bf16; do sound "liger-rms-$type" "liger-rms-$type"; done
sound liger-swiglu liger-swiglu
sound gptqmodel-q4_k gptqmodel-q4_k
sound gptqmodel-q6_k gptqmodel-q6_k
sound gptqmodel-gemv gptqmodel-gemv
for name in autoawq gptqmodel-awq; do
  for parts in 1 8; do sound "$name-gemm-$parts" "$name-gemm-$parts"; done
done
defect autoawq-gemm-1 autoawq-gemm-1-float32 'wrong value'
# tiles of rows that are loaded whole
sound gptqmodel-248 gptqmodel-248-whole
defect gptqmodel-248 gptqmodel-248 'out of bounds' 'kernels.py:164' 'k=1152 rows=96'

# clang: 1024 columns that are loaded whole
for group in 64 128; do sound clang-awq-gemv "awq-gemv-$group-whole"; done
defect clang-awq-gemv awq-gemv-64 'out of bounds' 'awq-gemv.cu:80' '(words, byte'
defect clang-awq-gemv awq-gemv-128 'out of bounds' 'awq-gemv.cu:151' '(words, byte'

# norms: shared memory that two sums use without a barrier between
for name in layer head; do
  defect "exllamav2-${name}_norm" "exllamav2-${name}norm" 'shared-memory race' "${name}_norm.cu:"
done
sound exllamav2-rms_norm exllamav2-rmsnorm
# lanes that a block does not have
defect deepspeed-rms_norm deepspeed-rms 'reads lane 16, which does not take part' 'k=256 rows=2'
sound deepspeed-rms_norm deepspeed-rms-whole
defect colossalai-rms colossalai-rms ', in 3 cases' 'which does not take part' 'k=33 rows=3'
sound colossalai-rms colossalai-rms-whole
# a step of as many numbers as there are threads, each of which copies four
defect colossalai-cos colossalai-cos-40 'misaligned' 'vec_copy.h:28' '(cache, byte 40 of 160)'
sound colossalai-cos colossalai-cos-64
# blocks of 16 rows, and no number of rows
defect deepspeed-rms_norm deepspeed-rms-17 'out of bounds' 'block (1, 0, 0), thread (0, 1, 0)' '(heads, byte 4352 of 4352)'
sound deepspeed-rms_norm deepspeed-rms-32
sound deepspeed-top_k deepspeed-top_k
# heads that no power of two is: what lies behind is read, and stored again
defect deepspeed-rms_norm deepspeed-rotary-80 'race in device memory' 'apply_rotary_pos_half' '(query, byte 320 of 5120)'
defect deepspeed-rms_norm deepspeed-rotary-80-1 'out of bounds' 'apply_rotary_pos_half' '(query, byte 320 of 320)'
sound deepspeed-rms_norm deepspeed-rotary-128
# numbers of each thread that its array does not have
defect deepspeed-rms_norm deepspeed-softmax-8193 'out of bounds' 'softmax.cu:178' "outside the thread's local memory"
sound deepspeed-rms_norm deepspeed-softmax-8192
# groups that are not there, one for each warp of the last block
defect deepspeed-rms_norm deepspeed-quantize-9 'out of bounds' 'st.global' '(quantized, byte 4644 of 4644)'
sound deepspeed-rms_norm deepspeed-quantize-16
defect deepspeed-rms_norm deepspeed-groups-33 'out of bounds' 'ld.global' '(values, byte 4224 of 4224)'
sound deepspeed-rms_norm deepspeed-groups-64
# sums of warps that left before
defect deepspeed-softmax deepspeed-softmax 'uninitialised' ', in 2 cases' 'softmax.cu:204' 'k=256 rows=2'
sound deepspeed-softmax deepspeed-softmax-whole
# a scan of 2048 tokens
defect inputs deepspeed-sort-4096 'shared-memory race' '_Z9scan_sortILi2EEvPiii' 'st.shared.u32'
sound inputs deepspeed-sort-2048
# lanes that count their number twice
defect inputs deepspeed-backward-8208 'race in device memory' 'softmax_kernels.cu:635' 'of this block read this'
sound inputs deepspeed-backward-33
# one block zeroes what the others add to
defect gptqmodel-exllamav2 gptqmodel-exllamav2 'race in device memory' ', in 5 cases' 'of block (0, 0, 0) wrote this'
sound gptqmodel-exllamav2 gptqmodel-exllamav2-128

# torch-cluster: a maximum that is moved while others read it; sets without points; ends that nobody looked at
defect inputs cluster-fps 'shared-memory race' 'cluster-fps-cut.cu:5' 'another thread read this, and no barrier lies between'
sound inputs cluster-fps-1
defect inputs cluster-fps-empty 'out of bounds' 'st.global.u64, block (1, 0, 0)' '(out, byte 8 of 8)'
defect inputs cluster-grid 'out of bounds' 'ld.global.f32' '(end, byte 4 of 4)'
sound inputs cluster-grid-3
# walks that go on from a neighbour which was rejected
defect inputs cluster-walk 'out of bounds' 'cluster-rw-cut.cu:8' 'ld.global.u64, block (0, 0, 0), thread (1, 0, 0)'
defect inputs cluster-walk-edges 'wrong value' 'y[0][0] is nan'
sound inputs cluster-walk-even

# mmcv: the next point's maximum before all have read the last one; four points at a time; loops that
# return, or move their pointers; masks and a maximum that have no place
defect inputs mmcv-fps 'shared-memory race' 'furthest_point_sample_cuda_kernel.cuh:67'
defect inputs points-fps 'shared-memory race' 'sampling_gpu.cu:64'
defect inputs mmcv-chamfer-5 'uninitialised' 'chamfer_distance_cuda_kernel.cuh:52' 'ld.shared.f32'
sound inputs mmcv-chamfer-6
defect inputs mmcv-polygons 'wrong value' 'y[0][0] is nan'
sound inputs mmcv-polygons-2097152
defect inputs mmcv-group 'out of bounds' 'group_points_cuda_kernel.cuh:32' '(which, byte 8390656 of 8390656)'
sound inputs mmcv-group-65536
defect inputs mmcv-carafe 'out of bounds' 'carafe_cuda_kernel.cuh:134' "outside the block's shared memory"
sound inputs mmcv-carafe-4
defect inputs mmcv-scatter-nan 'out of bounds' 'scatter_points_cuda_kernel.cuh:181' '(gradients, byte 16 of 16)'
sound inputs mmcv-scatter

# half of the steps that groups of 16 take
defect aqlm aqlm-16 '256 unwritten' ', in 1 case, 256 times' 'nobody wrote y[0][8192] of [1][8448]'
sound aqlm aqlm-16-4096

# the sample behind the only one
defect inputs nerfacc-1 'out of bounds' 'nerfacc-pdf-cut.cu:43' '(samples, byte 16 of 16)'
sound inputs nerfacc-2

# LightGBM: a weight before the first; two sums in one place; two numbers of a query of one item; blocks of half a warp; what lies before the first; sums that begin anywhere
defect inputs lightgbm-binary-0 'out of bounds' 'cuda_binary_objective.cu:144' '(label_weights, byte -8 of 16)'
sound inputs lightgbm-binary-1
defect inputs lightgbm-metric-1024 'shared-memory race' 'cuda_algorithms.hpp:131' 'another thread read this, and no barrier lies between'
sound inputs lightgbm-metric-none
defect inputs lightgbm-rank-1 'out of bounds' 'cuda_rank_objective.cu:419' '(gradients, byte 12 of 12)'
defect inputs lightgbm-rank-10 'race in device memory' 'thread (31, 0, 0) of block (0, 0, 0) wrote this' 'byte 40 of the buffer'
sound inputs lightgbm-rank-9
defect inputs lightgbm-rank-16 'uninitialised' 'shfl.sync.down.b32' 'reads lane 16, which does not take part'
sound inputs lightgbm-rank-64
defect inputs lightgbm-percentile 'out of bounds' 'cuda_algorithms.hpp:546' '(order, byte -4 of 400)'
sound inputs lightgbm-percentile-even
defect inputs lightgbm-sums 'uninitialised' 'cuda_algorithms.cu:220' '(bases, byte 0 of 24)'
defect inputs lightgbm-leaf 'shared-memory race' 'cuda_algorithms.hpp:94' 'it was thread (31, 0, 0)'
sound inputs lightgbm-leaf-1

# torchsort: a look behind the last block; fast-transformers: one state for all; what is added again; what four do not divide
defect inputs torchsort-apart 'out of bounds' 'isotonic_cuda.cu:250' '(sizes, byte 40 of 40)'
sound inputs torchsort-tied
defect inputs fast-cluster-2 'out of bounds' 'block (0, 0, 0), thread (1, 0, 0)' '(states, byte 48 of 48)'
sound inputs fast-cluster-1
defect inputs fast-means-2 'race in device memory' 'curand_kernel.h' 'of the buffer of 48 bytes'
sound inputs fast-means-1
defect inputs fast-causal-257 'wrong value' '4626 wrong'
sound inputs fast-causal-256
defect inputs fast-sparse-6 'wrong value' '4626 wrong'
sound inputs fast-sparse-8

# gsplat: transparencies of masked tiles
defect inputs gsplat-mask-0 'uninitialised' '(alphas, byte 0 of 1024)'
sound inputs gsplat-mask-1

# LightSeq: rows that four do not divide
defect inputs lightseq-6 'wrong value' '2313 wrong'
sound inputs lightseq-8
defect inputs lightseq-adam-5000 'wrong value' '2313 wrong'
defect inputs lightseq-adam-10 'out of bounds' 'lightseq-adam-cut.cu:89' 'thread (2, 0, 0)' '(gradients, byte 32 of 40)'
sound inputs lightseq-adam-4096

# DCNv4: a block of two images
defect inputs dcnv4-2 'wrong value' '2313 wrong'
sound inputs dcnv4-1

# rows that begin between two vectors
defect inputs conv1d-65 'misaligned' 'ld.global.v4.u32, block (0, 1, 0)' '(x, byte 260 of '
sound inputs conv1d-68
defect inputs vllm-rms-8193 'misaligned' 'vllm-rms-cut.cu:79' '(hidden, byte 16386 of 32772)'
sound inputs vllm-rms-8200
# states that go where other blocks read them
defect inputs conv1d-states-65 'race in device memory' 'conv1d-cut.cu:275' 'of block (0, 0, 0) read this' '(states, byte 0 of 384)'
sound inputs conv1d-states-64

# vLLM: numbers that are in no order; numbers below what pads them; experts below what none has; a bias of what is allowed; what another warp has found
defect inputs vllm-topk-nan 'shared-memory race' 'vllm-topk-cut.cu:492' 'st.shared.u32' 'another thread wrote this'
sound inputs vllm-topk-600
defect inputs vllm-topk-500 'wrong value' '12 wrong'
sound inputs vllm-topk-512
defect inputs vllm-route-2 'wrong value' '8 wrong'
sound inputs vllm-route-1
defect inputs vllm-bias-0 'race in device memory' 'logit_bias.py:234), ld.global' 'of this block wrote this' 'no barrier lies between'
sound inputs vllm-bias-128
defect inputs vllm-truncate-12000 'uninitialised' 'topk_topp_triton.py:242), ld.global' '(buffer, byte 0 of 48000)'
sound inputs vllm-truncate-8192

# SGLang: a bin of more than 4096; a sequence of no tokens; where experts begin; a state that another block begins from
defect inputs sglang-topk-5000 'wrong value' 'depends on the schedule'
sound inputs sglang-topk-4096
defect inputs sglang-conv1d-0 'shared-memory race' 'ld.shared.v4.u32, block (1, 0, 0), thread (127, 0, 0)' 'it was thread (0, 0, 0)'
sound inputs sglang-conv1d-1
defect inputs sglang-scatter 'race in device memory' 'ep_moe_kernels.py:1117), ld.global' 'of this block wrote this' 'no barrier lies between'
sound inputs vllm-scatter
defect inputs sglang-lfm-33 'race in device memory' 'lfm_short_conv.py:157), st.global' 'of block (0, 0, 0) read this' 'nothing orders the two blocks'
sound inputs sglang-lfm-32

# Tokens that move by one, in vLLM and in SGLang
defect inputs vllm-shift-600 'race in device memory' 'speculator.py:1028), st.global' 'of this block read this' 'no barrier lies between'
sound inputs vllm-shift-2
sound inputs sglang-shift

# xFormers: half a block of columns; part of a block of rows
defect inputs xformers-sparsify-96 'out of bounds' 'ld.global' 'block (0, 1, 0), thread (3, 4, 0)' '(values, byte 6144 of 6144)'
defect inputs xformers-sparsify-slice 'out of bounds' 'st.global' 'block (0, 1, 0), thread (0, 4, 0)' '(packed_trans, byte 6144 of 6144)'
sound inputs xformers-sparsify-128
defect inputs xformers-dense-40 'out of bounds' 'ld.global' 'block (1, 0, 0), thread (1, 0, 0)' '(gradient, byte 5120 of 5120)'
sound inputs xformers-dense-64

# FlashInfer: rows that begin between two vectors; a sum that begins anywhere
defect inputs flashinfer-rms-65 'misaligned' 'ld.global.nc.v4.u32, block (1, 0, 0)' '(values, byte 130 of 260)'
sound inputs flashinfer-rms-72
defect inputs flashinfer-sum-2 'wrong value' '2313 wrong'
sound inputs flashinfer-sum-1

# CuPy: threads without a point; a bound of one neighbour; a node with one child; a row that begins full; no reference in a dimension
defect inputs cupy-gradients-127 'uninitialised' 'ld.shared.f64, block (0, 0, 0), thread (63, 0, 0)' 'nothing was ever written there'
sound inputs cupy-gradients-128
defect inputs cupy-bound-2 'wrong value' '2313 wrong'
sound inputs cupy-bound-1
defect inputs cupy-periodic-2 'out of bounds' 'ld.global' '(tree, byte 16 of 16)'
sound inputs cupy-periodic-3
defect inputs cupy-argmax-2 'out of bounds' 'ld.global' '(indices, byte 8 of 8)'
sound inputs cupy-argmax-3
defect inputs cupy-cfar-0 'out of bounds' 'ld.global' '(sums, byte -20 of 256)'
sound inputs cupy-cfar-1

# TransformerEngine: rows shorter than the tensor is wide, with few and with many candidates
defect te-topk te-topk-257 'uninitialised' 'ld.global' 'nothing was ever written there; byte 0 of the buffer of 4626 bytes'
defect te-topk te-topk-3000 'uninitialised' 'ld.global' '(x, byte 6000 of 72000)'
sound te-topk te-topk-whole

# xgrammar: a bitmask of one dimension; a row that begins between two vectors
defect inputs xgrammar-1d 'wrong value' '2313 wrong'
sound inputs xgrammar-2d
defect inputs xgrammar-last-50257 'misaligned' 'st.global.v4.f32, block (0, 0, 0), thread (0, 0, 0)' '(logits, byte 603084 of '
sound inputs xgrammar-last-50260

# torchao: scales of columns that are not there; groups of more rows than on average; rows that lie one number apart
defect inputs torchao-columns-48 'race in device memory' 'jagged_float8_scales.py:471), st.global' 'nothing orders the two blocks' '(scales, byte 192 of 384)'
defect inputs torchao-columns-48-1 'out of bounds' 'block (1, 0, 0), thread (16, 0, 0)' '(scales, byte 192 of 192)'
sound inputs torchao-columns-64
defect inputs torchao-fused-500 'uninitialised' 'ld.global' '(out, byte 400 of 16384)'
sound inputs torchao-fused-256
defect inputs torchao-rows-2 'race in device memory' 'jagged_float8_scales.py:259), st.global' '(out, byte 1 of 128)'
sound inputs torchao-rows-1

# SageAttention: keys that are not there
defect inputs sage-77 'wrong value' '2313 wrong'
sound inputs sage-64

# XGBoost: one rounding factor for all groups
defect inputs xgboost-groups-2 'race in device memory' 'xgboost-cut.cu:12), st.global.f64' '(cost_factor, byte 0 of 8)'
sound inputs xgboost-groups-1

# FlagGems: matches of a whole block that the last one forgets; channels of the next group; a class that is ignored; the 17th quantile, and an infinite number; -inf beside what pads; sums of float16
defect inputs gems-isin-300 'wrong value' '2313 wrong'
sound inputs gems-isin-512
defect inputs gems-group-6 'race in device memory' 'gems-group.py:68' 'of block (0, 0, 0) wrote this' '(out, byte 192 of 384)'
sound inputs gems-group-8
defect inputs gems-nll-ignored 'out of bounds' 'gems-nll.py:104), st.global' '(gradients, byte -400 of 160)'
sound inputs gems-nll-3
defect inputs gems-quantile-17 'uninitialised' '(out, byte 64 of 68)'
sound inputs gems-quantile-16
defect inputs gems-quantile-inf 'wrong value' '2313 wrong'
sound inputs gems-quantile-finite
defect inputs gems-topk-2 'wrong value' '2 wrong'
sound inputs gems-topk-300
defect inputs gems-norm-40 'wrong value' '2313 wrong'
sound inputs gems-norm-10

# FlagGems: a class that is ignored, again; logits below zero; NaN in an earlier block; a block that has no place; a window behind the end; a bin of more than 4096, and of fewer
defect inputs gems-entropy-ignored 'out of bounds' 'gems-entropy.py:61), ld.global' '(values, byte -400 of 160)'
sound inputs gems-entropy-3
defect inputs gems-entropy-128 'wrong value' '2313 wrong'
sound inputs gems-entropy-16
defect inputs gems-cummax-nan 'wrong value' '2313 wrong'
sound inputs gems-cummax-numbers
defect inputs gems-vdot-1025 'out of bounds' 'block (1024, 0, 0), thread (0, 0, 0)' '(sums, byte 4096 of 4096)'
sound inputs gems-vdot-1024
defect inputs gems-pool-3 'wrong value' '2313 wrong'
sound inputs gems-pool-4
defect inputs gems-bins-5000 'out of bounds' 'gems-bins.py:146), st.global' '(candidates, byte 16384 of 16384)'
defect inputs gems-bins-race 'race in device memory' 'of this block read this' 'no barrier lies between' '(candidates, byte 0 of 16384)'
sound inputs gems-bins-16

# liger-kernel: sums of float16, of squares and of sixth powers
defect inputs liger-group-4 'wrong value' '2313 wrong'
sound inputs liger-group-2
defect inputs liger-poly-2 'wrong value' '2313 wrong'
sound inputs liger-poly-1

# ISTA-DASLab's optimizers: a sum that goes before all have read it
defect inputs ista-row-64 'shared-memory race' 'ista-cut.cu:86), st.shared.f32' 'another thread read this, and no barrier lies between'
sound inputs ista-row-1

# torch-fps: a place that one thread marks, and another reads
defect inputs fps-17000 'race in device memory' '_triton.py:189), st.global' 'thread (0, 0, 0) of this block wrote this' '_triton.py:195' 'no barrier lies between'
sound inputs fps-1000
defect inputs fps-knn-8200 'race in device memory' 'thread (0, 0, 0) of this block wrote this' '_triton.py:283' '(from_one, byte 1020 of 32800)'
sound inputs fps-knn-1000

# conch: a page whose heads lie apart
defect inputs conch-cache-hnd 'race in device memory' 'reshape_and_cache.py:102), st.global' 'of block (1, 0, 0) wrote this' '(key_cache, byte 128 of 1024)'
sound inputs conch-cache-nhd

# vLLM's plugin of GGUF: an expert behind the 256th, and a row that ends within a tile
defect inputs plugin-experts-257 'wrong value' '2313 wrong'
sound inputs plugin-experts-256
defect inputs plugin-rows-896 'out of bounds' 'vecdotq.cuh:27), ld.global' '(weights, byte 16130 of 16128)'
sound inputs plugin-rows-1024

# adafactor8bit: a reduction that begins where the last one is read
defect inputs adafactor-2048 'shared-memory race' 'adafactor-cut.cu:239), ld.shared.f32' 'it was thread (0, 0, 0)' 'adafactor-cut.cu:231'
sound inputs adafactor-256

# torchnorm, moe-ops: a residual in bfloat16, gradients that are one number
defect inputs torchnorm-9 'wrong value' '2313 wrong'
sound inputs torchnorm-7
defect inputs moe-ops-sum 'out of bounds' 'fused_topk_softmax_ops.py:104), ld.global' '(gradients, byte 8 of 4)'
sound inputs moe-ops-dense

# TorchPQ: a row that is not there, a signal of a warp, a part that is not there; MInference: a second length, and rows without a diagonal
defect inputs torchpq-top1-9 'out of bounds' 'top1_select.cu:493), ld.global' 'block (1, 0, 0), thread (32, 0, 0)' '(matrix, byte 2304 of 2304)'
sound inputs torchpq-top1-8
defect inputs torchpq-top32-half 'shared-memory race' 'top32_select.cu:722), st.shared' 'another thread read this' 'top32_select.cu:734'
sound inputs torchpq-top32-float
defect inputs torchpq-decode-3 'out of bounds' 'pq_decode.cu:41), ld.global' '(codes, byte 768 of 768)'
sound inputs torchpq-decode-4
defect inputs minference-batch-2 'out of bounds' 'block (0, 1, 0), thread (0, 0, 0)' '(lengths, byte 4 of 4)'
sound inputs minference-batch-1
defect inputs minference-slash-128 'out of bounds' 'minference-cut.cu:59), ld.global' '(slash, byte 4 of 4)'
sound inputs minference-slash-0

# mlstm_kernels: a head of no multiple of 64
defect inputs mlstm-96 'race in device memory' 'fw_kernel_recurrent.py:144), st.global' 'of block (0, 0, 0) wrote this' 'fw_kernel_recurrent.py:228' '(norms, byte 384 of 768)'
sound inputs mlstm-128

# flash-linear-attention: lanes behind the row, and what is kept of a sequence without tokens
defect inputs fla-quant-48 'wrong value' '2313 wrong'
sound inputs fla-quant-64
defect inputs fla-shift-empty 'uninitialised' 'nothing was ever written there' '(after, byte 256 of 768)'
sound inputs fla-shift-two

# triton-augment: images of one channel, and of channels that come last
defect inputs triton-augment-1 'out of bounds' 'triton-augment.py:736), ld.global' '(images, byte 2048 of 2048)'
sound inputs triton-augment-3
defect inputs triton-augment-last 'wrong value' '2313 wrong'
sound inputs triton-augment-first

# mamba-ssm: rows of 128 that lie 129 apart
defect inputs mamba-129 'misaligned' 'selective_scan_fwd_kernel.cuh:157), ld.global.v4.f32, block (0, 1, 0)' '(x, byte 516 of '
sound inputs mamba-132

# SGLang: rows of 64 that lie 65 apart
defect inputs sglang-conv1d-row-65 'misaligned' 'ld.global.v4.u32, block (0, 1, 0)' '(numbers, byte 260 of 520)'
sound inputs sglang-conv1d-row-68

# bitsandbytes: scales that begin a place too early, and a decay of another optimizer
defect inputs bitsandbytes-ademamix-4100 'race in device memory' 'block (16, 0, 0), thread (0, 0, 0)' 'of block (0, 0, 0) wrote this' '(means_largest, byte 64 of 136)'
sound inputs bitsandbytes-ademamix-4096
defect inputs bitsandbytes-lion-decay 'wrong value' '2313 wrong'
sound inputs bitsandbytes-lion-none

# lmdeploy: a tile of weights that goes past the last column, where experts begin, rows of another length, a head of equal numbers
defect inputs lmdeploy-awq-64 'out of bounds' 'awq_kernels.py:166), ld.global' '(zeros, byte 32 of 32)'
sound inputs lmdeploy-awq-128
defect inputs lmdeploy-scatter 'race in device memory' 'ep.py:29), ld.global' 'of this block wrote this' 'no barrier lies between'
defect inputs lmdeploy-rms-72 'out of bounds' 'w8a8_triton_kernels.py:414), st.global' '(out, byte 128 of 128)'
sound inputs lmdeploy-rms-64
defect inputs lmdeploy-cache-same 'wrong value' '2313 wrong'
sound inputs lmdeploy-cache-signs

# Model Optimizer: a tile of four bits that is there in part, numbers below 6e-5, the largest of another row
defect inputs modelopt-fp4-96 'out of bounds' 'modelopt-fp4.py:93), ld.global' '(packed, byte 48 of 48)'
sound inputs modelopt-fp4-256
defect inputs modelopt-fake-small 'wrong value' '2313 wrong'
sound inputs modelopt-fake-large
defect inputs modelopt-mx-row 'out of bounds' 'ld.global.f32, block (0, 0, 0), thread (0, 2, 0)' '(largest, byte 4 of 4)'
defect inputs modelopt-mx-rows 'out of bounds' 'ld.global.f32, block (1, 0, 0), thread (0, 0, 0)' '(largest, byte 8 of 8)'
sound inputs modelopt-mx-all

# gemlite: a signal between blocks that orders nothing
defect inputs gemlite-nvfp4-512 'race in device memory' 'gemlite.py:2230), ld.global.gpu.relaxed' 'of block (1, 0, 0) wrote this' 'nothing orders the two blocks'
sound inputs gemlite-nvfp4-256

# cut-cross-entropy: a lock that is given back before what it guards is stored; words that are not there
defect inputs cce-forward-256 'race in device memory' 'cce.py:156), ld.global' 'thread (1, 0, 0) of block (0, 0, 0) wrote this' 'nothing orders the two blocks'
sound inputs cce-forward-128
defect inputs cce-backward-256 'race in device memory' 'cce.py:45), ld.global' 'of block (0, 0, 0) wrote this' '(embedding_gradients, byte 16 of 16384)'
sound inputs cce-backward-128
defect inputs cce-cap-112 'wrong value' '2313 wrong'
sound inputs cce-cap-128

# catboost: objects that nobody gives a weight, leaves that there are not, a leaf without objects, lanes that are gone, flags of another time, a border of what lies behind, queries from 256 on, sums in one place,
# noise that is taken off again, a barrier of one lane, leaves from 1024 on
defect inputs catboost-mvs-8193 'uninitialised' '(weights, byte 32768 of 32772)'
sound inputs catboost-mvs-8192
defect inputs catboost-leaves-64 'out of bounds' 'catboost-exact-cut.cu:' 'thread (64, 0, 0)' '(ends, byte 256 of 256)'
defect inputs catboost-leaves-empty 'wrong value' '2313 wrong'
defect inputs catboost-leaves-few 'uninitialised' 'reads lane 16, which does not take part'
sound inputs catboost-leaves-256
defect inputs catboost-query 'uninitialised' 'kernel_helpers.cuh:148), ld.volatile.shared' 'nothing was ever written there'
sound inputs catboost-query-ordered
defect inputs catboost-borders 'wrong value' '4626 wrong'
sound inputs catboost-borders-mended
defect inputs catboost-pairs-257 'wrong value' '2313 wrong'
sound inputs catboost-pairs-256
defect inputs catboost-variance 'shared-memory race' 'another thread read this'
sound inputs catboost-variance-mended
defect inputs catboost-noise-1000 'wrong value' '1 wrong'
sound inputs catboost-noise-0
defect inputs catboost-single 'shared-memory race' 'catboost-single-cut.cu:46), ld.shared' 'no barrier lies between'
sound inputs catboost-single-mended
defect inputs catboost-gather-2048 'race in device memory' 'block (0, 0, 1)' '(gathered, byte 0 of 16384)'
sound inputs catboost-gather-1024

# implicit: a sum that the next one takes the place of, lanes and rows that are not there, a bias that is trained
defect inputs implicit-als-64 'shared-memory race' 'dot.cuh:58), ld.shared' 'thread (32, 0, 0)' 'no barrier lies between'
defect inputs implicit-als-20 'uninitialised' 'reads lane 20, which does not take part'
defect inputs implicit-als-rows 'out of bounds' 'implicit-als-cut.cu:35), ld.global' '(begins, byte 8 of 8)'
sound inputs implicit-als-32
defect inputs implicit-bpr-1 'wrong value' '2313 wrong'
sound inputs implicit-bpr-0

# cuFINUFFT: a part that rounding leaves out, a batch whose length is odd
defect inputs cufinufft-parts-16777217 'wrong value' '1 wrong'
sound inputs cufinufft-parts-16778240
defect inputs cufinufft-np-17 'misaligned' 'spreadinterp1d.cuh:126), st.shared'
sound inputs cufinufft-np-16

# TransformerEngine: heads of a block that there are not
defect inputs te-rope-16 'out of bounds' 'te-rope.py:136), ld.global' '(gradients, byte 5248 of 5120)'
sound inputs te-rope-4

# SGLang, Megatron: a mean by sums of 16 bits
defect inputs sglang-mean-212 'wrong value' '2313 wrong'
sound inputs sglang-mean-192
defect inputs megatron-mean-212 'wrong value' '2313 wrong'
sound inputs megatron-mean-192
defect inputs megatron-mean-100 'wrong value' '2313 wrong'
sound inputs megatron-mean-50

# MONAI: sums that are not there, pixels that no thread has, splits by bytes, and from the second step on, a batch of two, fewer than 1024 pixels
defect inputs monai-lanes 'out of bounds' 'gmm_cuda.cu:104), ld.shared' "outside the block's shared memory"
defect inputs monai-pixels 'wrong value' '2313 wrong'
sound inputs monai-pixels-mended
defect inputs monai-split-2 'out of bounds' 'gmm_cuda.cu:299), st.shared' 'thread (6, 0, 0)'
defect inputs monai-split-8 'uninitialised' 'gmm_cuda.cu:316), ld.shared' 'nothing was ever written there'
defect inputs monai-split-first 'wrong value' '1 wrong'
sound inputs monai-split-mended
sound inputs monai-split-8-mended
defect inputs monai-batch-2 'out of bounds' 'gmm_cuda.cu:344), ld.global' 'block (0, 0, 1)' '(mixtures, byte 64 of 64)'
sound inputs monai-batch-1
defect inputs monai-scratch-961 'out of bounds' 'gmm_cuda.cu:121), st.global' '(matrices, byte 48 of 0)'
sound inputs monai-scratch-1024

# PyTorch3D: as many clouds as threads, a point that is rounded towards zero
defect inputs pytorch3d-fps-6 'wrong value' '2313 wrong'
defect inputs pytorch3d-fps-1 'out of bounds' 'block (1, 0, 0)' '(lengths, byte 8 of 8)'
sound inputs pytorch3d-fps-4
sound inputs pytorch3d-fps-8
defect inputs pytorch3d-volume-edge 'wrong value' '4626 wrong'
defect inputs pytorch3d-volume-outside 'wrong value' '4626 wrong'
sound inputs pytorch3d-volume-inside

# thinc: a whole number that is read as a double
defect inputs thinc-clip-whole 'wrong value' '2313 wrong'
sound inputs thinc-clip-float

# vesin: a lattice that is taken for right angles
defect inputs vesin-slab-0 'wrong value' '2313 wrong'
sound inputs vesin-slab-10

# OpenPoints: more than 100 neighbours, a point that is replaced before all have read it, points up to the next 512
defect inputs openpoints-knn-101 'out of bounds' 'openpoints-knn-cut.cu:' 'local'
sound inputs openpoints-knn-100
defect inputs openpoints-fps 'shared-memory race' 'openpoints-fps-cut.cu:'
sound inputs openpoints-fps-mended
defect inputs openpoints-emd-100 'out of bounds' 'openpoints-emd-cut.cu:' '(remains, byte 1600 of 1600)'
sound inputs openpoints-emd-512

# sphericart: what one lane computes and others write
defect inputs sphericart-2 'shared-memory race' 'sphericart_impl.cu:110), ld.shared' 'no barrier lies between'
sound inputs sphericart-2-mended

# sptr: heads by another number of threads; BiWKV4: lanes that have left; SJLT: more than 16 places; torchac: more than a byte for each token
defect inputs sptr-24 'wrong value' '2313 wrong'
defect inputs sptr-32 'race in device memory' 'sptr-cut.cu:22), st.global' 'block (0, 1, 0)'
sound inputs sptr-16
defect inputs biwkv4-32 'divergent barrier' 'shfl.sync.idx' 'lanes 0x00000002 wait here for lanes 0xfffffffd'
sound inputs biwkv4-32-mended
defect inputs sjlt-17 'out of bounds' 'sjlt-cut.cu:' "outside the thread's local memory"
sound inputs sjlt-16
defect inputs torchac-65535 'out of bounds' 'torchac-cut.cu:27), st.shared' "outside the block's shared memory"
sound inputs torchac-32768

# CETRA: what others found, without a barrier; and 128 bytes behind its shared memory
defect inputs cetra-period 'uninitialised' 'kernel periodic_search_k1' 'ld.shared' '4 bytes at 0x400'
sound inputs cetra-period-mended
defect inputs cetra-trend 'out of bounds' 'cetra.cu:37), ld.volatile.shared' 'thread (16, 0, 0): 8 bytes at 0x2600'
sound inputs cetra-trend-mended

# KMCUDA: errors of one feature in the next, means of angles, drifts without a reader, an odd number of samples, a barrier that some lanes do not reach
defect inputs kmcuda-mean-6 'wrong value' 'is nan, it must be'
sound inputs kmcuda-mean-mended
defect inputs kmcuda-angle-2 'wrong value' 'is nan, it must be'
sound inputs kmcuda-angle-1
defect inputs kmcuda-groups-10000 'uninitialised' 'kmeans.cu:529), ld.shared' '4 bytes at 0xbdc0'
sound inputs kmcuda-groups-10240
defect inputs kmcuda-knn-1001 'race in device memory' 'knn.cu:332), ld.global' 'wrote this at line'
sound inputs kmcuda-knn-1002
defect inputs kmcuda-afkmc2-100005 'divergent barrier' 'kmeans.cu:85), bar.sync' 'lanes 0x0000001f wait here for lanes 0xffffffe0'
sound inputs kmcuda-afkmc2-102400

# cuimgops: the border of a blurred image
defect inputs cuimgops-border 'uninitialised' 'byte 0 of 12288'
sound inputs cuimgops-inside

# Awkward Array: a place behind a list, lists of more than 2^24, pairs by a root in float32
defect inputs awkward-place-3 'wrong value' 'is nan, it must be'
sound inputs awkward-place-2
defect inputs awkward-range-16777217 'wrong value' 'is nan, it must be'
sound inputs awkward-range-16777216
defect inputs awkward-pairs-4098 'wrong value' 'is nan, it must be'
sound inputs awkward-pairs-4097

# cupy-knn: trees of one leaf, and what the first of two threads wrote
defect inputs cupy_knn-query-32 'out of bounds' 'aabb.cuh:71), ld.global' 'outside every buffer; byte 206151088080'
sound inputs cupy_knn-query-64
defect inputs cupy_knn-tree 'race in device memory' 'lbvh.cuh:64), ld.global' 'wrote this at line'
sound inputs cupy_knn-tree-mended

# augpy: a blur's weights, without a barrier
defect inputs augpy-13 'shared-memory race' 'blur.cu:160), ld.shared' 'no barrier lies between'
sound inputs augpy-13-mended

# cuvarbase: what blocks find lies where others read; and doubles behind an odd number of words
defect inputs cuvarbase-largest 'race in device memory' 'bls.cu:434), st.global' 'nothing orders the two blocks'
sound inputs cuvarbase-largest-apart
defect inputs cuvarbase-phases-15 'misaligned' 'ce.cu:275), st.shared.f64'
sound inputs cuvarbase-phases-16

# gpuNUFFT: eight threads for each sample
defect inputs gpunufft-8 'race in device memory' 'std_gpuNUFFT_kernels.cu:29), ld.global' 'wrote this at line'
sound inputs gpunufft-1
# FlashNN: tokens without a block, groups that there are not, a number that is rounded as if it were positive
defect inputs flashnn-rotary-40 'uninitialised' '(rotated_queries, byte 163838 of 163840)'
sound inputs flashnn-rotary-32
defect inputs flashnn-a16w8-768 'out of bounds' 'gemm_a16w8.py:249)' '(scales, byte 384 of 384)'
sound inputs flashnn-a16w8-1024
defect inputs flashnn-layer-1 'wrong value' '2313 wrong'
sound inputs flashnn-layer-0

# liger-kernel: a gradient of float16 by way of bfloat16, tokens of a second sequence
defect inputs liger-group-back-257 'wrong value' '4626 wrong'
sound inputs liger-group-back-256
defect inputs liger-llama4-second 'wrong value' '2313 wrong'
sound inputs liger-llama4-first

# ColossalAI by Triton: a sequence that there is not, a residual by way of float16
defect inputs colossalai-cache-3 'out of bounds' 'rotary_cache_copy.py:25)' '(ends, byte 24 of 24)'
sound inputs colossalai-cache-4
defect inputs colossalai-residual-10001 'wrong value' '2313 wrong'
sound inputs colossalai-residual-15

# accelerated-scan, lightning-thunder: states behind the last, a class that is ignored
defect inputs scan-back-1024 'out of bounds' 'scalar.py:81)' '(states, byte 4108 of 4096)'
sound inputs scan-back-2048
defect inputs thunder-loss-ignored 'out of bounds' 'triton_crossentropy_impl.py:140)' '(logarithms, byte -400 of 8192)'
sound inputs thunder-loss-first

# SGLang, flash-sinkhorn: a signal of a block whose other threads have not stored yet
defect inputs sglang-mix 'race in device memory' 'atom.global.gpu.relaxed.add.f32' 'thread (64, 0, 0) of block (1, 0, 0) wrote this' 'nothing orders the two blocks'
sound inputs sglang-mix-mended
defect inputs sinkhorn 'race in device memory' 'of block (1, 0, 0) wrote this' 'nothing orders the two blocks' '(between, byte 256 of 512)'
sound inputs sinkhorn-mended

# FBGEMM, torchao: columns that lie apart, the gradient of a sum, a block of zeros
defect inputs fbgemm-mul-columns 'wrong value' '2313 wrong'
defect inputs fbgemm-mul-sum 'out of bounds' 'jagged_out.py:60)' '(gradient, byte 4 of 4)'
sound inputs fbgemm-mul-rows
defect inputs torchao-blocks-0 'wrong value' '2313 wrong'
sound inputs torchao-blocks-1

# trinix: a lock that is given back before what it guards is stored, and rows of a larger tensor
defect inputs trinix-rms 'race in device memory' 'trinix-rms.py:144), ld.global' 'of block (0, 0, 0) wrote this' 'nothing orders the two blocks'
sound inputs trinix-rms-mended
defect inputs trinix-rope-768 'out of bounds' 'rope_kernel.py:87), st.global' '(out, byte 3072 of 2048)'
sound inputs trinix-rope-256

# DeepSpeed: masks of tokens that are not there, and of other sequences
defect inputs deepspeed-flash-77 'out of bounds' 'attention.py:291), ld.global' '(mask, byte 156 of 154)'
sound inputs deepspeed-flash-128
defect inputs deepspeed-masked-two 'out of bounds' 'softmax.py:40), ld.global' 'block (2, 0, 0)' '(mask, byte 256 of 256)'
sound inputs deepspeed-masked-one

# vLLM: keys that eight bits cannot hold; triformer: columns that are not there
defect inputs vllm-keys-2 'wrong value' '2313 wrong'
sound inputs vllm-keys-1.5
sound inputs vllm-keys-90
defect triformer-layernorm-512 triformer-layernorm-257 'wrong value' 'layernorm.py:37)' '1485 wrong'
sound triformer-layernorm-256 triformer-layernorm-256

# mase-triton: a block that begins with 0, a carry, and infinite numbers
defect inputs mase-zero 'wrong value' '2313 wrong'
sound inputs mase-half
defect inputs mase-499 'wrong value' '2313 wrong'
sound inputs mase-462
defect inputs mase-infinite 'wrong value' '2313 wrong'
sound inputs mase-ones

# cuda-triton-multiarch: rows of the next head, keys that are not there, and blocks that are not launched
defect inputs multiarch-flash-80 'race in device memory' 'flash_attention_full.py:138), st.global' 'block (0, 1, 0)' 'of block (1, 0, 0) wrote this' '(out, byte 10240 of 20480)'
sound inputs multiarch-flash-128
defect inputs multiarch-flash-40 'wrong value' '2313 wrong'
sound inputs multiarch-flash-64
defect inputs multiarch-matmul-100 'uninitialised' 'nothing was ever written there' '(out, byte 12798 of 12800)'
sound inputs multiarch-matmul-128

# triton-submodular: a logarithm of 0, and a place that is overwritten
defect inputs submodular-log1p 'out of bounds' 'ld.global.b64' '8 bytes before the buffer of 128 bytes' '(indices, byte -8 of 128)'
sound inputs submodular-sqrt
defect inputs submodular 'race in device memory' 'submodular.py:139), st.global' 'of this block read this' 'no barrier lies between'
sound inputs submodular-mended

# tritonllm: sums of bfloat16
defect tritonllm tritonllm-logits 'wrong value' 'tritonllm.py:162)' '1561 elements, 564 wrong'
sound tritonllm-mended tritonllm-logits

# rotalabs-accel: a cosine for a sine, and heads of keys that are not there
defect inputs rotalabs-rope-1 'wrong value' '2313 wrong'
sound inputs rotalabs-rope-0
defect inputs rotalabs-rope-keys 'out of bounds' 'rope.py:149), ld.global' 'block (0, 1, 0)' '(key, byte 256 of 256)'

# flash-attention-softmax-n: a power of e for one of 2
defect inputs softmax-n 'wrong value' '2313 wrong'
sound inputs softmax-n-mended

# flash-colsum: half of a head, and keys that are not there
defect inputs colsum-128 'wrong value' '4626 wrong'
sound inputs colsum-64
defect inputs colsum-100 'wrong value' '4626 wrong'
sound inputs colsum-whole

# gru-qat: a signal before states are stored
defect inputs gru-scan 'race in device memory' 'gru-scan.py:132)' 'of block (0, 0, 0) wrote this' 'nothing orders the two blocks' '(out, byte 16 of 16384)'
sound inputs gru-scan-mended

# fused-turboquant: sums of what another warp may have overwritten
defect inputs turboquant-rht 'race in device memory' 'turboquant.py:66), ld.global' 'thread (32, 0, 0)' 'thread (0, 0, 0) of this block wrote this' 'no barrier lies between'
sound inputs turboquant-rht-mended

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
