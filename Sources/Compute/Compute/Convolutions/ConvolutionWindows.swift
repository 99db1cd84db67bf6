internal import CKernels
internal import Concurrency

/// The pixels of a picture, channels last and dense.
@unsafe package struct PixelView {
  /// The first channel of the first pixel.
  let start: UnsafePointer<Float>
  let height: Int
  let width: Int

  /// Pixels that begin here.
  package init(start: UnsafePointer<Float>, height: Int, width: Int) {
    unsafe self.start = start
    unsafe self.height = height
    unsafe self.width = width
  }
}

/// The loops of one convolution over windows, several at a time.
///
/// A window's pixels are prepared, with zeros around the picture, and turned into panels of tiles; these are
/// multiplied by the weights, and the sums are turned into pixels, all while they are in the cache.
@unsafe struct ConvolutionWindows {
  let plan: ConvolutionPlan
  let input: PixelView
  /// Prepares pixels: from, to, how many.
  let prepare: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  /// Packed.
  let weights: UnsafeRawPointer
  let bias: UnsafePointer<Float>
  let output: UnsafeMutablePointer<Float>
  /// Whether the result is added to what the output holds.
  let accumulates: Bool

  func run() {
    let plan = unsafe plan
    let memory = plan.memory
    Parallel.forEach(plan.windowCount, work: plan.operations) { index in
      let (rows, columns) = plan.window(index)
      unsafe Scratch.withBytes(memory.byteCount) { scratch in
        let pixels = unsafe (scratch + memory.pixels).assumingMemoryBound(to: Float.self)
        let tiles = unsafe scratch + memory.tiles
        let sums = unsafe (scratch + memory.sums).assumingMemoryBound(to: Float.self)
        unsafe fill(rows, columns, pixels)
        let count = rows.count * columns.count
        for first in stride(from: 0, to: count, by: StripProduct.tileColumns) {
          let panel = ck_filter_tiles(
            first: first, count: min(StripProduct.tileColumns, count - first),
            columns: columns.count)
          unsafe read(panel, pixels, into: tiles)
          unsafe multiply(tiles, into: sums)
          unsafe write(panel, sums, rows, columns)
        }
      }
    }
  }

  /// Prepares the pixels that a window reads, with zeros around the picture.
  private func fill(
    _ rows: Range<Int>, _ columns: Range<Int>, _ pixels: UnsafeMutablePointer<Float>
  ) {
    let (filter, channels) = unsafe (plan.filter, plan.inChannels)
    let (height, width) = unsafe (input.height, input.width)
    let count = filter.pixelCount(tiles: columns.count)
    let left = filter.step * columns.lowerBound - filter.lead
    let inside = max(0, left)..<max(0, min(width, left + count))
    for row in 0..<filter.pixelCount(tiles: rows.count) {
      let line = unsafe pixels + row * count * channels
      let y = filter.step * rows.lowerBound - filter.lead + row
      guard y >= 0, y < height else {
        unsafe line.update(repeating: 0, count: count * channels)
        continue
      }
      let before = (inside.lowerBound - left) * channels
      let used = inside.count * channels
      unsafe line.update(repeating: 0, count: before)
      unsafe prepare(
        input.start + (y * width + inside.lowerBound) * channels, line + before, inside.count)
      unsafe (line + before + used).update(repeating: 0, count: count * channels - before - used)
    }
    let end = unsafe pixels + filter.pixelCount(tiles: rows.count) * count * channels
    unsafe end.update(repeating: 0, count: Int(CK_FILTER_SLACK))
  }

  /// Turns pixels into a panel of tiles.
  private func read(
    _ panel: ck_filter_tiles, _ pixels: UnsafePointer<Float>, into tiles: UnsafeMutableRawPointer
  ) {
    let plan = unsafe plan
    unsafe ck_filter_input(
      plan.filter.kernels, pixels,
      plan.filter.pixelCount(tiles: panel.columns) * plan.inChannels, plan.inChannels, panel,
      StripProduct.tileColumns, plan.product.hasPairs ? 1 : 0,
      plan.product.rightItems(plan.inChannels),
      tiles.assumingMemoryBound(to: UInt32.self), plan.panelByteCount / 4)
  }

  private func multiply(
    _ tiles: UnsafeRawPointer, into sums: UnsafeMutablePointer<Float>
  ) {
    let plan = unsafe plan
    plan.product.begun {
      for position in 0..<plan.filter.positions {
        unsafe plan.product.multiply(
          weights + position * plan.weightBytesOfPosition, rows: plan.outChannels,
          by: tiles + position * plan.panelByteCount, steps: plan.inChannels, adding: false,
          into: sums + position * plan.sumCount)
      }
    }
  }

  /// Turns sums into pixels of the output.
  private func write(
    _ panel: ck_filter_tiles, _ sums: UnsafePointer<Float>, _ rows: Range<Int>,
    _ columns: Range<Int>
  ) {
    let plan = unsafe plan
    let (size, channels) = (plan.filter.tileSize, plan.outChannels)
    let height = unsafe plan.filter.outputSize(input.height)
    let width = unsafe plan.filter.outputSize(input.width)
    let (down, right) = (size * rows.lowerBound, size * columns.lowerBound)
    unsafe ck_filter_output(
      plan.filter.kernels, sums, plan.sumCount, StripProduct.tileColumns, channels, panel, bias,
      output + (down * width + right) * channels, width * channels, height - down, width - right,
      accumulates ? 1 : 0)
  }
}
