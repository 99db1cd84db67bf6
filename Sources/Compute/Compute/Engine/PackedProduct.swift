internal import CKernels
internal import Concurrency

/// How an operand of a product is packed and multiplied: panels of 8 rows and of 48 columns, for 512 steps
/// of the reduction at a time. Every element of a result is one sum over the steps of a block, and those
/// sums are added in the order of the blocks: the bits depend on the operands, the precision and the level of the processor.
struct PackedProduct {
  let precision: ProductPrecision
  let level: ck_product_level

  /// Steps whose products are summed at a time.
  static let blockLength = 512
  /// Columns of the result that one thread takes, whose weights then stay in the second-level cache.
  static let columnsTogether = 192
  /// Bytes that the left operand may take, packed; more rows are taken one part after the other.
  private static let leftByteCount = 16 << 20

  /// Rows of a panel of a left operand.
  static let tileRows = Int(CK_TILE_ROWS)
  /// Columns of a panel of a right operand.
  static let tileColumns = Int(CK_TILE_COLUMNS)

  init(_ precision: ProductPrecision, level: ProductLevel) {
    self.precision = precision
    self.level = level.kernels
  }

  /// The blocks of a reduction.
  static func blocks(_ count: Int) -> [Range<Int>] {
    Array((0..<count).portions(of: blockLength))
  }

  /// Items that steps take in a panel's row or column.
  func items(_ steps: Int) -> Int { precision == .float32 ? steps : (steps + 1) / 2 }

  /// Rows of a left operand of so many steps that are packed at a time.
  func rowsTogether(steps: Int) -> Int {
    let rows = Self.leftByteCount / (4 * max(1, items(steps)))
    return max(256, rows / Self.tileRows * Self.tileRows)
  }

  /// Bytes that a thread needs beside the left operand: a block of weights, widened and packed.
  ///
  /// - Parameters:
  ///   - steps: of the reduction.
  ///   - columns: of the result.
  /// - Returns: bytes.
  func scratchOfThread(steps: Int, columns: Int) -> Int {
    let (steps, columns) = (min(steps, Self.blockLength), min(columns, Self.columnsTogether))
    let width = (columns + Self.tileColumns - 1) / Self.tileColumns * Self.tileColumns
    return 4 * (steps * columns + items(steps) * width)
  }

  /// Runs the body with rows of a left operand, packed.
  ///
  /// - Parameters:
  ///   - x: the first of the rows `[rows, steps]`.
  ///   - rows: how many.
  ///   - steps: how many floats of each.
  ///   - body: what needs them.
  func withLeft(
    _ x: UnsafePointer<Float>, rows: Int, steps: Int, _ body: (PackedLeft) -> Void
  ) {
    let tiles = (rows + Self.tileRows - 1) / Self.tileRows
    let blocks = Self.blocks(steps)
    unsafe Scratch.withBytes(leftByteCount(rows: rows, steps: steps)) { memory in
      let left = unsafe PackedLeft(start: memory, rows: rows)
      Parallel.forEach(tiles, work: 2 * rows * steps) { tile in
        let first = tile * Self.tileRows
        let count = min(Self.tileRows, rows - first)
        for block in blocks {
          let source = unsafe x + first * steps + block.lowerBound
          let panel = unsafe left.panel(tile, items(block.lowerBound), items(block.count))
          unsafe packLeft(
            MatrixView(start: source, stride: steps), rows: count, steps: block.count, into: panel)
        }
      }
      unsafe body(left)
    }
  }

  /// Adds the products of a block of steps to columns of the result, on the calling thread.
  ///
  /// - Parameters:
  ///   - left: all its rows.
  ///   - block: which of its steps.
  ///   - right: the weights: `[columns, steps]` where they are transposed, else `[steps, columns]`.
  ///   - isTransposed: which.
  ///   - columns: how many columns.
  ///   - result: the first of the columns in the first row.
  ///   - stride: floats from one row of the result to the next.
  func multiply(
    _ left: PackedLeft, _ block: Range<Int>, by right: MatrixView, isTransposed: Bool, columns: Int,
    into result: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let width = Self.tileColumns
    let itemCount = items(block.count)
    let panels = (columns + width - 1) / width
    unsafe Scratch.withBytes(panels * width * itemCount * 4) { memory in
      for panel in 0..<panels {
        let count = min(width, columns - panel * width)
        let first = unsafe isTransposed ? panel * width * right.stride : panel * width
        unsafe packRight(
          MatrixView(start: right.start + first, stride: right.stride), isTransposed: isTransposed,
          columns: count, steps: block.count, into: memory + panel * width * itemCount * 4)
      }
      let rowCount = unsafe left.rows
      for tile in 0..<(rowCount + Self.tileRows - 1) / Self.tileRows {
        let rows = min(Self.tileRows, rowCount - tile * Self.tileRows)
        let from = unsafe left.panel(tile, items(block.lowerBound), itemCount)
        for panel in 0..<panels {
          let count = min(width, columns - panel * width)
          let weights = unsafe memory + panel * width * itemCount * 4
          let y = unsafe result + tile * Self.tileRows * stride + panel * width
          let adds: Int32 = block.lowerBound > 0 ? 1 : 0
          switch precision {
          case .float32:
            unsafe ck_product_tile_f32(
              level, from.assumingMemoryBound(to: Float.self),
              weights.assumingMemoryBound(to: Float.self), itemCount, y, stride, rows, count, adds)
          case .bfloat16:
            unsafe ck_product_tile_bf16(
              level, from.assumingMemoryBound(to: UInt32.self),
              weights.assumingMemoryBound(to: UInt32.self), itemCount, y, stride, rows, count, adds)
          }
        }
      }
    }
  }
}

/// Rows of a left operand in panels: block by block of the steps, and in each all tiles of rows.
@unsafe struct PackedLeft {
  fileprivate let start: UnsafeMutableRawPointer
  let rows: Int

  /// Where the panel of a tile begins whose steps come after so many items and are so many.
  fileprivate func panel(_ tile: Int, _ first: Int, _ count: Int) -> UnsafeMutableRawPointer {
    let height = Int(CK_TILE_ROWS)
    let tiles = unsafe (rows + height - 1) / height
    return unsafe start + (first * tiles + tile * count) * height * 4
  }
}
