/* cas128.c: compare and exchange of 16 bytes, alone in a file because it may need a compiler option of its own. */
#include "interp_internal.h"

bool interp_cas128(void *p, unsigned __int128 *expected, unsigned __int128 desired) {
    unsigned __int128 was = __sync_val_compare_and_swap((unsigned __int128 *)p, *expected, desired);
    bool same = was == *expected;
    *expected = was;
    return same;
}
