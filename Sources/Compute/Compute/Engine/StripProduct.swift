internal import CKernels

/// Products of panels that a caller keeps: packed once, multiplied often, in strips of tiles. They have no
/// weight, and are for vectors also where the processor has AMX.
struct StripProduct {
  /// How operands lie in panels.
  let form: PanelForm
  private let precision: ProductPrecision
  private let level: ck_product_level

  /// Rows of a panel of a left operand.
  static let tileRows = Int(CK_TILE_ROWS)
  /// Columns of a panel of a right operand.
  static let tileColumns = Int(CK_TILE_COLUMNS)

  init(_ products: ProductSettings) {
    precision = products.precision
    form = PanelForm(precision)
    level = products.level.kernels
  }

  /// Packs rows of a left operand, panel after panel.
  ///
  /// - Parameters:
  ///   - x: the rows `[rows, steps]`, or where they are transposed `[steps, rows]`.
  ///   - isTransposed: which.
  ///   - rows: how many.
  ///   - steps: how many floats of each.
  ///   - panels: where they go: ``PanelForm/leftByteCount(rows:steps:)``.
  func packLeft(
    _ x: MatrixView, isTransposed: Bool = false, rows: Int, steps: Int,
    into panels: UnsafeMutableRawPointer
  ) {
    guard isTransposed else {
      for first in stride(from: 0, to: rows, by: Self.tileRows) {
        unsafe form.packLeft(
          MatrixView(start: x.start + first * x.stride, stride: x.stride),
          rows: min(Self.tileRows, rows - first), steps: steps,
          into: panels + form.leftByteCount(rows: first, steps: steps))
      }
      return
    }
    switch precision {
    case .float32:
      unsafe ck_pack_left_transposed_f32(
        x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: Float.self))
    case .bfloat16:
      unsafe ck_pack_left_transposed_bf16(
        x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: UInt32.self))
    }
  }

  /// A panel of a right operand from rows that are as wide.
  ///
  /// - Parameters:
  ///   - rows: `[steps, 48]`.
  ///   - steps: how many.
  ///   - spare: ``PanelForm/rightByteCount(steps:)``.
  /// - Returns: the rows themselves where nothing is to be rounded, else what is then in the spare bytes.
  func panel(
    of rows: UnsafePointer<Float>, steps: Int, spare: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    switch precision {
    case .float32: return unsafe UnsafeRawPointer(rows)
    case .bfloat16:
      let width = Self.tileColumns
      unsafe form.packRight(
        MatrixView(start: rows, stride: width), isTransposed: false, columns: width, steps: steps,
        into: spare)
      return UnsafeRawPointer(spare)
    }
  }

  /// The product of a left operand with one panel of a right one.
  ///
  /// - Parameters:
  ///   - left: its panels.
  ///   - rows: how many rows; the result has those of whole panels.
  ///   - right: the panel.
  ///   - steps: what the sums are over.
  ///   - adds: whether they are added to what the result holds.
  ///   - result: `[rows, 48]`.
  func multiply(
    _ left: UnsafeRawPointer, rows: Int, by right: UnsafeRawPointer, steps: Int, adding adds: Bool,
    into result: UnsafeMutablePointer<Float>
  ) {
    let tiles = (rows + Self.tileRows - 1) / Self.tileRows
    switch precision {
    case .float32:
      unsafe ck_product_strip_f32(
        level, left.assumingMemoryBound(to: Float.self), tiles,
        right.assumingMemoryBound(to: Float.self), form.rightItems(steps), result, adds ? 1 : 0)
    case .bfloat16:
      unsafe ck_product_strip_bf16(
        level, left.assumingMemoryBound(to: UInt32.self), tiles,
        right.assumingMemoryBound(to: UInt32.self), form.rightItems(steps), result, adds ? 1 : 0)
    }
  }
}
