internal import Elements
internal import Failures
internal import JSON
internal import Text

/// The bytes that begin a GGUF file, version 3, up to the first tensor's data.
///
/// Source: ggml-org/ggml, `docs/gguf.md`, "File Structure".
struct GGUFHeaderBytes {
  /// Header and padding.
  private(set) var bytes: [UInt8] = []
  /// Where each tensor's bytes lie in the file.
  private(set) var ranges: [Range<Int>] = []
  /// Size of the whole file, the last tensor's padding included.
  private(set) var fileByteCount = 0

  private let alignment: Int

  /// The header of these values and tensors, in this order.
  ///
  /// - Throws: the fault that a reader would find.
  init(
    metadata: [(key: String, value: GGUFValue)], tensors: [GGUFEntry], alignment: Int
  ) throws(GGUFFault) {
    self.alignment = alignment
    let metadata = try GGUFHeaderBytes.checked(metadata, alignment: alignment)
    try GGUFHeaderBytes.check(tensors)
    bytes = Array("GGUF".utf8)
    append(3 as UInt32)
    append(UInt64(tensors.count))
    append(UInt64(metadata.count))
    for (key, value) in metadata {
      append(key)
      append(value.kind.rawValue)
      append(value)
    }
    let dataByteCount = try append(tensors)
    guard bytes.count <= GGUFHeader.byteLimit else {
      throw .headerTooLarge(place: "all of it", limit: GGUFHeader.byteLimit)
    }
    let start = padded(bytes.count, plus: 0) ?? bytes.count
    if !tensors.isEmpty { bytes += Array(repeating: 0, count: start - bytes.count) }
    ranges = ranges.map { start + $0.lowerBound..<start + $0.upperBound }
    fileByteCount = bytes.count + dataByteCount
  }
}

extension GGUFHeaderBytes {
  /// Refuses keys that no reader takes; adds the alignment when it isn't the usual one.
  private static func checked(
    _ metadata: [(key: String, value: GGUFValue)], alignment: Int
  ) throws(GGUFFault) -> [(key: String, value: GGUFValue)] {
    var metadata = metadata
    let alignmentKey = GGUFHeader.alignmentKey
    guard alignment > 0, alignment.nonzeroBitCount == 1, let number = UInt32(exactly: alignment)
    else {
      throw .unexpected(
        place: "key '\(alignmentKey)'", expected: "a power of two", found: "\(alignment)")
    }
    if let given = metadata.first(where: { $0.key.sameBytes(as: alignmentKey) }) {
      guard given.value == .uint32(number) else {
        throw .unexpected(
          place: "key '\(alignmentKey)'", expected: "\(number)", found: "\(given.value)")
      }
    } else if alignment != GGUFHeader.defaultAlignment {
      metadata.append((alignmentKey, .uint32(number)))
    }
    var index = UTF8Index(capacity: metadata.count)
    for (position, entry) in metadata.enumerated() {
      let place = "key \(quoted(entry.key))"
      guard 1...GGUFHeader.keyLimit ~= entry.key.utf8.count else {
        throw .unexpected(
          place: place, expected: "1 to \(GGUFHeader.keyLimit)",
          found: "a key of \(entry.key.utf8.count) bytes")
      }
      if index.insert(entry.key, at: position, name: { metadata[$0].key }) != nil {
        throw .duplicate(place: place)
      }
      if case .array(let array) = entry.value, !array.isComplete {
        throw .unexpected(
          place: place, expected: "all \(array.count)", found: "\(array.elements.count) elements")
      }
    }
    return metadata
  }

  private static func check(_ tensors: [GGUFEntry]) throws(GGUFFault) {
    var index = UTF8Index(capacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      let place = "tensor \(quoted(tensor.name))"
      guard tensor.name.utf8.count <= GGUFHeader.nameLimit else {
        throw .unexpected(
          place: place, expected: "at most \(GGUFHeader.nameLimit)",
          found: "a name of \(tensor.name.utf8.count) bytes")
      }
      guard tensor.shape.count <= GGUFHeader.axisLimit else {
        throw .unexpected(
          place: place, expected: "at most \(GGUFHeader.axisLimit)",
          found: "\(tensor.shape.count) axes")
      }
      if index.insert(tensor.name, at: position, name: { tensors[$0].name }) != nil {
        throw .duplicate(place: place)
      }
    }
  }

  /// The next multiple of the alignment after so many bytes more; nil past 2^63.
  private func padded(_ offset: Int, plus byteCount: Int) -> Int? {
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    let (sum, sumOverflow) = end.addingReportingOverflow(alignment - 1)
    return overflow || sumOverflow ? nil : sum / alignment * alignment
  }
}

/// Little-endian values at the end of the bytes.
extension GGUFHeaderBytes {
  private mutating func append(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  private mutating func append(_ value: GGUFValue) {
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): append(value)
    case .array(let array):
      append(array.kind.rawValue)
      append(UInt64(array.count))
      for element in array.elements { append(element) }
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float64(let value): append(value.bitPattern)
    }
  }

  /// Places tensors one after another, each padded; how many bytes they take together.
  private mutating func append(_ tensors: [GGUFEntry]) throws(GGUFFault) -> Int {
    var offset = 0
    for tensor in tensors {
      guard let byteCount = tensor.byteCount,
        let end = padded(offset, plus: byteCount), end < Int.max - GGUFHeader.byteLimit
      else {
        throw .unexpected(
          place: "tensor \(quoted(tensor.name))", expected: "whole blocks that a file can hold",
          found: "\(tensor.type.name) \(tensor.shape)")
      }
      append(tensor, offset: offset)
      ranges.append(offset..<offset + byteCount)
      offset = end
    }
    return offset
  }

  private mutating func append(_ tensor: GGUFEntry, offset: Int) {
    append(tensor.name)
    append(UInt32(tensor.shape.count))
    for size in tensor.shape.reversed() { append(UInt64(size)) }
    append(tensor.type.rawValue)
    append(UInt64(offset))
  }
}
