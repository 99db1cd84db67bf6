public import Elements

/// Something about a checkpoint that its family doesn't allow.
public enum CheckpointProblem: Sendable, Equatable {
  /// A tensor that the family has isn't there.
  case missing(tensor: String, shape: [Int?])
  /// A tensor is there that the family doesn't have.
  case unexpected(tensor: String, shape: [Int])
  /// A tensor's shape isn't the one that the dimensions give.
  case wrongShape(tensor: String, expected: [Int?], found: [Int])
  /// A weight is stored as something that isn't a floating type.
  case wrongType(tensor: String, dtype: DType)
  /// Blocks don't run from 0 without gaps.
  case missingBlocks(path: String, missing: [Int], highest: Int)
  /// Another architecture that has some of the same names.
  case lookAlike(title: String)
  /// The model was saved while an adapter was attached to it.
  case adapterAttached(AttachedAdapter)
  /// config.json says something else than the tensors.
  case configuration(key: String, expected: String, found: String)
}

extension CheckpointProblem: CustomStringConvertible {
  /// One line: what was expected, what was found.
  public var description: String {
    switch self {
    case .missing(let tensor, let shape):
      "tensor '\(tensor)' \(Self.text(shape)) is missing"
    case .unexpected(let tensor, let shape):
      "tensor '\(tensor)' \(shape) is unexpected"
    case .wrongShape(let tensor, let expected, let found):
      "tensor '\(tensor)': shape \(found), expected \(Self.text(expected))"
    case .wrongType(let tensor, let dtype):
      "tensor '\(tensor)': dtype \(dtype.rawValue), expected a floating type"
    case .missingBlocks(let path, let missing, let highest):
      "\(path): block \(missing.prefix(8).map(String.init).joined(separator: ", "))"
        + "\(missing.count > 8 ? " …" : "") of 0…\(highest) is missing"
    case .lookAlike(let title):
      "this is \(title), which has similar names but is another architecture"
    case .adapterAttached(let adapter): adapter.advice
    case .configuration(let key, let expected, let found):
      "config.json: '\(key)' is \(found), expected \(expected) from the tensors"
    }
  }

  private static func text(_ shape: [Int?]) -> String {
    "[" + shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
  }
}
