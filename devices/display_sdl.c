/* display_sdl.c: the window: the picture scaled with its aspect kept, keys and pointer to the guest, F12 for a
 * screenshot.
 *
 * It is drawn without a graphics card's help: rows that have changed are copied to the window's surface, and only those
 * are sent to the display. A window of another size than the picture's is scaled as a whole.
 *
 * Title: "riv: 1024x768, 310 MIPS, 60 frames/s".
 */
#include <SDL.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "display_internal.h"
#include "virtio_devices.h"

enum { TITLE_MS = 1000 };

struct window {
    SDL_Window *window;
    SDL_Surface *picture;
    unsigned width, height;   /* of the picture */
    struct row_range changed; /* rows of it that are not in the window yet */
    bool exposed;             /* all of the window is to be drawn */
    Uint32 title_time;
    uint64_t title_instructions, title_frames;
    unsigned screenshots;
};

/* By SDL scancode, which numbers keys as USB does: Linux's key code, 0: none. */
static const uint8_t key_codes[] = {
    [SDL_SCANCODE_A] = KEY_A,
    [SDL_SCANCODE_B] = KEY_B,
    [SDL_SCANCODE_C] = KEY_C,
    [SDL_SCANCODE_D] = KEY_D,
    [SDL_SCANCODE_E] = KEY_E,
    [SDL_SCANCODE_F] = KEY_F,
    [SDL_SCANCODE_G] = KEY_G,
    [SDL_SCANCODE_H] = KEY_H,
    [SDL_SCANCODE_I] = KEY_I,
    [SDL_SCANCODE_J] = KEY_J,
    [SDL_SCANCODE_K] = KEY_K,
    [SDL_SCANCODE_L] = KEY_L,
    [SDL_SCANCODE_M] = KEY_M,
    [SDL_SCANCODE_N] = KEY_N,
    [SDL_SCANCODE_O] = KEY_O,
    [SDL_SCANCODE_P] = KEY_P,
    [SDL_SCANCODE_Q] = KEY_Q,
    [SDL_SCANCODE_R] = KEY_R,
    [SDL_SCANCODE_S] = KEY_S,
    [SDL_SCANCODE_T] = KEY_T,
    [SDL_SCANCODE_U] = KEY_U,
    [SDL_SCANCODE_V] = KEY_V,
    [SDL_SCANCODE_W] = KEY_W,
    [SDL_SCANCODE_X] = KEY_X,
    [SDL_SCANCODE_Y] = KEY_Y,
    [SDL_SCANCODE_Z] = KEY_Z,
    [SDL_SCANCODE_1] = KEY_1,
    [SDL_SCANCODE_2] = KEY_2,
    [SDL_SCANCODE_3] = KEY_3,
    [SDL_SCANCODE_4] = KEY_4,
    [SDL_SCANCODE_5] = KEY_5,
    [SDL_SCANCODE_6] = KEY_6,
    [SDL_SCANCODE_7] = KEY_7,
    [SDL_SCANCODE_8] = KEY_8,
    [SDL_SCANCODE_9] = KEY_9,
    [SDL_SCANCODE_0] = KEY_0,
    [SDL_SCANCODE_RETURN] = KEY_ENTER,
    [SDL_SCANCODE_ESCAPE] = KEY_ESC,
    [SDL_SCANCODE_BACKSPACE] = KEY_BACKSPACE,
    [SDL_SCANCODE_TAB] = KEY_TAB,
    [SDL_SCANCODE_SPACE] = KEY_SPACE,
    [SDL_SCANCODE_MINUS] = KEY_MINUS,
    [SDL_SCANCODE_EQUALS] = KEY_EQUAL,
    [SDL_SCANCODE_LEFTBRACKET] = KEY_LEFTBRACE,
    [SDL_SCANCODE_RIGHTBRACKET] = KEY_RIGHTBRACE,
    [SDL_SCANCODE_BACKSLASH] = KEY_BACKSLASH,
    [SDL_SCANCODE_SEMICOLON] = KEY_SEMICOLON,
    [SDL_SCANCODE_APOSTROPHE] = KEY_APOSTROPHE,
    [SDL_SCANCODE_GRAVE] = KEY_GRAVE,
    [SDL_SCANCODE_COMMA] = KEY_COMMA,
    [SDL_SCANCODE_PERIOD] = KEY_DOT,
    [SDL_SCANCODE_SLASH] = KEY_SLASH,
    [SDL_SCANCODE_CAPSLOCK] = KEY_CAPSLOCK,
    [SDL_SCANCODE_F1] = KEY_F1,
    [SDL_SCANCODE_F2] = KEY_F2,
    [SDL_SCANCODE_F3] = KEY_F3,
    [SDL_SCANCODE_F4] = KEY_F4,
    [SDL_SCANCODE_F5] = KEY_F5,
    [SDL_SCANCODE_F6] = KEY_F6,
    [SDL_SCANCODE_F7] = KEY_F7,
    [SDL_SCANCODE_F8] = KEY_F8,
    [SDL_SCANCODE_F9] = KEY_F9,
    [SDL_SCANCODE_F10] = KEY_F10,
    [SDL_SCANCODE_F11] = KEY_F11,
    [SDL_SCANCODE_INSERT] = KEY_INSERT,
    [SDL_SCANCODE_HOME] = KEY_HOME,
    [SDL_SCANCODE_PAGEUP] = KEY_PAGEUP,
    [SDL_SCANCODE_DELETE] = KEY_DELETE,
    [SDL_SCANCODE_END] = KEY_END,
    [SDL_SCANCODE_PAGEDOWN] = KEY_PAGEDOWN,
    [SDL_SCANCODE_RIGHT] = KEY_RIGHT,
    [SDL_SCANCODE_LEFT] = KEY_LEFT,
    [SDL_SCANCODE_DOWN] = KEY_DOWN,
    [SDL_SCANCODE_UP] = KEY_UP,
    [SDL_SCANCODE_NUMLOCKCLEAR] = KEY_NUMLOCK,
    [SDL_SCANCODE_KP_DIVIDE] = KEY_KPSLASH,
    [SDL_SCANCODE_KP_MULTIPLY] = KEY_KPASTERISK,
    [SDL_SCANCODE_KP_MINUS] = KEY_KPMINUS,
    [SDL_SCANCODE_KP_PLUS] = KEY_KPPLUS,
    [SDL_SCANCODE_KP_ENTER] = KEY_KPENTER,
    [SDL_SCANCODE_KP_1] = KEY_KP1,
    [SDL_SCANCODE_KP_2] = KEY_KP2,
    [SDL_SCANCODE_KP_3] = KEY_KP3,
    [SDL_SCANCODE_KP_4] = KEY_KP4,
    [SDL_SCANCODE_KP_5] = KEY_KP5,
    [SDL_SCANCODE_KP_6] = KEY_KP6,
    [SDL_SCANCODE_KP_7] = KEY_KP7,
    [SDL_SCANCODE_KP_8] = KEY_KP8,
    [SDL_SCANCODE_KP_9] = KEY_KP9,
    [SDL_SCANCODE_KP_0] = KEY_KP0,
    [SDL_SCANCODE_KP_PERIOD] = KEY_KPDOT,
    [SDL_SCANCODE_NONUSBACKSLASH] = KEY_102ND,
    [SDL_SCANCODE_LCTRL] = KEY_LEFTCTRL,
    [SDL_SCANCODE_LSHIFT] = KEY_LEFTSHIFT,
    [SDL_SCANCODE_LALT] = KEY_LEFTALT,
    [SDL_SCANCODE_LGUI] = KEY_LEFTMETA,
    [SDL_SCANCODE_RCTRL] = KEY_RIGHTCTRL,
    [SDL_SCANCODE_RSHIFT] = KEY_RIGHTSHIFT,
    [SDL_SCANCODE_RALT] = KEY_RIGHTALT,
    [SDL_SCANCODE_RGUI] = KEY_RIGHTMETA,
};

static bool make_picture(struct window *w, unsigned width, unsigned height) {
    if (w->picture)
        SDL_FreeSurface(w->picture);
    w->picture = SDL_CreateRGBSurfaceWithFormat(0, (int)width, (int)height, 32, SDL_PIXELFORMAT_XRGB8888);
    w->width = width;
    w->height = height;
    w->exposed = true;
    return w->picture != NULL;
}

/* Where the picture is in a window of this size: as large as fits, in the middle. */
static SDL_Rect place(const struct window *w, int width, int height) {
    SDL_Rect r = {0, 0, width, height};
    if ((int64_t)width * w->height > (int64_t)height * w->width)
        r.w = (int)((int64_t)height * w->width / w->height);
    else
        r.h = (int)((int64_t)width * w->height / w->width);
    r.w = r.w > 0 ? r.w : 1;
    r.h = r.h > 0 ? r.h : 1;
    r.x = (width - r.w) / 2;
    r.y = (height - r.h) / 2;
    return r;
}

struct window *window_create(unsigned width, unsigned height, char *err, size_t n) {
    struct window *w = calloc(1, sizeof *w);
    if (!w) {
        snprintf(err, n, "no memory");
        return NULL;
    }
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    bool ok = SDL_Init(SDL_INIT_VIDEO) == 0 &&
              (w->window = SDL_CreateWindow("riv", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, (int)width,
                                            (int)height, SDL_WINDOW_RESIZABLE)) != NULL;
    ok = ok && SDL_GetWindowSurface(w->window) && make_picture(w, width, height);
    if (ok)
        return w;
    snprintf(err, n, "no display: %s (--display none does without)", SDL_GetError());
    window_destroy(w);
    return NULL;
}

void window_destroy(struct window *w) {
    if (w->picture)
        SDL_FreeSurface(w->picture);
    if (w->window)
        SDL_DestroyWindow(w->window);
    SDL_Quit();
    free(w);
}

static void save_screenshot(struct window *w, struct display *d) {
    char path[64], err[256];
    snprintf(path, sizeof path, "riv-screenshot-%u.png", ++w->screenshots);
    if (display_screenshot(d, path, err, sizeof err))
        fprintf(stderr, "riv: wrote %s\n", path);
    else
        fprintf(stderr, "riv: %s\n", err);
}

static void key(struct window *w, struct display *d, const SDL_KeyboardEvent *e) {
    SDL_Scancode code = e->keysym.scancode;
    if (code == SDL_SCANCODE_F12) {
        if (e->type == SDL_KEYDOWN && !e->repeat)
            save_screenshot(w, d);
    } else if (d->keyboard && (unsigned)code < sizeof key_codes && key_codes[code] && !e->repeat) {
        virtio_input_event(d->keyboard, EV_KEY, key_codes[code], e->type == SDL_KEYDOWN);
        virtio_input_sync(d->keyboard);
    }
}

static uint32_t axis(int at, int size) {
    if (at <= 0)
        return 0;
    return at >= size - 1 ? INPUT_AXIS_MAX : (uint32_t)((int64_t)at * INPUT_AXIS_MAX / (size - 1));
}

static void pointer(const struct window *w, const struct display *d, const SDL_Event *e) {
    if (!d->tablet)
        return;
    if (e->type == SDL_MOUSEMOTION) {
        int width, height;
        SDL_GetWindowSize(w->window, &width, &height);
        SDL_Rect r = place(w, width, height);
        virtio_input_event(d->tablet, EV_ABS, ABS_X, axis(e->motion.x - r.x, r.w));
        virtio_input_event(d->tablet, EV_ABS, ABS_Y, axis(e->motion.y - r.y, r.h));
    } else if (e->type == SDL_MOUSEWHEEL) {
        virtio_input_event(d->tablet, EV_REL, REL_WHEEL, (uint32_t)e->wheel.y);
    } else {
        uint16_t button = e->button.button == SDL_BUTTON_LEFT    ? BTN_LEFT
                          : e->button.button == SDL_BUTTON_RIGHT ? BTN_RIGHT
                                                                 : BTN_MIDDLE;
        virtio_input_event(d->tablet, EV_KEY, button, e->type == SDL_MOUSEBUTTONDOWN);
    }
    virtio_input_sync(d->tablet);
}

bool window_events(struct window *w, struct display *d) {
    SDL_Event e;
    while (SDL_PollEvent(&e))
        switch (e.type) {
        case SDL_QUIT:
            return false;
        case SDL_KEYDOWN:
        case SDL_KEYUP:
            key(w, d, &e.key);
            break;
        case SDL_MOUSEMOTION:
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP:
        case SDL_MOUSEWHEEL:
            pointer(w, d, &e);
            break;
        case SDL_WINDOWEVENT:
            w->exposed = true;
            break;
        }
    return true;
}

void window_take(struct window *w, const struct display *d) {
    if ((d->resized || w->width != d->width || w->height != d->height) && make_picture(w, d->width, d->height))
        SDL_SetWindowSize(w->window, (int)d->width, (int)d->height);
    if (!w->picture)
        return;
    for (unsigned y = d->changed.first; y < d->changed.end; y++)
        memcpy((uint8_t *)w->picture->pixels + (size_t)y * (size_t)w->picture->pitch, d->pixels + (size_t)y * d->width,
               (size_t)d->width * 4);
    if (w->changed.first == w->changed.end)
        w->changed = d->changed;
    if (d->changed.first < w->changed.first)
        w->changed.first = d->changed.first;
    if (d->changed.end > w->changed.end)
        w->changed.end = d->changed.end;
}

static void update_title(struct window *w, uint64_t instructions, uint64_t frames) {
    Uint32 now = SDL_GetTicks(), passed = now - w->title_time;
    if (passed < TITLE_MS)
        return;
    char title[128], speed[32] = "";
    if (instructions)
        snprintf(speed, sizeof speed, ", %.0f MIPS", (double)(instructions - w->title_instructions) / passed / 1e3);
    snprintf(title, sizeof title, "riv: %ux%u%s, %.0f frames/s", w->width, w->height, speed,
             (double)(frames - w->title_frames) * 1e3 / passed);
    SDL_SetWindowTitle(w->window, title);
    w->title_time = now;
    w->title_instructions = instructions;
    w->title_frames = frames;
}

void window_draw(struct window *w, uint64_t instructions, uint64_t frames) {
    update_title(w, instructions, frames);
    if (!w->picture || (!w->exposed && w->changed.first == w->changed.end))
        return;
    SDL_Surface *surface = SDL_GetWindowSurface(w->window);
    if (!surface)
        return;
    SDL_Rect to = place(w, surface->w, surface->h);
    if (w->exposed)
        SDL_FillRect(surface, NULL, 0);
    if (to.w != w->picture->w || to.h != w->picture->h) {
        if (surface->format->format != w->picture->format->format ||
            SDL_SoftStretchLinear(w->picture, NULL, surface, &to) != 0)
            SDL_BlitScaled(w->picture, NULL, surface, &to);
    } else {
        SDL_Rect rows = {0, (int)w->changed.first, to.w, (int)(w->changed.end - w->changed.first)};
        if (w->exposed)
            rows = (SDL_Rect){0, 0, to.w, to.h};
        to.y += rows.y;
        to.h = rows.h;
        SDL_BlitSurface(w->picture, &rows, surface, &to);
    }
    if (w->exposed)
        SDL_UpdateWindowSurface(w->window);
    else
        SDL_UpdateWindowSurfaceRects(w->window, &to, 1);
    w->exposed = false;
    w->changed = (struct row_range){0, 0};
}
