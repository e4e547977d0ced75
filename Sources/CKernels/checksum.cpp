#include "tailrace_kernels.h"
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

// Slicing by eight (Kounavis and Berry, 2005): one table look-up a byte, eight bytes a step, no carried dependency.
struct Tables {
    uint32_t row[8][256];
    constexpr Tables() : row() {
        for (uint32_t n = 0; n < 256; n++) {
            uint32_t c = n;
            for (int k = 0; k < 8; k++) c = (c >> 1) ^ (0x82F63B78u & (0u - (c & 1u)));
            row[0][n] = c;
        }
        for (uint32_t n = 0; n < 256; n++)
            for (int k = 1; k < 8; k++) row[k][n] = (row[k - 1][n] >> 8) ^ row[0][row[k - 1][n] & 0xff];
    }
};
constexpr Tables tables;

uint32_t by_table(uint32_t crc, const uint8_t *p, size_t n) {
    while (n >= 8) {
        uint64_t word;
        std::memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= crc;
        crc = tables.row[7][word & 0xff] ^ tables.row[6][(word >> 8) & 0xff] ^ tables.row[5][(word >> 16) & 0xff] ^
              tables.row[4][(word >> 24) & 0xff] ^ tables.row[3][(word >> 32) & 0xff] ^
              tables.row[2][(word >> 40) & 0xff] ^ tables.row[1][(word >> 48) & 0xff] ^ tables.row[0][word >> 56];
        p += 8;
        n -= 8;
    }
    while (n--) crc = (crc >> 8) ^ tables.row[0][(crc ^ *p++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t by_instruction(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t c = crc;
    while (n >= 8) {
        uint64_t word;
        std::memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
        p += 8;
        n -= 8;
    }
    uint32_t c32 = static_cast<uint32_t>(c);
    while (n--) c32 = __builtin_ia32_crc32qi(c32, *p++);
    return c32;
}
const bool has_instruction = __builtin_cpu_supports("sse4.2");
#endif

}  // namespace

extern "C" uint32_t tr_crc32c_portable(uint32_t seed, const void *bytes, size_t length) {
    return ~by_table(~seed, static_cast<const uint8_t *>(bytes), length);
}

extern "C" uint32_t tr_crc32c(uint32_t seed, const void *bytes, size_t length) {
#if defined(__x86_64__)
    if (has_instruction) return ~by_instruction(~seed, static_cast<const uint8_t *>(bytes), length);
#endif
    return tr_crc32c_portable(seed, bytes, length);
}

extern "C" uint64_t tr_xxh3(const void *bytes, size_t length, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}
