internal import Failures
public import JSON
internal import Text

/// Which rule of the format a header breaks.
///
/// Source: huggingface/safetensors, README, "Format", and `safetensors/src/tensor.rs`,
/// `read_metadata` and `validate`; where the two differ, the stricter, so that no two readers can
/// take different contents from one file.
public enum HeaderFault: Error, Equatable {
  /// The text isn't the JSON it must be.
  case json(JSONError)
  /// Two tensors have one name.
  case duplicateTensor(String)
  /// `__metadata__` stands there twice.
  case duplicateMetadata
  /// `__metadata__` is neither an object nor null.
  case metadataNotAnObject
  /// `__metadata__` has a key twice.
  case duplicateMetadataKey(String)
  /// A value of `__metadata__` is no string.
  case metadataNotText(key: String)
  /// A tensor's entry is no object.
  case entryNotAnObject(tensor: String)
  /// An entry has one of its fields twice.
  case duplicateField(tensor: String, field: Field)
  /// An entry lacks a field.
  case missingField(tensor: String, field: Field)
  /// A field's value is of another kind: what, and where.
  case invalidField(tensor: String, field: Field, reason: JSONError)
  /// `data_offsets` are not two.
  case offsetCount(tensor: String)
  /// A dtype that the format doesn't list.
  case unknownDType(tensor: String, dtype: String)
  /// The product of shape and element size doesn't fit 64 bits.
  case sizeOverflow(tensor: String, shape: [Int])
  /// The elements don't fill whole bytes.
  case partialByte(tensor: String)
  /// The offsets span another size than shape and dtype take.
  case sizeMismatch(tensor: String, expected: Int, found: Int)
  /// The end comes before the begin.
  case reversedOffsets(tensor: String, begin: Int, end: Int)
  /// The tensor begins before the one before it ends.
  case overlap(tensor: String, begin: Int, expected: Int)
  /// Bytes lie between the tensor and the one before it that belong to none.
  case hole(tensor: String, begin: Int, expected: Int)

  /// A field of a tensor's entry.
  public enum Field: String, Sendable {
    /// Type of the elements.
    case dtype
    /// Sizes, outermost first.
    case shape
    /// Begin and end of the tensor's bytes, counted from the end of the header.
    case dataOffsets = "data_offsets"
  }
}

extension HeaderFault: CustomStringConvertible {
  /// What is wrong, with the tensor.
  public var description: String {
    switch self {
    case .json(let error): "malformed header: \(error)"
    case .duplicateTensor(let name): "two tensors named \(quoted(name))"
    case .duplicateMetadata: "__metadata__ given twice"
    case .metadataNotAnObject: "__metadata__ must be an object of strings"
    case .duplicateMetadataKey(let key): "__metadata__ key \(quoted(key)) given twice"
    case .metadataNotText(let key): "__metadata__ value of \(quoted(key)) must be a string"
    case .entryNotAnObject(let tensor): "tensor \(quoted(tensor)): its entry must be an object"
    case .duplicateField(let tensor, let field):
      "tensor \(quoted(tensor)): \(field.rawValue) given twice"
    case .missingField(let tensor, let field):
      "tensor \(quoted(tensor)): no \(field.rawValue)"
    case .invalidField(let tensor, let field, let reason):
      "tensor \(quoted(tensor)): \(field.rawValue): \(reason)"
    case .offsetCount(let tensor):
      "tensor \(quoted(tensor)): data_offsets must be two numbers, begin and end"
    case .unknownDType(let tensor, let dtype):
      "tensor \(quoted(tensor)): unknown dtype \(quoted(dtype))"
    case .sizeOverflow(let tensor, let shape):
      "tensor \(quoted(tensor)): shape \(abbreviated(shape)) has a size beyond 64 bits"
    case .partialByte(let tensor):
      "tensor \(quoted(tensor)): its elements do not fill whole bytes"
    case .sizeMismatch(let tensor, let expected, let found):
      "tensor \(quoted(tensor)): data_offsets span \(found) bytes, "
        + "expected \(expected) from its dtype and shape"
    case .reversedOffsets(let tensor, let begin, let end):
      "tensor \(quoted(tensor)): data_offsets end at \(end), before they begin at \(begin)"
    case .overlap(let tensor, let begin, let expected):
      "tensor \(quoted(tensor)): data_offsets begin at \(begin), inside the tensor before, "
        + "which ends at \(expected); tensors must not overlap"
    case .hole(let tensor, let begin, let expected):
      "tensor \(quoted(tensor)): data_offsets begin at \(begin), expected \(expected), "
        + "where the tensor before ends; there must be no hole"
    }
  }
}

private func abbreviated(_ shape: [Int]) -> String {
  shape.count <= 8 ? "\(shape)" : "\(shape.prefix(8)) and \(shape.count - 8) more"
}
