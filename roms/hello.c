// what: prints a greeting on the serial port
// variants: hello= hello32=rv32
#include "rom.h"

void rom_main(word hart, const void *device_tree) {
    uint32_t size;
    const char *model = tree_property(device_tree, "", "model", &size);
    print("Hello from ");
    print(model ? model : "an unknown board");
    print("\n");
    finish(0);
}
