/* mutants.h: included in front of every C file in builds with RIVULET_MUTANTS; see mutants.def. */
#ifndef TESTS_MUTANTS_MUTANTS_H
#define TESTS_MUTANTS_MUTANTS_H

enum mutant {
    MUTANT_NONE,
#define PLANT(name, finder, instructions, description) MUTANT_##name,
#include "mutants.def"
#undef PLANT
};
/* What RIV_MUTANT names. */
extern int mutant_selected;
#define MUTANT(name) (mutant_selected == MUTANT_##name)

#endif
