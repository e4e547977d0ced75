#include "tailrace_kernels.h"
#include <re2/re2.h>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct tr_regex {
    std::unique_ptr<re2::RE2> re;
    std::vector<std::string> names;  // by group, "" where it has none
};

namespace {

// Go's regexp/syntax words for each kind of fault, so that messages match what LogQL users know.
const char *go_words(re2::RE2::ErrorCode code) {
    switch (code) {
    case re2::RE2::ErrorBadEscape: return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass: return "invalid character class";
    case re2::RE2::ErrorBadCharRange: return "invalid character class range";
    case re2::RE2::ErrorMissingBracket: return "missing closing ]";
    case re2::RE2::ErrorMissingParen: return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen: return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "internal error";
    }
}

void copy_text(const std::string &from, char *to, size_t capacity) {
    if (!capacity) return;
    size_t n = from.size() < capacity - 1 ? from.size() : capacity - 1;
    std::memcpy(to, from.data(), n);
    to[n] = 0;
}

re2::RE2::Anchor anchor_of(int anchor) {
    return anchor == 2 ? re2::RE2::ANCHOR_BOTH : anchor == 1 ? re2::RE2::ANCHOR_START : re2::RE2::UNANCHORED;
}

}  // namespace

extern "C" tr_regex *tr_regex_new(const char *pattern, size_t length, uint32_t flags, int64_t memory_max, char *error,
                                  size_t error_capacity, char *argument, size_t argument_capacity) {
    try {
        re2::RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(memory_max);
        options.set_dot_nl(flags & TR_REGEX_DOT_NL);
        options.set_case_sensitive(!(flags & TR_REGEX_CASELESS));
        options.set_literal(flags & TR_REGEX_LITERAL);
        options.set_never_capture(flags & TR_REGEX_NEVER_CAPTURE);
        if (flags & TR_REGEX_LATIN1) options.set_encoding(re2::RE2::Options::EncodingLatin1);
        auto handle = std::make_unique<tr_regex>();
        handle->re = std::make_unique<re2::RE2>(re2::StringPiece(pattern, length), options);
        if (!handle->re->ok()) {
            copy_text(go_words(handle->re->error_code()), error, error_capacity);
            copy_text(handle->re->error_arg(), argument, argument_capacity);
            return nullptr;
        }
        int groups = handle->re->NumberOfCapturingGroups();
        handle->names.resize(groups < 0 ? 1 : static_cast<size_t>(groups) + 1);
        for (const auto &entry : handle->re->CapturingGroupNames())
            handle->names[static_cast<size_t>(entry.first)] = entry.second;
        return handle.release();
    } catch (...) {
        copy_text("out of memory", error, error_capacity);
        copy_text("", argument, argument_capacity);
        return nullptr;
    }
}

extern "C" void tr_regex_free(tr_regex *regex) { delete regex; }

extern "C" int tr_regex_match(const tr_regex *regex, const void *text, size_t length, size_t from, int anchor) {
    return regex->re->Match(re2::StringPiece(static_cast<const char *>(text), length), from, length,
                            anchor_of(anchor), nullptr, 0);
}

extern "C" int tr_regex_captures(const tr_regex *regex, const void *text, size_t length, size_t from, int anchor,
                                 int64_t *spans, size_t groups) {
    re2::StringPiece few[16];
    std::vector<re2::StringPiece> many;
    re2::StringPiece *found = few;
    if (groups > 16) {
        try { many.resize(groups); } catch (...) { return 0; }
        found = many.data();
    }
    const char *base = static_cast<const char *>(text);
    if (!regex->re->Match(re2::StringPiece(base, length), from, length, anchor_of(anchor), found, static_cast<int>(groups)))
        return 0;
    for (size_t g = 0; g < groups; g++) {
        bool took_part = found[g].data() != nullptr;
        spans[2 * g] = took_part ? found[g].data() - base : -1;
        spans[2 * g + 1] = took_part ? found[g].data() - base + static_cast<int64_t>(found[g].size()) : -1;
    }
    return 1;
}

extern "C" int tr_regex_group_count(const tr_regex *regex) { return regex->re->NumberOfCapturingGroups(); }

extern "C" const char *tr_regex_group_name(const tr_regex *regex, int group) {
    if (group < 0 || static_cast<size_t>(group) >= regex->names.size()) return nullptr;
    const std::string &name = regex->names[static_cast<size_t>(group)];
    return name.empty() ? nullptr : name.c_str();
}

extern "C" int64_t tr_regex_program_size(const tr_regex *regex) { return regex->re->ProgramSize(); }
