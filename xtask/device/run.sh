#!/usr/bin/env bash
# Runs the stages of the bundle that is in this folder: `bash run.sh --device cuda:0`, results in $OUT. docs/cuda.md says
# what the stages are; `--help` lists the options.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CUDA_PATH:-}" ] && nvcc=$(command -v nvcc); then
  CUDA_PATH=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  export CUDA_PATH
fi
# NVRTC of the CUDA that PyTorch brings, where there is no other.
find_cuda='import importlib.util as u; s = u.find_spec("nvidia.cu13"); print(list(s.submodule_search_locations)[0] if s else "")'
python_cuda=$(python3 -c "$find_cuda" 2>/dev/null || true)
export LD_LIBRARY_PATH="$work/libraries${python_cuda:+:$python_cuda/lib}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
python3 "$here/stages.py" --bundle "$here" --work "$work" "$@"
