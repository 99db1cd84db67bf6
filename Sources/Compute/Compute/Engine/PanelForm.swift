internal import CKernels
internal import Tensors

/// How the operands of a product lie in panels, and the kernels that pack and multiply them so.
///
/// A panel is some rows of the left operand or some columns of the right one, which take 32-bit items for the
/// steps of the reduction.
enum PanelForm: Equatable {
  /// A float for every step.
  case floats
  /// The same, rounded to bfloat16: the products are those of ``pairs`` one step after the other, of twice the
  /// memory, and faster where a processor's vectors take floats at more than half the rate of pairs.
  case roundedFloats
  /// Two bfloat16 numbers for two steps.
  case pairs
  /// Tiles of AMX, which multiply bfloat16 numbers: one for every number of the right operand, and for every
  /// number of the left one so many, whose sum it is or is rounded to.
  case terms(Int)

  /// The form of vectors.
  init(_ products: ProductSettings) {
    self =
      switch products.precision {
      case .float32: .floats
      case .bfloat16: products.level.takesPairs ? .pairs : .roundedFloats
      }
  }

  /// The form that computes products with a weight as exactly as is asked for.
  ///
  /// Three terms are a float32 number, so that AMX computes float32 products of bfloat16 weights. Other
  /// weights it would round, unnoticed.
  init(_ products: ProductSettings, for weight: StoredWeight) {
    let precision = products.precision
    guard products.level.hasTiles, precision == .bfloat16 || weight.isBFloat16 else {
      self.init(products)
      return
    }
    self = .terms(precision == .bfloat16 ? 1 : 3)
  }

  /// Whether kernels run between the beginning and the end of a thread's work with tiles.
  var isTiled: Bool { if case .terms = self { true } else { false } }

  /// Rows of a left panel, and of the result in a tile.
  var tileRows: Int { Int(isTiled ? CK_AMX_ROWS : CK_TILE_ROWS) }

  /// Columns of a right panel, and of the result in a tile.
  var tileColumns: Int { Int(isTiled ? CK_AMX_COLUMNS : CK_TILE_COLUMNS) }

  /// Left panels that a right one is multiplied by before the next. The small panels of AMX's right
  /// operands stay in the first-level cache so; else a left panel does.
  var tilesTogether: Int { isTiled ? 128 / tileRows : 1 }

  /// Items that steps take in a column of a right panel.
  func rightItems(_ steps: Int) -> Int {
    switch self {
    case .floats, .roundedFloats: steps
    case .pairs: (steps + 1) / 2
    case .terms: steps.roundedUp(to: Int(CK_AMX_STEPS)) / 2
    }
  }

  /// Items that steps take in a row of a left panel.
  func leftItems(_ steps: Int) -> Int {
    if case .terms(let count) = self { count * rightItems(steps) } else { rightItems(steps) }
  }

  /// Bytes of a right panel.
  func rightByteCount(steps: Int) -> Int { tileColumns * rightItems(steps) * 4 }

  /// Bytes of the panels of a left operand, whose rows are filled up to whole panels.
  func leftByteCount(rows: Int, steps: Int) -> Int {
    rows.roundedUp(to: tileRows) * leftItems(steps) * 4
  }

  /// Packs rows of a left operand.
  ///
  /// - Parameters:
  ///   - x: the first step of the first row.
  ///   - rows: how many, a panel's at most.
  ///   - steps: how many of each.
  ///   - panel: where to.
  func packLeft(
    _ x: MatrixView, rows: Int, steps: Int, into panel: UnsafeMutableRawPointer
  ) {
    switch self {
    case .floats:
      unsafe ck_pack_left_f32(
        x.start, x.stride, rows, steps, panel.assumingMemoryBound(to: Float.self))
    case .roundedFloats:
      unsafe PanelForm.floats.packLeft(x, rows: rows, steps: steps, into: panel)
      unsafe round(panel, leftByteCount(rows: rows, steps: steps))
    case .pairs:
      unsafe ck_pack_left_bf16(
        x.start, x.stride, rows, steps, panel.assumingMemoryBound(to: UInt32.self))
    case .terms(let count):
      unsafe ck_pack_left_amx(
        x.start, x.stride, rows, steps, Int32(count), panel.assumingMemoryBound(to: UInt16.self))
    }
  }

  /// Packs columns of a right operand, panel after panel.
  ///
  /// - Parameters:
  ///   - w: the columns `[steps, columns]`, or where they are transposed `[columns, steps]`, as their file has
  ///     them or widened.
  ///   - isTransposed: which.
  ///   - columns: how many.
  ///   - steps: how many of each.
  ///   - panels: where to.
  func packRight(
    _ w: WeightBlock, isTransposed: Bool, columns: Int, steps: Int,
    into panels: UnsafeMutableRawPointer
  ) {
    // Panels of tiles are narrow, and rows that are read to their end at once are worth a kernel of its own.
    let width = isTiled && !isTransposed ? max(columns, 1) : tileColumns
    for (index, part) in (0..<columns).portions(of: width).enumerated() {
      let panel = unsafe panels + index * rightByteCount(steps: steps)
      switch unsafe w.from(
        row: isTransposed ? part.lowerBound : 0, column: isTransposed ? 0 : part.lowerBound)
      {
      case .floats(let view):
        unsafe packRight(
          view, isTransposed: isTransposed, columns: part.count, steps: steps, into: panel)
      case .bfloat16(let view):
        unsafe packRight(
          view, isTransposed: isTransposed, columns: part.count, steps: steps, into: panel)
      }
    }
  }

  /// Packs columns of a right operand, those of a panel, or of tiles that aren't transposed any number.
  ///
  /// - Parameters:
  ///   - w: the first step of the first column.
  ///   - isTransposed: whether columns are rows of the matrix.
  ///   - columns: how many.
  ///   - steps: how many of each.
  ///   - panel: where to.
  func packRight(
    _ w: MatrixView, isTransposed: Bool, columns: Int, steps: Int,
    into panel: UnsafeMutableRawPointer
  ) {
    switch self {
    case .floats:
      let pack = unsafe isTransposed ? ck_pack_right_transposed_f32 : ck_pack_right_f32
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: Float.self))
    case .roundedFloats:
      unsafe PanelForm.floats.packRight(
        w, isTransposed: isTransposed, columns: columns, steps: steps, into: panel)
      unsafe round(panel, rightByteCount(steps: steps))
    case .pairs:
      let pack = unsafe isTransposed ? ck_pack_right_transposed_bf16 : ck_pack_right_bf16
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    case .terms:
      let pack = unsafe isTransposed ? ck_pack_right_transposed_amx : ck_pack_right_amx
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    }
  }

  private func packRight(
    _ w: BFloat16View, isTransposed: Bool, columns: Int, steps: Int,
    into panel: UnsafeMutableRawPointer
  ) {
    switch self {
    case .floats, .roundedFloats:
      let pack =
        unsafe isTransposed ? ck_pack_stored_right_transposed_f32 : ck_pack_stored_right_f32
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: Float.self))
    case .pairs:
      let pack =
        unsafe isTransposed ? ck_pack_stored_right_transposed_bf16 : ck_pack_stored_right_bf16
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    case .terms:
      let pack =
        unsafe isTransposed ? ck_pack_stored_right_transposed_amx : ck_pack_stored_right_amx
      unsafe pack(w.start, w.stride, columns, steps, panel.assumingMemoryBound(to: UInt32.self))
    }
  }

  /// Rounds the floats of panels, while they are in the cache.
  func round(_ panel: UnsafeMutableRawPointer, _ byteCount: Int) {
    unsafe ck_round_to_bf16(panel.assumingMemoryBound(to: Float.self), byteCount / 4)
  }

  /// Computes a tile of the result from panels of so many steps.
  ///
  /// - Parameters:
  ///   - level: of the instructions.
  ///   - left: a packed panel.
  ///   - right: the other.
  ///   - steps: how many both have.
  ///   - tile: where to, and how much of the tile there is; of AMX's it is whole, and its rows follow each
  ///     other.
  ///   - adds: whether it is added to what is there.
  func multiply(
    _ level: ck_product_level, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, steps: Int,
    into tile: ResultTile, adds: Bool
  ) {
    let adds: Int32 = adds ? 1 : 0
    switch self {
    case .floats, .roundedFloats:
      unsafe ck_product_tile_f32(
        level, left.assumingMemoryBound(to: Float.self),
        right.assumingMemoryBound(to: Float.self), steps,
        tile.start, tile.stride, tile.rows, tile.columns, adds)
    case .pairs:
      unsafe ck_product_tile_bf16(
        level, left.assumingMemoryBound(to: UInt32.self),
        right.assumingMemoryBound(to: UInt32.self), rightItems(steps),
        tile.start, tile.stride, tile.rows, tile.columns, adds)
    case .terms(let count):
      unsafe ck_product_tile_amx(
        level, left.assumingMemoryBound(to: UInt16.self),
        right.assumingMemoryBound(to: UInt32.self), steps, Int32(count), tile.start, adds)
    }
  }
}

/// A tile's place in the result.
@unsafe struct ResultTile {
  /// Its first element.
  let start: UnsafeMutablePointer<Float>
  /// Floats from one row to the next.
  let stride: Int
  /// How many there are; at the edges of the result fewer than a tile could have.
  let rows: Int
  let columns: Int
}
