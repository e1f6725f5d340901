/* loader.h: program files: ELF images and #! scripts. */
#ifndef USER_LOADER_H
#define USER_LOADER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* A program as it lies in memory. */
struct image {
    uint64_t entry;         /* where to start: the interpreter's entry where there is one */
    uint64_t program_entry; /* AT_ENTRY */
    uint64_t phdr;          /* AT_PHDR: address of the program headers, 0 when they are in no segment */
    uint16_t phnum, phent;
    uint64_t interp_base; /* AT_BASE, 0: none */
    uint64_t end;         /* first address behind the program: where brk starts */
    bool rv32;
    uint32_t elf_flags;
};

/* Why a file cannot be run: an errno for execve, a status for a shell, and one line. */
struct load_error {
    int error;
    int status;
    char text[256];
};

#define SCRIPT_LINE 256

/* A script's first line: #! interpreter [argument] */
struct script {
    char line[SCRIPT_LINE];
    const char *interpreter, *argument; /* into line; argument may be NULL */
};

enum file_kind { FILE_BAD, FILE_PROGRAM, FILE_SCRIPT };

/* Looks at the open file fd and says what it is.  FILE_BAD: e is filled in. */
enum file_kind loader_examine(int fd, struct script *script, struct load_error *e);
/* Maps the program in fd and its interpreter.  False: e is filled in; memory may be left mapped. */
bool loader_map(int fd, struct image *image, struct load_error *e);

#endif
