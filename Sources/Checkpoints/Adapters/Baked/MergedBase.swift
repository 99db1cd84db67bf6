internal import JSON

/// The base of a merge, as the merged checkpoint tells of it.
///
/// **Source:** formats/glance-metadata.md, `glance.merged_base`.
public struct MergedBase: Sendable, Equatable, CustomStringConvertible {
  /// The name of its file or folder.
  public let file: String
  /// Bytes of all its tensors.
  public let byteCount: Int
  /// How many tensors it has.
  public let tensorCount: Int
  /// What tells its tensors from others; nil where nothing was known of them before they were written.
  public let digest: String?

  /// The key of a merged checkpoint.
  static let key = "glance.merged_base"

  /// Reads the value of the key; nil when it says something else.
  init?(_ text: String) {
    guard let json = try? JSONValue(parsing: text), let byteCount = json["bytes"]?.integer,
      let tensorCount = json["tensors"]?.integer
    else { return nil }
    file = json["file"]?.string ?? ""
    self.byteCount = byteCount
    self.tensorCount = tensorCount
    digest = json["xxh3"]?.string
  }

  /// Whether nothing that is known of both tells them apart: a copy under another name is the same.
  public func canBe(_ other: MergedBase) -> Bool {
    guard byteCount == other.byteCount, tensorCount == other.tensorCount else { return false }
    guard let digest, let otherDigest = other.digest else { return true }
    return digest.utf8.elementsEqual(otherDigest.utf8)
  }

  /// In a few words: `base.safetensors (140 tensors, 2695680 bytes, xxh3 66fea43dce6bd811)`.
  public var description: String {
    "\(file) (\(tensorCount) tensors, \(byteCount) bytes" + (digest.map { ", xxh3 \($0)" } ?? "")
      + ")"
  }
}
