import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// What Pillow made of the pictures in `Tests/Fixtures/pictures`.
enum Recorded {
  static var folder: FilePath { Fixtures.folder.appending("pictures") }

  static func names() throws -> [String] { try file().tensors.map(\.name) }

  /// A file's picture, or a `resize/WxH` or `fit/WxH` of `resize.png`.
  static func picture(_ name: String) throws -> Picture {
    let tensor = try file().tensor(named: name)
    let pixels = (0..<tensor.byteCount).map { tensor.bytes.unsafeLoad($0) }
    return Picture(width: tensor.shape[1], height: tensor.shape[0], pixels: pixels)
  }

  private static func file() throws -> SafetensorsFile {
    try SafetensorsFile(opening: folder.appending("expected.safetensors"))
  }
}

extension RawSpan {
  fileprivate func unsafeLoad(_ offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
