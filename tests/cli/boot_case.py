"""What tests of riv boot share: running it, and programs for the bare board (tests/boot/*.c with roms/start.S and rom.c)."""
import fcntl
import subprocess

from png import read_png  # noqa: F401 (for the tests)
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


class BootCase(RivCase):
    def boot(self, *args, timeout=100, **options):
        env = {**CLEAN_ENV, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", **options.pop("env", {})}
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([RIV, "boot", *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False,
                              cwd=WORK, env=env, **options)
