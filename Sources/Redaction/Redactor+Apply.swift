import Bytes

// What stands in place of a finding.
extension Redactor {
    /// Counts the patches and writes the line with them, by the mode.
    func apply(_ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena) -> Outcome {
        guard !scratch.patches.isEmpty else { return .clean }
        for patch in scratch.patches { scratch.count(Int(patch.detector.rawValue)) }
        switch settings.mode {
        case .detect: return .clean
        case .dropLine:
            scratch.countDropped(by: Int(scratch.patches[0].detector.rawValue))
            return .dropped
        case .mask, .charMask, .partial: break
        }
        var written = 0
        for patch in scratch.patches {
            // Disjoint and ascending by construction; should two ever touch one escape, nothing is written twice.
            let start = max(patch.range.lowerBound, written)
            guard start < patch.range.upperBound else { continue }
            out.append(line[written..<start])
            if patch.needsQuotes { out.append(UInt8(ascii: "\"")) }
            replace(line[start..<patch.range.upperBound], patch.detector, into: out)
            if patch.needsQuotes { out.append(UInt8(ascii: "\"")) }
            written = patch.range.upperBound
        }
        out.append(line.suffix(from: written))
        return .changed
    }

    private func replace(_ raw: ByteView, _ detector: Detector, into out: ByteArena) {
        switch settings.mode {
        case .charMask:
            for _ in 0..<raw.count { out.append(UInt8(ascii: "*")) }
        case .partial where Redactor.writeHarmlessRest(of: raw, detector, into: out): break
        default: out.append(replacements[Int(detector.rawValue)])
        }
    }

    /// The part of a finding that may stay; false, and nothing written, where there is none. What is written holds
    /// letters, digits and `@.-_+*` only, and no detector takes it for a finding again.
    private static func writeHarmlessRest(of raw: ByteView, _ detector: Detector, into out: ByteArena) -> Bool {
        let plain: ByteClass = [.base64URL, .dot, .base64Extra]
        for i in raw.indices where !plain.contains(byte: raw[i]) && raw[i] != UInt8(ascii: "@") && raw[i] != 0x20 {
            return false
        }
        switch detector {
        case .email:
            guard let at = raw.firstIndex(of: UInt8(ascii: "@")), at > 1 else { return false }
            out.append(raw[0..<1])
            out.append("***")
            out.append(raw.suffix(from: at))
        case .card:
            // PCI DSS permits the last four.
            out.append("****")
            out.append(raw.suffix(4))
        case .iban:
            out.append(raw.prefix(2))
            out.append("****")
            out.append(raw.suffix(4))
        case .ssn:
            out.append("***-**-")
            out.append(raw.suffix(4))
        case .apiKey, .jwt:
            guard raw.count >= 16 else { return false }
            out.append(raw.prefix(4))
            out.append("****")
        case .privateKey, .authorization, .urlCredential, .secret: return false
        }
        return true
    }
}
