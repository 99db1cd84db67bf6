internal import CKernels

/// How a convolution of a picture is cut: into windows of tiles, each of which one thread computes, and these
/// into groups of panels. Nothing of it shows in the result.
struct ConvolutionPlan {
  let filter: PixelFilter
  let product: StripProduct
  let inChannels: Int
  let outChannels: Int
  /// Tiles of the picture.
  let tileRows: Int
  let tileColumns: Int
  /// Tiles of a window at most.
  let windowRows: Int
  let windowColumns: Int

  /// Tiles of a window: enough that little is read twice at its edges.
  private static let windowTiles = 384
  /// Tiles of a row of a window, of a picture that is large enough.
  private static let windowWidth = 32
  /// Floats of a window's pixels, which then stay in the second-level cache.
  private static let windowFloats = 1 << 19

  init(_ convolution: PixelConvolution, _ product: StripProduct, height: Int, width: Int) {
    filter = convolution.filter
    self.product = product
    (inChannels, outChannels) = (convolution.inChannels, convolution.outChannels)
    tileRows = filter.tileCount(height)
    tileColumns = filter.tileCount(width)
    let columns = max(Self.windowWidth, Self.windowTiles / max(tileRows, 1))
    windowColumns = evenPart(of: tileColumns, atMost: columns)
    let rowFloats = filter.pixelCount(tiles: windowColumns) * inChannels
    let fitting = (Self.windowFloats / max(rowFloats, 1) - filter.numbers) / filter.step + 1
    windowRows = evenPart(
      of: tileRows, atMost: max(1, min(fitting, Self.windowTiles / max(windowColumns, 1))))
  }

  /// Windows of the picture, row by row.
  var windowCount: Int { acrossCount * downCount }
  private var acrossCount: Int { (tileColumns + windowColumns - 1) / max(windowColumns, 1) }
  private var downCount: Int { (tileRows + windowRows - 1) / max(windowRows, 1) }

  /// The rows and columns of tiles of a window.
  func window(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, right) = (index / acrossCount * windowRows, index % acrossCount * windowColumns)
    return (
      down..<min(tileRows, down + windowRows), right..<min(tileColumns, right + windowColumns)
    )
  }

  /// Operations of the products, two for each multiplication with its addition.
  var operations: Int {
    2 * tileRows * tileColumns * filter.positions * inChannels * outChannels
  }

  /// Bytes of all weights, packed.
  var weightByteCount: Int { filter.positions * weightBytesOfPosition }
  /// Bytes of those of a position.
  var weightBytesOfPosition: Int {
    product.leftByteCount(rows: outChannels, steps: inChannels)
  }

  /// Bytes of a panel of tiles at one position.
  var panelByteCount: Int { product.rightByteCount(steps: inChannels) }
  /// Floats of its sums.
  var sumCount: Int { outChannels.roundedUp(to: product.tileRows) * StripProduct.tileColumns }

  /// Bytes that a thread borrows: a window's pixels, a panel of tiles and its sums, at all positions.
  var byteCountOfThread: Int { memory.byteCount }

  /// Where they begin.
  var memory: (pixels: Int, tiles: Int, sums: Int, byteCount: Int) {
    var plan = BufferPlan()
    let pixels =
      filter.pixelCount(tiles: windowRows) * filter.pixelCount(tiles: windowColumns) * inChannels
    return (
      plan.place(4 * (pixels + Int(CK_FILTER_SLACK))),
      plan.place(filter.positions * panelByteCount), plan.place(4 * filter.positions * sumCount),
      plan.byteCount
    )
  }
}

/// The size of parts that a count is cut into, as even as can be.
private func evenPart(of count: Int, atMost limit: Int) -> Int {
  let parts = max(1, (count + limit - 1) / limit)
  return max(1, (count + parts - 1) / parts)
}
