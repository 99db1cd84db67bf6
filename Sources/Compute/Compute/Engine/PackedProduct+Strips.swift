internal import CKernels

/// Products of panels that a caller keeps: packed once, multiplied often.
extension PackedProduct {
  /// Bytes of the panels of a left operand; its rows are filled up to whole panels.
  func leftByteCount(rows: Int, steps: Int) -> Int {
    rows.roundedUp(to: Self.tileRows) * items(steps) * 4
  }

  /// Bytes of a panel of a right operand.
  func panelByteCount(steps: Int) -> Int { Self.tileColumns * items(steps) * 4 }

  /// Packs rows of a left operand, panel after panel.
  ///
  /// - Parameters:
  ///   - x: the rows `[rows, steps]`, or where they are transposed `[steps, rows]`.
  ///   - isTransposed: which.
  ///   - rows: how many.
  ///   - steps: how many floats of each.
  ///   - panels: where they go: ``leftByteCount(rows:steps:)`` bytes.
  func packLeft(
    _ x: MatrixView, isTransposed: Bool = false, rows: Int, steps: Int,
    into panels: UnsafeMutableRawPointer
  ) {
    if isTransposed {
      switch precision {
      case .float32:
        unsafe ck_pack_left_transposed_f32(
          x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: Float.self))
      case .bfloat16:
        unsafe ck_pack_left_transposed_bf16(
          x.start, x.stride, rows, steps, panels.assumingMemoryBound(to: UInt32.self))
      }
      return
    }
    for first in stride(from: 0, to: rows, by: Self.tileRows) {
      let source = unsafe x.start + first * x.stride
      let count = min(Self.tileRows, rows - first)
      let panel = unsafe panels + first * items(steps) * 4
      switch precision {
      case .float32:
        unsafe ck_pack_left_f32(
          source, x.stride, count, steps, panel.assumingMemoryBound(to: Float.self))
      case .bfloat16:
        unsafe ck_pack_left_bf16(
          source, x.stride, count, steps, panel.assumingMemoryBound(to: UInt32.self))
      }
    }
  }

  /// Packs a panel of a right operand.
  ///
  /// - Parameters:
  ///   - w: its columns `[steps, columns]`, or where they are transposed `[columns, steps]`.
  ///   - isTransposed: which.
  ///   - columns: how many, 48 at most.
  ///   - steps: how many floats of each.
  ///   - panel: where they go: ``panelByteCount(steps:)`` bytes.
  func packRight(
    _ w: MatrixView, isTransposed: Bool, columns: Int, steps: Int,
    into panel: UnsafeMutableRawPointer
  ) {
    switch (precision, isTransposed) {
    case (.float32, true):
      unsafe ck_pack_right_transposed_f32(
        w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: Float.self))
    case (.float32, false):
      unsafe ck_pack_right_f32(
        w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: Float.self))
    case (.bfloat16, true):
      unsafe ck_pack_right_transposed_bf16(
        w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    case (.bfloat16, false):
      unsafe ck_pack_right_bf16(
        w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    }
  }

  /// A panel of a right operand from rows that are as wide.
  ///
  /// - Parameters:
  ///   - rows: `[steps, 48]`.
  ///   - steps: how many.
  ///   - spare: ``panelByteCount(steps:)`` bytes.
  /// - Returns: the rows themselves where nothing is to be rounded, else what is then in the spare bytes.
  func panel(
    of rows: UnsafePointer<Float>, steps: Int, spare: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    switch precision {
    case .float32: return unsafe UnsafeRawPointer(rows)
    case .bfloat16:
      let width = Self.tileColumns
      unsafe packRight(
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
        right.assumingMemoryBound(to: Float.self), items(steps), result, adds ? 1 : 0)
    case .bfloat16:
      unsafe ck_product_strip_bf16(
        level, left.assumingMemoryBound(to: UInt32.self), tiles,
        right.assumingMemoryBound(to: UInt32.self), items(steps), result, adds ? 1 : 0)
    }
  }
}
