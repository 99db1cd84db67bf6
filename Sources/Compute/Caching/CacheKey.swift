internal import Compute
internal import Failures
internal import Files
public import JSON

#if canImport(Glibc)
  internal import Glibc
#endif

/// All that a kept result depends on, as text; results of equal keys have equal bits.
///
/// The text stands in the entry too, so that it tells the truth about itself, and its digest is the entry's name.
public struct CacheKey: Hashable, Sendable {
  /// JSON text, always of the same order.
  public let description: String

  /// The name of its entry: 64 hexadecimal digits.
  public var digest: String {
    unsafe SHA256.hexadecimal(of: Array(description.utf8).span.bytes)
  }

  /// The key of bytes that depend on nothing but what is listed.
  ///
  /// - Parameters:
  ///   - kind: what is kept, such as `file-digest`.
  ///   - members: what it depends on.
  public init(_ kind: String, _ members: JSONObject) {
    description =
      JSONValue.object(
        JSONObject([.init(key: "kind", value: .string(kind))] + members.members)
      ).text()
  }

  /// The key of what is computed: it also depends on what decides the last bits, which are the products' and
  /// the loops' instructions, the C library's exponentials, and this program itself.
  ///
  /// - Parameters:
  ///   - kind: what is kept, such as `caption`.
  ///   - members: what it is computed from.
  public init(computed kind: String, _ members: JSONObject) {
    let program: JSONObject = [
      "program": .string("glance \(toolkitVersion)"),
      "revision": .integer(Int64(Arithmetic.revision)),
      "arithmetic": .string(Arithmetic.name), "library": .string(libraryVersion),
    ]
    self.init(kind, JSONObject(members.members + program.members))
  }
}

/// Name and version of the C library: `glibc 2.36`.
private let libraryVersion: String = {
  var text = [CChar](repeating: 0, count: 64)
  #if canImport(Glibc)
    let length = unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
    guard length > 0 else { return "" }
  #endif
  return String(
    decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}()
