internal import CKernels
internal import Concurrency
internal import Tensors

/// Packs and multiplies the operands of a product with a weight: panels of some rows and of some columns, for
/// 512 steps of the reduction at a time. Every element of a result is one sum over the steps of a block, and
/// those sums are added in the order of the blocks: the bits depend on the operands, the form of their panels
/// and the level of the processor.
struct PackedProduct {
  /// How operands lie in panels.
  let form: PanelForm
  private let level: ck_product_level

  /// Steps whose products are summed at a time.
  static let blockLength = 512
  /// Columns of the result that one thread takes, whose weights then stay in the second-level cache.
  static let columnsTogether = 192
  /// Bytes that the left operand may take, packed; more rows are taken one part after the other.
  private static let leftByteCount = 16 << 20

  init(_ products: ProductSettings, for weight: StoredWeight) {
    form = PanelForm(products, for: weight)
    level = products.level.kernels
  }

  /// The blocks of a reduction.
  static func blocks(_ count: Int) -> [Range<Int>] {
    Array((0..<count).portions(of: blockLength))
  }

  /// Rows of a left operand of so many steps that are packed at a time.
  func rowsTogether(steps: Int) -> Int {
    let rows = Self.leftByteCount / (4 * max(1, form.leftItems(steps)))
    return max(256, rows / form.tileRows * form.tileRows)
  }

  /// Columns of the result that a thread takes of a weight whose bytes are at hand: backwards whole groups,
  /// where elements along a row can only be had together, more than fits the cache well.
  func columnsTogether(_ w: Weight, isTransposed: Bool) -> Int {
    !isTransposed && w.stored.groupLength > 1 ? 256 : Self.columnsTogether
  }

  /// Bytes that a thread needs beside the left operand: a block of weights, packed and perhaps widened before.
  ///
  /// - Parameters:
  ///   - steps: of the reduction.
  ///   - columns: of the result, as many as a thread takes.
  ///   - isPackable: whether weights are packed from where they are.
  /// - Returns: bytes.
  func scratchOfThread(steps: Int, columns: Int, isPackable: Bool) -> Int {
    let steps = min(steps, Self.blockLength)
    return (isPackable ? 0 : 4 * steps * columns)
      + panels(columns, of: form.tileColumns) * form.rightByteCount(steps: steps)
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
    let height = form.tileRows
    let blocks = Self.blocks(steps)
    unsafe Scratch.withBytes(form.leftByteCount(rows: rows, steps: steps)) { memory in
      let left = unsafe PackedLeft(start: memory, rows: rows, height: height)
      Parallel.forEach(panels(rows, of: height), work: 2 * rows * steps) { tile in
        let first = tile * height
        for block in blocks {
          unsafe form.packLeft(
            MatrixView(start: x + first * steps + block.lowerBound, stride: steps),
            rows: min(height, rows - first), steps: block.count,
            into: left.panel(tile, form.leftItems(block.lowerBound), form.leftItems(block.count)))
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
    _ left: PackedLeft, _ block: Range<Int>, by right: WeightBlock, isTransposed: Bool,
    columns: Int, into result: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let (height, width) = (form.tileRows, form.tileColumns)
    let panelSize = form.rightByteCount(steps: block.count)
    let panelCount = panels(columns, of: width)
    unsafe Scratch.withBytes(panelCount * panelSize) { memory in
      for panel in 0..<panelCount {
        let first = panel * width
        unsafe form.packRight(
          right.from(row: isTransposed ? first : 0, column: isTransposed ? 0 : first),
          isTransposed: isTransposed, columns: min(width, columns - first), steps: block.count,
          into: memory + panel * panelSize)
      }
      // From its beginning to its end this work stays on its thread, and nothing runs but kernels.
      if form.isTiled { ck_product_begin(level) }
      defer { if form.isTiled { ck_product_end(level) } }
      let (begin, itemCount) = (form.leftItems(block.lowerBound), form.leftItems(block.count))
      let rowCount = unsafe left.rows
      let tileCount = panels(rowCount, of: height)
      for first in Swift.stride(from: 0, to: tileCount, by: form.tilesTogether) {
        for panel in 0..<panelCount {
          for tile in first..<min(tileCount, first + form.tilesTogether) {
            let place = unsafe ResultTile(
              start: result + tile * height * stride + panel * width, stride: stride,
              rows: min(height, rowCount - tile * height),
              columns: min(width, columns - panel * width))
            unsafe form.multiply(
              level, left.panel(tile, begin, itemCount), memory + panel * panelSize,
              steps: block.count, into: place, adds: block.lowerBound > 0)
          }
        }
      }
    }
  }
}

/// Panels that so many rows or columns fill, of so many each.
private func panels(_ count: Int, of size: Int) -> Int { (count + size - 1) / size }

/// Rows of a left operand in panels: block by block of the steps, and in each all tiles of rows.
@unsafe struct PackedLeft {
  fileprivate let start: UnsafeMutableRawPointer
  let rows: Int
  /// Rows of a panel.
  fileprivate let height: Int

  /// Where the panel of a tile begins whose steps come after so many items and are so many.
  fileprivate func panel(_ tile: Int, _ first: Int, _ count: Int) -> UnsafeMutableRawPointer {
    unsafe start + (first * panels(rows, of: height) + tile * count) * height * 4
  }
}
