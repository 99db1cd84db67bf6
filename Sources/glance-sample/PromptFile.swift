import CommandSupport
import Failures
import SystemPackage

/// A file with a prompt on every line; empty lines are passed over.
enum PromptFile {
  /// Why it can't be used.
  struct Failure: ClassifiedError, CustomStringConvertible {
    let file: FilePath
    let detail: String
    let failureKind: FailureKind
    var description: String { "\(file): \(detail)" }
  }

  static func lines(of file: FilePath) throws -> [String] {
    let limit = 16 << 20
    var bytes: [UInt8] = []
    do {
      let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      try descriptor.closeAfter {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
          let count = try unsafe block.withUnsafeMutableBytes {
            try unsafe descriptor.read(into: $0)
          }
          if count == 0 { break }
          bytes += block[..<count]
        }
      }
    } catch {
      throw Failure(file: file, detail: "cannot read: \(error)", failureKind: .inputMissing)
    }
    guard bytes.count <= limit, let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(
        file: file, detail: "expected UTF-8 text of at most 16 MB", failureKind: .wrongData)
    }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard !lines.isEmpty else {
      throw Failure(
        file: file, detail: "expected a prompt on every line, found none",
        failureKind: .wrongData)
    }
    return lines
  }
}
