public import SystemPackage

/// The formats that are read.
public enum PictureFormat: String, Sendable {
  case png
  case jpeg
  case webp

  /// As people write it.
  public var name: String {
    switch self {
    case .png: "PNG"
    case .jpeg: "JPEG"
    case .webp: "WebP"
    }
  }

  /// What a file is by its first bytes; its name plays no part.
  init?(magic head: some Collection<UInt8>) {
    if head.starts(with: PNGChunks.signature) {
      self = .png
    } else if head.starts(with: [0xff, 0xd8, 0xff]) {
      self = .jpeg
    } else if head.starts(with: "RIFF".utf8), head.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }

  /// What a file is by its first bytes; nil for anything else, and for what can't be read.
  public init?(ofFile path: FilePath) {
    let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking]
    guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: options) else {
      return nil
    }
    defer { try? descriptor.close() }
    var head = [UInt8](repeating: 0, count: 12)
    let count = unsafe head.withUnsafeMutableBytes {
      (try? unsafe descriptor.read(fromAbsoluteOffset: 0, into: $0)) ?? 0
    }
    self.init(magic: head.prefix(count))
  }

  /// A name for the first bytes of a file that is no picture that is read.
  static func describe(foreign head: [UInt8]) -> String {
    if head.isEmpty { return "an empty file" }
    for (offset, magic, name) in foreignMagics
    where head.dropFirst(offset).starts(with: magic.utf8) {
      return name
    }
    if head.starts(with: [0xff, 0x0a]) { return "a JPEG XL picture" }
    return "an unknown format"
  }

  private static let foreignMagics: [(offset: Int, magic: String, name: String)] = [
    (0, "GIF8", "a GIF picture"),
    (0, "BM", "a BMP picture"),
    (0, "II*\0", "a TIFF picture"),
    (0, "MM\0*", "a TIFF picture"),
    (4, "ftypavi", "an AVIF picture"),
    (4, "ftyphei", "a HEIC picture"),
    (4, "ftypmif1", "a HEIF picture"),
    (4, "JXL ", "a JPEG XL picture"),
    (4, "jP  ", "a JPEG 2000 picture"),
    (0, "<svg", "an SVG drawing"),
    (0, "%PDF", "a PDF document"),
    (0, "version https://git-lfs", "a Git LFS pointer instead of the picture"),
    (0, "<!DOCTYPE", "a web page"),
    (0, "<html", "a web page"),
  ]
}
