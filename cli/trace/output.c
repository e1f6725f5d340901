/* output.c: a trace's file: one large buffer, written as it is or through zlib or zstd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "trace.h"

enum { BUFFER = 1 << 18, PACKED = 1 << 18, GZ_LEVEL = 1, ZSTD_LEVEL = 1, OWN_FD_MIN = 900 };

struct output {
    int fd;
    const char *path;
    size_t used;
    enum { PLAIN, GZ, ZST } kind;
    bool failed, abandoned, in_frame;
    z_stream gz;
    ZSTD_CStream *zst;
    char packed[PACKED];
    char buffer[BUFFER + OUTPUT_ROOM];
};

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && strcmp(path + n - k, suffix) == 0;
}

struct output *output_open(const char *path, bool append, char *err, size_t n) {
    struct output *o = malloc(sizeof *o);
    if (!o) {
        snprintf(err, n, "no memory for the trace's buffer");
        return NULL;
    }
    memset(o, 0, offsetof(struct output, packed));
    o->path = path;
    /* not opened by name: where they are files, others write there too */
    int open_already = strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0 ? 1
                       : strcmp(path, "/dev/stderr") == 0                         ? 2
                                                                                  : -1;
    int fd = open_already >= 0 ? fcntl(open_already, F_DUPFD_CLOEXEC, 3)
                               : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
    if (fd < 0) {
        snprintf(err, n, "trace file %s: %s", path, strerror(errno));
        free(o);
        return NULL;
    }
    /* out of the way of the guest's own numbers */
    o->fd = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD_MIN);
    if (o->fd < 0)
        o->fd = fd;
    else
        close(fd);
    o->kind = ends_in(path, ".gz") ? GZ : ends_in(path, ".zst") ? ZST : PLAIN;
    if (o->kind == ZST)
        o->zst = ZSTD_createCStream();
    bool ready = o->kind != GZ || deflateInit2(&o->gz, GZ_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!ready || (o->kind == ZST && !o->zst)) {
        snprintf(err, n, "no memory to compress the trace");
        close(o->fd);
        free(o);
        return NULL;
    }
    if (o->zst)
        ZSTD_CCtx_setParameter(o->zst, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    return o;
}

static void fail(struct output *o, const char *why) {
    if (!o->failed)
        fprintf(stderr, "riv: trace file %s: %s; the trace ends here\n", o->path, why);
    o->failed = true;
}

static void write_all(struct output *o, const char *from, size_t n) {
    while (n && !o->failed) {
        ssize_t done = write(o->fd, from, n);
        if (done < 0 && errno != EINTR)
            fail(o, strerror(errno));
        if (done > 0) {
            from += done;
            n -= (size_t)done;
        }
    }
}

/* Compresses the buffer; last ends the frame. */
static void pack_gz(struct output *o, bool last) {
    o->gz.next_in = (Bytef *)o->buffer;
    o->gz.avail_in = (uInt)o->used;
    do {
        o->gz.next_out = (Bytef *)o->packed;
        o->gz.avail_out = PACKED;
        deflate(&o->gz, last ? Z_FINISH : Z_NO_FLUSH);
        write_all(o, o->packed, PACKED - o->gz.avail_out);
    } while (o->gz.avail_out == 0);
    if (last)
        deflateReset(&o->gz);
}
static void pack_zst(struct output *o, bool last) {
    ZSTD_inBuffer in = {o->buffer, o->used, 0};
    size_t rest;
    do {
        ZSTD_outBuffer out = {o->packed, PACKED, 0};
        rest = ZSTD_compressStream2(o->zst, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(rest)) {
            fail(o, ZSTD_getErrorName(rest));
            return;
        }
        write_all(o, o->packed, out.pos);
    } while (last ? rest != 0 : in.pos < in.size);
}

static void drain(struct output *o, bool last) {
    if (!o->abandoned && !o->failed) {
        o->in_frame |= o->used > 0;
        if (o->kind == PLAIN)
            write_all(o, o->buffer, o->used);
        else if (o->in_frame && o->kind == GZ)
            pack_gz(o, last);
        else if (o->in_frame)
            pack_zst(o, last);
        if (last)
            o->in_frame = false;
    }
    o->used = 0;
}

char *output_room(struct output *o, size_t bytes) {
    if (o->used + bytes > BUFFER)
        drain(o, false);
    return o->buffer + o->used;
}
void output_took(struct output *o, char *end) { o->used = (size_t)(end - o->buffer); }
void output_text(struct output *o, const char *text) {
    size_t n = strlen(text);
    for (size_t part; n; n -= part, text += part) {
        part = n < OUTPUT_ROOM ? n : OUTPUT_ROOM;
        char *to = output_room(o, part);
        memcpy(to, text, part);
        output_took(o, to + part);
    }
}
bool output_flush(struct output *o) {
    drain(o, true);
    return !o->failed;
}
void output_abandon(struct output *o) {
    o->abandoned = true;
    o->used = 0;
}
bool output_works(const struct output *o) { return !o->failed && !o->abandoned; }
