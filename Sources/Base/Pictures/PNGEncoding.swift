internal import CPictures

extension Picture {
  /// The bytes of a PNG: 8-bit RGB, not interlaced, with texts before the pixels.
  ///
  /// The same picture and texts give the same bytes, as long as zlib is the same. A text goes into
  /// `tEXt` when it is Latin-1, which every reader knows, else as UTF-8 into an uncompressed
  /// `iTXt`; so do Pillow and the programs that use it.
  ///
  /// Source: Pillow, `src/PIL/PngImagePlugin.py`, `PngInfo.add_text`.
  ///
  /// - Throws: ``PictureError/unwritableText(key:detail:)`` for a key that isn't 1 to 79 printable
  ///   Latin-1 characters without spaces at its ends or two in a row, and for a text with a zero;
  ///   ``PictureError/cannotEncode(detail:)`` for a side that PNG can't count or a lack of memory.
  public func png(texts: [PictureText] = []) throws(PictureError) -> [UInt8] {
    var chunks: [UInt8] = []
    for text in texts { chunks += try text.chunk() }
    guard let width = UInt32(exactly: width), let height = UInt32(exactly: height) else {
      throw .cannotEncode(detail: "\(width) x \(height) pixels")
    }
    var start: UnsafeMutablePointer<UInt8>? = nil
    var count = 0
    let failure = unsafe CallMessage.failure { message in
      unsafe pixels.withUnsafeBufferPointer { pixels in
        unsafe chunks.withUnsafeBufferPointer { chunks in
          unsafe cpic_png_encode(
            pixels.baseAddress!, width, height, chunks.baseAddress, chunks.count,
            &start, &count, message)
        }
      }
    }
    if let failure { throw .cannotEncode(detail: failure) }
    defer { unsafe cpic_free(start) }
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }
}

extension PictureText {
  /// Length, type and payload of the chunk that holds this text.
  fileprivate func chunk() throws(PictureError) -> [UInt8] {
    guard let latin1Key = latin1(key), isWritableKey(latin1Key) else {
      throw .unwritableText(
        key: key,
        detail: "expected a key of 1 to 79 printable Latin-1 characters without needless spaces")
    }
    guard !text.utf8.contains(0) else {
      throw .unwritableText(key: key, detail: "expected no zero character in the text")
    }
    let type: String
    var payload = latin1Key + [0]
    if let latin1Text = latin1(text) {
      type = "tEXt"
      payload += latin1Text
    } else {
      type = "iTXt"
      // Not compressed, method 0, no language, no translated key.
      payload += [0, 0, 0, 0] + Array(text.utf8)
    }
    guard let length = UInt32(exactly: payload.count), length <= Int32.max else {
      throw .unwritableText(key: key, detail: "\(payload.count) bytes, expected at most 2 GiB")
    }
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + Array(type.utf8)
      + payload
  }

  /// Nil when a character isn't Latin-1.
  private func latin1(_ string: String) -> [UInt8]? {
    let bytes = string.unicodeScalars.map { UInt8(exactly: $0.value) }
    return bytes.contains(nil) ? nil : bytes.compactMap { $0 }
  }

  private func isWritableKey(_ key: [UInt8]) -> Bool {
    let space = UInt8(ascii: " ")
    return (1...79).contains(key.count) && key.first != space && key.last != space
      && !zip(key, key.dropFirst()).contains { $0 == space && $1 == space }
      && key.allSatisfy { (32...126).contains($0) || $0 >= 161 }
  }
}
