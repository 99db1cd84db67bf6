package import Elements

/// What a form of storage says of a tensor that stands beside a weight's codes.
package struct ScaleRule: Sendable {
  /// How factors of tiles follow each other.
  package enum Order: String, Sendable {
    /// Row by row of tiles.
    case rows
    /// In parts of 128 rows and 4 columns of factors, filled up with what is never read: inside a part
    /// the factor of row 32·a + b and column c stands at 16·b + 4·a + c. The tensor has the rows and columns of
    /// factors, filled up, in every program that writes such files.
    ///
    /// **Source:** NVIDIA, cuBLAS documentation, "1D block scaling factors layout";
    /// Comfy-Org/comfy-kitchen 0.2.40, `comfy_kitchen/float_utils.py`, `to_blocked` (called with
    /// `flatten=False`); NVIDIA/Model-Optimizer 0.47.0, `modelopt/torch/export/diffusers_utils.py`,
    /// `swizzle_nvfp4_scales`.
    case blocked
    /// Runs of elements of the whole weight, rows put after each other, whatever their length.
    case flat
  }

  /// What is done with its numbers.
  package enum Role: String, Sendable {
    /// Codes are multiplied by them.
    case factor
    /// The product before is divided by them.
    case divisor
    /// They are subtracted from codes before these are multiplied.
    case minus
    /// They are added to what codes times factors give.
    case plus
    /// They are subtracted from what codes times factors give.
    case less
  }

  /// The rows and columns of elements that a number stands for.
  package struct Tile: Sendable {
    package let rows: Int
    package let columns: Int
    /// Whether the file or the form says so, so that nothing else will do.
    let isSaid: Bool

    package init(rows: Int, columns: Int, isSaid: Bool = false) {
      self.rows = rows
      self.columns = columns
      self.isSaid = isSaid
    }
  }

  /// What the tensor is called in its layer.
  package let name: String
  /// What is done with its numbers.
  package let role: Role
  /// The rows and columns of elements that a number stands for, where there are several and not one for
  /// every row; nil where there is one for all or for every row, or for runs.
  package let tile: Tile?
  /// How numbers of tiles follow each other.
  package let order: Order
  /// What the elements are where the file has them as U8; nil where that is no factor.
  package let bytes: DType?
  /// Whether a row may have several, each for a run of equal length.
  package let hasRuns: Bool
  /// Whether a factor for all or for a row may be 0: some programs store rows of zeros so.
  package let mayBeZero: Bool

  package init(
    name: String, role: Role = .factor, tile: Tile? = nil, order: Order = .rows,
    bytes: DType? = nil, hasRuns: Bool = false, mayBeZero: Bool = false
  ) {
    self.name = name
    self.role = role
    self.tile = tile
    self.order = order
    self.bytes = bytes
    self.hasRuns = hasRuns
    self.mayBeZero = mayBeZero
  }

  /// The same with another tile.
  package func tiled(_ tile: Tile?) -> ScaleRule {
    ScaleRule(
      name: name, role: role, tile: tile, order: order, bytes: bytes, hasRuns: hasRuns,
      mayBeZero: mayBeZero)
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
