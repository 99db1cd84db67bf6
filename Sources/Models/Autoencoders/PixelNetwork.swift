internal import Compute

/// A step of an encoder or a decoder.
enum PixelLayer: Sendable {
  /// A convolution, of the input or of silu(norm(input)).
  case convolution(Convolution, after: Normalization? = nil)
  case residual(ResidualBlock)
  case attention(PixelAttention)

  func callAsFunction(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    switch self {
    case .convolution(let convolution, let norm): return convolution(x, after: norm, on: engine)
    case .residual(let block): return block(x, on: engine)
    case .attention(let block): return block(x, on: engine)
    }
  }

  /// Whether an output pixel depends on a fixed neighbourhood of input pixels only.
  var isLocal: Bool {
    switch self {
    case .convolution(_, let norm): norm?.isLocal ?? true
    case .residual(let block): block.isLocal
    case .attention: false
    }
  }

  /// Height of the output for a height of the input; widths go the same way.
  func outputSize(_ size: Int) -> Int {
    guard case .convolution(let convolution, _) = self else { return size }
    return convolution.filter.outputSize(size)
  }

  /// Channels of the output.
  func outputChannels(_ channels: Int) -> Int {
    switch self {
    case .convolution(let convolution, _): convolution.outChannels
    case .residual(let block): block.conv2.outChannels
    case .attention: channels
    }
  }

  /// Rows of an input of some height that rows of the output depend on; for local layers.
  func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
    switch self {
    case .convolution(let convolution, _):
      convolution.filter.inputRows(for: rows, height: height)
    // From where the tiles of the whole input begin too.
    case .residual: max(0, rows.lowerBound - 2) / 2 * 2..<min(height, rows.upperBound + 2)
    case .attention: 0..<height
    }
  }
}

/// An encoder or a decoder: layers one after the other.
///
/// On the host, where its high-resolution layers are all local, they run over bands of rows, each from the rows
/// that it depends on: the same values as without bands, in memory that is not a multiple of the
/// picture's. See ``bandedLayers``.
struct PixelNetwork: Sendable {
  let layers: [PixelLayer]
  /// The layers at half the picture's resolution and above, with the steps to and from it, when all
  /// of them are local; else empty.
  let bandedLayers: Range<Int>
  /// Pixels of the picture in a band, at most and without what neighbours need.
  let bandPixels: Int

  init(_ layers: [PixelLayer], bandPixels: Int = 1 << 19) {
    self.layers = layers
    self.bandPixels = bandPixels
    bandedLayers = Self.localRun(layers)
  }

  func callAsFunction(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    var x = x
    var index = 0
    while index < layers.count {
      if case .host = engine, index == bandedLayers.lowerBound, let rows = bandHeight(of: x) {
        x = inBands(x, rows: rows, on: engine)
        index = bandedLayers.upperBound
      } else {
        x = layers[index](x, on: engine)
        index += 1
      }
    }
    return x
  }

  /// Layers whose input or output has at least half of the finest resolution.
  private static func localRun(_ layers: [PixelLayer]) -> Range<Int> {
    // Sizes relative to the input, which stands for any picture or latent.
    var sizes = [1 << 20]
    for layer in layers { sizes.append(layer.outputSize(sizes[sizes.count - 1])) }
    let half = (sizes.max() ?? 0) / 2
    let fine = layers.indices.filter { max(sizes[$0], sizes[$0 + 1]) >= half }
    guard let first = fine.first, let last = fine.last, layers[first...last].allSatisfy(\.isLocal)
    else { return 0..<0 }
    return first..<last + 1
  }
}
