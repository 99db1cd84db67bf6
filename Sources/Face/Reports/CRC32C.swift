/// The cyclic redundancy check of the Castagnoli polynomial, as records of TensorBoard carry it.
///
/// **Source:** RFC 3720, section 12.1: polynomial 0x1EDC6F41, here with its bits reflected, all ones before
/// and inverted after.
package func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~UInt32(0)) { remainder, byte in
    remainder >> 8 ^ remainders[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)]
  }
}

/// What is left of every byte.
private let remainders = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0x82F6_3B78 : 0) }
}
