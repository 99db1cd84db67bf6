internal import CKernels

/// Products of panels that a caller keeps: packed once, multiplied often, in strips of tiles. They have no
/// weight: in bfloat16 AMX computes them where the processor has it, else vectors do.
struct StripProduct {
  /// How left operands lie in panels.
  private let left: PanelForm
  /// How right operands do, 48 columns wide on any level.
  private let right: PanelForm
  private let level: ck_product_level

  /// Columns of a panel of a right operand.
  static let tileColumns = Int(CK_TILE_COLUMNS)

  /// Products as exact as is asked for.
  ///
  /// - Parameters:
  ///   - products: how to multiply.
  ///   - needsPairs: whether bfloat16 numbers must lie in pairs, as other kernels write them.
  init(_ products: ProductSettings, needsPairs: Bool = false) {
    let form = PanelForm(products)
    right = form == .roundedFloats && needsPairs ? .pairs : form
    left = products.level.hasTiles && right == .pairs ? .terms(1) : right
    level = products.level.kernels
  }

  /// Whether a right operand has pairs of bfloat16 numbers, else floats.
  var hasPairs: Bool { right == .pairs }

  /// Items of a column of a right operand's panel.
  func rightItems(_ steps: Int) -> Int { right.rightItems(wholeSteps(steps)) }

  /// Rows of a panel of a left operand.
  var tileRows: Int { left.tileRows }

  /// Bytes of a left operand, packed.
  func leftByteCount(rows: Int, steps: Int) -> Int { left.leftByteCount(rows: rows, steps: steps) }

  /// Bytes of a panel of a right operand. Tiles are of whole steps, for which both operands end with zeros.
  func rightByteCount(steps: Int) -> Int { right.rightByteCount(steps: wholeSteps(steps)) }

  private func wholeSteps(_ steps: Int) -> Int {
    left.isTiled ? steps.roundedUp(to: Int(CK_AMX_STEPS)) : steps
  }

  /// Runs work on the calling thread that multiplies; nothing in it may move to another one.
  func begun(_ body: () -> Void) {
    guard left.isTiled else { return body() }
    ck_product_begin(level)
    defer { ck_product_end(level) }
    body()
  }

  /// Packs rows of a left operand, panel after panel.
  ///
  /// - Parameters:
  ///   - x: the rows `[rows, steps]`, or where they are transposed `[steps, rows]`.
  ///   - isTransposed: which.
  ///   - rows: how many.
  ///   - steps: how many floats of each.
  ///   - panels: where they go: ``leftByteCount(rows:steps:)``.
  func packLeft(
    _ x: MatrixView, isTransposed: Bool = false, rows: Int, steps: Int,
    into panels: UnsafeMutableRawPointer
  ) {
    guard isTransposed else {
      for first in stride(from: 0, to: rows, by: tileRows) {
        unsafe left.packLeft(
          MatrixView(start: x.start + first * x.stride, stride: x.stride),
          rows: min(tileRows, rows - first), steps: steps,
          into: panels + leftByteCount(rows: first, steps: steps))
      }
      return
    }
    switch left {
    case .floats, .roundedFloats:
      unsafe ck_pack_left_transposed_f32(
        x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: Float.self))
      if left == .roundedFloats {
        unsafe left.round(panels, leftByteCount(rows: rows, steps: steps))
      }
    case .pairs:
      unsafe ck_pack_left_transposed_bf16(
        x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: UInt32.self))
    case .terms:
      unsafe ck_pack_left_transposed_amx(
        x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: UInt16.self))
    }
  }

  /// Packs columns of a right operand, or steps of them that come after others.
  ///
  /// - Parameters:
  ///   - x: the columns `[steps, columns]`, or where they are transposed `[columns, steps]`.
  ///   - isTransposed: which.
  ///   - columns: how many, 48 at most.
  ///   - steps: how many.
  ///   - earlier: steps that the panel has already: whole pairs.
  ///   - panel: where it begins: ``rightByteCount(steps:)`` of all steps.
  func packRight(
    _ x: MatrixView, isTransposed: Bool, columns: Int, steps: Int, after earlier: Int = 0,
    into panel: UnsafeMutableRawPointer
  ) {
    unsafe right.packRight(
      x, isTransposed: isTransposed, columns: columns, steps: steps,
      into: panel + right.rightByteCount(steps: earlier))
    let packed = right.rightByteCount(steps: earlier + steps)
    let whole = rightByteCount(steps: earlier + steps)
    unsafe (panel + packed).initializeMemory(as: UInt8.self, repeating: 0, count: whole - packed)
  }

  /// A panel of a right operand from rows that are as wide.
  ///
  /// - Parameters:
  ///   - rows: `[steps, 48]`.
  ///   - steps: how many.
  ///   - spare: ``rightByteCount(steps:)``.
  /// - Returns: the rows themselves where nothing is to be rounded, else what is then in the spare bytes.
  func panel(
    of rows: UnsafePointer<Float>, steps: Int, spare: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    guard right != .floats else { return unsafe UnsafeRawPointer(rows) }
    let width = Self.tileColumns
    unsafe packRight(
      MatrixView(start: rows, stride: width), isTransposed: false, columns: width, steps: steps,
      into: spare)
    return UnsafeRawPointer(spare)
  }

  /// The product of a left operand with one panel of a right one, inside ``begun(_:)``.
  ///
  /// - Parameters:
  ///   - panels: the left operand's.
  ///   - rows: how many rows; the result has those of whole panels.
  ///   - panel: of the right operand.
  ///   - steps: what the sums are over.
  ///   - adds: whether they are added to what the result holds.
  ///   - result: `[rows, 48]`.
  func multiply(
    _ panels: UnsafeRawPointer, rows: Int, by panel: UnsafeRawPointer, steps: Int,
    adding adds: Bool, into result: UnsafeMutablePointer<Float>
  ) {
    let (tiles, adds): (Int, Int32) = ((rows + tileRows - 1) / tileRows, adds ? 1 : 0)
    switch left {
    case .floats, .roundedFloats:
      unsafe ck_product_strip_f32(
        level, panels.assumingMemoryBound(to: Float.self), tiles,
        panel.assumingMemoryBound(to: Float.self), steps, result, adds)
    case .pairs:
      unsafe ck_product_strip_bf16(
        level, panels.assumingMemoryBound(to: UInt32.self), tiles,
        panel.assumingMemoryBound(to: UInt32.self), right.rightItems(steps), result, adds)
    case .terms:
      unsafe ck_product_strip_amx(
        level, panels.assumingMemoryBound(to: UInt16.self), tiles,
        panel.assumingMemoryBound(to: UInt32.self), steps, result, adds)
    }
  }
}
