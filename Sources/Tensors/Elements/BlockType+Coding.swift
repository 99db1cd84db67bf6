/// Encodes float32 elements in blocks: those of Qn_0 and Qn_1 are byte for byte what ggml's Python
/// library writes, those of Qn_K and IQ4_NL come from a search for the least squared error, as ggml's
/// do without an importance matrix.
///
/// - Parameters:
///   - values: whole blocks of elements, in the order of a row.
///   - type: one for which ``BlockType/isEncodable`` holds.
///   - output: the bytes of as many blocks.
public func encode(
  _ values: Span<Float>, as type: BlockType, into output: inout MutableRawSpan
) {
  let count = values.count / type.elementCount
  precondition(
    count * type.elementCount == values.count && count * type.byteCount == output.byteCount,
    "sizes must agree")
  guard let kernel = unsafe type.encoder else {
    preconditionFailure("float32 can't be stored as \(type.name)")
  }
  unsafe values.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe kernel(from, to, count)
    }
  }
}

/// Decodes blocks to float32, bit for bit as ggml's Python library does.
///
/// - Parameters:
///   - bytes: whole blocks; need not be aligned.
///   - type: one for which ``BlockType/isDecodable`` holds.
///   - output: as many elements as the blocks hold, in four bytes each; need not be aligned.
package func decode(_ bytes: RawSpan, from type: BlockType, into output: inout MutableRawSpan) {
  let count = bytes.byteCount / type.byteCount
  precondition(
    count * type.byteCount == bytes.byteCount && count * type.elementCount * 4 == output.byteCount,
    "sizes must agree")
  guard let kernel = unsafe type.decoder else {
    preconditionFailure("\(type.name) can't be decoded")
  }
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe kernel(from, to, count)
    }
  }
}

/// Decodes blocks to float32; see ``decode(_:from:into:)``.
public func decode(_ bytes: RawSpan, from type: BlockType, into output: inout MutableSpan<Float>) {
  var raw = unsafe output.mutableBytes
  decode(bytes, from: type, into: &raw)
}

extension Encoding {
  /// Converts stored elements to float32: exact for every type but F64, which is rounded to nearest.
  ///
  /// - Parameters:
  ///   - bytes: whole groups, little-endian, not necessarily aligned.
  ///   - output: as many elements as `bytes` holds.
  package func widen(_ bytes: RawSpan, into output: inout MutableSpan<Float>) {
    switch self {
    case .elements(let dtype): Elements.widen(bytes, from: dtype, into: &output)
    case .blocks(let type): decode(bytes, from: type, into: &output)
    }
  }
}
