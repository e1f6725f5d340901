"""What the command line tests share: running riv, and guest programs."""
import fcntl
import os
import subprocess
import unittest
from pathlib import Path

RIV = os.environ["RIV"]
WORK = Path(os.environ["RIV_TEST_DIR"])
WORK.mkdir(parents=True, exist_ok=True)
SANITIZED = bool(os.environ.get("RIV_SANITIZE"))
HERE = Path(__file__).resolve().parent
CLEAN_ENV = {k: v for k, v in os.environ.items() if not k.startswith(("RIV", "QEMU_"))}


def build_guest(name, *flags):
    """A guest program of this folder, compiled where it is missing or old."""
    program, source = WORK / name, HERE / f"{name}.c"
    with open(WORK / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", *flags, "-o", program, source], check=True)
    return str(program)


class RivCase(unittest.TestCase):
    def riv(self, *args, env=None, cwd=None, riv=RIV):
        return subprocess.run([riv, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env={**CLEAN_ENV, **(env or {})}, cwd=cwd, check=False)

    def refused(self, *args, says, env=None, status=2):
        """riv refuses args with this status, nothing on stdout and one line on stderr that holds says."""
        done = self.riv(*args, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("riv: "), done.stderr)
        self.assertIn(says, done.stderr)
        return done

    def shows(self, *args, output, env=None, status=0, cwd=None):
        done = self.riv(*args, env=env, cwd=cwd)
        self.assertEqual((done.returncode, done.stdout), (status, output), done.stderr)
        return done
