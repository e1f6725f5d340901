#!/bin/sh
# Compares cpu/fp.c with qemu-riscv64, for every H, S and D instruction in all five rounding modes.
# Usage: tests/fp/cross.sh [COUNT]      (cases per instruction and mode; default 20000)
# Exit: 0 equal, 1 different, 77 skipped because a tool is missing.
set -eu
count=${1:-20000}
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in riscv64-linux-gnu-gcc qemu-riscv64; do
    command -v $tool >/dev/null || { echo "cross.sh: skipped, no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

riscv64-linux-gnu-gcc -O2 -static -march=rv64gc_zfh -mabi=lp64d "$root/tests/fp/cross.c" -o "$work/guest"
# In a sanitized build its helpers are sanitized here as well.
${CC:-cc} -O2 -std=gnu17 '-DMUTANT(name)=0' ${RIV_SANITIZE:+-fsanitize="$RIV_SANITIZE" -fno-sanitize-recover=undefined} -I"$root" "$root/tests/fp/cross.c" "$root/cpu/fp.c" "$root/cpu/fp_convert.c" -o "$work/host"

# The property is spelt with a capital in older versions of qemu.
cpu=rv64,Zfh=true
qemu-riscv64 -cpu $cpu "$work/guest" 0 >/dev/null 2>&1 || cpu=rv64,zfh=true

qemu-riscv64 -cpu $cpu "$work/guest" "$count" >"$work/guest.txt"
"$work/host" "$count" >"$work/host.txt"
if ! diff "$work/guest.txt" "$work/host.txt"; then
    # Show the first few cases of each instruction that differs.
    for name in $(diff "$work/guest.txt" "$work/host.txt" | sed -n 's/^> \([^ ]*\) .*/\1/p' | sort -u); do
        qemu-riscv64 -cpu $cpu "$work/guest" "$count" "$name" >"$work/guest.one"
        "$work/host" "$count" "$name" >"$work/host.one"
        diff "$work/guest.one" "$work/host.one" | head -n 8 || true
    done
    exit 1
fi
echo "cross.sh: $(wc -l <"$work/host.txt") instruction and mode pairs, $count cases each: equal"
