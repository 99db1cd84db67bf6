internal import CXXHash

/// A checksum of bytes against accidents: XXH3 with 64 bits.
package func checksum(_ bytes: RawSpan) -> UInt64 {
  unsafe bytes.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
}
