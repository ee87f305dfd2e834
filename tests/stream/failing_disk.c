/* Loaded before the C library: makes writes to segments of the journal fail as a bad disk does, on demand.

   The file named by FAILING_DISK holds the calls that fail, such as "write ftruncate"; without it nothing fails.
   "write": the bytes are written, all of them, and then it is an error. "half": half of them are. "none": none.
   "seventh": half of them are, of every seventh write. "ftruncate", "fsync": nothing is done, and it is an error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_read)(int, void *, size_t);

static int fails(int file, const char *what) {
    char link[64], path[4096], wanted[256];
    const char *control = getenv("FAILING_DISK");
    if (!control) return 0;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) { errno = saved; return 0; }
    path[length] = 0;
    size_t end = strlen(path);
    if (!strstr(path, "/journal/date=") || end < 6 || strcmp(path + end - 6, ".jsonl")) { errno = saved; return 0; }
    int opened = open(control, O_RDONLY);
    if (opened < 0) { errno = saved; return 0; }
    if (!real_read) real_read = dlsym(RTLD_NEXT, "read");
    length = real_read(opened, wanted, sizeof wanted - 1);
    close(opened);
    wanted[length > 0 ? length : 0] = 0;
    errno = saved;
    return strstr(wanted, what) != NULL;
}

ssize_t write(int file, const void *data, size_t size) {
    if (!real_write) real_write = dlsym(RTLD_NEXT, "write");
    size_t taken = size;
    if (fails(file, "none")) taken = 0;
    else if (fails(file, "half")) taken = size / 2;
    else if (fails(file, "seventh")) {
        static unsigned writes;
        if (__sync_add_and_fetch(&writes, 1) % 7) return real_write(file, data, size);
        taken = size / 2;
    }
    else if (!fails(file, "write")) return real_write(file, data, size);
    if (taken) real_write(file, data, taken);
    errno = EIO;
    return -1;
}

int ftruncate64(int file, off64_t size) {
    static int (*real)(int, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "ftruncate64");
    if (fails(file, "ftruncate")) { errno = EIO; return -1; }
    return real(file, size);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (fails(file, "fsync")) { errno = EIO; return -1; }
    return real(file);
}
