/* int: what CPU benchmarks for small machines are made of: a linked list that is searched and sorted, a matrix product,
 * a state machine over text, and a checksum of all of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 256, SIDE = 24, TEXT = 512 };

struct node {
    struct node *next;
    int16_t key, value;
};

static struct node nodes[NODES];
static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static char text[TEXT];

static uint16_t checksum(uint16_t crc, uint32_t word) {
    for (int i = 0; i < 32; i++) {
        int bit = (int)((crc ^ word) & 1);
        crc >>= 1;
        word >>= 1;
        if (bit)
            crc ^= 0xa001;
    }
    return crc;
}

static struct node *merge(struct node *x, struct node *y) {
    struct node head, *last = &head;
    while (x && y) {
        struct node **least = x->key <= y->key ? &x : &y;
        last = last->next = *least;
        *least = (*least)->next;
    }
    last->next = x ? x : y;
    return head.next;
}

static struct node *sort(struct node *list) {
    if (!list || !list->next)
        return list;
    struct node *slow = list, *fast = list->next;
    while (fast && fast->next)
        slow = slow->next, fast = fast->next->next;
    struct node *half = slow->next;
    slow->next = NULL;
    return merge(sort(list), sort(half));
}

static uint16_t lists(uint16_t crc, unsigned seed) {
    for (unsigned i = 0; i < NODES; i++) {
        seed = seed * 1103515245 + 12345;
        nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL, (int16_t)(seed >> 16), (int16_t)i};
    }
    struct node *list = sort(nodes);
    for (int wanted = 0; wanted < 16; wanted++)
        for (struct node *n = list; n; n = n->next)
            if (n->value == wanted * 16) {
                crc = checksum(crc, (uint32_t)n->key);
                break;
            }
    return crc;
}

static uint16_t matrices(uint16_t crc, unsigned seed) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            seed = seed * 1103515245 + 12345;
            a[i][j] = (int16_t)(seed >> 16), b[i][j] = (int16_t)(seed >> 8);
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += a[i][k] * b[k][j] >> 4;
            product[i][j] = sum;
        }
    for (int i = 0; i < SIDE; i++)
        crc = checksum(crc, (uint32_t)product[i][SIDE - 1 - i]);
    return crc;
}

/* Counts the tokens of a text: words, whole and decimal numbers, and what is neither. */
static uint16_t states(uint16_t crc, unsigned seed) {
    static const char alphabet[] = "0123456789.,e+- ab";
    enum { START, WORD, NUMBER, POINT, DECIMAL, BAD } state = START;
    uint32_t counts[BAD + 1] = {0};
    for (int i = 0; i < TEXT; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }
    for (int i = 0; i < TEXT; i++) {
        char c = text[i];
        if (c == ' ' || c == ',') {
            counts[state]++;
            state = START;
            continue;
        }
        switch (state) {
        case START:
            state = c >= '0' && c <= '9' ? NUMBER : c == '.' ? POINT : c == '+' || c == '-' ? BAD : WORD;
            break;
        case WORD:
            if (c < 'a' || c > 'z')
                state = BAD;
            break;
        case NUMBER:
            if (c == '.')
                state = DECIMAL;
            else if (c < '0' || c > '9')
                state = BAD;
            break;
        case POINT:
        case DECIMAL:
            state = c >= '0' && c <= '9' ? DECIMAL : BAD;
            break;
        case BAD:
            break;
        }
    }
    for (int i = 0; i <= BAD; i++)
        crc = checksum(crc, counts[i]);
    return crc;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 4000;
    uint16_t crc = 0;
    for (int i = 0; i < rounds; i++) {
        crc = lists(crc, (unsigned)i);
        crc = matrices(crc, crc);
        crc = states(crc, crc);
    }
    printf("%04x\n", crc);
}
