// what: a game: knock out the bricks; arrow keys or mouse, space to serve, P to pause
// variants: bricks= bricks32=rv32
// window
#include "window.h"

enum { COLUMNS = 12, ROWS = 6, BALL = 12, PADDLE_HEIGHT = 14, LIVES = 3, ONE = 256 }; /* positions in 1/256 pixel */

static struct game {
    struct window w;
    bool bricks[ROWS][COLUMNS];
    unsigned left, lives, score, level;
    int paddle, paddle_width;
    int x, y, dx, dy; /* of the ball's upper left corner */
    bool served;
} g;

static int brick_width(void) { return (int)g.w.width / COLUMNS; }
static int brick_height(void) { return (int)g.w.height / 28; }
static int wall_top(void) { return g.w.height > 440 ? (int)g.w.height / 10 : 44; } /* below the score */
static int paddle_top(void) { return (int)g.w.height - 48; }

static void draw_brick(int row, int column) {
    static const uint32_t colors[ROWS] = {0xd04040, 0xd08030, 0xc0c030, 0x40b040, 0x3080d0, 0x8050c0};
    fill_rectangle(&g.w, column * brick_width() + 2, wall_top() + row * brick_height() + 2, brick_width() - 4,
                   brick_height() - 4, g.bricks[row][column] ? colors[row] : 0);
}

static void draw_score(void) {
    fill_rectangle(&g.w, 0, 0, (int)g.w.width, 40, 0x202028);
    draw_number(&g.w, 16, 8, 5, g.score, 0xffffff);
    for (unsigned i = 0; i < g.lives; i++)
        fill_rectangle(&g.w, (int)g.w.width - 32 - (int)i * 24, 14, BALL, BALL, 0xffffff);
}

static void new_wall(void) {
    fill_rectangle(&g.w, 0, 40, (int)g.w.width, (int)g.w.height - 40, 0);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            g.bricks[row][column] = true;
            draw_brick(row, column);
        }
    g.left = ROWS * COLUMNS;
    g.served = false;
}

static void new_game(void) {
    g.lives = LIVES;
    g.score = g.level = 0;
    g.paddle_width = (int)g.w.width / 8;
    g.paddle = ((int)g.w.width - g.paddle_width) / 2;
    g.x = (int)g.w.width / 2 * ONE; /* where nothing is drawn */
    g.y = (int)g.w.height / 2 * ONE;
    new_wall();
    draw_score();
}

static void move_paddle(void) {
    static unsigned last_x;
    int was = g.paddle, speed = (int)g.w.width / 80;
    if (g.w.keys[KEY_LEFT])
        g.paddle -= speed;
    if (g.w.keys[KEY_RIGHT])
        g.paddle += speed;
    if (g.w.x != last_x)
        g.paddle = (int)g.w.x - g.paddle_width / 2;
    last_x = g.w.x;
    if (g.w.frames && g.served) /* nobody plays: it plays itself */
        g.paddle = g.x / ONE - g.paddle_width / 2 + (int)(g.w.frame / 16 % 5 - 2) * 12;
    if (g.paddle < 0)
        g.paddle = 0;
    if (g.paddle > (int)g.w.width - g.paddle_width)
        g.paddle = (int)g.w.width - g.paddle_width;
    if (was != g.paddle)
        fill_rectangle(&g.w, was, paddle_top(), g.paddle_width, PADDLE_HEIGHT, 0);
    fill_rectangle(&g.w, g.paddle, paddle_top(), g.paddle_width, PADDLE_HEIGHT, 0xe0e0e0);
}

/* The brick at a point; true where there was one. */
static bool hit(int x, int y) {
    int row = (y - wall_top()) / brick_height(), column = x / brick_width();
    if (y < wall_top() || row >= ROWS || column < 0 || column >= COLUMNS || !g.bricks[row][column])
        return false;
    g.bricks[row][column] = false;
    draw_brick(row, column);
    g.left--;
    g.score += 10 * (unsigned)(ROWS - row);
    draw_score();
    return true;
}

static void serve(void) {
    int speed = (int)g.w.height * (3 + (int)g.level) / 600 * ONE;
    g.served = true;
    g.dx = speed / 2;
    g.dy = -speed;
}

static void move_ball(void) {
    fill_rectangle(&g.w, g.x / ONE, g.y / ONE, BALL, BALL, 0);
    if (!g.served) {
        g.x = (g.paddle + g.paddle_width / 2 - BALL / 2) * ONE;
        g.y = (paddle_top() - BALL) * ONE;
        bool wanted = g.w.keys[KEY_SPACE] || g.w.clicked || g.w.frames;
        for (unsigned i = 0; i < g.w.pressed_count; i++)
            wanted |= g.w.pressed[i] == KEY_SPACE; /* held no longer than a frame */
        if (wanted)
            serve();
    }
    if (g.served) {
        int right = ((int)g.w.width - BALL) * ONE;
        g.x += g.dx;
        if (hit(g.x / ONE + (g.dx > 0 ? BALL : 0), g.y / ONE + BALL / 2))
            g.dx = -g.dx;
        g.y += g.dy;
        if (hit(g.x / ONE + BALL / 2, g.y / ONE + (g.dy > 0 ? BALL : 0)))
            g.dy = -g.dy;
        if (g.x < 0 || g.x > right) {
            g.x = g.x < 0 ? 0 : right;
            g.dx = -g.dx;
        }
        if (g.y < 40 * ONE) {
            g.y = 40 * ONE;
            g.dy = -g.dy;
        }
        int middle = g.x / ONE + BALL / 2 - g.paddle;
        if (g.dy > 0 && g.y / ONE + BALL >= paddle_top() && g.y / ONE < paddle_top() && middle >= 0 &&
            middle <= g.paddle_width) {
            g.dy = -g.dy;
            g.dx = (middle - g.paddle_width / 2) * 3 * -g.dy / 2 / g.paddle_width;
            g.y = (paddle_top() - BALL) * ONE;
        }
    }
    fill_rectangle(&g.w, g.x / ONE, g.y / ONE, BALL, BALL, 0xffffff);
    if (g.y > (int)g.w.height * ONE) {
        g.lives--;
        g.served = false;
        draw_score();
        if (g.lives == 0)
            new_game();
    } else if (g.left == 0) {
        g.level++;
        new_wall();
    }
}

void rom_main(word hart, const void *device_tree) {
    bool paused = false;
    window_open(&g.w, device_tree);
    new_game();
    do {
        for (unsigned i = 0; i < g.w.pressed_count; i++)
            paused ^= g.w.pressed[i] == KEY_P;
        if (!paused) {
            move_paddle();
            move_ball();
        }
    } while (window_frame(&g.w));
    print("score: ");
    print_number(g.score);
    print("\n");
    finish(0);
}
