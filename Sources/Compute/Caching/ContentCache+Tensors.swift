public import Compute
internal import Elements
internal import Files
public import JSON
internal import Tensors

extension ContentCache {
  /// The float32 tensors of a key's entry, in the order in which they were kept; nil where there is none, or where
  /// they have other names.
  public func floats(_ key: CacheKey, _ names: [String]) -> [Tensor]? {
    guard let views = find(key), views.map(\.name) == names,
      views.allSatisfy({ $0.dtype == .f32 })
    else { return nil }
    return views.map { Tensor(shape: $0.shape, $0.floats()) }
  }

  /// Keeps float32 tensors.
  public func store(_ tensors: [(name: String, tensor: Tensor)], under key: CacheKey) {
    store(
      tensors.map { TensorView(name: $0.name, shape: $0.tensor.shape, $0.tensor.floats) },
      under: key)
  }
}

extension Tensor {
  /// The tensor for a key: its shape, and the digest of its elements.
  public var contentJSON: JSONValue {
    [
      "shape": .array(shape.map { .integer(Int64($0)) }),
      "sha256": .string(unsafe SHA256.hexadecimal(of: floats.span.bytes)),
    ]
  }
}
