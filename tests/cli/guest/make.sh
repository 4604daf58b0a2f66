#!/usr/bin/env bash
# gemv.cu to PTX, once for each defect; no path of this machine stays in it.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
for defect in SOUND $(sed -nE 's/^#(ifdef|ifndef|elif defined) //p' gemv.cu | sort -u); do
  name=${defect,,}
  nvcc -ptx -arch=compute_80 -lineinfo -D "$defect" gemv.cu -o "$name.ptx" || exit 1
  sed -E -i 's|(\.file[[:space:]]+[0-9]+ ")[^"]*/|\1|' "$name.ptx"
done
