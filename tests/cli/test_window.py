"""riv boot's window, on an X server without a screen: what it shows, its title, resizing, keys, pointer, screenshots.

Pictures are read from the X server's memory (Xvfb -fbdir, a file in the format of xwd) and compared with ones computed here.
"""
import os
import re
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from boot_case import BootCase, read_png
from riv_case import CLEAN_ENV, RIV, WORK

WIDTH, HEIGHT, WAIT = 320, 240, 20
SCREEN = (800, 600)


def color(n):
    return 0 if n == 96 else (n * 5 & 255) << 16 | (n * 9 & 255) << 8 | (255 - (n * 2 & 255))


def mandelbrot(x, y, scale):
    """The ROM's picture around a point: the middle row and column, which tell everything else."""
    def pixel(px, py):
        cr, ci, zr, zi, n = x + (px - WIDTH // 2) * scale, y + (py - HEIGHT // 2) * scale, 0.0, 0.0, 0
        while n < 96 and zr * zr + zi * zi <= 4:
            zr, zi, n = zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1
        return color(n)
    return [pixel(px, HEIGHT // 3) for px in range(WIDTH)], [pixel(WIDTH // 3, py) for py in range(HEIGHT)]


class Screen:
    """What an X server shows."""

    def __init__(self, folder):
        self.file = Path(folder, "Xvfb_screen0")
        read, write = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", "%dx%dx24" % SCREEN, "-fbdir", folder],
                                       pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as line:  # to its end, as the server writes it in parts
            self.display = ":" + line.readline().strip()

    def rows(self, x, y, width, height):
        data = self.file.read_bytes()
        header = struct.unpack(">25I", data[:100])
        start, line = header[0] + header[19] * 12, header[12]
        return [[v & 0xffffff for v in struct.unpack_from("<%dI" % width, data, start + (y + r) * line + x * 4)]
                for r in range(height)]


class Window(BootCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=WORK)
        self.screen = Screen(self.folder.name)
        self.process = None

    def tearDown(self):
        for process in (self.process, self.screen.server):
            if process:
                process.kill()
                process.communicate()
        self.folder.cleanup()

    def x(self, *words, check=True):
        return subprocess.run(["xdotool", *map(str, words)], env={**os.environ, "DISPLAY": self.screen.display}, check=check,
                              capture_output=True, text=True, timeout=60).stdout.strip()

    def eventually(self, what, true):
        end = time.monotonic() + WAIT
        while not true():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)

    def start(self, *args):
        env = {**CLEAN_ENV, "DISPLAY": self.screen.display, "SDL_VIDEODRIVER": "x11"}
        self.process = subprocess.Popen([RIV, "boot", "--resolution", f"{WIDTH}x{HEIGHT}", *args], cwd=self.folder.name, env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.eventually("window", lambda: self.process.poll() is not None or self.x("search", "--onlyvisible", "--name", "^riv", check=False))
        self.assertIsNone(self.process.poll(), self.process.poll() is not None and self.process.stderr.read())
        self.window = self.x("search", "--onlyvisible", "--name", "^riv")
        self.x("windowmove", "--sync", self.window, 100, 50)
        self.x("windowfocus", "--sync", self.window)

    def picture(self):
        return self.screen.rows(100, 50, WIDTH, HEIGHT)

    def shows(self, what, x, y, scale):
        row, column = mandelbrot(x, y, scale)

        def same():
            picture = self.picture()
            return picture[HEIGHT // 3] == row and [r[WIDTH // 3] for r in picture] == column
        self.eventually(what, same)

    def ends(self, status=0):
        out, err = self.process.communicate(timeout=WAIT)
        self.assertEqual(self.process.returncode, status, err)
        self.process = None
        return out, err

    def test_mandelbrot(self):
        self.start("rom:mandelbrot")
        x, y, scale = -0.6, 0.0, 3.2 / WIDTH
        self.shows("first picture", x, y, scale)
        self.eventually("title", lambda: re.fullmatch(r"riv: 320x240, \d+ MIPS, \d+ frames/s", self.x("getwindowname", self.window)))
        self.x("key", "F12")
        file = Path(self.folder.name, "riv-screenshot-1.png")
        self.eventually("screenshot", lambda: file.exists() and file.read_bytes()[-8:-4] == b"IEND")
        self.assertEqual([[r << 16 | g << 8 | b for r, g, b in row] for row in read_png(file)], self.picture())
        self.x("key", "equal")
        scale *= 0.5
        self.shows("zoom by key", x, y, scale)
        self.x("mousemove", "--sync", "--window", self.window, 100, 60, "click", 1)
        at_x, at_y = pointer(100, WIDTH), pointer(60, HEIGHT)
        x, y = x + (at_x - WIDTH // 2) * scale, y + (at_y - HEIGHT // 2) * scale
        self.shows("a click moves a point to the middle", x, y, scale)
        self.x("click", 4)
        px, py = x + (at_x - WIDTH // 2) * scale, y + (at_y - HEIGHT // 2) * scale
        x, y, scale = px + (x - px) * 0.8, py + (y - py) * 0.8, scale * 0.8
        self.shows("the wheel zooms at the pointer", x, y, scale)
        self.x("key", "Escape")
        self.assertEqual(self.ends(), ("", "riv: wrote riv-screenshot-1.png\n"))

    def test_resize(self):
        self.start("rom:card")
        self.eventually("first picture", lambda: self.picture()[0][0] == 0xffffff)
        self.x("windowsize", "--sync", self.window, 600, 300)  # the picture is 400 by 300 then, 100 from the left
        def scaled():
            rows = self.screen.rows(100, 50, 600, 300)
            return (all(row[i] == 0 for row in rows for i in (0, 50, 98, 502, 599)) and
                    [rows[20][100 + 400 * i // 16] for i in (1, 3, 5, 7, 9, 11, 13, 15)] ==
                    [0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0])
        self.eventually("scaled with its aspect kept", scaled)
        self.x("windowsize", "--sync", self.window, WIDTH, HEIGHT)
        self.eventually("as it was", lambda: self.picture()[0][0] == 0xffffff and self.picture()[0][WIDTH - 1] == 0xffffff)
        self.x("key", "q")
        self.ends()

    def test_game(self):
        """Played with the mouse: the paddle follows the ball."""
        self.start("rom:bricks")
        ball_row = lambda row: [i for i in range(WIDTH - 3) if row[i:i + 3] == [0xffffff] * 3]
        self.eventually("bricks", lambda: self.picture()[48][5] == 0xd04040)
        self.x("key", "space")
        end = time.monotonic() + 6
        bricks = lambda: sum(v not in (0, 0xffffff, 0xe0e0e0) for row in self.picture()[44:100:4] for v in row)
        before = bricks()
        while time.monotonic() < end and bricks() > before * 0.9:
            ball = [x for row in self.picture()[100:HEIGHT - 48] for x in ball_row(row)[:1]]
            if ball:
                self.x("mousemove", "--window", self.window, ball[0] + 6, HEIGHT // 2)
        self.assertLess(bricks(), before)
        self.x("key", "Escape")
        out, err = self.ends()
        self.assertGreater(int(re.fullmatch(r"score: (\d+)\r?\n", out).group(1)), 0)
        self.assertEqual(err, "")

    def test_closing_the_window(self):
        self.start("rom:plasma")
        self.eventually("colours", lambda: len({v for row in self.picture() for v in row}) > 50)
        self.eventually("frames", lambda: int(re.search(r"(\d+) frames/s", self.x("getwindowname", self.window) + "0 frames/s")[1]))
        self.x("windowclose", self.window)
        self.process.wait(WAIT)

    def test_no_display(self):
        for rom in ("rom:card", "rom:hello"):
            done = self.boot("--display", "sdl", rom, env={"SDL_VIDEODRIVER": "x11", "DISPLAY": ":99999"})
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, r"^riv: no display: .*\(--display none does without\)\n$")


def pointer(at, size):
    """A coordinate as it comes out of the tablet's 0 to 32767 (INPUT_AXIS_MAX) and roms/window.c."""
    return at * 32767 // (size - 1) * size // 32768


unittest.main(verbosity=2)
