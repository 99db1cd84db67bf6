internal import Checkpoints
internal import Elements
internal import Files
internal import GGUF
internal import SystemPackage
public import Tensors

/// How the tensors of files are stored that hold them in another form than they are given.
extension Inspected {
  /// Bytes of all files with tensors, of one that several experts share once.
  public var storedByteCount: Int {
    var seen: Set<FileIdentity> = []
    return files.reduce(0) { sum, file in
      if let identity = FileIdentity(of: file), !seen.insert(identity).inserted { return sum }
      return sum + (file.byteCount ?? 0)
    }
  }

  /// All files with tensors.
  private var files: [FilePath] { source?.files ?? parts.flatMap(\.files) }

  /// The types of a GGUF file's tensors, with how many have each and their bytes, the one with most
  /// bytes first; none for other files.
  public var blockTypes: [(name: String, count: Int, byteCount: Int)] {
    guard let source, source.container == .gguf else { return [] }
    var types: [(name: String, count: Int, byteCount: Int)] = []
    for tensor in source.tensors {
      guard let place = StoredPlace(of: tensor) else { continue }
      let known = types.firstIndex { $0.name == place.type }
      if known == nil { types.append((place.type, 0, 0)) }
      let position = known ?? types.count - 1
      types[position].count += 1
      types[position].byteCount += place.byteCount
    }
    return types.sorted { ($1.byteCount, $0.name) < ($0.byteCount, $1.name) }
  }

  /// What a GGUF file says of all its types together, in words: `Q4_K_M`; nil when it says nothing, or
  /// nothing that is known.
  public var fileType: String? {
    guard let source, source.container == .gguf else { return nil }
    let said = source.metadata["general.file_type"]
    return said.flatMap { Int($0) }.flatMap(GGUFFile.fileTypeName)
  }

  /// The checkpoint's description; nil for anything else.
  var description: CheckpointDescription? {
    if case .checkpoint(let description) = subject { description } else { nil }
  }
}

/// How and where a file holds a tensor.
public struct StoredPlace: Sendable, Equatable {
  /// The type in the container's own words: `BF16`, `Q8_0`.
  public let type: String
  /// Its bytes in the file.
  public let byteCount: Int
  /// Where they begin in the file.
  public let offset: Int

  /// The place of a tensor; nil for one that no file holds by itself, such as a compressed one.
  public init?(of tensor: TensorView) {
    if let blocks = tensor.blocks, let offset = blocks.codes.fileOffset {
      type = blocks.type.name
      byteCount = blocks.codes.byteCount
      self.offset = offset
    } else if let offset = tensor.fileOffset {
      type = tensor.dtype.rawValue
      byteCount = tensor.byteCount
      self.offset = offset
    } else {
      return nil
    }
  }
}
