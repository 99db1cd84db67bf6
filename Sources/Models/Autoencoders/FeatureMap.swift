package import Compute
internal import Concurrency

/// Activations of a picture, `[height, width, channels]` in float32.
///
/// Has exactly one owner, so that its memory goes back to the system as soon as the layer that used
/// it is done, and a layer can write its result where its input was.
@safe package struct FeatureMap: ~Copyable {
  /// Rows of pixels.
  package private(set) var height: Int
  /// Pixels in a row.
  package let width: Int
  /// Values of a pixel.
  package private(set) var channels: Int
  private var pages: UnsafeMutableRawBufferPointer
  private var storage: UnsafeMutablePointer<Float> {
    guard let start = unsafe pages.baseAddress else { preconditionFailure("a map has memory") }
    return unsafe start.assumingMemoryBound(to: Float.self)
  }

  /// A map with unspecified contents.
  package init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    unsafe pages = Pages.allocate(byteCount: max(height * width * channels, 1) * 4)
  }

  deinit { unsafe Pages.deallocate(pages) }

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
    unsafe pages = Pages.shrink(pages, to: count * 4)
  }
}

extension FeatureMap {
  /// The map of a picture or a latent `[channels, height, width]`.
  package init(_ planes: Tensor) {
    precondition(planes.shape.count == 3, "planes must be [channels, height, width]")
    self.init(height: planes.shape[1], width: planes.shape[2], channels: planes.shape[0])
    let (area, channels) = (height * width, channels)
    let to = unsafe mutableStart
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
    let (area, channels) = (height * width, channels)
    let from = unsafe start
    return unsafe Tensor(shape: [channels, height, width]) { to in
      for channel in 0..<channels {
        for pixel in 0..<area {
          unsafe to[channel * area + pixel] = from[pixel * channels + channel]
        }
      }
    }
  }
}
