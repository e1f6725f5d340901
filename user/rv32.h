/* rv32.h: what the files of the 32-bit ABI share.  Arguments are zero-extended; negative results are -errno. */
#ifndef USER_RV32_H
#define USER_RV32_H

#include "user.h"

/* rv32_structs.c: calls whose structures hold long, pointers or time_t.  a: the guest's arguments. */
int64_t rv32_iovec(long number, const uint64_t *a);
int64_t rv32_message(long number, const uint64_t *a);
int64_t rv32_statfs(const char *path, uint64_t fd, uint64_t size, uint64_t to);
int64_t rv32_sysinfo(uint64_t to);
int64_t rv32_getrusage(uint64_t who, uint64_t to);
int64_t rv32_times(uint64_t to);
int64_t rv32_itimer(const uint64_t *a, bool set);
int64_t rv32_timer_create(const uint64_t *a);
int64_t rv32_waitid(const uint64_t *a);
int64_t rv32_pselect(struct task *t, const uint64_t *a);

/* rv32_signal.c */
int64_t rv32_sigaction(struct task *t, const uint64_t *a);
int64_t rv32_sigaltstack(struct task *t, const uint64_t *a);
int64_t rv32_sigtimedwait(struct task *t, const uint64_t *a);
int64_t rv32_sigqueueinfo(long number, const uint64_t *a, unsigned info_at);
/* The 128 bytes of a guest's siginfo, from the host's. */
void rv32_siginfo(uint32_t out[32], const siginfo_t *info);
/* signal_frame.c's functions, for RV32. */
bool rv32_frame_push(struct task *t, const siginfo_t *info, const struct guest_action *action, uint64_t saved_mask);
bool rv32_frame_pop(struct task *t, uint64_t *mask);

#endif
