internal import CZstd
internal import JSON
internal import Safetensors
internal import SystemPackage
internal import Text

/// What a container says of the file it restores: the bytes of its header, and the base of a delta.
///
/// The header has every tensor's dtype and shape, so nothing else in the container needs to; and
/// with its own order and padding the restored file is the original byte for byte.
struct OriginalHeader {
  /// Name of the tensor that holds it; in a shard with a dot and something more behind, so that
  /// names are unique in the whole checkpoint.
  static let tensorName = "glance.header"
  /// The key of a container's `__metadata__` that says what it is.
  static let metadataKey = "glance.compressed"
  private static let magic = Array("GLH1".utf8)
  private static let fixedByteCount = 40
  /// The most bytes of a base's name.
  static let baseNameLimit = 4096
  private static let headerLimit = 100_000_008

  /// The original file's header.
  let header: HeaderBytes
  /// The base's name as it was given; nil when there is no base.
  let base: String?

  /// Whether a tensor's name is one of those kept.
  static func isReserved(_ name: String) -> Bool {
    name.utf8HasPrefix(tensorName)
  }

  /// The bytes of the tensor.
  func encoded() -> [UInt8] {
    let name = Array((base ?? "").utf8)
    let packed = OriginalHeader.compress(header.bytes)
    var checked: [UInt8] = []
    checked.append(littleEndian: UInt64(header.bytes.count), byteCount: 8)
    checked.append(littleEndian: UInt64(packed.count), byteCount: 8)
    checked.append(littleEndian: base == nil ? 0 : 1, byteCount: 4)
    checked.append(littleEndian: UInt64(name.count), byteCount: 4)
    // Of the header itself too: a decompressor may overlook a wrong bit.
    checked += name + packed
    var bytes = OriginalHeader.magic + [0, 0, 0, 0]
    bytes.append(littleEndian: xxh3(checked), byteCount: 8)
    return bytes + checked
  }

  /// Reads the bytes of the tensor; whatever they are, it returns or throws.
  init(parsing bytes: RawSpan, file: FilePath) throws {
    let damaged = CompressionError.damaged(
      file: file, detail: "'\(OriginalHeader.tensorName)' is damaged")
    let head = bytes.bytes(0..<min(bytes.byteCount, OriginalHeader.fixedByteCount))
    guard head.count == OriginalHeader.fixedByteCount,
      head[..<8].elementsEqual(OriginalHeader.magic + [0, 0, 0, 0]),
      xxh3(bytes.extracting(16..<bytes.byteCount)) == head.littleEndian(8, at: 8),
      let headerByteCount = Int(exactly: head.littleEndian(8, at: 16)),
      let packedByteCount = Int(exactly: head.littleEndian(8, at: 24)),
      8...OriginalHeader.headerLimit ~= headerByteCount, head.littleEndian(4, at: 32) <= 1
    else { throw damaged }
    let hasBase = head.littleEndian(4, at: 32) == 1
    let nameEnd = head.count + Int(head.littleEndian(4, at: 36))
    guard nameEnd - head.count <= OriginalHeader.baseNameLimit, nameEnd <= bytes.byteCount,
      packedByteCount == bytes.byteCount - nameEnd,
      let name = String(
        validating: bytes.bytes(head.count..<nameEnd), as: UTF8.self),
      let header = OriginalHeader.decompress(
        bytes.extracting(nameEnd..<bytes.byteCount), byteCount: headerByteCount)
    else { throw damaged }
    base = hasBase ? name : nil
    self.header = try HeaderBytes(parsing: header, file: file)
  }

  init(header: HeaderBytes, base: String?) {
    self.header = header
    self.base = base
  }

  private static func compress(_ bytes: [UInt8]) -> [UInt8] {
    unsafe Array(unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
      // There is room for whatever it makes, so it fails for want of memory only.
      count = unsafe ZSTD_compress(buffer.baseAddress, buffer.count, bytes, bytes.count, 9)
      precondition(ZSTD_isError(count) == 0, "out of memory")
    }
  }

  /// Decompresses exactly so many bytes, or nil. No more memory than a frame of this size can fill:
  /// zstd makes at most 128 KiB of four bytes.
  private static func decompress(_ packed: RawSpan, byteCount: Int) -> [UInt8]? {
    guard byteCount / (128 << 10) <= packed.byteCount / 4 + 1 else { return nil }
    var found = 0
    let bytes = unsafe packed.withUnsafeBytes { packed in
      unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
        found = unsafe ZSTD_decompress(
          buffer.baseAddress, byteCount, packed.baseAddress, packed.count)
        count = found == byteCount ? byteCount : 0
      }
    }
    return found == byteCount ? bytes : nil
  }
}

extension OriginalHeader {
  /// What stands under ``metadataKey``: for people and programs that look at the file; reading doesn't
  /// rely on it.
  var marker: String {
    var members: [JSONObject.Member] = [.init(key: "version", value: 1)]
    if let base { members.append(.init(key: "base", value: .string(base))) }
    return JSONValue.object(JSONObject(members)).text()
  }
}
