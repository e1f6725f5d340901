/* integer.c: what CoreMark does: a linked list that is searched, sorted and reversed, a matrix, a state machine that
 * reads numbers, and a CRC of all results.
 *
 *      integer ROUNDS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 64, SIDE = 12 };

struct node {
    struct node *next;
    int16_t key, index;
};

static uint16_t crc;

static void add_crc(uint32_t v, int bytes) {
    for (; bytes--; v >>= 8)
        for (unsigned bit = 0, byte = v & 0xff; bit < 8; bit++, byte >>= 1) {
            unsigned carry = (crc ^ byte) & 1;
            crc >>= 1;
            if (carry)
                crc ^= 0xa001;
        }
}

static struct node *sort(struct node *list, int by_key) {
    if (!list || !list->next)
        return list;
    struct node *slow = list, *fast = list->next, *merged = NULL, **end = &merged;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct node *right = slow->next;
    slow->next = NULL;
    struct node *left = sort(list, by_key);
    right = sort(right, by_key);
    while (left && right) {
        struct node **less = (by_key ? left->key <= right->key : left->index <= right->index) ? &left : &right;
        *end = *less;
        end = &(*end)->next;
        *less = *end;
    }
    *end = left ? left : right;
    return merged;
}

static struct node *reverse(struct node *list) {
    struct node *done = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static void lists(unsigned round) {
    static struct node nodes[NODES];
    for (int i = 0; i < NODES; i++)
        nodes[i] =
            (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL, (int16_t)(i * 7919u + round * 104729u), (int16_t)i};
    struct node *list = reverse(sort(nodes, 1));
    for (int k = 0, n; k < 16; k++) {
        n = 0;
        for (struct node *p = list; p && p->index != k * 5 % NODES; p = p->next)
            n++;
        add_crc((uint32_t)n, 1);
    }
    for (struct node *p = sort(list, 0); p; p = p->next)
        add_crc((uint16_t)p->key, 2);
}

static void matrices(unsigned round) {
    static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
    static int32_t c[SIDE][SIDE];
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (int16_t)(i * 31 + j * 17 + (int)round);
            b[i][j] = (int16_t)(i * j - (int)round * 3);
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            c[i][j] = 0;
            for (int k = 0; k < SIDE; k++)
                c[i][j] += a[i][k] * b[k][j] >> (k & 3);
            add_crc((uint32_t)c[i][j], 4);
        }
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, INVALID, STATES };

static enum state next(enum state s, char c) {
    int digit = c >= '0' && c <= '9';
    switch (s) {
    case START:
        return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID;
    case SIGN:
        return digit ? INTEGER : c == '.' ? POINT : INVALID;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? POINT : c == 'e' ? EXPONENT : INVALID;
    case POINT:
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return digit || c == '-' ? EXPONENT : INVALID;
    default:
        return INVALID;
    }
}

static void numbers(unsigned round) {
    static const char *const text[] = {"5012",   "+122",   "35.54400", "-110.700",
                                       "-.3e-5", "+0.6e2", "T0.3e-1F", "12,345"};
    unsigned ends[STATES] = {0}, visits[STATES] = {0};
    for (unsigned i = 0; i < 32; i++) {
        enum state s = START;
        for (const char *p = text[(i * 5 + round) % 8]; *p; p++)
            visits[s = next(s, *p)]++;
        ends[s]++;
    }
    for (int i = 0; i < STATES; i++)
        add_crc(ends[i] << 16 | visits[i], 4);
}

int main(int argc, char **argv) {
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    for (unsigned i = 0; i < rounds; i++) {
        lists(i);
        matrices(i);
        numbers(i);
    }
    printf("%u rounds, crc %04x\n", rounds, crc);
}
