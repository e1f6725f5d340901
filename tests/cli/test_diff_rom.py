#!/usr/bin/env python3
"""riv diff on ROMs: each agrees with Unicorn from start to end; a planted difference is found and named."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from riv_case import CLEAN_ENV, RIV, SANITIZED, RivCase  # noqa: E402

PICTURE = ["--frames=1", "--resolution=96x64"]
DRAWS = ["card", "plasma", "mandelbrot", "bricks"]


class DiffRom(RivCase):
    @classmethod
    def setUpClass(cls):
        if not Path(RIV).with_name("riv-diff-machine").exists():
            raise unittest.SkipTest("riv diff of machines is not part of this build")

    def diff(self, *args, **env):
        return subprocess.run([RIV, "diff", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200,
                              check=False, env={**CLEAN_ENV, **env})

    def agrees(self, *args):
        done = self.diff(*args)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stderr

    def test_every_rom(self):
        roms = sorted(path.stem for path in Path(RIV).with_name("roms").glob("*.elf"))
        self.assertGreater(len(roms), 20)
        for rom in roms if not SANITIZED else ["traps", "paging32"]:
            with self.subTest(rom=rom):
                report = self.agrees("boot", *(PICTURE if rom.removesuffix("32") in DRAWS else []), f"rom:{rom}")
                self.assertGreater(int(re.search(r"riv: (\d+) instructions in", report)[1]), 3000, report)
                for label in {"traps": ["exceptions", "interrupts", "mret, sret"], "paging39": ["exceptions", "virtual"],
                              "fp": ["box"], "timer": ["interrupts"]}.get(rom, []):
                    self.assertIn("\n  " + label, report)

    def test_interpreter(self):
        for rom in ("traps32", "paging48", "fp"):
            with self.subTest(rom=rom):
                self.agrees("boot", "--engine=interp", f"rom:{rom}")

    def planted(self, rom, function, bits):
        """Another instruction for Unicorn at a function's first address."""
        names = subprocess.run(["riscv64-linux-gnu-nm", Path(RIV).with_name("roms") / f"{rom}.elf"], capture_output=True,
                               text=True, check=True).stdout
        address = int(next(line.split()[0] for line in names.splitlines() if line.split()[2] == function), 16)
        done = self.diff(f"rom:{rom}", RIV_DIFF_PLANT=f"{address:#x}={bits:#x}")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("diverged from Unicorn", done.stderr)
        return address, done.stderr

    def test_planted_difference(self):
        for rom, function, mode in (("traps", "rom_main", "M"), ("paging39", "access", "S"), ("paging32", "access", "S"),
                                    ("traps", "user_calls", "U")):
            with self.subTest(rom=rom, function=function):
                address, report = self.planted(rom, function, 0x05050513 if mode != "U" else 0x00150513)  # addi a0,a0,..
                self.assertRegex(report, rf"\n  {mode}  {address:#x}  ")

    def test_mistakes(self):
        for args, message in ((["rom:nothing"], "no ROM called nothing"), (["boot", "--smp=2", "rom:smp"], "one hart"),
                              (["boot"], "nothing to run")):
            done = self.diff(*args)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
