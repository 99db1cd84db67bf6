public import Failures
internal import Files
public import SystemPackage

/// A file with a prompt on every line; empty lines are passed over.
public enum PromptFile {
  /// Why it can't be used.
  public struct Failure: ClassifiedError, CustomStringConvertible {
    /// The file.
    public let file: FilePath
    let detail: String
    /// What went wrong in general.
    public let failureKind: FailureKind
    /// One line.
    public var description: String { "\(file): \(detail)" }
  }

  /// The bytes of a file, or of a pipe.
  public static func bytes(of file: FilePath) throws(Failure) -> [UInt8] {
    do { return try readWhole(file, atMost: 16 << 20, takesPipes: true) } catch .tooLarge {
      throw unusable(file)
    } catch {
      throw Failure(
        file: file, detail: "cannot read: \(error.reason)", failureKind: .inputMissing)
    }
  }

  /// The prompts of a file.
  public static func lines(of file: FilePath) throws(Failure) -> [String] {
    try lines(in: try bytes(of: file), file)
  }

  /// The prompts in the bytes of a file.
  public static func lines(in bytes: [UInt8], _ file: FilePath) throws(Failure) -> [String] {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw unusable(file) }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard !lines.isEmpty else {
      throw Failure(
        file: file, detail: "expected a prompt on every line, found none",
        failureKind: .wrongData)
    }
    return lines
  }

  private static func unusable(_ file: FilePath) -> Failure {
    Failure(
      file: file, detail: "expected UTF-8 text of at most 16 MB", failureKind: .wrongData)
  }
}
