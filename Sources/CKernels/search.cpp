#include "tailrace_kernels.h"
#include <cstring>

extern "C" ptrdiff_t tr_find(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length) {
    const void *hit = memmem(haystack, haystack_length, needle, needle_length);
    return hit ? static_cast<const char *>(hit) - static_cast<const char *>(haystack) : -1;
}

extern "C" ptrdiff_t tr_find_last_byte(const void *bytes, size_t length, uint8_t byte) {
    const void *hit = memrchr(bytes, byte, length);
    return hit ? static_cast<const char *>(hit) - static_cast<const char *>(bytes) : -1;
}

// Unicode 15, table 3-7: the ranges of well-formed byte sequences.
extern "C" int tr_is_utf8(const void *bytes, size_t length) {
    const uint8_t *p = static_cast<const uint8_t *>(bytes), *end = p + length;
    while (p < end) {
        while (end - p >= 8) {
            uint64_t word;
            std::memcpy(&word, p, 8);
            if (word & 0x8080808080808080ull) break;
            p += 8;
        }
        if (p == end) break;
        uint8_t a = *p;
        if (a < 0x80) {
            p++;
            continue;
        }
        size_t left = static_cast<size_t>(end - p);
        auto tail = [&](size_t i) { return (p[i] & 0xC0) == 0x80; };
        if (a >= 0xC2 && a <= 0xDF) {
            if (left < 2 || !tail(1)) return 0;
            p += 2;
        } else if (a >= 0xE0 && a <= 0xEF) {
            if (left < 3 || !tail(1) || !tail(2)) return 0;
            if (a == 0xE0 && p[1] < 0xA0) return 0;
            if (a == 0xED && p[1] > 0x9F) return 0;
            p += 3;
        } else if (a >= 0xF0 && a <= 0xF4) {
            if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
            if (a == 0xF0 && p[1] < 0x90) return 0;
            if (a == 0xF4 && p[1] > 0x8F) return 0;
            p += 4;
        } else {
            return 0;
        }
    }
    return 1;
}
