#!/usr/bin/env python3
"""Picks the operations that cpu/interp_fuse.def fuses, from profiles that mini_run -p has written.

  pick_fused.py COUNT PROFILE ...     prints COUNT rows, those that save most first

Every profile counts the same, however long it ran.  A row saves a dispatch for each operation but the first, and less
for each operand that it passes on and each result that it need not write.
"""
import re
import sys
from collections import defaultdict

DISPATCH, PASSED, DEAD = 4.0, 2.0, 2.0
BATCH = 6
COMMUTES = {"add", "xor", "or", "and", "addw", "mul", "mulw", "beq", "bne", "beq_back", "bne_back"}


def formats():
    """Kind -> format, from the tables next to this program."""
    here = __file__.rsplit("/", 3)[0] + "/cpu/"
    kinds = {}
    for m in re.finditer(r'^INSN\((\w+),\s*"[^"]*",\s*(\w+)', open(here + "riscv.def").read(), re.M):
        kinds[m[1]] = m[2]
    for m in re.finditer(r"^FORM\((\w+), (\w+), (\w+), (\w+), (\w+)\)", open(here + "interp_fuse.def").read(), re.M):
        kinds[m[1]] = kinds[m[2]]
    return kinds


FORMAT = formats()
WRITES = {"R", "R1", "I", "IL", "SH", "U", "FX2", "FX1"}
FIRST = {"R", "R1", "I", "IL", "SH", "S", "FX2", "FX1", "FIL", "FST", "F3", "XF1"}
LAST = FIRST | {"B", "J", "JR"}
FAULTS = {"IL", "S", "FIL", "FST"}
READS1 = {"R", "R1", "I", "IL", "SH", "S", "B", "JR", "FIL", "FST", "XF1"}
READS2 = {"R", "S", "B"}


def writes(op):
    return FORMAT[op[0]] in WRITES or op[0] == "li"


def starts(op):
    return FORMAT[op[0]] in FIRST or op[0] == "li"


def ends(op):
    return op[0] != "auipc" and (FORMAT[op[0]] in LAST or op[0] == "li")


def read_profile(name):
    blocks, block = [], []
    for line in open(name):
        if line == "\n":
            if block:
                blocks.append(block)
            block = []
            continue
        count, kind, rd, rs1, rs2 = line.split()
        kind = kind.removesuffix("_self")
        rd, rs1, rs2 = int(rd), int(rs1), int(rs2)
        if block and kind in COMMUTES and writes(block[-1][1]) and block[-1][1][1] == rs2 != rs1:
            rs1, rs2 = rs2, rs1
        block.append((int(count), (kind, rd, rs1, rs2)))
    total = sum(c for b in blocks for c, _ in b)
    blocks = [[(c / total, op) for c, op in b] for b in blocks]
    return [b for b in blocks if b[0][0] > 1e-6]


def source(ops, i, n):
    """The letter for operand n of ops[i], and whether that passes a value on."""
    used = FORMAT[ops[i][0]] in (READS1 if n == 1 else READS2)
    reg = ops[i][1 + n]
    if not used or reg == 0:
        return "R"
    for who in range(i - 1, -1, -1):
        if writes(ops[who]) and ops[who][1] == reg:
            return "AB"[who]
    return "R"


def shape(ops):
    """The row for these operations, or None, and what it saves."""
    if not all(starts(op) for op in ops[:-1]) or not ends(ops[-1]):
        return None, 0
    letters = [[source(ops, i, n) for n in (1, 2)] for i in range(len(ops))]
    dead = ""
    for who in range(len(ops) - 1):
        if not writes(ops[who]):
            continue
        for i in range(who + 1, len(ops)):
            if FORMAT[ops[i][0]] in FAULTS:
                break
            if any(ops[i][1 + n] == ops[who][1] and letters[i][n - 1] != "AB"[who] for n in (1, 2)):
                break
            if writes(ops[i]) and ops[i][1] == ops[who][1]:
                dead += "AB"[who]
                break
    flat = [l for pair in letters[1:] for l in pair]
    saves = DISPATCH * (len(ops) - 1) + PASSED * sum(l != "R" for l in flat) + DEAD * len(dead)
    return (tuple(op[0] for op in ops), tuple(flat), dead or "_"), saves


def main():
    want, names = int(sys.argv[1]), sys.argv[2:]
    blocks = [b for n in names for b in read_profile(n)]
    # every window's row, once
    windows = []
    for b in blocks:
        ops = [op for _, op in b]
        windows.append([{n: shape(ops[i:i + n]) if i + n <= len(ops) else (None, 0) for n in (2, 3)} for i in range(len(ops))])
    chosen = {}
    while len(chosen) < want:
        gain = defaultdict(float)
        for b, w in zip(blocks, windows):
            cover, i = [], 0  # cover[i] = (start, length, what it saves)
            while i < len(b):
                n = 3 if w[i][3][0] in chosen else 2 if w[i][2][0] in chosen else 1
                cover += [(i, n, w[i][n][1] if n > 1 else 0)] * n
                i += n
            for i in range(len(b)):
                for n in (2, 3):
                    row, saves = w[i][n]
                    if row is None or row in chosen or cover[i][0] != i:
                        continue
                    lost = sum(s for _, _, s in set(cover[i:i + n]))
                    if saves > lost:
                        gain[row] += (saves - lost) * b[i + n - 1][0]
        best = sorted(gain, key=gain.get, reverse=True)[:BATCH]
        if not best:
            break
        for row in best:
            chosen[row] = gain[row]
    for kinds, letters, dead in sorted(chosen, key=lambda r: (-len(r[0]), -sum(l != "R" for l in r[1]) - (r[2] != "_"), -chosen[r])):
        print(f"FUSE{len(kinds)}({', '.join(kinds + letters + (dead,))})")


main()
