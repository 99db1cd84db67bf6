public import ArgumentParser
public import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

extension FilePath: @retroactive ExpressibleByArgument {
  /// A path of the command line; nil when it is empty.
  ///
  /// Swift repairs arguments that are not UTF-8, which makes another name of them; so such an
  /// argument is looked up again among the bytes that the system passed.
  public init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    if argument.unicodeScalars.contains("\u{FFFD}"), let bytes = rawArgument(argument) {
      self = unsafe bytes.withUnsafeBufferPointer {
        unsafe FilePath(platformString: $0.baseAddress!)
      }
    } else {
      self.init(argument)
    }
  }

  /// Completion by file names.
  public static var defaultCompletionKind: CompletionKind { .file() }
}

/// The bytes, with a final NUL, of the argument (or of what follows `=` in one) that Swift decodes
/// to this text.
private func rawArgument(_ text: String) -> [CChar]? {
  for index in 0..<Int(CommandLine.argc) {
    guard let start = unsafe CommandLine.unsafeArgv[index] else { continue }
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: strlen(start)))
    let value = bytes.firstIndex(of: CChar(UInt8(ascii: "="))).map { bytes[($0 + 1)...] }
    for candidate in [bytes[...], value].compactMap(\.self) {
      let decoded = String(decoding: candidate.map(UInt8.init(bitPattern:)), as: UTF8.self)
      if decoded.sameBytes(as: text) { return candidate + [0] }
    }
  }
  return nil
}
