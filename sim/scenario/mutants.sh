#!/bin/sh
# Plants the bugs of testdata/mutants, one after the other, into a copy of what is
# committed, and says which scenarios find each of them.
#
#	sim/scenario/mutants.sh [NAME...]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone -q "$root" "$copy/troupe"
cd "$copy/troupe"
[ $# -gt 0 ] || set -- $(ls "$root/sim/scenario/testdata/mutants" | sed 's/\.patch$//')
for name in "$@"; do
	if ! git apply --recount "$root/sim/scenario/testdata/mutants/$name.patch"; then
		echo "$name: does not apply any more"
		continue
	fi
	if (ulimit -t 60 && GOMEMLIMIT=2GiB go test -p 2 -vet=off -ldflags='-s -w' -count=1 -timeout 10m ./sim/scenario -run GoodEnd -sim.shrink=false) >"$copy/log" 2>&1; then
		echo "$name: NOT FOUND"
	else
		grep -m 1 -E '\[build failed\]|^panic: test timed out|^fatal error' "$copy/log" | sed "s|^|$name: |" || true
		found=$(grep -E '^ +--- FAIL: .*/' "$copy/log" | sed 's|.*GoodEnd/||; s| (.*||; s|_| |g' | sort -u)
		echo "$name: $(echo "$found" | grep -c .) find it: $(echo "$found" | head -4 | paste -sd ';' -)"
	fi
	git checkout -q .
done
