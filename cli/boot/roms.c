/* roms.c: the ROMs that come with riv: ELF files in roms/ beside riv-boot, or in share/riv/roms once installed. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"

static bool rom_folder(char *path, size_t n) {
    static const char *const places[] = {"roms", "../share/riv/roms", "../../share/riv/roms"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return false;
    self[length] = 0;
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        int size = snprintf(path, n, "%.*s%s", (int)(slash + 1 - self), self, places[i]);
        if (size > 0 && (size_t)size < n && access(path, R_OK | X_OK) == 0)
            return true;
    }
    return false;
}

bool rom_path(const char *name, char *path, size_t n) {
    char folder[PATH_MAX];
    if (!*name || strchr(name, '/') || !rom_folder(folder, sizeof folder))
        return false;
    int size = snprintf(path, n, "%s/%s.elf", folder, name);
    return size > 0 && (size_t)size < n && access(path, R_OK) == 0;
}

/* What the build has written beside the ROM: a line of description, and whether there is a window. */
static bool read_notes(const char *path, char *what, size_t n) {
    char notes[PATH_MAX + 256], window[32] = "";
    size_t length = strlen(path);
    what[0] = 0;
    if (length < 4 || (size_t)snprintf(notes, sizeof notes, "%.*s.txt", (int)length - 4, path) >= sizeof notes)
        return false;
    FILE *f = fopen(notes, "r");
    if (!f)
        return false;
    bool draws = fgets(what, (int)n, f) && fgets(window, sizeof window, f) && strstr(window, "window");
    what[strcspn(what, "\n")] = 0;
    fclose(f);
    return draws;
}

bool rom_draws(const char *path) {
    char what[128];
    return read_notes(path, what, sizeof what);
}

static int is_rom(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".elf") == 0;
}

int rom_list(void) {
    char folder[PATH_MAX], path[PATH_MAX + 256];
    struct dirent **names;
    int count = rom_folder(folder, sizeof folder) ? scandir(folder, &names, is_rom, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "riv: this build has no ROMs\n");
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char what[128];
        int stem = (int)strlen(names[i]->d_name) - 4;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        read_notes(path, what, sizeof what);
        printf("rom:%-14.*s %s\n", stem, names[i]->d_name, what);
        free(names[i]);
    }
    free(names);
    return fflush(stdout) == 0 ? 0 : 1;
}
