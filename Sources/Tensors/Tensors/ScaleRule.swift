package import Elements

/// What a form of storage says of a tensor of factors.
package struct ScaleRule: Sendable {
  /// How factors of tiles follow each other.
  package enum Order: String, Sendable {
    /// Row by row of tiles.
    case rows
    /// In parts of 128 rows and 4 columns of factors, filled up with what is never read: inside a part
    /// the factor of row 32·a + b and column c stands at 16·b + 4·a + c.
    ///
    /// **Source:** NVIDIA, cuBLAS documentation, "1D block scaling factors layout";
    /// Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/float_utils.py`, `to_blocked`.
    case blocked
  }

  /// What the tensor is called in its layer.
  package let name: String
  /// The rows and columns of elements that a factor stands for, where there are several and not one for
  /// every row; nil where a row has one or several runs of equal length.
  package let tile: (rows: Int, columns: Int)?
  /// How factors of tiles follow each other.
  package let order: Order
  /// What the elements are where the file has them as U8; nil where that is no factor.
  package let bytes: DType?
  /// Whether the product of the factors before is divided by this one.
  package let divides: Bool

  /// One factor, one for every row, or one for every tile.
  package init(
    name: String, tile: (rows: Int, columns: Int)? = nil, order: Order = .rows,
    bytes: DType? = nil, divides: Bool = false
  ) {
    self.name = name
    self.tile = tile
    self.order = order
    self.bytes = bytes
    self.divides = divides
  }
}

/// Why a tensor can't be a weight's scale.
package struct ScaleFault: Error {
  /// The tensor.
  package let tensor: TensorDescription
  /// What it should hold.
  package let expected: String
  /// The factor that is none, where shape and type are as expected.
  package let factor: Float?

  package init(_ tensor: TensorView, expected: String, factor: Float? = nil) {
    self.tensor = tensor.description
    self.expected = expected
    self.factor = factor
  }
}
