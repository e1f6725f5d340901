/* source.c: source lines of guest addresses, from the DWARF of the files that are mapped, read with libdw. */
#include <stdio.h>

#include "diff.h"

#ifdef RIV_HAVE_LIBDW
#include <elfutils/libdwfl.h>
#include <string.h>
#include <unistd.h>

const char *source_line(uint64_t pc) {
    static char text[512];
    static char *debug_path;
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};
    static Dwfl *dwfl;
    int line = 0;
    if (!dwfl) { /* guest files are mapped where guest addresses are */
        dwfl = dwfl_begin(&callbacks);
        if (!dwfl || dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0)
            return NULL;
    }
    Dwfl_Line *found = dwfl_getsrc(dwfl, pc);
    const char *file = found ? dwfl_lineinfo(found, NULL, &line, NULL, NULL, NULL) : NULL;
    if (!file)
        return NULL;
    snprintf(text, sizeof text, "%s:%d", file, line);
    return text;
}
#else
const char *source_line(uint64_t pc) { return NULL; }
#endif
