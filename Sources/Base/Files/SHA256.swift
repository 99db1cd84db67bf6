internal import COpenSSL
public import SystemPackage

/// A SHA-256 digest being computed, through OpenSSL, which uses the processor's own instructions.
@safe public struct SHA256: ~Copyable {
  private var context = SHA256_CTX()

  /// A digest of nothing so far.
  public init() { unsafe SHA256_Init(&context) }

  /// Takes more bytes.
  public mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { bytes in
      _ = unsafe SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }
  }

  /// The digest of everything taken, as 64 hexadecimal digits.
  public consuming func hexadecimal() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe SHA256_Final(&digest, &context)
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// The digest of some bytes, as 64 hexadecimal digits.
  public static func hexadecimal(of bytes: RawSpan) -> String {
    var digest = SHA256()
    digest.update(bytes)
    return digest.hexadecimal()
  }

  /// The digest of a whole file, read in portions of 4 MiB.
  public static func hexadecimal(of file: FilePath) throws(Errno) -> String {
    var digest = SHA256()
    try digest.update(contentsOf: file)
    return digest.hexadecimal()
  }

  /// Takes a whole file, read in portions of 4 MiB.
  public mutating func update(contentsOf file: FilePath) throws(Errno) {
    do {
      let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      try descriptor.closeAfter {
        var buffer = [UInt8](repeating: 0, count: 4 << 20)
        while true {
          let count = try unsafe buffer.withUnsafeMutableBytes {
            try unsafe descriptor.read(into: $0)
          }
          if count == 0 { break }
          unsafe self.update(buffer.span.bytes.extracting(0..<count))
        }
      }
    } catch { throw error as? Errno ?? .ioError }
  }
}
