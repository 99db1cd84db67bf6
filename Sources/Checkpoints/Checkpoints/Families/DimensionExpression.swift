/// A size as the format files write it: sums and differences of products of integers and dimension names,
/// such as `3*hidden`, `hidden+mlp`, `levels-1`, `hidden/head` or `64`. There are no parentheses.
public struct DimensionExpression: Sendable, Equatable {
  /// As it is written.
  public let text: String
  private let terms: [Term]

  private struct Term: Sendable, Equatable {
    let factors: [Factor]
    let isSubtracted: Bool
  }

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
    var terms: [Term] = []
    var rest = text[...]
    var isSubtracted = false
    while true {
      let term = rest.prefix { $0 != "+" && $0 != "-" }
      terms.append(Term(factors: Self.factors(of: term), isSubtracted: isSubtracted))
      rest = rest.dropFirst(term.count)
      guard let sign = rest.popFirst() else { break }
      isSubtracted = sign == "-"
    }
    self.terms = terms
  }

  /// The dimension that this is and nothing else; nil for any other expression.
  package var name: String? {
    guard terms.count == 1, let factor = terms[0].factors.first, terms[0].factors.count == 1,
      case .name(let name) = factor.value
    else { return nil }
    return name
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

  /// The value, or nil when a name has none, a quotient isn't whole, or the result overflows or is negative.
  public func value(_ dimension: (String) -> Int?) -> Int? {
    var sum = 0
    for term in terms {
      var product = 1
      for factor in term.factors {
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
      guard let next = sum.plus(term.isSubtracted ? -product : product) else { return nil }
      sum = next
    }
    return sum < 0 ? nil : sum
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
