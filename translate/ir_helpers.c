/* ir_helpers.c: the functions that generated code may call, by index and name. */
#include "../cpu/interp.h"
#include "ir.h"

#define H(name)                                                                                                        \
    { #name, name }
#define HF(name) H(name##_h), H(name##_s), H(name##_d)
const struct ir_helper ir_helpers[] = {
    HF(fp_add),    HF(fp_sub),     HF(fp_mul),    HF(fp_div),    HF(fp_sqrt),       HF(fp_madd),
    HF(fp_min),    HF(fp_max),     HF(fp_minm),   HF(fp_maxm),   HF(fp_eq),         HF(fp_lt),
    HF(fp_le),     HF(fp_ltq),     HF(fp_leq),    HF(fp_class),  HF(fp_round),      HF(fp_roundnx),
    HF(fp_to_w),   HF(fp_to_wu),   HF(fp_to_l),   HF(fp_to_lu),  HF(fp_from_w),     HF(fp_from_wu),
    HF(fp_from_l), HF(fp_from_lu), HF(fp_li),     H(fp_cvt_h_s), H(fp_cvt_h_d),     H(fp_cvt_s_h),
    H(fp_cvt_s_d), H(fp_cvt_d_h),  H(fp_cvt_d_s), H(fp_modw),    H(hart_note_wait), H(hart_pause),
};
const unsigned ir_helper_count = sizeof ir_helpers / sizeof *ir_helpers;

unsigned ir_helper_index(hart_helper *fn) {
    unsigned i = 0;
    while (i < ir_helper_count && ir_helpers[i].fn != fn)
        i++;
    return i;
}
