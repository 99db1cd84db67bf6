internal import CPictures

extension Picture {
  /// The bytes of a JPEG as Pillow's `Image.save` writes it when it is told nothing: baseline,
  /// quality 75, chroma halved both ways, JFIF without a density. The same picture gives the same
  /// bytes.
  ///
  /// Source: Pillow, `src/PIL/JpegImagePlugin.py`, `_save`, and `src/libImaging/JpegEncode.c`, which
  /// leave libjpeg-turbo's defaults.
  ///
  /// - Throws: ``PictureError/cannotEncode(detail:)`` for a side of more than 65,500 pixels or a lack
  ///   of memory.
  public func jpeg() throws(PictureError) -> [UInt8] {
    guard let width = UInt32(exactly: width), let height = UInt32(exactly: height) else {
      throw .cannotEncode(detail: "\(width) x \(height) pixels")
    }
    var start: UnsafeMutablePointer<UInt8>? = nil
    var count = 0
    let failure = unsafe CallMessage.failure { message in
      unsafe pixels.withUnsafeBufferPointer { pixels in
        unsafe cpic_jpeg_encode(
          pixels.baseAddress!, width, height, Self.jpegQuality, &start, &count, message)
      }
    }
    if let failure { throw .cannotEncode(detail: failure) }
    defer { unsafe cpic_free(start) }
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Source: libjpeg-turbo, `jcparam.c`, `jpeg_set_defaults`.
  private static let jpegQuality: Int32 = 75
}
