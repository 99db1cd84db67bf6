internal import Elements
internal import JSON
internal import SystemPackage
internal import Tensors

extension TensorView {
  /// What a list of tensors says of this one.
  var json: JSONObject {
    let place = StoredPlace(of: self)
    return [
      "name": .string(name), "dtype": .string(dtype.rawValue),
      "shape": .array(shape.map(JSONValue.init(count:))), "bytes": JSONValue(count: byteCount),
      "stored_type": place.map { .string($0.type) } ?? .null,
      "stored_bytes": place.map { JSONValue(count: $0.byteCount) } ?? .null,
      "offset": place.map { JSONValue(count: $0.offset) } ?? .null,
      "file": file.map { .string($0.lastComponent?.string ?? "") } ?? .null,
    ]
  }
}
