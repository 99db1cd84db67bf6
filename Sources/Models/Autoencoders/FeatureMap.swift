package import Compute
internal import Concurrency

/// Activations of a picture, `[height, width, channels]` in float32.
///
/// Has exactly one owner, so that its memory goes back to the system as soon as the layer that used
/// it is done, and a layer can write its result where its input was. Where another engine than the host's computes, it
/// is a tensor of that engine's.
@safe package struct FeatureMap: ~Copyable {
  /// Rows of pixels.
  package private(set) var height: Int
  /// Pixels in a row.
  package let width: Int
  /// Values of a pixel.
  package private(set) var channels: Int
  private var content: Content

  /// Where elements are.
  private enum Content {
    /// In memory that a layer may write over.
    case pages(UnsafeMutableRawBufferPointer)
    /// In a tensor `[height · width, channels]`.
    case tensor(Tensor)
  }

  private var pages: UnsafeMutableRawBufferPointer {
    guard case .pages(let pages) = unsafe content else {
      preconditionFailure("a map in the host's memory")
    }
    return unsafe pages
  }
  private var storage: UnsafeMutablePointer<Float> {
    guard let start = unsafe pages.baseAddress else { preconditionFailure("a map has memory") }
    return unsafe start.assumingMemoryBound(to: Float.self)
  }

  /// A map with unspecified contents.
  package init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    unsafe content = .pages(
      Pages.allocate(byteCount: max(height * width * channels, 1) * 4))
  }

  /// The map of a tensor `[height · width, channels]`.
  init(height: Int, width: Int, _ tensor: Tensor) {
    precondition(tensor.rows == height * width, "there must be a row for every pixel")
    self.height = height
    self.width = width
    channels = tensor.columns
    unsafe content = .tensor(tensor)
  }

  deinit {
    if case .pages(let pages) = unsafe content { unsafe Pages.deallocate(pages) }
  }

  /// Whether it is a tensor.
  var isTensor: Bool {
    if case .tensor = unsafe content { true } else { false }
  }

  /// The tensor that it is.
  var tensor: Tensor {
    guard case .tensor(let tensor) = unsafe content else {
      preconditionFailure("a map of another engine's")
    }
    return tensor
  }

  /// Has other elements, of the same shape.
  mutating func replace(with tensor: Tensor) { unsafe content = .tensor(tensor) }

  /// Number of elements.
  package var count: Int { height * width * channels }

  /// The first element of the first pixel, while the map lives.
  var start: UnsafePointer<Float> { unsafe UnsafePointer(storage) }
  /// The same, for writing.
  var mutableStart: UnsafeMutablePointer<Float> {
    mutating get { unsafe storage }
  }

  /// Some rows, copied.
  func copy(ofRows rows: Range<Int>) -> FeatureMap {
    let copy = FeatureMap(height: rows.count, width: width, channels: channels)
    unsafe copy.storage.update(
      from: storage + rows.lowerBound * width * channels, count: copy.count)
    return copy
  }

  /// Writes all rows of another map from a row of this one on.
  mutating func replaceRows(from row: Int, with rows: borrowing FeatureMap) {
    precondition(rows.width == width && rows.channels == channels && row + rows.height <= height)
    unsafe (storage + row * width * channels).update(from: rows.storage, count: rows.count)
  }

  /// Drops all rows but some, and gives the others' memory back.
  mutating func keepRows(_ rows: Range<Int>) {
    guard rows != 0..<height else { return }
    precondition(rows.upperBound <= height, "rows must exist")
    let size = width * channels
    unsafe storage.update(from: storage + rows.lowerBound * size, count: rows.count * size)
    height = rows.count
    shrink()
  }

  /// Declares that pixels now have fewer channels and lie densely at the start, and gives the rest
  /// of the memory back.
  mutating func keepChannels(_ count: Int) {
    precondition(count <= channels, "channels can only become fewer")
    channels = count
    shrink()
  }

  private mutating func shrink() {
    unsafe content = .pages(Pages.shrink(pages, to: count * 4))
  }
}

extension FeatureMap {
  /// The map of a picture or a latent `[channels, height, width]`.
  package init(_ planes: Tensor) { self.init(planes, on: .host(.ofAutoencoders)) }

  /// The same, where an engine computes with it.
  init(_ planes: Tensor, on engine: PixelEngine) {
    precondition(planes.shape.count == 3, "planes must be [channels, height, width]")
    let (channels, height, width) = (planes.shape[0], planes.shape[1], planes.shape[2])
    switch engine {
    case .host:
      self.init(height: height, width: width, channels: channels)
      unsafe Self.interleave(planes, into: mutableStart)
    case .tensors:
      self.init(
        height: height, width: width,
        unsafe Tensor(shape: [height * width, channels]) { to in
          guard let to = to.baseAddress else { return }
          unsafe Self.interleave(planes, into: to)
        })
    }
  }

  private static func interleave(_ planes: Tensor, into to: UnsafeMutablePointer<Float>) {
    let (channels, area) = (planes.shape[0], planes.shape[1] * planes.shape[2])
    unsafe planes.withFloats { from in
      for channel in 0..<channels {
        for pixel in 0..<area {
          unsafe to[pixel * channels + channel] = from[channel * area + pixel]
        }
      }
    }
  }

  /// The same values as `[channels, height, width]`.
  package var planes: Tensor {
    let shape = [channels, height, width]
    guard isTensor else { return unsafe Self.planes(start, shape) }
    return unsafe tensor.withFloats { pixels in
      guard let start = pixels.baseAddress else { return Tensor(shape: shape, []) }
      return unsafe Self.planes(start, shape)
    }
  }

  private static func planes(_ from: UnsafePointer<Float>, _ shape: [Int]) -> Tensor {
    let (channels, area) = (shape[0], shape[1] * shape[2])
    return unsafe Tensor(shape: shape) { to in
      for channel in 0..<channels {
        for pixel in 0..<area {
          unsafe to[channel * area + pixel] = from[pixel * channels + channel]
        }
      }
    }
  }
}
