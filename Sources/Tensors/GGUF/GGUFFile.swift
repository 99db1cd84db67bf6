public import SystemPackage
public import Tensors
internal import Text

/// A GGUF file opened for reading: version 2 or 3, little-endian.
public struct GGUFFile: Sendable {
  /// The keys that hold the shape of a tensor before it was reshaped begin with this.
  ///
  /// Source: city96/ComfyUI-GGUF, `tools/convert.py`, `handle_tensors`.
  static let originalShapePrefix = "comfy.gguf.orig_shape."

  /// Where the file is.
  public let path: FilePath
  /// Size of the whole file.
  public let byteCount: Int
  /// The version of the format: 2 or 3.
  public let version: Int
  /// What every tensor's offset is a multiple of.
  public let alignment: Int
  /// The metadata, in the order of the file.
  public let values: [(key: String, value: GGUFValue)]
  /// In the order of the file.
  public let tensors: [GGUFEntry]
  /// Where the tensors' data begin.
  public let dataStart: Int
  /// What is odd and yet clear enough to read the file; one sentence each.
  public let problems: [String]

  /// All bytes of the file.
  let bytes: TensorView

  /// Opens a file and checks its header against the format and the file's size; reads no tensor
  /// data. A header may have 50 MB.
  ///
  /// - Throws: ``GGUFError/file(_:)`` or ``GGUFError/malformed(file:fault:)``.
  public init(opening path: FilePath) throws {
    let bytes = try mapFile(path)
    let header: GGUFHeader
    do { header = try GGUFHeader(parsing: bytes.bytes, fileByteCount: bytes.byteCount) } catch {
      throw GGUFError.malformed(file: path, fault: error)
    }
    self.path = path
    self.bytes = bytes
    byteCount = bytes.byteCount
    version = Int(header.version)
    alignment = header.alignment
    values = header.metadata
    tensors = header.tensors
    dataStart = header.dataStart
    let trailing = header.trailingByteCount
    problems = trailing > 0 ? ["\(trailing) bytes follow the last tensor"] : []
  }

  /// Checks the header of a file that is in memory: for fuzzers, which have no disk.
  ///
  /// - Parameter bytes: the whole file.
  /// - Throws: ``GGUFFault``.
  public static func check(_ bytes: RawSpan) throws(GGUFFault) {
    _ = try GGUFHeader(parsing: bytes, fileByteCount: bytes.byteCount)
  }

  /// The metadata as texts; long arrays are cut.
  public var metadata: Metadata {
    values.reduce(into: []) { $0.append(($1.key, $1.value.description)) }
  }

  /// The value of a key, or nil.
  public func value(of key: String) -> GGUFValue? {
    values.first { $0.key.sameBytes(as: key) }?.value
  }

  /// `general.architecture`: `flux`, `qwen_image`, …; nil when the file doesn't say.
  public var architecture: String? { value(of: "general.architecture")?.string }
}
