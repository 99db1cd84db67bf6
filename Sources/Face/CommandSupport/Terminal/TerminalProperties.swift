#if canImport(Glibc)
  internal import Glibc
#endif

extension Terminal {
  /// Whether people read a stream as it is written.
  public static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

  /// Characters in a line of a stream's terminal: what COLUMNS says, else the terminal, else 80.
  public static func columns(_ stream: Stream) -> Int { lineLimit(stream) ?? 80 }

  /// Characters that a line should have at most: what COLUMNS says, else the terminal; nil where
  /// there is neither, so that programs which read the lines get them whole.
  public static func lineLimit(_ stream: Stream) -> Int? {
    if let set = environment("COLUMNS").flatMap({ Int($0) }), set > 0 { return set }
    var size = winsize()
    guard unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  /// Whether the locale's character set is UTF-8.
  ///
  /// Source: POSIX.1-2024, section 8.2: LC_ALL, then LC_CTYPE, then LANG.
  public static var usesUnicode: Bool {
    let locale = environment("LC_ALL") ?? environment("LC_CTYPE") ?? environment("LANG") ?? ""
    let name = locale.uppercased()
    return name.contains("UTF-8") || name.contains("UTF8")
  }

  /// Whether to colour a stream: a terminal that is not `dumb`, and NO_COLOR unset or empty
  /// (no-color.org).
  public static func usesColor(_ stream: Stream) -> Bool {
    isTerminal(stream) && environment("NO_COLOR") == nil && environment("TERM") != "dumb"
  }

  /// How a piece of text stands out.
  public enum Emphasis: Int, Sendable {
    /// Headings.
    case bold = 1
    /// What matters less.
    case dim = 2
    /// What is wrong.
    case red = 31
    /// What is right.
    case green = 32
    /// What needs a look.
    case yellow = 33
  }

  /// The text with an emphasis where the stream shows colours, else as it is. Escape untrusted text
  /// first.
  public static func emphasised(
    _ text: String, _ emphasis: Emphasis, on stream: Stream = .output
  ) -> String {
    usesColor(stream) ? "\u{1B}[\(emphasis.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// A variable of the environment; nil when it is unset or empty.
  private static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
  }
}
