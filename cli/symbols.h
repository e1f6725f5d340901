/* symbols.h: names of guest code, from the symbol tables of the ELF files that are mapped into this process.
 *
 * Guest addresses are host addresses and the guest's files are mapped as its loader maps them, so /proc/self/maps says which file
 * an address belongs to.  Files are read when the first address in them is looked up.  Callable from any thread; what was found
 * stays valid until the end.
 */
#ifndef CLI_SYMBOLS_H
#define CLI_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t start, size; /* where it is in memory; size 0: unknown, it reaches up to the next one */
    const char *name, *file; /* file: the host's path */
    bool function;           /* STT_FUNC with a size, else a label in code */
};
struct symbols;

struct symbols *symbols_create(void);
void symbols_destroy(struct symbols *s);
/* Adds the functions of an ELF file (.symtab, else .dynsym) whose addresses are to be moved by bias. False: one line in err. */
bool symbols_add(struct symbols *s, const char *path, uint64_t bias, char *err, size_t n);
/* The function that contains the address, or NULL.  Looks for files that were mapped since. */
const struct symbol *symbols_find(struct symbols *s, uint64_t address);
/* The same for a function's name, among the files added so far. */
const struct symbol *symbols_named(struct symbols *s, const char *name);
/* Code has been mapped or unmapped: addresses without a name are looked up anew. */
void symbols_forget_misses(struct symbols *s);
/* Around fork, in the parent and the child: no thread is inside meanwhile. */
void symbols_hold(struct symbols *s);
void symbols_release(struct symbols *s);

#endif
