// Says "ready", sends each byte back increased by one until a q, which ends it with 42.
#include "../../roms/rom.h"

void rom_main(word hart, const void *device_tree) {
    print("ready\n");
    for (;;) {
        while (!(UART[5] & 1))
            ;
        uint8_t byte = UART[0];
        if (byte == 'q')
            finish(42);
        char text[2] = {(char)(byte + 1), 0};
        print(text);
    }
}
