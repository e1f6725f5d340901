"""File names with -L: what is in the sysroot comes first, what is not is the host's, and the guest sees no difference."""
import shutil
import tempfile
import unittest
from pathlib import Path

from riv_case import RivCase, build_guest

PROGRAM = build_guest("paths")
# Names that no host has.
TOP = "riv-test-top"


class Sysroot(RivCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name) / "root"
        self.host = Path(scratch.name) / "host"
        self.host.mkdir()
        self.top = self.root / TOP
        (self.top / "sub").mkdir(parents=True)
        (self.top / "file").write_text("inside")
        (self.top / "sub" / "deep").write_text("deep")
        (self.top / "absolute").symlink_to(f"/{TOP}/file")
        (self.top / "outside").symlink_to(self.host / "file")
        (self.top / "nowhere").symlink_to("/riv-test-nowhere/file")
        (self.top / "chain").symlink_to("outside")
        (self.host / "file").write_text("host")
        (self.host / "inward").symlink_to(f"/{TOP}/file")
        (self.host / "further").symlink_to("inward")
        (self.host / "tool").symlink_to(f"/{TOP}/program")
        shutil.copy(PROGRAM, self.top / "program")

    def sees(self, *words, lines):
        self.shows("-L", self.root, PROGRAM, *words, output="".join(f"{line}\n" for line in lines), cwd=self.host)

    def test_files_of_both(self):
        self.sees("cat", f"/{TOP}/file", "cat", f"{self.host}/file", "cat", "file",
                  lines=["cat: inside", "cat: host", "cat: host"])

    def test_links(self):
        self.sees("cat", f"/{TOP}/absolute", "cat", f"/{TOP}/outside", "cat", f"/{TOP}/chain", "cat", f"/{TOP}/nowhere",
                  "cat", "inward", "cat", f"{self.host}/further", "open", ".", "cat", "@further",
                  "link?", f"/{TOP}/absolute", "stat", f"/{TOP}/nowhere",
                  lines=["cat: inside", "cat: host", "cat: host", "cat: ENOENT", "cat: inside", "cat: inside", "open: ok",
                         "cat: inside", f"link?: /{TOP}/file", "stat: link"])

    def test_working_directory(self):
        self.sees("cd", f"/{TOP}/sub", "cwd", "link?", "/proc/self/cwd", "cat", "deep", "cat", "../file", "cd", "..",
                  "cwd", "cat", "absolute", "cd", "/", "cwd", "cat", f"..{self.host}/file", "cd", str(self.host), "cwd",
                  lines=["cd: ok", f"cwd: /{TOP}/sub", f"link?: /{TOP}/sub", "cat: deep", "cat: inside", "cd: ok",
                         f"cwd: /{TOP}", "cat: inside", "cd: ok", "cwd: /", "cat: host", "cd: ok",
                         f"cwd: {self.host}"])

    def test_directory_descriptors(self):
        self.sees("open", "/", "cat", f"@{TOP}/file", "cat", f"@{str(self.host)[1:]}/file", "open", f"/{TOP}", "cat",
                  "@absolute", "cat", "@outside", "cat", "@../../../riv-test-none", "mkdir", "@made", "stat",
                  f"/{TOP}/made",
                  lines=["open: ok", "cat: inside", "cat: host", "open: ok", "cat: inside", "cat: host", "cat: ENOENT",
                         "mkdir: ok", "stat: directory"])
        self.assertTrue((self.top / "made").is_dir())

    def test_new_files(self):
        self.sees("write", f"/{TOP}/new", "cat", f"/{TOP}/new", "rename", f"/{TOP}/new", f"/{TOP}/moved", "link",
                  f"/{TOP}/moved", f"/{TOP}/linked", "symlink", "moved", f"/{TOP}/soft", "cat", f"/{TOP}/soft", "rm",
                  f"/{TOP}/moved", "cat", f"/{TOP}/linked", "mkdir", f"/{TOP}/a/b", "mkdir", f"/{TOP}/a", "mkdir",
                  f"/{TOP}/a/b/", "write", f"{self.host}/new",
                  lines=["write: ok", "cat: new", "rename: ok", "link: ok", "symlink: ok", "cat: new", "rm: ok",
                         "cat: new", "mkdir: ENOENT", "mkdir: ok", "mkdir: ok", "write: ok"])
        self.assertEqual((self.top / "linked").read_text(), "new")
        self.assertTrue((self.top / "a" / "b").is_dir())
        self.assertEqual((self.host / "new").read_text(), "new")

    def test_new_files_where_the_directory_is_in_both(self):
        both = self.root / str(self.host)[1:]
        both.mkdir(parents=True)
        self.sees("write", f"{self.host}/new", "rename", f"{self.host}/new", f"{self.host}/newer",
                  lines=["write: ok", "rename: ok"])
        self.assertTrue((self.host / "newer").exists())

    def test_sockets(self):
        long = self.top / ("d" * 60) / ("e" * 30)
        long.mkdir(parents=True)
        name = f"/{TOP}/{'d' * 60}/{'e' * 30}"
        self.sees("bind", f"/{TOP}/socket", "connect", f"/{TOP}/socket", "bind", f"{name}/s", "connect", f"{name}/s",
                  "connect", f"/{TOP}/none", "bind", f"{self.host}/socket",
                  lines=["bind: ok", "connect: ok", "bind: ok", "connect: ok", "connect: ENOENT", "bind: ok"])
        self.assertTrue((self.top / "socket").is_socket())

    def test_programs(self):
        self.sees("open", f"/{TOP}", "exec", "@program", lines=["open: ok", f"cwd: {self.host}"])
        self.sees("cd", f"/{TOP}", "exec", "program", lines=["cd: ok", f"cwd: /{TOP}"])
        self.sees("cd", f"/{TOP}/sub", "exec", "../program", lines=["cd: ok", f"cwd: /{TOP}/sub"])
        self.sees("exec", "tool", lines=[f"cwd: {self.host}"])
        self.sees("exec", f"/{TOP}/missing", "exec", f"/{TOP}", "exec", f"/{TOP}/file",
                  lines=["exec: ENOENT", "exec: EACCES", "exec: EACCES"])


unittest.main(verbosity=2)
