#include "tailrace_shred.h"
#include <cstring>
#include <memory>
#include <new>

// Which runs of three bytes occur in some values: a bit each in a table that they are hashed into, as small as keeps it
// sparse. A longer needle is absent where one of its trigrams is.

namespace {

// Little text has few trigrams: its table stays in the nearest cache while it is filled, and small beside the text.
constexpr int few_places = 16, most_places = 18;
constexpr size_t much_text = 1 << 20;
static_assert(TR_TRIGRAMS_MAX == (1 << most_places) / 8, "the largest table");

inline uint32_t hash_of(const uint8_t *p) {
    uint32_t trigram = p[0] | p[1] << 8 | static_cast<uint32_t>(p[2]) << 16;
    return trigram * 0x9E3779B1u;
}

// A table of 2^k bits takes the upper k of the hash: a smaller one is a larger one folded.
inline int shift_of(size_t length) { return 32 - 3 - __builtin_ctzll(length); }

}  // namespace

extern "C" {

size_t tr_trigrams(const uint8_t *base, const tr_span *values, size_t count, uint8_t *out) {
    size_t text = 0;
    for (size_t i = 0; i < count; i++) text += values[i].length;
    const int places = text < much_text ? few_places : most_places;
    const size_t most_bits = size_t{1} << places;
    // A byte for each place: stores that do not wait for loads.
    std::unique_ptr<uint8_t[]> marks(new (std::nothrow) uint8_t[most_bits]());
    if (!marks) return 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = base + values[i].start;
        for (size_t left = values[i].length; left >= 3; left--, p++) marks[hash_of(p) >> (32 - places)] = 1;
    }
    size_t occurring = 0;
    for (size_t i = 0; i < most_bits; i++) occurring += marks[i];
    if (occurring * 2 > most_bits) return 0;
    size_t bits = 512;
    while (bits < occurring * 6 && bits < most_bits) bits *= 2;
    size_t length = bits / 8;
    int shift = shift_of(length) - (32 - places);
    std::memset(out, 0, length);
    for (size_t i = 0; i < most_bits; i++) {
        if (marks[i]) out[i >> shift >> 3] |= static_cast<uint8_t>(1u << (i >> shift & 7));
    }
    return length;
}

int tr_trigrams_contain(const uint8_t *filter, size_t length, const uint8_t *text, size_t text_length) {
    if (!length || length > TR_TRIGRAMS_MAX || (length & (length - 1))) return 1;
    int shift = shift_of(length);
    for (; text_length >= 3; text_length--, text++) {
        size_t bit = hash_of(text) >> shift;
        if (!(filter[bit >> 3] >> (bit & 7) & 1)) return 0;
    }
    return 1;
}

}  // extern "C"
