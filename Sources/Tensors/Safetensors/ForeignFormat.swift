/// What a file that is no safetensors file seems to be.
public enum ForeignFormat: String, Sendable, CaseIterable {
  /// A web page, such as an error or a login page.
  case html
  /// The few lines that git keeps in place of a large file.
  case gitLFSPointer
  /// A zip archive of PyTorch: `.pt`, `.pth`, `.ckpt` and `.bin`.
  case torchZip
  /// Any other zip archive.
  case zip
  /// A tar archive.
  case tar
  /// A bare Python pickle: PyTorch's older files.
  case pickle
  /// llama.cpp's and stable-diffusion.cpp's format.
  case gguf
  /// Data compressed with zstd.
  case zstd
  /// Data compressed with gzip.
  case gzip
  /// A JSON text, such as the index of a sharded checkpoint.
  case json
  /// NumPy's format of one array.
  case numpy
  /// HDF5, such as Keras' `.h5`.
  case hdf5
  /// A SQLite database, such as Draw Things' `.ckpt`.
  case sqlite
  /// A PNG or JPEG picture.
  case picture
  /// A WebP picture.
  case webp
  /// A GIF picture.
  case gif
  /// A BMP picture.
  case bmp
  /// A TIFF picture.
  case tiff
  /// A container of MPEG-4: a video, or an AVIF or HEIC picture.
  case isoMedia
  /// A PDF document.
  case pdf
  /// An archive of 7-Zip, RAR or xz.
  case otherArchive
  /// A model of SentencePiece: `spiece.model`, `tokenizer.model`.
  case sentencePiece
  /// Plain text, such as a server's message.
  case text
  /// A file that begins with zeros: space reserved for a download that did not happen.
  case zeros

  /// Tells a format by its first bytes; nil when they are of none known. Whether a zip archive is
  /// PyTorch's, its first entry says; ``ZipEntries`` knows more.
  ///
  /// Source: the magic numbers are those of the formats: PKWARE APPNOTE 4.3.7, POSIX `ustar`, CPython
  /// `Lib/pickle.py` (`PROTO`), ggml `docs/gguf.md`, RFC 8878 §3.1.1, RFC 1952 §2.3.1,
  /// git-lfs `docs/spec.md`, NumPy `lib/format.py`, HDF5 file format 3.0 II.A, SQLite
  /// `fileformat2.html` 1.3, PNG 5.2, JFIF 1.02, RFC 9649 §2.4, GIF89a 17, TIFF 6.0 §2,
  /// ISO 32000-1 7.5.2, 7-Zip `DOC/7zFormat.txt`, RAR 5.0 archive format, .xz format 2.1.1.1, ISO/IEC
  /// 14496-12 4.3.
  init?(firstBytes bytes: [UInt8]) {
    let signatures: [([UInt8], ForeignFormat)] = [
      (Array("version https://git-lfs".utf8), .gitLFSPointer), ([0x50, 0x4B, 3, 4], .zip),
      ([0x50, 0x4B, 5, 6], .zip), (Array("GGUF".utf8), .gguf), ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
      ([0x1F, 0x8B, 8], .gzip), ([0x93] + Array("NUMPY".utf8), .numpy),
      ([0x89] + Array("HDF\r\n".utf8), .hdf5), (Array("SQLite format 3".utf8), .sqlite),
      ([0x89] + Array("PNG\r\n".utf8), .picture), ([0xFF, 0xD8, 0xFF], .picture),
      (Array("GIF87a".utf8), .gif), (Array("GIF89a".utf8), .gif),
      (Array("II*".utf8) + [0], .tiff), (Array("MM".utf8) + [0] + Array("*".utf8), .tiff),
      (Array("%PDF-".utf8), .pdf), (Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C], .otherArchive),
      (Array("Rar!".utf8) + [0x1A, 7], .otherArchive),
      ([0xFD] + Array("7zXZ".utf8) + [0], .otherArchive),
      (Array(repeating: 0, count: 8), .zeros),
    ]
    if let (_, format) = signatures.first(where: { bytes.starts(with: $0.0) }) {
      self = format
    } else if let format = ForeignFormat(deepIn: bytes) {
      self = format
    } else if bytes.count >= 3, bytes[0] == 0x80, 2...5 ~= bytes[1], bytes[2] != 0 {
      // With a zero there it is the length of a header of 640 bytes or so.
      self = .pickle
    } else if bytes.count >= 4, 0x50...0x5F ~= bytes[0], bytes[1] == 0x2A, bytes[2] == 0x4D,
      bytes[3] == 0x18
    {
      self = .zstd
    } else {
      self.init(text: bytes)
    }
  }

  /// Formats whose first bytes alone could be the length of a safetensors header.
  private init?(deepIn bytes: [UInt8]) {
    func has(_ text: String, at offset: Int) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    if has("RIFF", at: 0), has("WEBP", at: 8) {
      self = .webp
    } else if has("ftyp", at: 4), bytes.starts(with: [0, 0, 0]) {
      self = .isoMedia
    } else if has("ustar", at: 257) {
      self = .tar
    } else if has("BM", at: 0), bytes.count >= 18, bytes[6..<10].allSatisfy({ $0 == 0 }),
      [12, 40, 52, 56, 64, 108, 124].contains(bytes[14]), bytes[15..<18].allSatisfy({ $0 == 0 })
    {
      // The size of the second header is one of a few; what stands before it is reserved.
      self = .bmp
    } else if Self.isSentencePiece(bytes) {
      self = .sentencePiece
    } else {
      return nil
    }
  }

  /// Whether bytes begin with a piece of a vocabulary: a message in field 1 whose own field 1 is a
  /// text and whose field 2 is a 32-bit number.
  ///
  /// Source: google/sentencepiece, `src/sentencepiece_model.proto`, `ModelProto.SentencePiece`.
  private static func isSentencePiece(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 12, bytes[0] == 0x0A, bytes[2] == 0x0A else { return false }
    let (piece, text) = (Int(bytes[1]), Int(bytes[3]))
    guard 1..<64 ~= text, text + 2 <= piece, piece <= text + 9, 4 + text < bytes.count else {
      return false
    }
    return bytes[4 + text] == 0x15 && bytes[4..<4 + text].allSatisfy { $0 >= 0x20 }
  }

  private init?(text bytes: [UInt8]) {
    let visible = Array(bytes.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) })
    let isText = bytes.allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0D].contains($0) }
    switch visible.first {
    case UInt8(ascii: "<") where isText: self = .html
    case UInt8(ascii: "{") where isText && Self.continues(visible, as: "\"}"),
      UInt8(ascii: "[") where isText && Self.continues(visible, as: "\"{[]-0123456789"):
      self = .json
    // No header is so long that its length reads as text.
    case .some where isText && bytes.count >= 8 && bytes.prefix(8).allSatisfy { $0 < 0x7F }:
      self = .text
    default: return nil
    }
  }

  /// Whether what follows the first character, spaces aside, is one of these, or nothing.
  private static func continues(_ text: [UInt8], as characters: String) -> Bool {
    let next = text.dropFirst().first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return next.map(characters.utf8.contains) ?? true
  }

  /// What it is and what to do.
  var advice: String {
    switch self {
    case .html: "a web page, not a checkpoint; download the file itself, signed in if need be"
    case .gitLFSPointer: "a Git LFS pointer, not the file itself; run 'git lfs pull'"
    case .torchZip, .pickle:
      "a PyTorch pickle, which can run code when read and is never opened here; "
        + "convert it to safetensors where you trust it"
    case .zip: "a zip archive, expected a safetensors file; unpack it first"
    case .tar: "a tar archive, expected a safetensors file; unpack it first"
    case .gguf: "a GGUF file, expected a safetensors file"
    case .zstd: "compressed with zstd; call it NAME.safetensors.zst, or decompress it"
    case .gzip: "compressed with gzip, expected a safetensors file; decompress it first"
    case .json: "a JSON text, expected a safetensors file"
    case .numpy: "a NumPy array, expected a safetensors file; save it with safetensors"
    case .hdf5: "an HDF5 file, expected a safetensors file; convert it first"
    case .sqlite:
      "a SQLite database, such as Draw Things keeps models in; expected a safetensors file"
    case .picture: "a picture, expected a safetensors file"
    case .webp: "a WebP picture, expected a safetensors file"
    case .gif: "a GIF picture, expected a safetensors file"
    case .bmp: "a BMP picture, expected a safetensors file"
    case .tiff: "a TIFF picture, expected a safetensors file"
    case .isoMedia: "a video, or an AVIF or HEIC picture, expected a safetensors file"
    case .pdf: "a PDF document, expected a safetensors file"
    case .otherArchive: "a compressed archive, expected a safetensors file; unpack it first"
    case .sentencePiece:
      "a SentencePiece model of a tokenizer, expected a safetensors file; name the folder"
    case .text:
      "plain text, perhaps a server's message, expected a safetensors file; look at it, then "
        + "download the file again"
    case .zeros: "begins with zeros, expected a safetensors file; is the download complete?"
    }
  }
}
