internal import Failures
internal import JSON
internal import Text

/// What the header of a GGUF file says, compared with the format's rules and the file's size.
///
/// Source: ggml-org/ggml, `docs/gguf.md`, "File Structure"; the rules are those of
/// ggml-org/llama.cpp, `ggml/src/gguf.cpp`, `gguf_init_from_reader`: offsets in order without holes,
/// each tensor padded to the alignment; the last one's padding may be missing.
struct GGUFHeader {
  /// The most bytes that a header may have: those of language models with their vocabularies have up to
  /// some 20 MB, those of image models less than one.
  static let byteLimit = 50_000_000
  /// The longest name of a tensor. ggml itself allows 63 bytes, the patched one that image models
  /// are quantised with 127.
  ///
  /// Source: city96/ComfyUI-GGUF, `tools/convert.py`, `MAX_TENSOR_NAME_LENGTH`.
  static let nameLimit = 127
  /// The longest key of the metadata.
  static let keyLimit = 65535
  /// The most axes of a tensor.
  static let axisLimit = 4
  /// The key that holds the alignment, and the alignment without it.
  static let alignmentKey = "general.alignment"
  static let defaultAlignment = 32

  /// 2 or 3.
  private(set) var version: UInt32 = 0
  /// Key by key, in the order of the file.
  private(set) var metadata: [(key: String, value: GGUFValue)] = []
  /// In the order of the file.
  private(set) var tensors: [GGUFEntry] = []
  /// What every tensor's offset is a multiple of.
  private(set) var alignment = GGUFHeader.defaultAlignment
  /// Where the tensors' data begin.
  private(set) var dataStart = 0
  /// Bytes that follow the last tensor and its padding.
  private(set) var trailingByteCount = 0

  /// Reads and checks a header; touches nothing but these bytes.
  ///
  /// - Parameters:
  ///   - bytes: the file from its start; as much as there is, or more than the header.
  ///   - fileByteCount: size of the whole file.
  /// - Throws: ``GGUFFault``. Nothing is allocated for a count that the file can't hold.
  init(parsing bytes: RawSpan, fileByteCount: Int) throws(GGUFFault) {
    let most = min(bytes.byteCount, GGUFHeader.byteLimit)
    var reader = ByteReader(bytes.extracting(first: most), fileByteCount: fileByteCount)
    try readVersion(&reader)
    let tensorCount = try reader.count(of: "tensors", leastByteCount: 24)
    let keyCount = try reader.count(of: "keys", leastByteCount: 14)
    try readMetadata(&reader, count: keyCount)
    try setAlignment()
    let places = try readTensors(&reader, count: tensorCount)
    try placeTensors(places, headerByteCount: reader.position, fileByteCount: fileByteCount)
  }
}

extension GGUFHeader {
  private mutating func readVersion(_ reader: inout ByteReader) throws(GGUFFault) {
    let magic = try reader.take(4)
    let found = reader.copy(magic..<magic + 4)
    guard found == Array("GGUF".utf8) else { throw .wrongMagic(found: found) }
    version = try reader.integer()
    guard version == 2 || version == 3 else {
      throw .unsupportedVersion(version, isBigEndian: version & 0xFFFF == 0 && version != 0)
    }
  }

  private mutating func readMetadata(
    _ reader: inout ByteReader, count: Int
  ) throws(GGUFFault) {
    var index = UTF8Index()
    for position in 0..<count {
      reader.place = "key \(position + 1) of \(count)"
      let key = try reader.name("a key", limit: GGUFHeader.keyLimit)
      guard !key.isEmpty else {
        throw .unexpected(place: reader.place, expected: "a name", found: "an empty key")
      }
      reader.place = "key \(quoted(key))"
      if index.insert(key, at: position, name: { metadata[$0].key }) != nil {
        throw .duplicate(place: reader.place)
      }
      let kind = try reader.valueKind()
      metadata.append((key, try reader.value(of: kind)))
    }
  }

  private mutating func setAlignment() throws(GGUFFault) {
    let key = GGUFHeader.alignmentKey
    let found = metadata.first { $0.key.sameBytes(as: key) }
    guard let value = found?.value else { return }
    guard case .uint32(let number) = value else {
      throw .unexpected(
        place: "key '\(key)'", expected: "a uint32", found: "a value of kind \(value.kind)")
    }
    guard number.nonzeroBitCount == 1 else {
      throw .unexpected(place: "key '\(key)'", expected: "a power of two", found: "\(number)")
    }
    alignment = Int(number)
  }

  private mutating func readTensors(
    _ reader: inout ByteReader, count: Int
  ) throws(GGUFFault) -> [(offset: Int, byteCount: Int)] {
    var index = UTF8Index()
    var places: [(offset: Int, byteCount: Int)] = []
    for position in 0..<count {
      reader.place = "tensor \(position + 1) of \(count)"
      let name = try reader.name("a tensor's name", limit: GGUFHeader.nameLimit)
      reader.place = "tensor \(quoted(name))"
      if index.insert(name, at: position, name: { tensors[$0].name }) != nil {
        throw .duplicate(place: reader.place)
      }
      let (entry, offset, byteCount) = try reader.entry(named: name)
      tensors.append(entry)
      places.append((offset, byteCount))
    }
    return places
  }

  /// Checks that tensors follow each other, and turns their offsets into places in the file: the
  /// only place where sizes are added up.
  private mutating func placeTensors(
    _ places: [(offset: Int, byteCount: Int)], headerByteCount: Int, fileByteCount: Int
  ) throws(GGUFFault) {
    dataStart = headerByteCount
    // Without tensors nothing has to be padded.
    guard !tensors.isEmpty else {
      trailingByteCount = fileByteCount - headerByteCount
      return
    }
    dataStart = try GGUFHeader.padded(headerByteCount, to: alignment, place: "the header")
    var next = 0
    var end = dataStart
    for (position, (offset, byteCount)) in places.enumerated() {
      let place = "tensor \(quoted(tensors[position].name))"
      guard offset == next else {
        throw .unexpected(
          place: place, expected: "\(next), where the tensor before it ends",
          found: "offset \(offset)")
      }
      let (start, overflow) = dataStart.addingReportingOverflow(next)
      let (sum, sumOverflow) = start.addingReportingOverflow(byteCount)
      guard !overflow, !sumOverflow else { throw GGUFHeader.tooLarge(place) }
      if byteCount > 0 { end = sum }
      // One without elements may stand where the last one's padding is missing.
      let first = byteCount > 0 ? start : min(start, fileByteCount)
      tensors[position].byteRange = first..<first + byteCount
      next = try GGUFHeader.padded(next + byteCount, to: alignment, place: place)
    }
    guard end <= fileByteCount else { throw .truncated(expected: end, found: fileByteCount) }
    trailingByteCount = max(0, fileByteCount - dataStart - next)
  }

  private static func padded(
    _ byteCount: Int, to alignment: Int, place: String
  ) throws(GGUFFault) -> Int {
    let (sum, overflow) = byteCount.addingReportingOverflow(alignment - 1)
    if overflow { throw tooLarge(place) }
    return sum / alignment * alignment
  }

  private static func tooLarge(_ place: String) -> GGUFFault {
    .unexpected(place: place, expected: "an end before 2^63", found: "more bytes than a file holds")
  }
}
