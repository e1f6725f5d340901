"""Addresses in guest programs, for the tests of riv diff."""
import re
import subprocess


def address_of(program, symbol):
    names = subprocess.run(["riscv64-linux-gnu-nm", program], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^([0-9a-f]+) . {symbol}$", names, re.MULTILINE).group(1), 16)


def word_at(program, address):
    listing = subprocess.run(["riscv64-linux-gnu-objdump", "-d", f"--start-address={address}", f"--stop-address={address + 4}",
                              program], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^\s*{address:x}:\s+([0-9a-f]{{8}})\s", listing, re.MULTILINE).group(1), 16)
