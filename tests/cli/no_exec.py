#!/usr/bin/env python3
"""Runs a command where the system refuses executable memory.

    no_exec.py HOW COMMAND ARG...

    mdwe      prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    seccomp   a filter that answers EACCES to mmap and mprotect with PROT_EXEC, unless private and of a file: programs and
              libraries are still mapped, so that the command starts at all
    noexec    a filter that makes memfds unexecutable as vm.memfd_noexec = 2 and a noexec tmpfs do: memfd_create with
              MFD_EXEC is refused, and so is every executable mapping of shared memory
    memfd     a filter that refuses memfd_create altogether

Status 77: the kernel lacks what this needs.
"""
import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_MDWE, SECCOMP_MODE_FILTER = 38, 22, 65, 2
ALLOW, REFUSE = 0x7fff0000, 0x00050000
NR_MMAP, NR_MPROTECT, NR_MEMFD_CREATE = 9, 10, 319  # x86-64
PROT_EXEC, MAP_SHARED, MAP_ANONYMOUS, MFD_EXEC = 4, 1, 0x20, 0x10

libc = ctypes.CDLL(None, use_errno=True)


def prctl(*args):
    if libc.prctl(*(ctypes.c_ulong(a) for a in args)) != 0:
        print(f"no_exec: prctl {args[0]}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(77)


class Filter:
    """A classic BPF program; conditions test the low half of system call arguments."""

    def __init__(self):
        self.code = []

    def op(self, code, k, yes=0, no=0):
        self.code.append(struct.pack("<HBBI", code, yes, no, k & 0xffffffff))

    def refuse(self, number, error, *tests):
        """Refuses system call number if every (argument, mask, value) of tests has (argument & mask) == value."""
        self.op(0x20, 0)  # load number
        self.op(0x15, number, 0, 3 * len(tests) + 1)
        for i, (argument, mask, value) in enumerate(tests):
            self.op(0x20, 16 + 8 * argument)
            self.op(0x54, mask)
            self.op(0x15, value, 0, 3 * (len(tests) - i - 1) + 1)
        self.op(0x06, REFUSE | error)

    def install(self):
        self.op(0x06, ALLOW)
        program = b"".join(self.code)
        buffer = ctypes.create_string_buffer(program, len(program))
        header = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(self.code), ctypes.addressof(buffer)), 16)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header), 0, 0)


def main():
    how, command = sys.argv[1], sys.argv[2:]
    f = Filter()
    if how == "mdwe":
        prctl(PR_SET_MDWE, 1, 0, 0, 0)
    elif how == "seccomp":
        f.refuse(NR_MMAP, errno.EACCES, (2, PROT_EXEC, PROT_EXEC), (3, MAP_SHARED, MAP_SHARED))
        f.refuse(NR_MMAP, errno.EACCES, (2, PROT_EXEC, PROT_EXEC), (3, MAP_ANONYMOUS, MAP_ANONYMOUS))
        f.refuse(NR_MPROTECT, errno.EACCES, (2, PROT_EXEC, PROT_EXEC))
    elif how == "noexec":
        f.refuse(NR_MEMFD_CREATE, errno.EACCES, (1, MFD_EXEC, MFD_EXEC))
        f.refuse(NR_MMAP, errno.EPERM, (2, PROT_EXEC, PROT_EXEC), (3, MAP_SHARED, MAP_SHARED))
    elif how == "memfd":
        f.refuse(NR_MEMFD_CREATE, errno.EPERM)
    else:
        sys.exit(f"no_exec: {how}?")
    if f.code:
        f.install()
    os.execv(command[0], command)


main()
