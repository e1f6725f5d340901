"""riv boot: the ROMs that come with it, on both engines; pictures against ones computed here; what cannot be booted."""
import fcntl
import os
import re
import unittest
from pathlib import Path

from boot_case import BootCase, build_bare, read_png
from riv_case import RIV, WORK

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

    def test_virtio_gpu(self):
        file = WORK / "gpu.png"
        want = [[(x * 4, y * 5, 0x80 if 10 <= x < 15 and 20 <= y < 26 else 0) for x in range(64)] for y in range(48)]
        for engine in ("jit", "interp"):
            for xlen in (64, 32):
                file.unlink(missing_ok=True)
                done = self.boot(f"--engine={engine}", "--device", "virtio-gpu-device", "--screenshot", file,
                                 build_bare("gpu", xlen=xlen))
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
                self.assertEqual(read_png(file), want)

    def test_engines_draw_the_same(self):
        for rom in ("plasma", "bricks"):
            self.assertEqual(self.picture(rom, 3, "--engine=jit"), self.picture(rom, 3, "--engine=interp"), rom)

    def test_nothing_hot_is_interpreted(self):
        """CSRs, traps, returns, fences, instructions on two pages: generated code calls helpers."""
        for rom in ("paging39", "paging32", "timer", "smc"):
            stats = self.boot("--stats", "--display=none", f"rom:{rom}").stderr
            counts = {name: int(n) for name, n in re.findall(r"^ *(helper calls|stepped one at a time) +(\d+)", stats, re.M)}
            self.assertGreater(counts["helper calls"], 300, (rom, stats))
            self.assertLess(counts["stepped one at a time"], 10, (rom, stats))

    def test_what_cannot_be_booted(self):
        """One line each, status 1 for a file or device that will not do and 2 for a wrong command line; drives stay as they are."""
        def file(name, content):
            (WORK / name).write_bytes(content)
            return WORK / name

        hello = (Path(RIV).parent / "roms/hello.elf").read_bytes()
        odd, good, empty = file("odd.img", bytes(1000)), file("good.img", bytes(4096)), file("empty", b"")
        large, firmware = file("large.bin", bytes(2 << 20)), file("firmware.bin", bytes((2 << 20) + 4096))
        locked = open(good, "r+b")
        fcntl.flock(locked, fcntl.LOCK_EX)
        machine = bytearray(hello)
        machine[18] = 62
        beyond = bytearray(hello)  # the first program header's size in memory
        beyond[64 + 40:64 + 48] = (1 << 40).to_bytes(8, "little")
        cases = [
            (1, ["rom:nothing"], "no ROM called nothing"),
            (1, [WORK / "missing"], "missing: No such file"),
            (1, [WORK], "not a file"),
            (1, [empty], "empty is empty"),
            (1, ["-m", "1M", large], "large.bin does not fit"),
            (1, ["-m", "1M", "--bios", "none", "--kernel", large], "does not fit"),
            (1, ["--bios", firmware, "--kernel", large], "large.bin overlaps"),
            (1, ["--bios", large, "--kernel", large, "--initrd", firmware, "-m", "5M"], "firmware.bin overlaps"),
            (1, ["--bios", file("jump.bin", bytes.fromhex("1b05104156058280")), "--kernel", file("34M.bin", bytes(34 << 20))],
             "jump.bin copies the device tree to 0x82200000, into"),
            (1, ["--bios", large, "--kernel", empty], "empty is empty"),
            (1, ["--bios", large, "--kernel", large, "--initrd", WORK / "missing"], "missing: No such file"),
            (1, [file("wrong.elf", bytes(machine))], "not a RISC-V program"),
            (1, [file("beyond.elf", bytes(beyond))], "does not fit"),
            (1, [file("gzip", b"\x1f\x8b\x08" + bytes(20))], "compressed"),
            (1, ["--drive", odd, "rom:hello"], "not a whole number of 512-byte sectors"),
            (1, ["--drive", empty, "rom:hello"], "512-byte sectors"),
            (1, ["--drive", WORK / "missing", "rom:hello"], "No such file"),
            (1, ["--drive", WORK, "rom:hello"], "s a directory"),
            (1, ["--drive", good, "rom:hello"], "in use"),
            (1, ["--pflash", WORK / "missing", "rom:hello"], "No such file"),
            (1, ["--screenshot", WORK / "no/folder.png", "rom:card", "--frames", 1], "cannot write"),
            (2, ["--drive", f"file={good},format=qcow2", "rom:hello"], "raw"),
            (2, ["-m", "0", "rom:hello"], "-m takes"),
            (2, ["--smp", "99", "rom:hello"], "--smp takes"),
            (2, ["--netdev", "tap", "rom:hello"], "only network"),
            (2, ["-M", "sifive_u", "rom:hello"], "virt"),
            (2, ["--bogus"], "bogus"),
            (2, ["--kernel"], "needs a value"),
            (2, [], "nothing to run"),
        ]
        cases += [(1, [file(f"short{size}.elf", hello[:size])], "truncated or damaged") for size in (24, 63, 65, 119, 5000)]
        for status, args, says in cases:
            with self.subTest(args=args):
                done = self.boot(*args)
                self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
                self.assertRegex(done.stderr, r"^riv: [^\n]*\n$")
                self.assertIn(says, done.stderr)
        locked.close()
        self.assertEqual((odd.read_bytes(), good.read_bytes()), (bytes(1000), bytes(4096)))


assert os.environ["RIV_TEST_DIR"]
unittest.main(verbosity=2)
