// Nsysdiff compares what two programs run on a GPU, from reports of NVIDIA
// Nsight Systems. It answers one question: does a mock, which runs one layer
// or operation by itself to measure it, put the same work on the GPU as that
// operation does inside the model served end to end (E2E)? Same kernels, none
// missing, none extra, each within 2x in time, with the same number of heads.
//
// Usage:
//
//	nsysdiff [flags] MOCK E2E...
//	nsysdiff [flags] --regression BASE NEW
//	nsysdiff [flags] REPORT
//	nsysdiff [flags] --pairs FILE
//	nsysdiff summarize [flags] REPORT... -o FILE
//	nsysdiff merge [flags] SUMMARY... -o FILE
//	nsysdiff init [flags] MOCK E2E... [-o FILE]
//	nsysdiff help [flags|man|SUBCOMMAND]
//	nsysdiff completion bash|zsh|fish
//
// A report is the SQLite file that nsys export --type sqlite writes, or a
// summary of it. An .nsys-rep is exported into a temporary folder first, if
// there is an nsys on the PATH or --nsys names one. Reports are never changed.
//
// # A mock against the model
//
// The mock repeats its forward pass, the model its executor iterations:
// nsysdiff finds these steps, looks for the places in the model's step where
// the mock's kernels run in the same order, normally one in each layer, and
// compares the durations of each kernel of the mock, position by position:
//
//	$ nsysdiff dsa_mock_ctx_extra.sqlite dsa_e2e_ctx_tp1.sqlite
//	mock  dsa_mock_ctx_extra.sqlite: NVIDIA H200, nsys 2025.3.2.0, 276 launches, 1 process, 20 steps of
//	      12 launches (forward #)
//	      left out: 36 launches in NVTX range "warmup"
//	e2e   dsa_e2e_ctx_tp1.sqlite: NVIDIA H200, nsys 2025.3.2.0, 759 launches, 1 process, 8 steps of 69
//	      launches ([Executor] _forward_step #: 1 ctx reqs, 0 gen reqs), 4 occurrences a step
//	      left out: 207 launches in NVTX range "warmup"
//
//	 #  kernel                                   mock        e2e  mock/e2e          95 %  share  verdict
//	 0  nvjet_sm90_tst_17…4x5_1x2_h_bz_TNN  138.13 µs  137.68 µs      1.00  [1.00, 1.01]   0.5%  ✓ match
//	 1  generalRmsNorm                        3.46 µs    3.49 µs      0.99  [0.99, 1.00]   0.0%  ✓ match
//	 2  nvjet_sm90_tst_32…2_h_bz_coopB_TNT  369.26 µs  369.21 µs      1.00  [1.00, 1.00]   1.3%  ✓ match
//	 3  nvjet_sm90_tst_25…2_h_bz_coopA_TNT  125.17 µs  125.12 µs      1.00  [1.00, 1.00]   0.5%  ✓ match
//	 4  nvjet_sm90_tst_64…x13_2x1_v_bz_TNT   21.95 µs   22.03 µs      1.00  [0.99, 1.01]   0.1%  ✓ match
//	 5  fusedCatFp8Kernel<__nv_bfloat16>      1.60 µs    1.57 µs      1.02  [0.99, 1.02]   0.0%  ✓ match
//	 6  sm90_fp8_mqa_logits                 530.38 µs  530.33 µs      1.00  [1.00, 1.00]   1.9%  ✓ match
//	 7  topKPerRowPrefill                   148.91 µs  148.93 µs      1.00  [1.00, 1.00]   0.5%  ✓ match
//	 8  applyMLARopeAppen…dKVAssignQKernel    6.05 µs    6.05 µs      1.00  [1.00, 1.00]   0.0%  ✓ match
//	 9  sparse_attn_fwd_kernel               25.25 ms   25.24 ms      1.00  [1.00, 1.00]  91.4%  ✓ match
//	10  nvjet_sm90_tst_25…2_h_bz_coopA_TNT    1.04 ms    1.04 ms      1.00  [1.00, 1.00]   3.8%  ✓ match
//	11  debug_nan_check(float *, int)         4.90 µs          -                           0.0%  ✗ extra
//	    in the mock, not in the E2E
//
//	Before each occurrence in the e2e, nearest first
//	kernel                                                                               median  present
//	generalRmsNorm<__nv_bfloat16, (int)7168>                                            3.49 µs   100.0%
//	nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT                                    141.58 µs    75.0%
//
//	After each occurrence in the e2e, nearest first
//	kernel                                                                               median  present
//	generalRmsNorm<__nv_bfloat16, (int)7168>                                            3.49 µs   100.0%
//	nvjet_sm90_tst_128x64_64x8_1x2_h_bz_TNT                                            27.55 µs   100.0%
//
//	By name, wherever launched
//	kernel                           mock n     median  share  e2e n      total     median  share  ratio
//	sparse_attn_fwd_kernel               23   25.25 ms  91.4%     44     1.11 s   25.24 ms  89.6%   1.00
//	nvjet_sm90_tst_…_h_bz_coopA_TNT      46  580.51 µs   4.2%    176   69.04 ms  203.37 µs   5.6%   2.85
//	sm90_fp8_mqa_logits                  23  530.37 µs   1.9%     44   23.33 ms  530.33 µs   1.9%   1.00
//	nvjet_sm90_tst_…_h_bz_coopB_TNT      23  369.25 µs   1.3%     44   16.25 ms  369.20 µs   1.3%   1.00
//	topKPerRowPrefill                    23  148.90 µs   0.5%     44    6.55 ms  148.93 µs   0.5%   1.00
//	nvjet_sm90_tst_…x5_1x2_h_bz_TNN      23  138.08 µs   0.5%     44    6.06 ms  137.60 µs   0.5%   1.00
//	nvjet_sm90_tst_…12_2x1_v_bz_TNT       0          -      -     11    4.52 ms  410.05 µs   0.4%
//	nvjet_sm90_tst_…x8_1x2_h_bz_TNT       0          -      -     44    1.22 ms   27.55 µs   0.1%
//	nvjet_sm90_tst_…13_2x1_v_bz_TNT      23   21.95 µs   0.1%     44  975.48 µs   22.06 µs   0.1%   0.99
//	generalRmsNorm […7168…]               0          -      -     88  309.88 µs    3.49 µs   0.0%
//	applyMLARopeApp…KVAssignQKernel      23    6.05 µs   0.0%     44  266.11 µs    6.05 µs   0.0%   1.00
//	deepseek_v3_topk_kernel               0          -      -     44  180.29 µs    4.06 µs   0.0%
//	generalRmsNorm […1536…]              23    3.46 µs   0.0%     44  154.53 µs    3.49 µs   0.0%   0.99
//	debug_nan_check(float *, int)        23    4.90 µs   0.0%      0          -          -      -
//	fusedCatFp8Kernel                    23    1.60 µs   0.0%     44   69.98 µs    1.57 µs   0.0%   1.02
//	(too narrow for: mock total)
//
//	Checklist
//	  ✓ Kernel names match: pass, 11 sites matched by name
//	  ✓ Latency of each kernel is within bounds: pass, all 11 sites within 2×, the furthest at 1
//	  ✓ No kernel is missing from the mock: pass, none missing in the mock
//	  ✗ No kernel is extra in the mock: fail, 1 launch extra in the mock
//	  ✓ Data flow: launch shapes agree: pass, grid and block equal at all 11 sites of equal name; a
//	    persistent kernel keeps its grid, so this proves little about those
//
//	Findings
//	  ✗ error [extra]: 1 launch extra in the mock at the end, after
//	    nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT, 4.896 µs a step: debug_nan_check (site 11)
//	    hint: the E2E does not launch it here: a debugging aid, input preparation or another code path
//	          of the mock; leave it out with --mock-nvtx or --exclude
//
//	verdict: ✗ misaligned
//	  11 match, 1 extra
//
// Each line of the first table is a site, a position in the mock's step. One
// kernel name can stand at several sites, with other shapes and times, which
// is why sites are compared and not names. The share is that of the E2E's kernel
// time in an occurrence, or of the mock's step where only the mock has the kernel.
// The verdicts are
//
//	match          same kernel, median within --max-ratio
//	slower         the mock's median is more than --max-ratio times the E2E's
//	faster         it is less than the E2E's over --max-ratio
//	missing        in the E2E inside of most occurrences, not in the mock
//	extra          in the mock, without a partner
//	variant        another kernel of the same family (another tile), time within bounds
//	head-mismatch  work per head differs by a whole factor, other work does not
//	undecided      too few launches, or the interval of the ratio spans the bound
//	communication  a collective, which waits for its peers: not judged
//	ignored        --ignore asked not to judge it
//	accepted       the configuration accepts the difference, for a reason
//
// The ratio is that of the medians, with its 95 % interval. Signs say the same
// as the words: ✓ good, ✗ bad, ! not decided, ~ shown and not judged. Below
// the sites stand what the model launches just before and after each
// occurrence, all kernels by name as nsys stats has them, and then the answer,
// where a terminal shows it: the causes that explain several findings at once,
// the checklist, the findings and the verdict.
//
// # Which launches take part
//
// Scope flags choose launches by NVTX range, kernel name, device, process,
// stream and time, on both sides, or on one with the prefix --mock- or --e2e-.
// An NVTX pattern is the exact name of a range, a glob with * and ?, or a
// regular expression between slashes; a launch counts if any range around it
// matches. For a kernel that a CUDA graph replayed, the ranges around its
// capture count and those around the replay.
//
//	$ nsysdiff --by family --top 3 --nvtx indexer dsa_mock_ctx.sqlite
//	report  dsa_mock_ctx.sqlite: NVIDIA H200, nsys 2025.3.2.0, 253 launches (115 in scope), 1 process
//	        left out: 138 launches outside NVTX range "indexer"
//
//	 Time  Total Time  Instances     Avg     Med     Min     Max  StdDev      Name
//	64.0%    12.20 ms         23  530.39  530.27  529.18  532.22    0.75  µs  sm90_fp8_mqa_logits
//	18.0%     3.43 ms         23  148.94  148.90  148.83  149.22    0.10  µs  topKPerRowPrefill<512, 1>
//	17.8%     3.39 ms         46   73.61   73.87   21.60  125.70   52.07  µs  nvjet_tst_bz_TN
//	… 1 more row
//
// # One report
//
// With one report nsysdiff prints its kernels, with the figures of the
// cuda_gpu_kern_sum report of nsys stats. Times of one line share a unit.
//
//	$ nsysdiff --top 4 dsa_mock_ctx.sqlite
//	report  dsa_mock_ctx.sqlite: NVIDIA H200, nsys 2025.3.2.0, 253 launches, 1 process
//
//	 Time  Total Time  Instances     Avg     Med     Min      Max  StdDev      Name
//	91.4%   581.07 ms         23   25.26   25.25   25.23    25.32    0.03  ms  sparse_attn_fwd_kernel
//	 4.2%    26.76 ms         46  581.65  580.81  124.74  1044.06  461.58  µs  nvjet_sm90_t…bz_coopA_TNT
//	 1.9%    12.20 ms         23  530.39  530.27  529.18   532.22    0.75  µs  sm90_fp8_mqa_logits
//	 1.3%     8.49 ms         23  369.19  369.09  368.35   370.40    0.56  µs  nvjet_sm90_t…bz_coopB_TNT
//	… 6 more rows
//
// # Two runs of one program
//
// With --regression both reports are compared whole. Base is the first, new
// the second, and ratios are new over base. What is slower by more than
// --max-ratio, 1.05 here, and more than the measured noise, fails; what is
// faster is reported.
//
//	$ nsysdiff --regression --top 1 llama_e2e_prefill.sqlite llama_e2e_prefill_again.sqlite
//	base  llama_e2e_prefill.sqlite: NVIDIA H200, nsys 2025.3.2.0, 3,468 launches, 1 process, 10 steps of
//	      257 launches ([Executor] _forward_step #: 1 ctx reqs, 0 gen reqs)
//	      left out: 771 launches in NVTX range "warmup"
//	      left out: 127 launches in no NVTX range
//	new   llama_e2e_prefill_again.sqlite: NVIDIA H200, nsys 2025.3.2.0, 3,468 launches, 1 process, 10
//	      steps of 257 launches ([Executor] _forward_step #: 1 ctx reqs, 0 gen reqs)
//	      left out: 771 launches in NVTX range "warmup"
//	      left out: 127 launches in no NVTX range
//
//	… 257 sites match
//
//	By name, wherever launched
//	kernel                            base n     median  share  new n     total     median  share  ratio
//	nvjet_sm90_tst_2…_h_bz_coopA_TNT     390  296.27 µs  56.0%    390  84.58 ms  295.79 µs  56.0%   1.00
//	(too narrow for: base total)
//	… 41 more rows
//
//	Time of a step
//	  step 13.70 ms -> 13.51 ms, new/base 0.99
//	  kernels 11.16 ms -> 11.14 ms
//	  gaps 2.52 ms -> 2.35 ms
//	  of the kernels' change: added 0 ns, removed 0 ns, kept -8.14 µs
//
//	Checklist
//	  ✓ Kernel names are unchanged: pass, 257 sites matched by name
//	  ✓ No kernel is slower: pass, all 257 sites within 1.05×, the furthest at 1.04
//	  ✓ No kernel was added: pass, none added by the new run
//	  ✓ No kernel was removed: pass, none gone from the new run
//	  ✓ Launch shapes are unchanged: pass, grid and block equal at all 257 sites of equal name; a
//	    persistent kernel keeps its grid, so this proves little about those
//
//	verdict: ✓ aligned
//	  257 match
//
// # Several ranks
//
// All reports behind the mock are ranks of one run, given by name, by a glob,
// which may be quoted, or as a folder. Their order makes no difference. With
// --regression, --base and --new name the ranks of both runs. A report that
// cannot be read is left out with a warning, unless --strict is given. For
// each site the spread over the ranks is shown, for each rank its pace, and a
// rank that is slower than the others, on most sites or in all, is a finding.
//
//	$ nsysdiff --top 1 llama_tp_mock_tp4.sqlite llama_tp_e2e_tp4.sqlite llama_tp_e2e_tp4_ranks.sqlite
//	mock  llama_tp_mock_tp4.sqlite: NVIDIA H200, nsys 2025.3.2.0, 100 launches, 1 process, 8 steps of 8
//	      launches (forward #)
//	      left out: 16 launches in NVTX range "warmup"
//	      left out: 20 launches in no NVTX range
//	      ! profiler: warning: 5 of 6 processes collected no CUDA events: helpers of the framework, or
//	                  workers that are missing here
//	e2e   llama_tp_e2e_tp4.sqlite and 1 more: NVIDIA H200, nsys 2025.3.2.0, 1,814 launches, 2 reports, 3
//	      processes, 20 steps of 64 launches ([Executor] _forward_step #: 1 ctx reqs, 0 gen reqs), 4
//	      occurrences a step
//	      left out: 384 launches in NVTX range "warmup"
//	      left out: 150 launches in no NVTX range
//	      ! profiler: warning: 4 of 5 processes collected no CUDA events: helpers of the framework, or
//	                  workers that are missing here
//	      ! profiler: warning: 7 of 10 processes collected no CUDA events: helpers of the framework, or
//	                  workers that are missing here
//
//	#  kernel                              mock       e2e  mock/e2e          95 %  share  ranks  verdict
//	0  rms_norm_kernel                  9.06 µs   7.46 µs      1.21  [1.18, 1.23]   5.6%  1.03x  ✓ match
//	1  nvjet_sm90_tst_…6_2x1_v_bz_TNT  24.34 µs  24.26 µs      1.00  [1.00, 1.01]  18.0%  1.00x  ✓ match
//	2  nvjet_sm90_tst_…3_2x1_v_bz_TNT  10.40 µs  10.82 µs      0.96  [0.92, 0.99]   8.1%  1.01x  ✓ match
//	3  nvjet_sm90_tst_…3_2x1_v_bz_TNT   9.97 µs  10.18 µs      0.98  [0.95, 1.05]   7.6%  1.05x  ✓ match
//	4  rope_kernel                     13.95 µs  13.86 µs      1.01  [1.01, 1.01]  10.3%  1.00x  ✓ match
//	5  cudnn_generated…wgmma_f16_d128  31.49 µs  31.26 µs      1.01  [0.99, 1.01]  23.1%  1.01x  ✓ match
//	6  nvjet_sm90_tst_…h_bz_coopA_TNT  25.84 µs  25.54 µs      1.01  [1.01, 1.02]  19.0%  1.01x  ✓ match
//	7  elementwise<add>                11.06 µs  11.30 µs      0.98  [0.97, 1.01]   8.4%  1.01x  ✓ match
//
//	Ranks of the e2e; pace is the median over the sites of a rank's time over the median rank's
//	rank                                             steps  launches a step  pace
//	llama_tp_e2e_tp4.sqlite pid 1403 device 0            8               64  1.00
//	llama_tp_e2e_tp4_ranks.sqlite pid 1560 device 0      6               64  1.00
//	llama_tp_e2e_tp4_ranks.sqlite pid 1561 device 0      6               64  1.00
//
//	Before each occurrence in the e2e, nearest first
//	kernel                                                                               median  present
//	elementwise<add>                                                                   11.49 µs    75.0%
//	nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT                                     60.61 µs    75.0%
//
//	After each occurrence in the e2e, nearest first
//	kernel                                      median  present
//	rms_norm_kernel                            7.49 µs   100.0%
//	nvjet_sm90_tst_176x128_64x5_1x2_h_bz_TNN  60.10 µs   100.0%
//
//	By name, wherever launched
//	kernel                         mock n  total  median  share  e2e n     total    median  share  ratio
//	nvjet_sm90_tst…5_1x2_h_bz_TNN       0      -       -      -    208  12.63 ms  60.29 µs  30.2%
//	… 24 more rows
//
//	Checklist
//	  ✓ Kernel names match: pass, 8 sites matched by name
//	  ✓ Latency of each kernel is within bounds: pass, all 8 sites within 2×, none further apart than
//	    3 µs
//	  ✓ No kernel is missing from the mock: pass, none missing in the mock
//	  ✓ No kernel is extra in the mock: pass, none extra in the mock
//	  ✓ Data flow: launch shapes agree: pass, grid and block equal at all 8 sites of equal name; a
//	    persistent kernel keeps its grid, so this proves little about those
//
//	verdict: ✓ aligned
//	  8 match
//
// # Summaries
//
// nsysdiff summarize writes what a comparison needs of a report, however large,
// into a file of some tens of kB, which is taken wherever a report is: as a
// baseline, or as one rank of many that is summarised where it lies. nsysdiff
// merge puts such files together. Rerun, summarize keeps what is finished.
//
//	$ nsysdiff help summarize
//	usage: nsysdiff summarize [flags] REPORT... -o FILE
//
//	Writes what a comparison needs of the reports, steps, positions, durations and
//	facts of the capture, into a small file that stands wherever a report can. Of
//	several reports, the ranks of one run, it makes one summary.
//
//	FILE is written whole or not at all. If it is there and is a finished summary of
//	the same content, made with the same flags, it is kept, so that a job can be
//	submitted again; --force makes it anew. Any other summary is written over.
//
//	  nsysdiff summarize report.sqlite -o base.json.gz
//	  nsysdiff --regression base.json.gz report.sqlite
//
//	  -o, --output FILE
//	        the summary, a FILE; - is standard output
//	  --force
//	        write FILE whatever is there
//	  --strict
//	        fail where one of several reports cannot be read, instead of summarising
//	        the others
//	  --nvtx PATTERN
//	        only launches in NVTX ranges of this name, glob (* and ?) or /regexp/,
//	        at any depth; may be repeated
//	  --kernel REGEXP
//	        only kernels whose name matches
//	  --exclude REGEXP
//	        no kernels whose name matches
//	  --device N[,N]
//	        only these devices
//	  --process N[,N]
//	        only these processes, by pid
//	  --stream N[,N]
//	        only these streams
//	  --from TIME
//	        only launches from this time after the capture's start, such as 1.5s
//	  --to TIME
//	        only launches before this time
//	  --no-nvtx
//	        tell steps without NVTX ranges, and leave them out
//	  --nsys PROGRAM
//	        PROGRAM that exports .nsys-rep files
//	  -v, --verbose
//	        print the time of each stage on standard error
//	  -h, --help
//	        print this
//
// # Configuration
//
// The file nsysdiff.toml in the working directory, or that of --config, holds
// what the command line does not say: thresholds, also of single kernels,
// scopes, aliases, the kernels that the mock is expected to run, and
// differences that are accepted, with a reason and a date. nsysdiff init writes
// one, and docs/config.md describes it.
//
//	$ nsysdiff init --kernel sparse_attn|mqa_logits|topKPerRow dsa_mock_ctx.sqlite dsa_e2e_ctx_tp1.sqlite
//	# Configuration of nsysdiff, written by nsysdiff init on 2026-11-24 from
//	#
//	#   mock  dsa_mock_ctx.sqlite
//	#   e2e   dsa_e2e_ctx_tp1.sqlite
//	#
//	# Flags on the command line win over it. Times have a unit. A pattern of kernels
//	# is a demangled or short name, a glob with * and ?, or a /regular expression/.
//
//	# How far apart two medians may be, and the difference below which that is not
//	# judged.
//	max_ratio = 2
//	min_time = "3µs"
//
//	# Findings that make the exit status 1.
//	fail_on = ["missing", "extra", "latency", "head-mismatch", "expected"]
//
//	# The model's tensor parallelism, if the mock has all heads:
//	# tp = 8
//	# scale_tp = true
//
//	# Bounds of some kernels:
//	# [[kernel]]
//	# pattern = "*memset*"
//	# max_ratio = 3
//	# min_time = "10us"
//
//	# Which launches take part, on both sides or on one:
//	[scope]
//	kernel = "sparse_attn|mqa_logits|topKPerRow"
//
//	# What the mock is expected to launch in a step: kernel, and part of the step's
//	# kernel time that all its launches take together. time = "10-20us" bounds their
//	# time; required = false lets a kernel be absent; side = "e2e" looks there.
//
//	[[expect]]
//	pattern = "sparse_attn_fwd_kernel"
//	share = "92-100%" # 97.4%
//
//	[[expect]]
//	pattern = "sm90_fp8_mqa_logits"
//	share = "1-4%" # 2.0%
//
//	[[expect]]
//	pattern = "topKPerRowPrefill"
//	# share: 0.57%
//
//	# Differences that are known and accepted, such as
//	# [[accept]]
//	# pattern = "debug_*"
//	# codes = ["extra"]
//	# reason = "switched off in production"
//	# expires = 2027-01-31
//
//	# What holds for nsysdiff --regression, in place of all above:
//	# [regression]
//	# max_ratio = 1.05
//	# min_time = "500ns"
//
// With --pairs FILE several comparisons are made in one run, with one status,
// the worst.
//
// # Formats
//
// --format is text, markdown, json, csv, html, junit or github; without it the
// ending of -o FILE says which, as page.html does. Markdown begins
// with a table to be pasted into a pull request. JSON holds everything, and its schema is that of
// align.Result. CSV is the sites, or the kernels of one report, in
// nanoseconds; a name that a spreadsheet would take for a formula stands
// behind an apostrophe. -o writes to a file, whole or not at all, and --out
// FORMAT=FILE writes one more format in the same run.
//
//	$ nsysdiff --format csv --top 2 dsa_mock_ctx.sqlite
//	time_percent,total_time_ns,instances,avg_ns,med_ns,min_ns,max_ns,stddev_ns,category,name
//	91.4,581072636,23,25264027.7,25246710.0,25230838,25323893,33050.9,CUDA_KERNEL,"void sm90::sparse_attn_fwd_kernel<(int)576, (bool)1>(float *, int)"
//	4.2,26755825,46,581648.4,580813.0,124736,1044059,461576.3,CUDA_KERNEL,nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT
//
// Text is as wide as the terminal, or as $COLUMNS says, or 100 columns where
// neither is known; columns that do not fit are left out, and names are cut in
// the middle. Colour is only used on a terminal and not if $NO_COLOR is set;
// --color always or never overrides this.
//
// # Exit status
//
//	0  no finding that --fail-on names
//	1  at least one
//	2  trouble: usage, an unreadable report, reports that cannot be compared,
//	   an interruption, a failed write
//
// By default --fail-on is missing,extra,latency,head-mismatch,expected, and
// step-time too with --regression. The status does not depend on the format.
//
//	$ nsysdiff --kernel nosuchkernel dsa_mock_ctx.sqlite
//	nsysdiff: dsa_mock_ctx.sqlite: the scope leaves no launches
//	hint: kernels: nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT (46), nvjet_sm90_tst_176x128_64x5_1x2_h_bz_TNN (23), nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT (23), nvjet_sm90_tst_64x64_64x13_2x1_v_bz_TNT (23), sm90_fp8_mqa_logits (23) and 5 more
package main
