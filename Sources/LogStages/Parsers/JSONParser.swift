import Bytes

/// `| json`
package struct JSONParser: Sendable {
    package init() {}
    func process(_ state: inout LineState) -> Bool { true }
}
/// `| json label="path"`
package struct JSONExpressionParser: Sendable {
    package init(_ expressions: [FieldExpression]) throws(StageError) {}
    func process(_ state: inout LineState) -> Bool { true }
}
/// `| unpack`
package struct UnpackParser: Sendable {
    package init() {}
    func process(_ state: inout LineState) -> Bool { true }
}
