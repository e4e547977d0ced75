#include "tailrace_kernels.h"
#include <hs/hs.h>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

struct tr_scanner { hs_database_t *database; };
struct tr_scratch { hs_scratch_t *scratch; };

namespace {

struct Sink {
    tr_hit *hits;
    size_t capacity, count;
};

int on_match(unsigned id, unsigned long long, unsigned long long to, unsigned, void *context) {
    Sink *sink = static_cast<Sink *>(context);
    if (sink->count >= sink->capacity) {
        sink->count = sink->capacity + 1;
        return 1;
    }
    sink->hits[sink->count++] = tr_hit{id, to};
    return 0;
}

}  // namespace

extern "C" tr_scanner *tr_scanner_new(const char *const *patterns, const size_t *lengths, const uint32_t *flags,
                                      const uint32_t *ids, size_t count, char *error, size_t capacity) {
    try {
        // Literals are escaped and compiled beside the expressions, so that one database holds both.
        std::vector<std::string> texts;
        std::vector<const char *> expressions;
        std::vector<unsigned> modes, numbers;
        texts.reserve(count);
        for (size_t i = 0; i < count; i++) {
            std::string text;
            if (flags[i] & TR_SCAN_LITERAL) {
                for (size_t k = 0; k < lengths[i]; k++) {
                    char hex[5];
                    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(patterns[i][k]));
                    text += hex;
                }
            } else {
                text.assign(patterns[i], lengths[i]);
            }
            texts.push_back(text);
            expressions.push_back(texts.back().c_str());
            unsigned mode = 0;
            if (flags[i] & TR_SCAN_CASELESS) mode |= HS_FLAG_CASELESS;
            if (flags[i] & TR_SCAN_DOTALL) mode |= HS_FLAG_DOTALL;
            modes.push_back(mode);
            numbers.push_back(ids[i]);
        }
        hs_database_t *database = nullptr;
        hs_compile_error_t *fault = nullptr;
        if (hs_compile_multi(expressions.data(), modes.data(), numbers.data(), static_cast<unsigned>(count),
                             HS_MODE_BLOCK, nullptr, &database, &fault) != HS_SUCCESS) {
            if (capacity) std::snprintf(error, capacity, "pattern %d: %s", fault ? fault->expression : -1, fault ? fault->message : "unknown");
            if (fault) hs_free_compile_error(fault);
            return nullptr;
        }
        return new tr_scanner{database};
    } catch (...) {
        if (capacity) std::snprintf(error, capacity, "out of memory");
        return nullptr;
    }
}

extern "C" void tr_scanner_free(tr_scanner *scanner) {
    hs_free_database(scanner->database);
    delete scanner;
}

extern "C" tr_scratch *tr_scratch_new(const tr_scanner *scanner) {
    hs_scratch_t *scratch = nullptr;
    if (hs_alloc_scratch(scanner->database, &scratch) != HS_SUCCESS) return nullptr;
    return new (std::nothrow) tr_scratch{scratch};
}

extern "C" void tr_scratch_free(tr_scratch *scratch) {
    hs_free_scratch(scratch->scratch);
    delete scratch;
}

extern "C" ptrdiff_t tr_scanner_scan(const tr_scanner *scanner, tr_scratch *scratch, const void *text, size_t length,
                                     tr_hit *hits, size_t capacity) {
    if (length > UINT32_MAX) return -1;
    Sink sink{hits, capacity, 0};
    hs_error_t result = hs_scan(scanner->database, static_cast<const char *>(text), static_cast<unsigned>(length), 0,
                                scratch->scratch, on_match, &sink);
    if (result != HS_SUCCESS && result != HS_SCAN_TERMINATED) return -1;
    return static_cast<ptrdiff_t>(sink.count);
}
