/// Sizes of a stored weight.
public struct ProductShape: Sendable, CustomStringConvertible {
  /// Output features, N.
  public let outputs: Int
  /// Input features, K.
  public let inputs: Int

  /// A weight `[outputs, inputs]`.
  public init(outputs: Int, inputs: Int) {
    self.outputs = outputs
    self.inputs = inputs
  }

  /// FLUX.1's: of attention, of its three projections together, of the wide layers of both kinds of
  /// blocks, and the narrowing one of a single block.
  public static let flux = [
    ProductShape(outputs: 3072, inputs: 3072), ProductShape(outputs: 9216, inputs: 3072),
    ProductShape(outputs: 12288, inputs: 3072), ProductShape(outputs: 21504, inputs: 3072),
    ProductShape(outputs: 3072, inputs: 15360),
  ]

  /// `9216x3072`.
  public var description: String { "\(outputs)x\(inputs)" }
}
