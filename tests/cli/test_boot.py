"""riv boot: the ROMs that come with it, on both engines; pictures against ones computed here; what cannot be booted."""
import os
import unittest

from boot_case import BootCase, read_png
from riv_case import WORK

WIDTH, HEIGHT = 192, 128
# They check themselves and say so; --smp 2 is for the one that wants several harts.
CHECKS = ["traps", "traps32", "paging39", "paging48", "paging57", "paging32", "smc", "smc32", "fp", "fp32", "timer", "timer32",
          "smp", "smp32"]


def rgb(v):
    return v >> 16 & 255, v >> 8 & 255, v & 255


def card(x, y):
    bars = [0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000]
    if x in (0, WIDTH - 1) or y in (0, HEIGHT - 1):
        return rgb(0xffffff)
    if x % 64 == 0 or y % 64 == 0:
        return rgb(0x404040)
    part = y * 6 // HEIGHT
    if part < 2:
        return rgb(bars[x * 8 // WIDTH])
    if part == 2:
        return rgb(x * 16 // WIDTH * 0x111111)
    return tuple(x * 256 // WIDTH if part == 3 + i else 0 for i in range(3))


def mandelbrot(x, y):
    scale = 3.2 / WIDTH
    cr, ci, zr, zi, n = -0.6 + (x - WIDTH // 2) * scale, (y - HEIGHT // 2) * scale, 0.0, 0.0, 0
    while n < 96 and zr * zr + zi * zi <= 4:
        zr, zi, n = zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1
    return (0, 0, 0) if n == 96 else (n * 5 & 255, n * 9 & 255, 255 - (n * 2 & 255))


class Boot(BootCase):
    def test_roms_that_check_themselves(self):
        for engine in ("jit", "interp"):
            for rom in CHECKS:
                with self.subTest(engine=engine, rom=rom):
                    done = self.boot(f"--engine={engine}", "--smp", 2, f"rom:{rom}")
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                    self.assertRegex(done.stdout, r": passed( with 2 harts)?\r?\n$")

    def test_hello(self):
        for rom in ("hello", "hello32"):
            done = self.boot(f"rom:{rom}")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("Hello from riscv-virtio", done.stdout)

    def test_every_rom_is_listed(self):
        done = self.boot("--list")
        names = [line.split()[0] for line in done.stdout.splitlines()]
        for rom in (*CHECKS, "hello", "card", "plasma", "mandelbrot", "bricks"):
            self.assertIn(f"rom:{rom}", names)

    def picture(self, rom, frames, *options):
        file = WORK / f"{rom}.png"
        file.unlink(missing_ok=True)
        done = self.boot("--resolution", f"{WIDTH}x{HEIGHT}", "--frames", frames, "--screenshot", file, *options, f"rom:{rom}")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        rows = read_png(file)
        self.assertEqual((len(rows[0]), len(rows)), (WIDTH, HEIGHT))
        return rows

    def test_card(self):
        for rom in ("card", "card32"):
            rows = self.picture(rom, 5)
            marked = 0
            for y in range(HEIGHT):
                for x in range(WIDTH):
                    if rows[y][x] == rgb(0xff8000):  # the moving mark, 16 by 16 around the middle
                        marked += 1
                        self.assertTrue(HEIGHT // 2 - 8 <= y < HEIGHT // 2 + 8)
                    else:
                        self.assertEqual(rows[y][x], card(x, y), (rom, x, y))
            self.assertEqual(marked, 256)

    def test_mandelbrot(self):
        want = [[mandelbrot(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]
        for rom in ("mandelbrot", "mandelbrot32"):
            self.assertEqual(self.picture(rom, 1), want, rom)

    def test_engines_draw_the_same(self):
        for rom in ("plasma", "bricks"):
            self.assertEqual(self.picture(rom, 3, "--engine=jit"), self.picture(rom, 3, "--engine=interp"), rom)

    def test_what_cannot_be_booted(self):
        odd, short = WORK / "odd.img", WORK / "short.elf"
        odd.write_bytes(bytes(1000))
        short.write_bytes(b"\x7fELF" + bytes(20))
        for args, says in ((["rom:nothing"], "no ROM called nothing"), ([WORK / "missing"], "No such file"),
                           (["--drive", odd, "rom:hello"], "512"), (["--drive", WORK / "missing", "rom:hello"], "No such file"),
                           ([short], ""), (["-m", "0", "rom:hello"], ""), (["--bogus"], "bogus"), ([], "")):
            with self.subTest(args=args):
                done = self.boot(*args)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertEqual(odd.read_bytes(), bytes(1000))


assert os.environ["RIV_TEST_DIR"]
unittest.main(verbosity=2)
