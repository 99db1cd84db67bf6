/// A size as the format files write it: a sum of products of integers and dimension names, such as
/// `3*hidden`, `hidden+mlp`, `hidden/head` or `64`. There are no parentheses.
public struct DimensionExpression: Sendable, Equatable {
  /// As it is written.
  public let text: String
  private let terms: [[Factor]]

  private struct Factor: Sendable, Equatable {
    let value: Value
    let divides: Bool
  }

  private enum Value: Sendable, Equatable {
    case integer(Int)
    case name(String)
  }

  /// Reads an expression of a format file; a malformed one is our mistake.
  package init(_ text: String) {
    self.text = text
    terms = text.split(separator: "+", omittingEmptySubsequences: false).map(Self.factors)
  }

  private static func factors(of term: Substring) -> [Factor] {
    var factors: [Factor] = []
    var rest = term
    var divides = false
    while true {
      let word = rest.prefix { $0 != "*" && $0 != "/" }
      precondition(!word.isEmpty, "'\(term)': a factor is empty")
      let value = Int(word).map(Value.integer) ?? .name(String(word))
      factors.append(Factor(value: value, divides: divides))
      rest = rest.dropFirst(word.count)
      guard let sign = rest.popFirst() else { return factors }
      divides = sign == "/"
    }
  }

  /// The value, or nil when a name has none, a quotient isn't whole, or the result overflows.
  public func value(_ dimension: (String) -> Int?) -> Int? {
    var sum = 0
    for term in terms {
      var product = 1
      for factor in term {
        let operand: Int
        switch factor.value {
        case .integer(let integer): operand = integer
        case .name(let name):
          guard let found = dimension(name) else { return nil }
          operand = found
        }
        if factor.divides {
          guard operand > 0, product % operand == 0 else { return nil }
          product /= operand
        } else {
          guard let larger = product.times(operand) else { return nil }
          product = larger
        }
      }
      guard let larger = sum.plus(product) else { return nil }
      sum = larger
    }
    return sum
  }
}

extension Int {
  /// The product; nil when it overflows.
  func times(_ other: Int) -> Int? {
    let (product, overflows) = multipliedReportingOverflow(by: other)
    return overflows ? nil : product
  }

  /// The sum; nil when it overflows.
  func plus(_ other: Int) -> Int? {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? nil : sum
  }
}
