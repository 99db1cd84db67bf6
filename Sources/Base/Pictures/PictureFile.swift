internal import CPictures
public import SystemPackage

/// A PNG, JPEG or WebP file, read into memory, with its header checked.
///
/// Read are PNG of every colour type and bit depth, interlaced or not; baseline, progressive
/// and arithmetic-coded JPEG of 8 bits in gray, RGB, YCbCr, CMYK and YCCK; and WebP, lossy or not, that
/// is no animation. The first bytes tell the format, whatever the file is called.
public struct PictureFile: Sendable {
  /// How samples are stored.
  public enum Color: String, Sendable {
    case gray
    case grayAlpha = "gray-alpha"
    case palette
    case rgb
    case rgba
    case ycbcr
    case cmyk
    case ycck
  }

  /// Where the file is.
  public let path: FilePath
  /// What the first bytes say.
  public let format: PictureFormat
  /// Pixels in a row, as stored: before ``orientation`` is applied.
  public let width: Int
  /// Rows, as stored.
  public let height: Int
  /// How samples are stored.
  public let color: Color
  /// Stored samples a pixel: 1 for a palette's indices.
  public let channels: Int
  /// Bits of a stored sample.
  public let bitDepth: Int
  /// How the stored rows are turned to stand upright.
  public let orientation: PictureOrientation

  private let bytes: [UInt8]

  /// More scans than any encoder writes (a finely divided progressive file has about 20). Each of
  /// them can walk over the whole picture and take only a few bytes.
  private static let scanLimit: Int32 = 64

  /// Reads the file and checks what its header declares; decodes no pixel.
  public init(opening path: FilePath) throws(PictureError) {
    let (format, bytes) = try FileReading.bytes(of: path)
    var header = cpic_header()
    unsafe try PictureFile.call(path, format) { message in
      let read =
        switch format {
        case .png: unsafe cpic_png_header
        case .jpeg: unsafe cpic_jpeg_header
        case .webp: unsafe cpic_webp_header
        }
      return unsafe bytes.withUnsafeBufferPointer { buffer in
        // A picture has a magic, so its bytes have an address.
        unsafe read(buffer.baseAddress!, buffer.count, &header, message)
      }
    }
    guard let color = Color(header.color) else {
      throw .unsupportedColor(file: path, found: "\(header.channels) channels in a \(format.name)")
    }
    self.path = path
    self.format = format
    self.bytes = bytes
    self.color = color
    width = Int(header.width)
    height = Int(header.height)
    channels = Int(header.channels)
    bitDepth = Int(header.bit_depth)
    orientation =
      switch format {
      case .png: PNGChunks(bytes).orientation
      case .jpeg: JPEGSegments(bytes).orientation
      case .webp: WebPChunks(bytes).orientation
      }
    let (pixelCount, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixelCount <= Picture.pixelLimit else {
      throw .tooManyPixels(
        file: path, width: width, height: height, limit: Picture.pixelLimit)
    }
  }

  /// Decodes the pixels and turns them upright. Alpha is dropped, as Pillow's `convert("RGB")`
  /// does; of 16-bit samples the high byte is taken.
  public func picture() throws(PictureError) -> Picture {
    let byteCount = width * height * 3
    let stored: [UInt8]
    do {
      stored = unsafe try Array(unsafeUninitializedCapacity: byteCount) { buffer, count in
        // libpng combines the passes of an interlaced picture with what is there.
        unsafe buffer.initialize(repeating: 0)
        unsafe try decode(into: buffer.baseAddress)
        count = byteCount
      }
    } catch let error as PictureError {
      throw error
    } catch {
      throw .damaged(file: path, format: format, detail: "\(error)")
    }
    return orientation.upright(Picture(width: width, height: height, pixels: stored))
  }

  /// Decodes every row and keeps none: checks the file with the memory of a row (a progressive
  /// JPEG needs that of its coefficients, a WebP that of the picture).
  public func verify() throws(PictureError) {
    unsafe try decode(into: nil)
  }

  private func decode(into pixels: UnsafeMutablePointer<UInt8>?) throws(PictureError) {
    let byteCount = width * height * 3
    unsafe try PictureFile.call(path, format) { message in
      unsafe bytes.withUnsafeBufferPointer { buffer in
        let start = buffer.baseAddress!
        return switch format {
        case .png:
          unsafe cpic_png_decode(start, buffer.count, pixels, byteCount, message)
        case .jpeg:
          unsafe cpic_jpeg_decode(
            start, buffer.count, pixels, byteCount, PictureFile.scanLimit, message)
        case .webp:
          unsafe cpic_webp_decode(start, buffer.count, pixels, byteCount, message)
        }
      }
    }
  }

  /// Calls C and makes an error of its message.
  private static func call(
    _ path: FilePath, _ format: PictureFormat,
    _ body: (UnsafeMutablePointer<CChar>) -> Bool
  ) throws(PictureError) {
    if let detail = unsafe CallMessage.failure(of: body) {
      throw .damaged(file: path, format: format, detail: detail)
    }
  }

  /// The texts that a PNG stores uncompressed, in the order of the file; none of other formats.
  public var texts: [PictureText] {
    format == .png ? PNGChunks(bytes).texts.read : []
  }

  /// Texts that were not read: compressed ones, which are never inflated, and malformed ones.
  public var skippedTextCount: Int {
    format == .png ? PNGChunks(bytes).texts.skippedCount : 0
  }
}

extension PictureFile.Color {
  fileprivate init?(_ color: cpic_color) {
    switch color {
    case cpic_gray: self = .gray
    case cpic_gray_alpha: self = .grayAlpha
    case cpic_palette: self = .palette
    case cpic_rgb: self = .rgb
    case cpic_rgba: self = .rgba
    case cpic_ycc: self = .ycbcr
    case cpic_cmyk: self = .cmyk
    case cpic_ycck: self = .ycck
    default: return nil
    }
  }
}

extension Picture {
  /// Reads and decodes a PNG, JPEG or WebP file.
  public init(reading path: FilePath) throws(PictureError) {
    self = try PictureFile(opening: path).picture()
  }
}
