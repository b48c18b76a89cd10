"""Launch over a million kernels, most of them from a CUDA graph, for a report
to measure with:

    nsys profile -t cuda,nvtx --cuda-graph-trace=node --sample=none --cpuctxsw=none \
        -o replay python3 bench/replay.py 9000
    nsys export --type sqlite replay.nsys-rep
"""
import sys

import torch
from torch.cuda import nvtx

replays = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
layers, width = 16, 512
torch.manual_seed(0)
x = torch.randn(64, width, device="cuda", dtype=torch.bfloat16)
weights = [torch.randn(3, width, width, device="cuda", dtype=torch.bfloat16) / width**0.5 for _ in range(layers)]


def forward(x):
    for i, w in enumerate(weights):
        with nvtx.range(f"layer {i}"):
            with nvtx.range("self_attn"):
                q = x @ w[0]
                x = x + torch.softmax(q @ q.T, dim=-1) @ x
            with nvtx.range("mlp"):
                x = x + torch.nn.functional.gelu(x @ w[1]) @ w[2]
                x = x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6).to(x.dtype)
    return x


for i in range(300):
    with nvtx.range(f"warmup {i}"):
        forward(x)
torch.cuda.synchronize()
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    forward(x)
for i in range(replays):
    with nvtx.range(f"step {i}"):
        graph.replay()
    if i % 50 == 49:
        torch.cuda.synchronize()
torch.cuda.synchronize()
