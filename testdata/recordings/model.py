"""The PyTorch programs behind the recorded reports of testdata.

Each program runs a model (an "E2E") or a part of it (a "mock") on random
weights and marks with NVTX ranges what runs where; record.sh says which
program, with which options, each report is a recording of.

    model.py PROGRAM [options]

A mock's step is in the range "forward N", a model's in
"[Executor] _forward_step N: C ctx reqs, G gen reqs", and inside are
"layer N", "input_layernorm", "self_attn", "indexer" and "mlp". Warm-up steps
are in "warmup", the capture of a CUDA graph is in "capture".
"""

import argparse
import contextlib
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
import triton
import triton.language as tl
from torch.nn.attention import SDPBackend, sdpa_kernel

DEVICE = "cuda"
WARMUP_STEPS = 2


def annotate(name):
    return torch.cuda.nvtx.range(name)


def unannotated(name):
    """Stands in for annotate where torch.compile must see no NVTX calls."""
    return contextlib.nullcontext()


# --- Triton kernels ---------------------------------------------------------


@triton.jit
def rms_norm_kernel(x, weight, y, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    mask = column < columns
    v = tl.load(x + row * columns + column, mask=mask, other=0.0).to(tl.float32)
    w = tl.load(weight + column, mask=mask, other=0.0).to(tl.float32)
    v = v * tl.rsqrt(tl.sum(v * v, axis=0) / columns + eps) * w
    tl.store(y + row * columns + column, v.to(y.dtype.element_ty), mask=mask)


@triton.jit
def rope_kernel(q, k, cos, sin, positions, HEADS: tl.constexpr, KV_HEADS: tl.constexpr, D: tl.constexpr):
    """Rotates q [tokens, HEADS, D] and k [tokens, KV_HEADS, D] in place, a program per token and head."""
    token = tl.program_id(0)
    head = tl.program_id(1)
    half = tl.arange(0, D // 2)
    position = tl.load(positions + token)
    c = tl.load(cos + position * (D // 2) + half)
    s = tl.load(sin + position * (D // 2) + half)
    if head < HEADS:
        base = q + (token * HEADS + head) * D
    else:
        base = k + (token * KV_HEADS + head - HEADS) * D
    a = tl.load(base + half).to(tl.float32)
    b = tl.load(base + D // 2 + half).to(tl.float32)
    tl.store(base + half, (a * c - b * s).to(q.dtype.element_ty))
    tl.store(base + D // 2 + half, (b * c + a * s).to(q.dtype.element_ty))


@triton.jit
def decode_attention_kernel(
    q, k, v, partial, lse, lengths, capacity, scale,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr, BLOCK: tl.constexpr,
):
    """One token per request against its KV cache [batch, capacity, KV_HEADS, D], split over the sequence."""
    request = tl.program_id(0)
    kv_head = tl.program_id(1)
    split = tl.program_id(2)
    d = tl.arange(0, D)
    g = tl.arange(0, GROUP)
    heads = KV_HEADS * GROUP
    head = kv_head * GROUP + g
    query = tl.load(q + (request * heads + head)[:, None] * D + d[None, :]).to(tl.float32)
    length = tl.load(lengths + request)
    chunk = tl.cdiv(length, SPLITS)
    start = split * chunk
    stop = tl.minimum(start + chunk, length)
    m = tl.full([GROUP], -1e30, tl.float32)
    total = tl.zeros([GROUP], tl.float32)
    acc = tl.zeros([GROUP, D], tl.float32)
    for first in range(start, stop, BLOCK):
        t = first + tl.arange(0, BLOCK)
        row = ((request * capacity + t) * KV_HEADS + kv_head)[:, None] * D + d[None, :]
        key = tl.load(k + row, mask=(t < stop)[:, None], other=0.0).to(tl.float32)
        value = tl.load(v + row, mask=(t < stop)[:, None], other=0.0).to(tl.float32)
        score = tl.sum(query[:, None, :] * key[None, :, :], axis=2) * scale
        score = tl.where((t < stop)[None, :], score, -1e30)
        new_m = tl.maximum(m, tl.max(score, axis=1))
        p = tl.exp(score - new_m[:, None])
        alpha = tl.exp(m - new_m)
        acc = acc * alpha[:, None] + tl.sum(p[:, :, None] * value[None, :, :], axis=1)
        total = total * alpha + tl.sum(p, axis=1)
        m = new_m
    out = (request * heads + head) * SPLITS + split
    tl.store(partial + out[:, None] * D + d[None, :], acc / total[:, None])
    tl.store(lse + out, m + tl.log(total))


@triton.jit
def decode_combine_kernel(partial, lse, y, D: tl.constexpr, SPLITS: tl.constexpr):
    row = tl.program_id(0)
    d = tl.arange(0, D)
    s = tl.arange(0, SPLITS)
    weight = tl.load(lse + row * SPLITS + s)
    weight = tl.exp(weight - tl.max(weight, axis=0))
    weight = weight / tl.sum(weight, axis=0)
    part = tl.load(partial + (row * SPLITS + s)[:, None] * D + d[None, :])
    tl.store(y + row * D + d, tl.sum(part * weight[:, None], axis=0).to(y.dtype.element_ty))


@triton.jit
def sparse_attention_kernel(
    q, latent, chosen, y, scale, K,
    HEADS: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr, BLOCK: tl.constexpr,
):
    """Each token's GROUP heads against the K latent rows that the indexer chose for it."""
    token = tl.program_id(0)
    head = tl.program_id(1) * GROUP + tl.arange(0, GROUP)
    d = tl.arange(0, D)
    at = (token * HEADS + head)[:, None] * D + d[None, :]
    query = tl.load(q + at)
    m = tl.full([GROUP], -1e30, tl.float32)
    total = tl.zeros([GROUP], tl.float32)
    acc = tl.zeros([GROUP, D], tl.float32)
    for first in range(0, K, BLOCK):
        row = tl.load(chosen + token * K + first + tl.arange(0, BLOCK))
        kv = tl.load(latent + row[:, None] * D + d[None, :])
        score = tl.dot(query, tl.trans(kv)) * scale
        score = tl.where((row <= token)[None, :], score, -1e30)
        new_m = tl.maximum(m, tl.max(score, axis=1))
        p = tl.exp(score - new_m[:, None])
        alpha = tl.exp(m - new_m)
        acc = acc * alpha[:, None] + tl.dot(p.to(kv.dtype), kv)
        total = total * alpha + tl.sum(p, axis=1)
        m = new_m
    tl.store(y + at, (acc / total[:, None]).to(y.dtype.element_ty))


# --- Llama-like layers ------------------------------------------------------


@dataclass
class Shape:
    """What a model looks like. tp shards heads and FFN as tensor parallelism would, without communication."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    layers: int
    vocab: int = 32000
    tp: int = 1
    dtype: torch.dtype = torch.bfloat16
    flash: bool = False  # force PyTorch's flash attention instead of its own choice
    wasteful_norm: bool = False  # norms in one warp, over blocks twice too wide
    extra_scale: bool = False  # one elementwise launch more in each MLP

    @property
    def local_heads(self):
        return self.heads // self.tp

    @property
    def local_kv_heads(self):
        return max(1, self.kv_heads // self.tp)


def linear(inputs, outputs, shape):
    return nn.Linear(inputs, outputs, bias=False, device=DEVICE, dtype=shape.dtype)


class Norm(nn.Module):
    """RMSNorm: one Triton kernel, or plain PyTorch for torch.compile to fuse."""

    def __init__(self, columns, shape, plain=False):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, device=DEVICE, dtype=shape.dtype))
        self.warps, self.widen = (1, 2) if shape.wasteful_norm else (8, 1)
        self.plain = plain

    def forward(self, x):
        if self.plain:
            v = x.float()
            v = v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + 1e-6)
            return self.weight * v.to(x.dtype)
        x = x.contiguous()
        y = torch.empty_like(x)
        columns = x.shape[-1]
        rms_norm_kernel[(x.numel() // columns,)](
            x, self.weight, y, columns, 1e-6,
            BLOCK=triton.next_power_of_2(columns) * self.widen, num_warps=self.warps,
        )
        return y


def rope_table(length, dim):
    inverse = 10000.0 ** (-torch.arange(0, dim, 2, device=DEVICE) / dim)
    angle = torch.arange(length, device=DEVICE)[:, None] * inverse[None, :]
    return angle.cos(), angle.sin()


@dataclass
class Batch:
    """What a forward works on besides the hidden states."""

    positions: torch.Tensor
    cos: torch.Tensor
    sin: torch.Tensor
    lengths: torch.Tensor | None = None  # decode: tokens in each request's cache
    caches: list | None = None  # per layer (k, v) of [requests, capacity, kv_heads, head_dim]


class Attention(nn.Module):
    def __init__(self, shape, plain=False):
        super().__init__()
        self.shape = shape
        self.plain = plain
        d = shape.head_dim
        self.q_proj = linear(shape.hidden, shape.local_heads * d, shape)
        self.k_proj = linear(shape.hidden, shape.local_kv_heads * d, shape)
        self.v_proj = linear(shape.hidden, shape.local_kv_heads * d, shape)
        self.o_proj = linear(shape.local_heads * d, shape.hidden, shape)

    def rotate(self, q, k, batch):
        s = self.shape
        if self.plain:
            c, n = batch.cos[batch.positions][:, None, :], batch.sin[batch.positions][:, None, :]

            def turn(x):
                a, b = x.float().chunk(2, dim=-1)
                return torch.cat((a * c - b * n, b * c + a * n), dim=-1).to(x.dtype)

            return turn(q), turn(k)
        rope_kernel[(q.shape[0], s.local_heads + s.local_kv_heads)](
            q, k, batch.cos, batch.sin, batch.positions,
            HEADS=s.local_heads, KV_HEADS=s.local_kv_heads, D=s.head_dim, num_warps=1,
        )
        return q, k

    def forward(self, x, batch, cache=None):
        """x is [requests, tokens, hidden]; one token each against the cache, or all of them causally."""
        s = self.shape
        requests, tokens, _ = x.shape
        q = self.q_proj(x).view(requests * tokens, s.local_heads, s.head_dim)
        k = self.k_proj(x).view(requests * tokens, s.local_kv_heads, s.head_dim)
        v = self.v_proj(x).view(requests * tokens, s.local_kv_heads, s.head_dim)
        q, k = self.rotate(q, k, batch)
        if batch.lengths is not None:
            y = self.decode(q, k, v, batch, cache)
        else:
            if cache is not None:
                cache[0][:requests, :tokens].copy_(k.view(requests, tokens, s.local_kv_heads, s.head_dim))
                cache[1][:requests, :tokens].copy_(v.view(requests, tokens, s.local_kv_heads, s.head_dim))
            y = self.prefill(q, k, v, requests, tokens)
        return self.o_proj(y.reshape(requests, tokens, -1))

    def prefill(self, q, k, v, requests, tokens):
        s = self.shape
        q, k, v = (t.view(requests, tokens, -1, s.head_dim).transpose(1, 2) for t in (q, k, v))
        gqa = s.local_heads != s.local_kv_heads
        if self.plain or not s.flash:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=gqa)
        else:
            with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=gqa)
        return y.transpose(1, 2)

    def decode(self, q, k, v, batch, cache):
        s = self.shape
        requests = q.shape[0]
        splits = 4
        rows = torch.arange(requests, device=DEVICE)
        cache[0].index_put_((rows, batch.positions), k)
        cache[1].index_put_((rows, batch.positions), v)
        partial = torch.empty(requests, s.local_heads, splits, s.head_dim, device=DEVICE)
        lse = torch.empty(requests, s.local_heads, splits, device=DEVICE)
        y = torch.empty_like(q)
        decode_attention_kernel[(requests, s.local_kv_heads, splits)](
            q, cache[0], cache[1], partial, lse, batch.lengths, cache[0].shape[1], 1 / math.sqrt(s.head_dim),
            KV_HEADS=s.local_kv_heads, GROUP=s.local_heads // s.local_kv_heads, D=s.head_dim, SPLITS=splits, BLOCK=32,
        )
        decode_combine_kernel[(requests * s.local_heads,)](partial, lse, y, D=s.head_dim, SPLITS=splits, num_warps=1)
        return y


class MLP(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.extra_scale = shape.extra_scale
        self.gate_proj = linear(shape.hidden, shape.ffn // shape.tp, shape)
        self.up_proj = linear(shape.hidden, shape.ffn // shape.tp, shape)
        self.down_proj = linear(shape.ffn // shape.tp, shape.hidden, shape)

    def forward(self, x):
        y = F.silu(self.gate_proj(x)) * self.up_proj(x)
        if self.extra_scale:
            y = y * 0.5
        return self.down_proj(y)


class Layer(nn.Module):
    def __init__(self, shape, plain=False):
        super().__init__()
        self.input_layernorm = Norm(shape.hidden, shape, plain)
        self.self_attn = Attention(shape, plain)
        self.post_attention_layernorm = Norm(shape.hidden, shape, plain)
        self.mlp = MLP(shape)
        self.note = unannotated if plain else annotate

    def attention_block(self, x, batch, cache=None):
        with self.note("input_layernorm"):
            h = self.input_layernorm(x)
        with self.note("self_attn"):
            return x + self.self_attn(h, batch, cache)

    def forward(self, x, batch, cache=None):
        x = self.attention_block(x, batch, cache)
        with self.note("mlp"):
            return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    """Embedding, layers, last norm, logits of each request's last token, greedy choice."""

    def __init__(self, shape, plain=False, note=annotate):
        super().__init__()
        self.embed = nn.Embedding(shape.vocab, shape.hidden, device=DEVICE, dtype=shape.dtype)
        self.layers = nn.ModuleList(Layer(shape, plain) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape, plain)
        self.lm_head = linear(shape.hidden, shape.vocab, shape)
        self.note = note

    def forward(self, tokens, batch):
        x = self.embed(tokens)
        x = self.body(x, batch)
        with self.note("lm_head"):
            return self.lm_head(self.norm(x[:, -1])).argmax(-1)

    def body(self, x, batch):
        for i, layer in enumerate(self.layers):
            with self.note(f"layer {i}"):
                x = layer(x, batch, batch.caches[i] if batch.caches else None)
        return x


def prefill_batch(shape, requests, tokens, caches=None):
    cos, sin = rope_table(tokens, shape.head_dim)
    positions = torch.arange(tokens, device=DEVICE).repeat(requests)
    return Batch(positions, cos, sin, caches=caches)


def decode_batch(shape, requests, length, caches, table):
    positions = torch.full((requests,), length - 1, device=DEVICE)
    lengths = torch.full((requests,), length, device=DEVICE, dtype=torch.int32)
    return Batch(positions, *table, lengths=lengths, caches=caches)


def make_caches(shape, requests, capacity):
    size = (requests, capacity, shape.local_kv_heads, shape.head_dim)
    return [
        (torch.zeros(size, device=DEVICE, dtype=shape.dtype), torch.zeros(size, device=DEVICE, dtype=shape.dtype))
        for _ in range(shape.layers)
    ]


def random_hidden(shape, requests, tokens):
    return torch.randn(requests, tokens, shape.hidden, device=DEVICE, dtype=shape.dtype)


# --- Running ----------------------------------------------------------------


def mock_name(step):
    return f"forward {step}"


def executor_name(step, context=1, generation=0):
    return f"[Executor] _forward_step {step}: {context} ctx reqs, {generation} gen reqs"


def run(step, count, name):
    """Warm-up, then count annotated steps, each waited for."""
    for _ in range(WARMUP_STEPS):
        with annotate("warmup"):
            step()
    torch.cuda.synchronize()
    for i in range(count):
        with annotate(name(i)):
            step()
        torch.cuda.synchronize()


def capture(step):
    """Warm up, record step into a CUDA graph, return the graph."""
    for _ in range(WARMUP_STEPS):
        with annotate("warmup"):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with annotate("capture"), torch.cuda.graph(graph):
        step()
    torch.cuda.synchronize()
    return graph


# --- Programs ---------------------------------------------------------------

LLAMA = dict(hidden=4096, heads=32, kv_heads=8, head_dim=128, ffn=11008, layers=4)
SERVED = dict(hidden=2048, heads=16, kv_heads=4, head_dim=128, ffn=5632, layers=4, flash=True)
DEEP = dict(hidden=512, heads=8, kv_heads=8, head_dim=64, ffn=1408, layers=24, flash=True)


def llama_shape(args, **changes):
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[args.dtype]
    return Shape(**LLAMA, tp=args.tp, dtype=dtype, **changes)


def llama_mock(args):
    """Norm, attention and residual of one layer."""
    shape = llama_shape(args)
    layer = Layer(shape)
    x = random_hidden(shape, args.batch, args.tokens)
    batch = prefill_batch(shape, args.batch, args.tokens)
    run(lambda: layer.attention_block(x, batch), args.steps, mock_name)


def llama_e2e(args, before=contextlib.nullcontext, rank=None):
    """The whole model. before() is entered around each step; rank only names the steps' range."""
    changes = dict(wasteful_norm=True, extra_scale=True) if args.regressed else {}
    shape = llama_shape(args, **changes)
    model = Model(shape)
    tokens = torch.randint(shape.vocab, (args.batch, args.tokens), device=DEVICE)
    batch = prefill_batch(shape, args.batch, args.tokens)

    def step():
        with before():
            model(tokens, batch)
            torch.cuda.synchronize()

    with annotate(f"rank {rank}") if rank is not None else contextlib.nullcontext():
        run(step, args.steps, lambda i: executor_name(i, args.batch))


def rank_main(rank, args, turn):
    with torch.no_grad():
        llama_e2e(args, before=lambda: turn, rank=rank)


def llama_ranks(args):
    """Two processes on one GPU, each a made-up rank. They take turns, so that they do not slow each other."""
    context = torch.multiprocessing.get_context("spawn")
    turn = context.Lock()
    ranks = [context.Process(target=rank_main, args=(rank, args, turn)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    if any(process.exitcode for process in ranks):
        raise SystemExit("a rank failed")


def deep_layer_mock(args):
    """One whole layer."""
    shape = Shape(**DEEP)
    layer = Layer(shape)
    x = random_hidden(shape, 1, args.tokens)
    batch = prefill_batch(shape, 1, args.tokens)
    run(lambda: layer(x, batch), args.steps, mock_name)


def deep_model_mock(args):
    """All layers, without what stands before and after them."""
    shape = Shape(**DEEP)
    model = Model(shape)
    x = random_hidden(shape, 1, args.tokens)
    batch = prefill_batch(shape, 1, args.tokens)
    run(lambda: model.body(x, batch), args.steps, mock_name)


def deep_e2e(args):
    shape = Shape(**DEEP)
    model = Model(shape)
    tokens = torch.randint(shape.vocab, (1, args.tokens), device=DEVICE)
    batch = prefill_batch(shape, 1, args.tokens)
    run(lambda: model(tokens, batch), args.steps, executor_name)


CONTEXT = 1024  # tokens in the cache of each decoding request
CAPACITY = 1280


def serve_prefill_mock(args):
    shape = Shape(**SERVED)
    layer = Layer(shape)
    x = random_hidden(shape, 1, args.tokens)
    batch = prefill_batch(shape, 1, args.tokens)
    cache = make_caches(shape, 1, CAPACITY)[0]
    run(lambda: layer.attention_block(x, batch, cache), args.steps, mock_name)


def serve_decode_mock(args):
    """Norm, decode attention and residual of one layer, replayed as a CUDA graph."""
    shape = Shape(**SERVED)
    layer = Layer(shape)
    x = random_hidden(shape, args.batch, 1)
    cache = make_caches(shape, args.batch, CAPACITY)[0]
    batch = decode_batch(shape, args.batch, CONTEXT, None, rope_table(CAPACITY, shape.head_dim))
    graph = capture(lambda: layer.attention_block(x, batch, cache))
    for i in range(args.steps):
        with annotate(mock_name(i)):
            graph.replay()
        torch.cuda.synchronize()


def serve_e2e(args):
    """Serving: each step is a prefill ("p") or the replay of the graph of a decode batch (its size)."""
    shape = Shape(**SERVED)
    model = Model(shape)
    table = rope_table(CAPACITY, shape.head_dim)
    schedule = args.schedule.split(",")
    sizes = sorted({int(s) for s in schedule if s != "p"}, reverse=True)
    graphs = {}
    for size in sizes:
        tokens = torch.randint(shape.vocab, (size, 1), device=DEVICE)
        batch = decode_batch(shape, size, CONTEXT, make_caches(shape, size, CAPACITY), table)
        with annotate(f"batch {size}"):
            graphs[size] = (capture(lambda: model(tokens, batch)), tokens, batch)
    if "p" in schedule:
        prompt = torch.randint(shape.vocab, (1, args.tokens), device=DEVICE)
        prompt_batch = prefill_batch(shape, 1, args.tokens, make_caches(shape, 1, CAPACITY))
        for _ in range(WARMUP_STEPS):
            with annotate("warmup"):
                model(prompt, prompt_batch)
        torch.cuda.synchronize()
    for i, kind in enumerate(schedule):
        if kind == "p":
            with annotate(executor_name(i, 1, 0)):
                model(prompt, prompt_batch)
        else:
            with annotate(executor_name(i, 0, int(kind))):
                graphs[int(kind)][0].replay()
        torch.cuda.synchronize()


COMPILED = dict(hidden=2048, heads=16, kv_heads=16, head_dim=128, ffn=5632, layers=4)


def compiled_layer_mock(args):
    shape = Shape(**COMPILED)
    layer = Layer(shape, plain=True)
    layer.compile()
    x = random_hidden(shape, 1, args.tokens)
    batch = prefill_batch(shape, 1, args.tokens)
    run(lambda: layer(x, batch), args.steps, mock_name)


def compiled_e2e(args):
    """The model compiled layer by layer, its layers annotated, or (--whole) as one graph, without."""
    shape = Shape(**COMPILED)
    model = Model(shape, plain=True, note=unannotated if args.whole else annotate)
    if args.whole:
        model.compile()
    else:
        for layer in model.layers:
            layer.compile()
    tokens = torch.randint(shape.vocab, (1, args.tokens), device=DEVICE)
    batch = prefill_batch(shape, 1, args.tokens)
    run(lambda: model(tokens, batch), args.steps, executor_name)


# --- A layer whose indexer runs beside the projections ----------------------


class SparseLayer(nn.Module):
    """Attention over the rows an indexer chooses, then an MLP.

    With a side stream the indexer runs there, between a fork after the first
    norm and a join before the attention; without, at the same place of the
    program on the one stream, so that both launch in the same order.
    """

    HIDDEN, HEADS, D, RANK, INDEX_HEADS, INDEX_DIM, TOPK, FFN = 2048, 64, 128, 768, 8, 64, 256, 5632

    def __init__(self, shape, side):
        super().__init__()
        self.side = side
        self.input_layernorm = Norm(self.HIDDEN, shape)
        self.index_q = linear(self.HIDDEN, self.INDEX_HEADS * self.INDEX_DIM, shape)
        self.index_k = linear(self.HIDDEN, self.INDEX_DIM, shape)
        self.index_weight = linear(self.HIDDEN, self.INDEX_HEADS, shape)
        self.q_a_proj = linear(self.HIDDEN, self.RANK, shape)
        self.q_a_layernorm = Norm(self.RANK, shape)
        self.q_b_proj = linear(self.RANK, self.HEADS * self.D, shape)
        self.kv_proj = linear(self.HIDDEN, self.D, shape)
        self.kv_layernorm = Norm(self.D, shape)
        self.o_proj = linear(self.HEADS * self.D, self.HIDDEN, shape)
        self.post_attention_layernorm = Norm(self.HIDDEN, shape)
        self.up_proj = linear(self.HIDDEN, self.FFN, shape)
        self.down_proj = linear(self.FFN, self.HIDDEN, shape)

    def choose(self, h, future):
        """The TOPK rows that each token attends to."""
        tokens = h.shape[0]
        q = self.index_q(h).view(tokens * self.INDEX_HEADS, self.INDEX_DIM)
        k = self.index_k(h)
        weight = self.index_weight(h)
        score = torch.relu(q @ k.t()).view(tokens, self.INDEX_HEADS, tokens)
        score = (score * weight[:, :, None]).sum(1)
        return score.masked_fill(future, float("-inf")).topk(self.TOPK, sorted=False).indices

    def attention_block(self, x, future):
        with annotate("input_layernorm"):
            h = self.input_layernorm(x)
        with annotate("self_attn"):
            main = torch.cuda.current_stream()
            with annotate("indexer"):
                if self.side is None:
                    chosen = self.choose(h, future)
                else:
                    self.side.wait_stream(main)
                    with torch.cuda.stream(self.side):
                        chosen = self.choose(h, future)
            q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(h)))
            latent = self.kv_layernorm(self.kv_proj(h))
            if self.side is not None:
                main.wait_stream(self.side)
            y = torch.empty_like(q)
            sparse_attention_kernel[(x.shape[0], self.HEADS // 16)](
                q, latent, chosen, y, 1 / math.sqrt(self.D), self.TOPK,
                HEADS=self.HEADS, GROUP=16, D=self.D, BLOCK=32,
            )
            return x + self.o_proj(y)

    def forward(self, x, future):
        x = self.attention_block(x, future)
        with annotate("mlp"):
            return x + self.down_proj(F.silu(self.up_proj(self.post_attention_layernorm(x))))


def sparse_parts(args, layers):
    shape = Shape(hidden=SparseLayer.HIDDEN, heads=64, kv_heads=1, head_dim=128, ffn=SparseLayer.FFN, layers=layers)
    side = torch.cuda.Stream() if args.streams == 2 else None
    parts = nn.ModuleList(SparseLayer(shape, side) for _ in range(layers))
    x = torch.randn(args.tokens, SparseLayer.HIDDEN, device=DEVICE, dtype=shape.dtype)
    future = torch.ones(args.tokens, args.tokens, device=DEVICE, dtype=torch.bool).triu(1)
    return parts, x, future


def sparse_mock(args):
    """Norm, sparse attention with its indexer, and residual of one layer."""
    (layer,), x, future = sparse_parts(args, 1)
    run(lambda: layer.attention_block(x, future), args.steps, mock_name)


def sparse_e2e(args):
    """Six layers; with --graph, replayed as one CUDA graph."""
    layers, x, future = sparse_parts(args, 6)
    out = torch.empty_like(x)

    def step():
        y = x
        for i, layer in enumerate(layers):
            with annotate(f"layer {i}"):
                y = layer(y, future)
        out.copy_(y)

    if not args.graph:
        run(step, args.steps, executor_name)
        return
    graph = capture(step)
    for i in range(args.steps):
        with annotate(executor_name(i)):
            graph.replay()
        torch.cuda.synchronize()


PROGRAMS = {
    "llama-mock": llama_mock,
    "llama-e2e": llama_e2e,
    "llama-ranks": llama_ranks,
    "deep-layer-mock": deep_layer_mock,
    "deep-model-mock": deep_model_mock,
    "deep-e2e": deep_e2e,
    "serve-prefill-mock": serve_prefill_mock,
    "serve-decode-mock": serve_decode_mock,
    "serve-e2e": serve_e2e,
    "compiled-layer-mock": compiled_layer_mock,
    "compiled-e2e": compiled_e2e,
    "sparse-mock": sparse_mock,
    "sparse-e2e": sparse_e2e,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", choices=PROGRAMS)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=2048, help="tokens of a request in a forward")
    parser.add_argument("--batch", type=int, default=1, help="requests in a forward")
    parser.add_argument("--dtype", choices=["bf16", "fp16"], default="bf16")
    parser.add_argument("--tp", type=int, default=1, help="shard heads and FFN by this")
    parser.add_argument("--regressed", action="store_true", help="slower norms, one launch more in each MLP")
    parser.add_argument("--schedule", default="p,32,32", help="serve-e2e: steps, each p or a decode batch size")
    parser.add_argument("--whole", action="store_true", help="compiled-e2e: compile the model as one graph")
    parser.add_argument("--streams", type=int, choices=[1, 2], default=1, help="sparse-*: 2 puts the indexer aside")
    parser.add_argument("--graph", action="store_true", help="sparse-e2e: replay a CUDA graph")
    args = parser.parse_args()
    with torch.no_grad():
        PROGRAMS[args.program](args)
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
