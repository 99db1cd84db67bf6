internal import Elements
internal import Failures
internal import JSON
internal import SystemPackage
internal import Tensors
internal import Text

/// The length word and the JSON text that begin a safetensors file, padded with spaces to a
/// multiple of eight bytes.
///
/// Source: huggingface/safetensors, README, "Format", and `safetensors/src/tensor.rs`, `prepare`.
struct HeaderText {
  /// The most bytes of JSON that a header may have.
  static let byteLimit = 100_000_000

  /// Length word, JSON, padding.
  let bytes: [UInt8]
  /// Where each tensor begins in the data, and last where the data end.
  let offsets: [Int]

  /// The header of these tensors, in this order, without holes; with more padding when it must take
  /// as many bytes as another.
  init(
    tensors: [TensorDescription], metadata: Metadata, file: FilePath,
    byteCount: Int? = nil
  ) throws {
    try HeaderText.checkUnique(["__metadata__"] + tensors.map(\.name), "tensor", file: file)
    try HeaderText.checkUnique(metadata.map(\.key), "metadata key", file: file)
    var members: [JSONObject.Member] = []
    if !metadata.isEmpty {
      members.append(.init(key: "__metadata__", value: .object(metadata.json)))
    }
    var offsets = [0]
    for (index, tensor) in tensors.enumerated() {
      let byteCount = try HeaderText.byteCount(of: tensor, after: offsets[index], file: file)
      offsets.append(offsets[index] + byteCount)
      members.append(HeaderText.entry(tensor, begin: offsets[index], end: offsets[index + 1]))
    }
    // Before the text is made: it may be far over the limit.
    let size =
      members.reduce(0) { $0 + $1.key.utf8.count } + metadata.reduce(0) { $0 + $1.value.utf8.count }
    try HeaderText.checkSize(size, file: file)
    let text = Array(JSONValue.object(JSONObject(members)).text().utf8)
    let padded = max((text.count + 7) / 8 * 8, (byteCount ?? 0) - 8)
    try HeaderText.checkSize(padded, file: file)
    let lengthWord = stride(from: 0, to: 64, by: 8).map { UInt8(truncatingIfNeeded: padded >> $0) }
    let padding = repeatElement(UInt8(ascii: " "), count: padded - text.count)
    bytes = lengthWord + text + padding
    self.offsets = offsets
  }

  private static func checkSize(_ byteCount: Int, file: FilePath) throws {
    guard byteCount <= byteLimit else {
      throw SafetensorsError.invalidOutput(
        file: file, detail: "header of \(byteCount) bytes or more, expected at most \(byteLimit)")
    }
  }

  /// So that the end of a file with the largest header still is an `Int`.
  private static let dataLimit = Int.max - 2 * byteLimit

  private static func entry(
    _ tensor: TensorDescription, begin: Int, end: Int
  ) -> JSONObject.Member {
    let value: JSONValue = [
      "dtype": .string(tensor.dtype.rawValue),
      "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
      "data_offsets": [.integer(Int64(begin)), .integer(Int64(end))],
    ]
    return JSONObject.Member(key: tensor.name, value: value)
  }

  /// Bytes of a tensor that follows others in a file.
  static func byteCount(
    of tensor: TensorDescription, after total: Int, file: FilePath
  ) throws -> Int {
    let byteCount = tensor.dtype.byteCount(shape: tensor.shape)
    guard let byteCount, byteCount < dataLimit - total else {
      throw SafetensorsError.invalidOutput(
        file: file,
        detail: "tensor \(quoted(tensor.name)): \(tensor.dtype.rawValue) \(tensor.shape) is no "
          + "whole number of bytes, or more than a file can hold")
    }
    return byteCount
  }

  /// Refuses names that stand twice in a list.
  static func checkUnique(
    _ names: [String], _ what: String, file: FilePath
  ) throws {
    var index = UTF8Index(capacity: names.count)
    for (position, name) in names.enumerated()
    where index.insert(name, at: position, name: { names[$0] }) != nil {
      throw SafetensorsError.invalidOutput(file: file, detail: "\(what) '\(name)' given twice")
    }
  }
}
