/* stats.c: what --stats prints. */
#include "../cpu/interp.h"
#include "engine_internal.h"

static const char *const leave_names[BACK_COUNT] = {[BACK_DIRECT] = "exit not linked yet",
                                                    [BACK_INDIRECT] = "computed jump not cached",
                                                    [BACK_POLL] = "poll",
                                                    [BACK_TRAP] = "system call or trap",
                                                    [BACK_FENCE_I] = "fence.i",
                                                    [BACK_EXCLUSIVE] = "LR without its SC in sight",
                                                    [BACK_INTERPRET] = "instruction for the interpreter",
                                                    [BACK_UNBOXED] = "single not NaN-boxed",
                                                    [BACK_RECORD] = "records to be written",
                                                    [BACK_WFI] = "wait for interrupt",
                                                    [BACK_MODE] = "rounding mode changed",
                                                    [BACK_COUNT_END] = "counted run: nearly at an event",
                                                    [BACK_FAULT] = "memory fault"};
static const char *const leave_keys[BACK_COUNT] = {
    [BACK_DIRECT] = "direct",       [BACK_INDIRECT] = "indirect", [BACK_POLL] = "poll",
    [BACK_TRAP] = "trap",           [BACK_FENCE_I] = "fence_i",   [BACK_EXCLUSIVE] = "exclusive",
    [BACK_INTERPRET] = "interpret", [BACK_UNBOXED] = "unboxed",   [BACK_RECORD] = "record",
    [BACK_FAULT] = "fault",         [BACK_MODE] = "mode",         [BACK_WFI] = "wfi",
    [BACK_COUNT_END] = "count"};

uint64_t engine_instructions(const struct hart *h) { return interp_count(h) + h->stat[0]; }

void engine_print_stats(struct engine *e, FILE *to, bool json) {
    uint64_t interpreted = e->done_interpreted, steps = e->done_steps, stat[4], leaves[BACK_COUNT], all = 0;
    for (int i = 0; i < 4; i++)
        stat[i] = e->done_stat[i];
    for (int i = 0; i < BACK_COUNT; i++)
        leaves[i] = e->done_leaves[i];
    pthread_mutex_lock(&e->harts_lock);
    for (struct engine_hart *eh = e->harts; eh; eh = eh->next) {
        interpreted += interp_count(eh->hart);
        steps += eh->single_steps;
        for (int i = 0; i < 4; i++)
            stat[i] += eh->hart->stat[i];
        for (int i = 0; i < BACK_COUNT; i++)
            leaves[i] += eh->leaves[i];
    }
    pthread_mutex_unlock(&e->harts_lock);
    for (int i = 0; i < BACK_COUNT; i++)
        all += leaves[i];
    struct cc_stats cc = {0};
    if (e->cache)
        cc_stats(e->cache, &cc);
#define U(v) ((unsigned long long)(v))
    if (json) {
        fprintf(to,
                "{\"interpreted\":%llu,\"translated\":%llu,\"helper_calls\":%llu,\"single_steps\":%llu,\"blocks\":%llu,"
                "\"block_insns\":%llu,\"block_bytes\":%llu,\"failed_blocks\":%llu,\"invalidated\":%zu,\"evictions\":%"
                "zu,\"leaves\":{",
                U(interpreted), U(stat[0]), U(stat[1]), U(steps), U(e->translated_blocks), U(e->translated_insns),
                U(e->translated_bytes), U(e->failed_blocks), cc.invalidated, cc.evictions);
        for (int i = 0; i < BACK_COUNT; i++)
            fprintf(to, "%s\"%s\":%llu", i ? "," : "", leave_keys[i], U(leaves[i]));
        fprintf(to, "}}\n");
        return;
    }
    fprintf(to, "guest instructions interpreted  %14llu\n", U(interpreted));
    fprintf(to, "guest instructions translated   %14llu\n", U(stat[0]));
    fprintf(to, "helper calls                    %14llu\n", U(stat[1]));
    fprintf(to, "stepped one at a time           %14llu\n", U(steps));
    fprintf(to, "blocks translated               %14llu  (%llu instructions, %llu bytes; %llu failed)\n",
            U(e->translated_blocks), U(e->translated_insns), U(e->translated_bytes), U(e->failed_blocks));
    fprintf(to, "blocks invalidated              %14zu\n", cc.invalidated);
    fprintf(to, "code cache evictions            %14zu\n", cc.evictions);
    fprintf(to, "left generated code             %14llu\n", U(all));
    for (int i = 0; i < BACK_COUNT; i++)
        if (leaves[i])
            fprintf(to, "  %-30s%14llu\n", leave_names[i], U(leaves[i]));
#undef U
}
