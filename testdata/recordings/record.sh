#!/bin/sh
# Records the reports of testdata that model.py makes:
#
#	testdata/recordings/record.sh OUT [name...]
#
# into the folder OUT, as NAME.sqlite, scrubbed; all of them, or those named. Needs an NVIDIA GPU,
# Nsight Systems (NSYS names it where it is not on the PATH) and a python3 with PyTorch and Triton.
# What torch.compile tunes runs once before it is recorded, so that it comes from the caches and
# the recording stays small.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
nsys=${NSYS:-nsys}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"

# name | what to trace | program and options
recordings='
llama_tp_mock|cuda,nvtx|llama-mock --steps 8
llama_tp_mock_s1024|cuda,nvtx|llama-mock --steps 8 --tokens 1024
llama_tp_mock_b4|cuda,nvtx|llama-mock --steps 8 --batch 4
llama_tp_mock_fp16|cuda,nvtx|llama-mock --steps 8 --dtype fp16
llama_tp_mock_tp4|cuda,nvtx|llama-mock --steps 8 --tp 4
llama_tp_e2e|cuda,nvtx|llama-e2e --steps 8
llama_tp_e2e_nonvtx|cuda|llama-e2e --steps 8
llama_tp_e2e_regressed|cuda,nvtx|llama-e2e --steps 8 --regressed
llama_tp_e2e_tp4|cuda,nvtx|llama-e2e --steps 8 --tp 4
llama_tp_e2e_tp4_ranks|cuda,nvtx|llama-ranks --steps 6 --tp 4
sparse_mock|cuda,nvtx|sparse-mock --steps 8 --tokens 1024
sparse_mock_2streams|cuda,nvtx|sparse-mock --steps 8 --tokens 1024 --streams 2
sparse_e2e_2streams|cuda,nvtx|sparse-e2e --steps 6 --tokens 1024 --streams 2
sparse_e2e_2streams_graph|cuda,nvtx|sparse-e2e --steps 8 --tokens 1024 --streams 2 --graph
serve_mock_prefill|cuda,nvtx|serve-prefill-mock --steps 8 --tokens 512
serve_mock_decode|cuda,nvtx|serve-decode-mock --steps 12 --batch 32
serve_e2e_batches|cuda,nvtx|serve-e2e --schedule 32,32,8,32,8,8,32,8,32,32,8,8,32,8,32,32
serve_e2e_mixed|cuda,nvtx|serve-e2e --tokens 512 --schedule p,32,32,p,32,8,32,p,p,8,32,32,8,p,32,8,32,p,32,32
compiled_mock_layer|cuda,nvtx|compiled-layer-mock --steps 8 --tokens 1024
compiled_e2e_layers|cuda,nvtx|compiled-e2e --steps 6 --tokens 1024
compiled_e2e_whole|cuda,nvtx|compiled-e2e --steps 6 --tokens 1024 --whole
deep_mock_layer|cuda,nvtx|deep-layer-mock --steps 8 --tokens 128
deep_mock_model|cuda,nvtx|deep-model-mock --steps 3 --tokens 128
deep_e2e|cuda,nvtx|deep-e2e --steps 4 --tokens 128
'

wanted=" $* "
echo "$recordings" | while IFS='|' read -r name trace program; do
	[ -n "$name" ] || continue
	case $wanted in
	"  " | *" $name "*) ;;
	*) continue ;;
	esac
	echo "== $name: model.py $program"
	# shellcheck disable=SC2086 # program is a list of words
	{
		case $program in
		compiled-*) python3 model.py $program ;;
		esac &&
			"$nsys" profile --trace="$trace" --cuda-graph-trace=node --sample=none --cpuctxsw=none \
				--force-overwrite=true --output "$work/$name" python3 model.py $program &&
			"$nsys" export --type sqlite --force-overwrite true --output "$out/$name.sqlite" "$work/$name.nsys-rep"
	} </dev/null >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	python3 scrub.py "$out/$name.sqlite"
	rm "$work/$name".*
done
