internal import CKernels
internal import Concurrency
internal import Tensors

/// Packs and multiplies the operands of a product with a weight: panels of some rows and of some columns, for
/// 512 steps of the reduction at a time. Every element of a result is one sum over the steps of a block, and
/// those sums are added in the order of the blocks, or in tiles of AMX one sum over all steps: the bits depend on
/// the operands, the form of their panels and the level of the processor.
struct PackedProduct {
  /// How operands lie in panels.
  let form: PanelForm
  private let level: ck_product_level

  /// Steps whose products are summed at a time.
  static let blockLength = 512
  /// Rows of the result whose tiles of sums one thread keeps until all steps are done.
  private static let tiledRowsTogether = 768
  /// Bytes that the left operand may take, packed; more rows are taken one part after the other, and weights are
  /// packed again for each: of 256 rows that is a tenth of the time. Tiles read theirs from the second-level cache.
  private var leftByteCount: Int { form.isTiled ? 16 << 20 : 48 << 20 }

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
    let rows = leftByteCount / (4 * max(1, form.leftItems(steps)))
    return max(256, rows / form.tileRows * form.tileRows)
  }

  /// Columns of the result that one thread takes of so many: as many as have their weights in the second-level
  /// cache, or fewer where many threads share them. Each reads the whole left operand for its columns: the larger
  /// that is, the more it is worth to have many.
  func columnsTogether(of count: Int) -> Int {
    let most =
      switch form {
      case .floats, .roundedFloats, .pairs: 192
      case .terms(let count): count == 1 ? 256 : 384
      }
    // Beyond the second-level cache a thread is given some 10 bytes a cycle: while a float comes vectors multiply and
    // add 11 others (13 at best), and tiles some 51 (102 at best) while one of their numbers does.
    return count.portionLength(
      atMost: most, step: form.tileColumns, overhead: form.isTiled ? 51 : 11,
      among: Parallel.threadCount)
  }

  /// Columns of the result that a thread takes of a weight whose bytes are at hand: backwards whole groups,
  /// where elements along a row can only be had together, more than fits the cache well.
  func columnsTogether(_ w: Weight, isTransposed: Bool) -> Int {
    guard isTransposed || w.stored.groupLength == 1 else { return 256 }
    return columnsTogether(of: isTransposed ? w.rows : w.columns)
  }

  /// Bytes that a thread needs beside the left operand: a block of weights, packed and perhaps widened before,
  /// and tiles of sums.
  ///
  /// - Parameters:
  ///   - rows: of the left operand.
  ///   - steps: of the reduction.
  ///   - columns: of the result, as many as a thread takes.
  ///   - isPackable: whether weights are packed from where they are.
  /// - Returns: bytes.
  func scratchOfThread(rows: Int, steps: Int, columns: Int, isPackable: Bool) -> Int {
    let steps = min(steps, Self.blockLength)
    return (isPackable ? 0 : 4 * steps * columns)
      + panels(columns, of: form.tileColumns) * form.rightByteCount(steps: steps)
      + (form.isTiled ? tilesByteCount(rows: min(rows, Self.tiledRowsTogether), columns) : 0)
  }

  private func tilesByteCount(rows: Int, _ columns: Int) -> Int {
    4 * rows.roundedUp(to: form.tileRows) * columns.roundedUp(to: form.tileColumns)
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

  /// Runs the body with where sums of columns of the result gather, for some rows after the others: all of
  /// them, or as many as tiles are kept of.
  ///
  /// - Parameters:
  ///   - left: the left operand.
  ///   - columns: how many columns, those of one thread.
  ///   - result: the first of the columns in the first row.
  ///   - stride: floats from one row of the result to the next.
  ///   - adds: whether the result has sums of earlier steps.
  ///   - body: what adds products, by ``multiply(_:_:by:isTransposed:into:)``, of all steps that are left.
  func withSums(
    of left: PackedLeft, columns: Int, into result: UnsafeMutablePointer<Float>, stride: Int,
    adding adds: Bool = false, _ body: (ColumnSums) -> Void
  ) {
    let (height, width) = (form.tileRows, form.tileColumns)
    guard form.isTiled else {
      return unsafe body(
        ColumnSums(
          rows: 0..<left.rows, columns: columns, start: result, tile: height * stride,
          panel: width, row: stride))
    }
    for rows in unsafe (0..<left.rows).portions(of: Self.tiledRowsTogether) {
      unsafe Scratch.withBytes(tilesByteCount(rows: rows.count, columns)) { memory in
        let tiles = unsafe memory.assumingMemoryBound(to: Float.self)
        let place = unsafe result + rows.lowerBound * stride
        if adds { unsafe ck_tiles_of_rows(place, stride, rows.count, columns, tiles) }
        unsafe body(
          ColumnSums(
            rows: rows, columns: columns, start: tiles,
            tile: height * columns.roundedUp(to: width), panel: height * width, row: width))
        unsafe ck_rows_of_tiles(tiles, rows.count, columns, place, stride)
      }
    }
  }

  /// Adds the products of a block of steps to columns of the result, on the calling thread.
  ///
  /// - Parameters:
  ///   - left: the left operand.
  ///   - block: which of its steps; those from 0 on begin the sums.
  ///   - right: the weights: `[columns, steps]` where they are transposed, else `[steps, columns]`.
  ///   - isTransposed: which.
  ///   - sums: where to.
  func multiply(
    _ left: PackedLeft, _ block: Range<Int>, by right: WeightBlock, isTransposed: Bool,
    into sums: ColumnSums
  ) {
    let (height, width) = (form.tileRows, form.tileColumns)
    let (rows, columns) = unsafe (sums.rows, sums.columns)
    let panelSize = form.rightByteCount(steps: block.count)
    let panelCount = panels(columns, of: width)
    unsafe Scratch.withBytes(panelCount * panelSize) { memory in
      unsafe form.packRight(
        right, isTransposed: isTransposed, columns: columns, steps: block.count, into: memory)
      // From its beginning to its end this work stays on its thread, and nothing runs but kernels.
      if form.isTiled { ck_product_begin(level) }
      defer { if form.isTiled { ck_product_end(level) } }
      let (begin, itemCount) = (form.leftItems(block.lowerBound), form.leftItems(block.count))
      let tiles = rows.lowerBound / height..<panels(rows.upperBound, of: height)
      for first in Swift.stride(
        from: tiles.lowerBound, to: tiles.upperBound, by: form.tilesTogether)
      {
        for panel in 0..<panelCount {
          for tile in first..<min(tiles.upperBound, first + form.tilesTogether) {
            let place = unsafe ResultTile(
              start: sums.start + (tile - tiles.lowerBound) * sums.tile + panel * sums.panel,
              stride: sums.row,
              rows: min(height, rows.upperBound - tile * height),
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

/// Where sums of columns of a result gather.
@unsafe struct ColumnSums {
  /// Rows of the result.
  let rows: Range<Int>
  /// How many columns.
  let columns: Int
  /// The first of the columns in the first row.
  fileprivate let start: UnsafeMutablePointer<Float>
  /// Floats from one tile to the one below it, to that of the next panel of columns, and from one row of a tile
  /// to the next.
  fileprivate let tile, panel, row: Int
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
