#!/usr/bin/env python3
"""Holds the README's table of instructions against the one that tests/tools/list_insns makes from cpu/riscv.def.

    check_readme.py README LIST_INSNS              fails when they differ
    check_readme.py README LIST_INSNS --refresh    writes the table anew: cmake --build build --target readme
"""
import difflib
import subprocess
import sys
from pathlib import Path

BEGIN, END = "<!-- instructions, made by: cmake --build build --target readme -->\n", "<!-- end of instructions -->\n"


def main():
    readme = Path(sys.argv[1])
    made = subprocess.run([sys.argv[2]], check=True, capture_output=True, text=True).stdout
    before, begin, rest = readme.read_text().partition(BEGIN)
    kept, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{readme} lacks the lines '{BEGIN.strip()}' and '{END.strip()}'")
    if sys.argv[3:] == ["--refresh"]:
        readme.write_text(before + BEGIN + made + END + after)
        return 0
    sys.stdout.writelines(difflib.unified_diff(kept.splitlines(True), made.splitlines(True), str(readme), "cpu/riscv.def"))
    return kept != made


sys.exit(main())
