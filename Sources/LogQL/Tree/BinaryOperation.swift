import Bytes

extension LogQL {
    package enum BinaryOperator: String, Sendable, CaseIterable {
        case or, and, unless
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"

        package var isSet: Bool {
            switch self {
            case .or, .and, .unless: true
            default: false
            }
        }

        package var comparison: Comparison? { Comparison(rawValue: rawValue) }

        /// Binds tighter the higher it is; 1 … 6.
        package var precedence: Int {
            switch self {
            case .or: 1
            case .and, .unless: 2
            case .equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual: 3
            case .add, .subtract: 4
            case .multiply, .divide, .modulo: 5
            case .power: 6
            }
        }

        package var isRightAssociative: Bool { self == .power }
    }

    /// `on (…)`, `ignoring (…)`, with or without `group_left`, `group_right`.
    package struct VectorMatching: Sendable, Equatable {
        package enum Cardinality: Sendable, Equatable {
            case oneToOne
            /// `group_left`: many on the left.
            case manyToOne
            /// `group_right`: many on the right.
            case oneToMany
        }

        package var on: Bool
        package var labels: [ByteString]
        package var cardinality: Cardinality
        /// Labels taken over from the one side.
        package var include: [ByteString]

        package init(
            on: Bool,
            labels: [ByteString],
            cardinality: Cardinality = .oneToOne,
            include: [ByteString] = []
        ) {
            self.on = on
            self.labels = labels
            self.cardinality = cardinality
            self.include = include
        }
    }

    /// An operator between two legs, at most one of them a literal; no leg of a set operator is.
    package struct BinaryOperation: Sendable, Equatable {
        package var op: BinaryOperator
        package var returnBool: Bool
        /// nil: match on all labels.
        package var matching: VectorMatching?
        package var lhs: MetricExpression
        package var rhs: MetricExpression

        package init(
            op: BinaryOperator,
            returnBool: Bool = false,
            matching: VectorMatching? = nil,
            lhs: MetricExpression,
            rhs: MetricExpression
        ) {
            self.op = op
            self.returnBool = returnBool
            self.matching = matching
            self.lhs = lhs
            self.rhs = rhs
        }
    }
}
