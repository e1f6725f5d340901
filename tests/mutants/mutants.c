/* mutants.c: which fault is selected; a name that is unknown ends the program, so that no fault is thought to be found.
 */
#include "mutants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mutant_selected;

static const char *const names[] = {
    "",
#define PLANT(name, finder, instructions, description) #name,
#include "mutants.def"
#undef PLANT
};

__attribute__((constructor)) static void select_mutant(void) {
    const char *name = getenv("RIV_MUTANT");
    if (!name)
        return;
    for (unsigned i = 1; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            mutant_selected = (int)i;
            return;
        }
    fprintf(stderr, "riv: no mutant is called '%s'\n", name);
    exit(2);
}
