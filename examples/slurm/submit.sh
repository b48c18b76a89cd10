#!/usr/bin/env bash
# Compares a mock with the ranks of a big E2E run on a Slurm cluster: an array
# job summarises the reports, a job that depends on it merges the summaries and
# compares. Prints the ids of the jobs.
#
#	submit.sh [-n REPORTS_PER_TASK] [-s FLAG]... OUT MOCK REPORT... [-- FLAG...]
#
# OUT is a folder that all nodes see; the results are written there. A report
# on the disk of one node is given as NODE:PATH and read on that node. Each -s is
# a flag of nsysdiff summarize, with its value behind an equals sign: what is
# left out of the reports is left out there. What follows -- are flags of
# nsysdiff for the comparison. What sbatch needs (account, partition, time) is
# set by SBATCH_ACCOUNT, SBATCH_PARTITION and the like, see sbatch(1).
#
# Running it again with the same arguments keeps the summaries that are done.
set -euo pipefail

fail() {
	echo "submit.sh: $*" >&2
	exit 2
}

usage='usage: submit.sh [-n REPORTS_PER_TASK] [-s FLAG]... OUT MOCK REPORT... [-- FLAG...]'
per_task=1
flags=()
while getopts :n:s: option; do
	case $option in
	n) per_task=$OPTARG ;;
	s)
		[[ $OPTARG == -* && $OPTARG != *$'\n'* ]] || fail "-s $OPTARG: not a flag of nsysdiff summarize, such as -s --nvtx=NAME"
		flags+=("$OPTARG")
		;;
	*) fail "$usage" ;;
	esac
done
shift $((OPTIND - 1))
[[ $per_task =~ ^[1-9][0-9]*$ ]] || fail "-n $per_task: not a number of reports"
(($# >= 3)) || fail "$usage"
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/summaries" "$1/log"
out=$(realpath "$1")
mock=$(realpath -e "$2")
shift 2

# tasks.tsv has a line for each report: task, node (- for any), report. All
# reports of a task are on one node.
declare -A task filled indices # by node: its last task, the reports in that, all of its tasks
nodes=()
last=-1
while (($#)) && [[ $1 != -- ]]; do
	node=- report=$1
	shift
	if [[ ! -e $report && $report == *:* ]]; then
		node=${report%%:*}
		report=${report#*:}
		[[ $report == /* ]] || fail "$node:$report: not a whole path"
	else
		report=$(realpath -e "$report")
	fi
	[[ $report != *[$'\t\n']* ]] || fail "$report: a tab or a line break in a name"
	[[ -v task[$node] ]] || nodes+=("$node")
	if ((${filled[$node]:-per_task} == per_task)); then
		last=$((last + 1))
		task[$node]=$last filled[$node]=0
		indices[$node]+=${indices[$node]:+,}$last
	fi
	filled[$node]=$((filled[$node] + 1))
	printf '%d\t%s\t%s\n' "${task[$node]}" "$node" "$report"
done >"$out/tasks.tsv.new" # in this shell: the loop uses up the arguments
[[ -s $out/tasks.tsv.new ]] || fail 'no reports'
[[ ${1:-} != -- ]] || shift

# The summaries in OUT are those of its tasks.
if [[ -e $out/tasks.tsv ]] && ! cmp -s "$out/tasks.tsv" "$out/tasks.tsv.new"; then
	rm "$out/tasks.tsv.new"
	fail "$out holds the summaries of other reports: choose another folder"
fi
mv "$out/tasks.tsv.new" "$out/tasks.tsv"
# In a file, so that a task is submitted again without them.
printf '%s\n' "${flags[@]}" | sed '/^$/d' >"$out/flags.txt"

summaries=()
for node in "${nodes[@]}"; do
	place=()
	[[ $node == - ]] || place=(--nodelist="$node")
	summaries+=("$(sbatch --parsable --array="${indices[$node]}" "${place[@]}" \
		--output="$out/log/summarize-%a.txt" "$here/summarize.sbatch" "$out")")
done
summaries=("${summaries[@]%%;*}") # sbatch appends the cluster's name where there are several
echo "summarize: ${summaries[*]}"
merge=$(sbatch --parsable --dependency="afterok:$(IFS=:; echo "${summaries[*]}")" \
	--output="$out/log/merge.txt" "$here/merge.sbatch" "$out" "$mock" "$@")
echo "merge: ${merge%%;*}"
