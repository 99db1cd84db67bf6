public import Failures
internal import Files
public import SystemPackage

/// An adapter as it is named on the command line: `[phase=]file[:strength]`, where a strength is a
/// number, strengths by block, or both; see ``StrengthArgument``.
public struct AdapterArgument {
  /// The file.
  public let file: FilePath
  /// The phase before the equals sign; nil when none is given.
  public let phase: String?
  /// The number after the colon; nil when none is given.
  public let strength: Double?
  /// Strengths of parts of the model after the colon.
  public let blocks: [(name: String, strength: Double)]

  /// Why an argument names no adapter, or one of another kind than its place is for.
  public struct Mistake: ClassifiedError, CustomStringConvertible {
    /// A mistake of usage.
    public var failureKind: FailureKind { .usage }
    /// One line.
    public let description: String

    /// One line.
    public init(_ description: String) { self.description = description }
  }

  /// Takes an argument apart; a file whose name has `=` or `:` in it is itself.
  public init(_ text: String) throws(Mistake) {
    let (phase, named) = PhaseFileArgument.parts(of: text)
    var rest = named
    var strength: StrengthArgument?
    if let colon = rest.lastIndex(of: ":"), !Self.exists(rest) {
      let (head, tail) = (rest[..<colon], rest[rest.index(after: colon)...])
      do throws(Mistake) {
        strength = try StrengthArgument(String(tail))
        rest = head
      } catch  where Self.exists(head) || Double(tail) != nil {
        throw Mistake(
          "\(head): "
            + (tail.isEmpty ? "no strength follows the colon" : error.description)
            + (Double(tail) == nil ? "; expected one such as \(head):0.8" : ""))
      } catch {}
    }
    guard !rest.isEmpty else {
      throw Mistake("'\(text)' names no file; expected [phase=]file[:strength]")
    }
    file = FilePath(String(rest))
    self.phase = phase
    self.strength = strength?.number
    blocks = strength?.blocks ?? []
  }

  private static func exists(_ path: Substring) -> Bool { FilePath(String(path)).isThere }
}
