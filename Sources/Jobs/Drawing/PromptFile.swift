public import Failures
internal import Files
public import SystemPackage
internal import Text

/// A file with a prompt on every line; empty lines and those that begin with `#` are passed over. `-` is standard
/// input.
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
    let place = file == "-" ? FilePath("/dev/stdin") : file
    do { return try readWhole(place, atMost: 16 << 20, takesPipes: true) } catch .tooLarge {
      throw unusable(file)
    } catch {
      throw Failure(
        file: file, detail: "cannot read: \(error.reason)", failureKind: .inputMissing)
    }
  }

  /// The prompts of a file, with what their lines say of how they are drawn.
  ///
  /// - Throws: ``Failure``, with the number of a line that is wrong.
  public static func prompts(of file: FilePath) throws(Failure) -> [PromptLine] {
    var prompts: [PromptLine] = []
    for (number, text) in try numberedLines(in: try bytes(of: file), file) {
      do throws(DrawingError) {
        prompts.append(try PromptLine(parsing: text, source: "line \(number)"))
      } catch {
        throw Failure(file: file, detail: "\(error)", failureKind: .wrongData)
      }
    }
    return prompts
  }

  /// The prompts in the bytes of a file; all of a line is its prompt.
  public static func lines(in bytes: [UInt8], _ file: FilePath) throws(Failure) -> [String] {
    try numberedLines(in: bytes, file).map(\.text)
  }

  /// The lines that hold a prompt, counted from 1, without space around them.
  private static func numberedLines(
    in bytes: [UInt8], _ file: FilePath
  ) throws(Failure) -> [(number: Int, text: String)] {
    // Some editors begin files with a mark of their encoding.
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let whole = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    guard let text = String(validating: whole, as: UTF8.self) else { throw unusable(file) }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated().map { ($0.offset + 1, $0.element.trimmed) }
      .filter { !$0.1.isEmpty && !$0.1.hasPrefix("#") }
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
