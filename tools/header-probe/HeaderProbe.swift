import Elements
import Glibc
import MemoryFiles
import Safetensors
import SystemPackage
import Tensors

/// Reads safetensors files from standard input and says of each what it holds or why it is refused;
/// `tools/compare-with-safetensors` holds the answers against the official reader's.
///
/// All numbers are little-endian, lengths and counts 32 bits wide. A batch is a count and as many
/// files, each after its length. An answer is a byte, 1 for an accepted file, and a text after its
/// length: the reason of a refusal, or the content as ``content(of:)`` writes it.
@main
enum HeaderProbe {
  static func main() throws {
    while let count = try Input.number() {
      let files = try (0..<count).map { _ in try Input.bytes(try Input.number() ?? 0) }
      var answers: [UInt8] = []
      for file in files { answer(file, into: &answers) }
      _ = try FileDescriptor.standardOutput.writeAll(answers)
    }
  }

  private static func answer(_ bytes: [UInt8], into answers: inout [UInt8]) {
    let path = MemoryFile.path(holding: unsafe bytes.span.bytes)
    let text: [UInt8]
    do {
      text = content(of: try SafetensorsFile(opening: path))
      answers.append(1)
    } catch {
      text = Array("\(error)".utf8)
      answers.append(0)
    }
    answers.append(text.count, size: 4)
    answers += text
  }

  /// Count of tensors; for each its name, dtype, shape (rank, then 64-bit sizes), and where its bytes
  /// begin and end in the file (64 bits); count of metadata; for each its key and its value.
  private static func content(of file: SafetensorsFile) -> [UInt8] {
    var text: [UInt8] = []
    text.append(file.tensors.count, size: 4)
    for tensor in file.tensors {
      text.append(tensor.name)
      text.append(tensor.dtype.rawValue)
      text.append(tensor.shape.count, size: 4)
      for size in tensor.shape { text.append(size, size: 8) }
      let start = tensor.fileOffset ?? 0
      text.append(start, size: 8)
      text.append(start + tensor.byteCount, size: 8)
    }
    text.append(file.metadata.count, size: 4)
    for (key, value) in file.metadata {
      text.append(key)
      text.append(value)
    }
    return text
  }
}

/// Standard input, in large pieces.
private enum Input {
  private nonisolated(unsafe) static let stream = unsafe fdopen(STDIN_FILENO, "r")

  /// A count or length; nil at the end of the input.
  static func number() throws -> Int? {
    var word: UInt32 = 0
    return unsafe fread(&word, 4, 1, stream) == 1 ? Int(UInt32(littleEndian: word)) : nil
  }

  static func bytes(_ count: Int) throws -> [UInt8] {
    try unsafe Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = unsafe fread(buffer.baseAddress, 1, count, stream)
      if initialized < count { throw Errno.ioError }
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ number: Int, size: Int) {
    for byte in 0..<size { append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
  }

  fileprivate mutating func append(_ text: String) {
    append(text.utf8.count, size: 4)
    self += text.utf8
  }
}
