internal import CFuzzing

#if canImport(Glibc)
  internal import Glibc
#endif

/// One thing that is fed with made-up input. A type that conforms and is marked `@main` is a whole
/// libFuzzer program: `fuzz-<target> CORPUS -max_total_time=60`.
public protocol FuzzTarget {
  /// Takes one input. Whatever it traps on is a finding; a broken promise is reported with
  /// ``promise(_:_:)``.
  static func run(_ input: RawSpan)
}

/// libFuzzer's callback is a C function, which can hold nothing.
private nonisolated(unsafe) var target: (any FuzzTarget.Type)?

extension FuzzTarget {
  /// Hands the process to libFuzzer.
  public static func main() {
    unsafe target = Self.self
    var count = CommandLine.argc
    var arguments = unsafe Optional(CommandLine.unsafeArgv)
    let status = unsafe withUnsafeMutablePointer(to: &arguments) { pointer in
      unsafe pointer.withMemoryRebound(
        to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1
      ) { arguments in
        unsafe LLVMFuzzerRunDriver(&count, arguments) { data, size in
          unsafe target?.run(RawSpan(_unsafeStart: data ?? fallback, byteCount: size))
          return 0
        }
      }
    }
    exit(status)
  }
}

/// Where the empty input is, which libFuzzer may give without an address.
private nonisolated(unsafe) let fallback = unsafe UnsafePointer(
  UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

/// Reports a finding unless the condition holds.
public func promise(_ condition: Bool, _ what: @autoclosure () -> String) {
  if !condition { fatalError(what()) }
}

extension RawSpan {
  /// A copy of the bytes.
  public var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
