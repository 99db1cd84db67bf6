internal import GGUF
internal import Safetensors
internal import SystemPackage

/// How the tensors of files are stored that hold them in another form than they are given.
extension Inspection {
  /// Bytes of all files.
  public var storedByteCount: Int {
    (source?.files ?? []).reduce(0) { sum, file in
      let descriptor = try? FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      defer { try? descriptor?.close() }
      return sum + Int((try? descriptor?.seek(offset: 0, from: .end)) ?? 0)
    }
  }

  /// The types of a GGUF file's tensors and how many have each, in the order of the file; none for
  /// other files.
  public var blockTypes: [(name: String, count: Int)] {
    guard let source, source.container == "gguf" else { return [] }
    var types: [(name: String, count: Int)] = []
    for tensor in source.files.flatMap({ (try? GGUFFile(opening: $0))?.tensors ?? [] }) {
      if let known = types.firstIndex(where: { $0.name == tensor.type.name }) {
        types[known].count += 1
      } else {
        types.append((tensor.type.name, 1))
      }
    }
    return types
  }
}
