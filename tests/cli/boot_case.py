"""What tests of riv boot share: running it, and programs for the bare board (tests/boot/*.c with roms/start.S and rom.c)."""
import fcntl
import struct
import subprocess
import zlib

from riv_case import CLEAN_ENV, HERE, RIV, WORK, RivCase

ROMS, SOURCES = HERE.parent.parent / "roms", HERE.parent / "boot"


def build_bare(name, *flags, xlen=64):
    """tests/boot/NAME.c as an ELF file in M mode, as roms/CMakeLists.txt builds ROMs."""
    program = WORK / "-".join([f"{name}{xlen}.elf", *flags])
    sources = [SOURCES / f"{name}.c", SOURCES / "queue.c", ROMS / "start.S", ROMS / "rom.c"]
    with open(WORK / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() or any(program.stat().st_mtime < s.stat().st_mtime for s in sources):
            arch = ["-march=rv64gc", "-mabi=lp64d"] if xlen == 64 else ["-march=rv32gc", "-mabi=ilp32d"]
            include = subprocess.run(["riscv64-linux-gnu-gcc", "-print-file-name=include"], capture_output=True, text=True,
                                     check=True).stdout.strip()
            subprocess.run(["riscv64-linux-gnu-gcc", *arch, "-O2", "-std=gnu17", "-nostdlib", "-nostdinc", "-isystem", include,
                            "-ffreestanding", "-fno-pic", "-no-pie", "-static", "-mcmodel=medany", "-msmall-data-limit=0",
                            "-fno-stack-protector", "-fno-builtin", "-fno-tree-loop-distribute-patterns", *flags,
                            "-Wl,--build-id=none,-z,norelro", f"-Wl,-T,{ROMS / 'link.ld'}", "-o", program, *sources], check=True)
    return program


def read_png(path):
    """Rows of (red, green, blue); only what riv writes: 8 bits, RGB, not interlaced."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, header = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    width, height, *rest = header
    assert rest == [8, 2, 0, 0, 0], header
    raw, stride, rows, above = zlib.decompress(packed), width * 3, [], bytes(width * 3)
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):  # PNG specification, section 9
            left, up, corner = line[i - 3] if i >= 3 else 0, above[i], above[i - 3] if i >= 3 else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda v, g=guess: abs(g - v))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
        rows.append([tuple(line[i:i + 3]) for i in range(0, stride, 3)])
        above = line
    return rows


class BootCase(RivCase):
    def boot(self, *args, timeout=100, **options):
        env = {**CLEAN_ENV, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", **options.pop("env", {})}
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([RIV, "boot", *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False,
                              cwd=WORK, env=env, **options)
