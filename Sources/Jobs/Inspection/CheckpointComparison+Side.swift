internal import Elements
internal import Tensors

extension CheckpointComparison {
  /// A parameter of one side.
  public struct Side: Sendable, Equatable {
    /// Its name, without the file's prefix.
    public let name: String
    /// Its shape.
    public let shape: [Int]
    /// What its elements are in the file: `BF16`, `Q8_0`; `mixed` where they are of several types.
    public let encoding: String
    /// Whether they are multiplied by scales that the file has besides.
    public let isScaled: Bool

    init(_ parameter: ParameterPairs.Parameter) {
      name = parameter.name
      shape = parameter.weight.shape
      encoding = parameter.weight.encoding?.name ?? "mixed"
      isScaled = parameter.weight.isScaled
    }

    /// How it is stored, for people: `F8_E4M3 scaled`.
    public var storage: String { StoredWeight.storage(encoding, isScaled: isScaled) }
  }
}

extension StoredWeight {
  /// How it is stored, for people: `F8_E4M3 scaled`.
  var storage: String {
    Self.storage(encoding?.name ?? "mixed", isScaled: isScaled)
  }

  fileprivate static func storage(_ encoding: String, isScaled: Bool) -> String {
    isScaled ? encoding + " scaled" : encoding
  }
}
