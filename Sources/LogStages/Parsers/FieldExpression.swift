import Bytes

/// `label="path"` behind `json` or `logfmt`; a bare `name` means `name="name"`.
package struct FieldExpression: Sendable, Equatable {
    package var label: ByteString
    package var path: ByteString

    package init(_ label: ByteString, _ path: ByteString) {
        self.label = label
        self.path = path
    }
}
