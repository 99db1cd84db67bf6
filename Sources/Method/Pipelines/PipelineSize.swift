internal import Checkpoints
internal import SystemPackage

/// The size of pictures that a model is made for, in pixels.
public struct PipelineSize: Sendable, Equatable {
  /// Pixels in a row, a multiple of 16.
  public let width: Int
  /// Rows, a multiple of 16.
  public let height: Int

  /// The most pixels of a picture.
  private static let pixelLimit = 100_000_000

  /// A size whose sides are multiples of 16, of at most 100 million pixels; nil for any other.
  public init?(width: Int, height: Int) {
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, width.isMultiple(of: 16), height.isMultiple(of: 16), !overflow,
      pixels <= Self.pixelLimit
    else { return nil }
    (self.width, self.height) = (width, height)
  }

  /// Reads `WIDTHxHEIGHT`; nil for anything that is no possible size.
  public init?(_ text: String) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
    self.init(width: width, height: height)
  }
}

extension DiffusionPipeline {
  /// The size that the model is made for: what its index says, else what its family is.
  ///
  /// - Throws: ``CheckpointError/badValue(file:key:expected:found:)``.
  public var usualSize: PipelineSize {
    get throws {
      guard let stated = folder.imageSize else { return defaults.sampling.size }
      guard let size = PipelineSize(stated) else {
        throw CheckpointError.badValue(
          file: folder.path.appending(folder.indexName), key: PipelineFolder.imageSizeKey,
          expected: "WIDTHxHEIGHT in multiples of 16", found: "'\(stated)'")
      }
      return size
    }
  }
}
