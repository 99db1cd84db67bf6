internal import CKernels

/// Products at the positions of tiles: weights are panels of the left operand, and a panel of the right one
/// holds channels of as many tiles as it has columns.
struct FilterProduct {
  /// How operands lie in panels.
  let form: PanelForm
  private let level: ck_product_level

  /// Weights that are turned into numbers are no bfloat16 numbers any more: AMX takes them where all is
  /// rounded.
  init(_ products: ProductSettings) {
    let hasTiles = products.level == .amx || products.level == .emulatedAMX
    form =
      hasTiles && products.precision == .bfloat16 ? .terms(1) : PanelForm(products.precision)
    level = products.level.kernels
  }

  /// Tiles of a panel.
  var width: Int { form.tileColumns }

  /// Rows of sums for so many channels.
  func sumRows(_ channels: Int) -> Int { channels.roundedUp(to: form.tileRows) }

  /// Packs rows of weights, which are those of one panel.
  func packWeights(
    _ weights: UnsafePointer<Float>, rows: Int, channels: Int, into panel: UnsafeMutableRawPointer
  ) {
    unsafe form.packLeft(
      MatrixView(start: weights, stride: channels), rows: rows, steps: channels, into: panel)
  }

  /// Runs the body between whose beginning and end nothing but ``multiply(_:panels:by:channels:into:)`` may
  /// run on the thread.
  func multiplying(_ body: () -> Void) {
    if form.isTiled { ck_product_begin(level) }
    defer { if form.isTiled { ck_product_end(level) } }
    body()
  }

  /// The sums over channels.
  ///
  /// - Parameters:
  ///   - weights: panels that follow each other.
  ///   - panels: how many.
  ///   - tiles: a panel of tiles.
  ///   - channels: what the sums are over.
  ///   - sums: `[rows, width]`, of all rows of the panels.
  func multiply(
    _ weights: UnsafeRawPointer, panels: Int, by tiles: UnsafeRawPointer, channels: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    switch form {
    case .floats:
      unsafe ck_product_strip_f32(
        level, weights.assumingMemoryBound(to: Float.self), panels,
        tiles.assumingMemoryBound(to: Float.self), channels, sums, 0)
    case .pairs:
      unsafe ck_product_strip_bf16(
        level, weights.assumingMemoryBound(to: UInt32.self), panels,
        tiles.assumingMemoryBound(to: UInt32.self), form.rightItems(channels), sums, 0)
    case .terms:
      let (rows, width) = (form.tileRows, form.tileColumns)
      for panel in 0..<panels {
        unsafe form.multiply(
          level, weights + form.leftByteCount(rows: panel * rows, steps: channels), tiles,
          steps: channels,
          into: ResultTile(
            start: sums + panel * rows * width, stride: width, rows: rows, columns: width),
          adds: false)
      }
    }
  }
}
