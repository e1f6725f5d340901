/* missing.c: which instructions Unicorn 2.0 lacks. */
#include <string.h>

#include "diff.h"

static bool starts(const char *name, const char *prefix) { return strncmp(name, prefix, strlen(prefix)) == 0; }

bool known_missing(const struct insn *in) {
    /* tokens of the table whose instructions Unicorn 2.0 has */
    static const char *const has[] = {"I",    "I_64", "M",    "M_64", "A",     "A_64", "F",     "F_64",     "D",
                                      "D_64", "C",    "C_64", "C_32", "C_F32", "C_D",  "Zicsr", "Zifencei", "Zicntr"};
    const char *extension = insn_rows[in->id].extension;
    if (in->id == INSN_ILLEGAL || starts(extension, "Zicbop") || starts(extension, "Zihint")) /* these are hints */
        return false;
    if (in->len == 2) { /* Zcb, which decodes to instructions that Unicorn has */
        unsigned quadrant = in->bits & 3, funct3 = in->bits >> 13 & 7;
        return funct3 == 4 && (quadrant == 0 || (quadrant == 1 && (in->bits >> 10 & 7) == 7 && (in->bits >> 6 & 1)));
    }
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        if (strcmp(has[i], extension) == 0)
            return false;
    return true;
}
