public import Elements
internal import Text

/// What a header says of a tensor: its name, dtype and shape.
public struct TensorDescription: Sendable, Equatable {
  /// Name in its file.
  public let name: String
  /// Type of the elements.
  public let dtype: DType
  /// Sizes, outermost first; `[]` is a scalar.
  public let shape: [Int]

  /// A tensor of that name, dtype and shape.
  public init(name: String, dtype: DType, shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  /// Whether names have the same bytes and the rest is equal.
  public static func == (left: TensorDescription, right: TensorDescription) -> Bool {
    left.name.sameBytes(as: right.name) && left.dtype == right.dtype
      && left.shape == right.shape
  }
}
