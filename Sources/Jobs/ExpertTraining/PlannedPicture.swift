internal import Pictures
public import SystemPackage

/// A picture as training sees it: scaled to cover the training size, its middle cut out.
public struct PlannedPicture: Sendable, Equatable {
  /// The file.
  public let file: FilePath
  /// Pixels in an upright row.
  public let width: Int
  /// Upright rows.
  public let height: Int
  /// Share of the picture that is cut away, 0 to 1.
  public let cutShare: Double

  /// Sides from which on a picture has something to learn from.
  private static let smallSide = 32
  /// Shares from which on a cut is worth a word.
  private static let largeCut = 0.2

  /// A picture of a file, seen upright.
  init(_ picture: PictureFile, trainedAt size: (width: Int, height: Int)) {
    file = picture.path
    (width, height) = picture.uprightSize
    let shape = Double(width) / Double(height)
    let target = Double(size.width) / Double(size.height)
    cutShare = 1 - min(shape / target, target / shape)
  }

  /// Its name.
  public var name: String { file.lastComponent?.string ?? file.string }

  /// What a person may not expect of it.
  ///
  /// - Parameters:
  ///   - size: the size to train at.
  ///   - isAsked: whether a person chose that.
  /// - Returns: a line each.
  func warnings(trainedAt size: (width: Int, height: Int), isAsked: Bool) -> [String] {
    var warnings: [String] = []
    if min(width, height) < Self.smallSide {
      warnings.append(
        "\(file): \(width)x\(height) pixels are enlarged to \(size.width)x\(size.height), and teach "
          + "nothing but blur")
    }
    if cutShare > Self.largeCut {
      warnings.append(
        "\(file): of \(width)x\(height) pixels \(Int((cutShare * 100).rounded())) % are cut away for "
          + "\(size.width)x\(size.height)" + (isAsked ? "" : "; --resolution sets another shape"))
    }
    return warnings
  }
}

extension PictureFile {
  /// Width and height when it stands upright: EXIF orientations from 5 on are quarter turns.
  var uprightSize: (width: Int, height: Int) {
    orientation.rawValue >= 5 ? (height, width) : (width, height)
  }
}
