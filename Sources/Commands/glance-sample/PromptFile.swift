internal import CommandSupport
internal import Failures
internal import Files
internal import SystemPackage

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
    let unusable = Failure(
      file: file, detail: "expected UTF-8 text of at most 16 MB", failureKind: .wrongData)
    let bytes: [UInt8]
    do { bytes = try readWhole(file, atMost: 16 << 20, takesPipes: true) } catch .tooLarge {
      throw unusable
    } catch {
      throw Failure(
        file: file, detail: "cannot read: \(error.reason)", failureKind: .inputMissing)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw unusable }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard !lines.isEmpty else {
      throw Failure(
        file: file, detail: "expected a prompt on every line, found none",
        failureKind: .wrongData)
    }
    return lines
  }
}
