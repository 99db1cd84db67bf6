internal import Elements

extension Header {
  /// Checks that the tensors lie one behind the other, without hole or overlap, each as large as
  /// its dtype and shape say.
  ///
  /// Source: huggingface/safetensors, `safetensors/src/tensor.rs`, `Metadata::validate`.
  ///
  /// - Returns: how many bytes of data there must be.
  /// - Throws: the first fault in the order of the data.
  func checkLayout() throws(HeaderFault) -> Int {
    var end = 0
    for index in dataOrder() {
      let entry = entries[index]
      let name = entry.name
      if entry.begin < end { throw .overlap(tensor: name, begin: entry.begin, expected: end) }
      if entry.begin > end { throw .hole(tensor: name, begin: entry.begin, expected: end) }
      if entry.end < entry.begin {
        throw .reversedOffsets(tensor: name, begin: entry.begin, end: entry.end)
      }
      let expected = try Header.byteCount(of: entry)
      guard expected == entry.end - entry.begin else {
        throw .sizeMismatch(tensor: name, expected: expected, found: entry.end - entry.begin)
      }
      end = entry.end
    }
    return end
  }

  /// The entries' indexes in the order of their data.
  private func dataOrder() -> [Int] {
    let order = Array(entries.indices)
    let isSorted = zip(entries, entries.dropFirst()).allSatisfy {
      ($0.begin, $0.end) <= ($1.begin, $1.end)
    }
    if isSorted { return order }
    return order.sorted {
      (entries[$0].begin, entries[$0].end, $0) < (entries[$1].begin, entries[$1].end, $1)
    }
  }

  private static func byteCount(of entry: Entry) throws(HeaderFault) -> Int {
    if let byteCount = entry.dtype.byteCount(shape: entry.shape) { return byteCount }
    // Eight elements of any dtype fill whole bytes: if they have a size, only the bits were wrong.
    guard entry.dtype.bitCount < 8, DType.u8.byteCount(shape: entry.shape) != nil else {
      throw .sizeOverflow(tensor: entry.name, shape: entry.shape)
    }
    throw .partialByte(tensor: entry.name)
  }
}
