import Bytes

/// `| unwrap x`: makes a label's value the sample of the line.
package struct Unwrap: Sendable {
    package enum Conversion: Sendable, Equatable {
        case number
        /// go-humanize sizes.
        case bytes
        /// Go durations, to seconds.
        case duration
    }

    package let label: LabelName
    private let conversion: Conversion

    package init(_ label: ByteString, _ conversion: Conversion = .number) {
        self.label = LabelName(label)
        self.conversion = conversion
    }

    /// Leaves the number in `state.sample`. False where the label is absent or empty: there is no sample then. A value
    /// that does not convert gives 0 and `SampleExtractionErr`.
    func process(_ state: inout LineState) -> Bool {
        guard let value = state.value(label), !value.isEmpty else { return false }
        state.sample = 0
        switch conversion {
        case .number:
            switch GoFloat.parse(value) {
            case .success(let number): state.sample = number
            case .failure(let failure): state.fail(.sampleExtraction, GoFloat.message(failure, value))
            }
        case .bytes:
            switch ByteSize.parse(value) {
            case .success(let size): state.sample = Double(size)
            case .failure(let failure): state.fail(.sampleExtraction, ByteSize.message(failure, value))
            }
        case .duration:
            switch GoDuration.parse(value) {
            case .success(let duration): state.sample = GoDuration.seconds(duration)
            case .failure(let failure): state.fail(.sampleExtraction, GoDuration.message(failure, value))
            }
        }
        return true
    }
}
