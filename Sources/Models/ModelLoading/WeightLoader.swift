public import Compute
internal import Elements
public import SystemPackage
public import Tensors

/// Hands a component's tensors to the model that is built from them, each checked against the shape
/// that the configuration calls for.
public struct WeightLoader: Sendable {
  /// Where the tensors come from; errors name it.
  public let file: FilePath
  /// Put before every name: the path of the module whose tensors are asked for, with its dot.
  public let prefix: String
  private let tensors: [String: TensorView]

  /// A loader over the tensors of a checkpoint.
  public init(file: FilePath, tensors: [TensorView]) {
    self.init(
      file: file, prefix: "",
      tensors: Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }))
  }

  private init(file: FilePath, prefix: String, tensors: [String: TensorView]) {
    self.file = file
    self.prefix = prefix
    self.tensors = tensors
  }

  /// The loader of a module inside this one: `loader.module("attn").vector("norm_q.weight", …)`.
  public func module(_ name: String) -> WeightLoader {
    WeightLoader(file: file, prefix: prefix + name + ".", tensors: tensors)
  }

  /// Whether there is a tensor of a name.
  public func has(_ name: String) -> Bool { tensors[prefix + name] != nil }

  /// A tensor in its file's dtype; the dtype can be widened to float32.
  public func tensor(_ name: String, shape: [Int]) throws(ModelError) -> TensorView {
    let name = prefix + name
    guard let tensor = tensors[name] else { throw .missingTensor(file: file, tensor: name) }
    guard tensor.shape == shape else {
      throw .shapeMismatch(file: file, tensor: name, expected: shape, found: tensor.shape)
    }
    guard tensor.dtype.isWidenable else {
      throw .unsupportedDType(file: file, tensor: name, found: tensor.dtype.rawValue)
    }
    return tensor
  }

  /// A small tensor, widened to float32 and kept in memory: a bias, the scale of a norm.
  public func floats(_ name: String, shape: [Int]) throws(ModelError) -> Tensor {
    let values = Tensor(shape: shape, try tensor(name, shape: shape).floats())
    guard values.isFinite else { throw .notFinite(file: file, tensor: prefix + name) }
    return values
  }

  /// The layer whose tensors are `name.weight` `[outFeatures, inFeatures]` and, unless it has none,
  /// `name.bias` `[outFeatures]`. The weight stays mapped.
  public func linear(
    _ name: String, from inFeatures: Int, to outFeatures: Int, hasBias: Bool = true
  )
    throws(ModelError) -> LinearLayer
  {
    LinearLayer(
      name: prefix + name,
      weight: Weight(try tensor(name + ".weight", shape: [outFeatures, inFeatures])),
      bias: hasBias ? try floats(name + ".bias", shape: [outFeatures]) : nil)
  }

  /// The name of the first tensor that holds NaN or infinity; reads everything. For saying why a
  /// result is not finite.
  public func firstNotFinite() -> String? {
    tensors.values.sorted { $0.name < $1.name }.first { tensor in
      tensor.dtype.isWidenable && !Tensor(shape: tensor.shape, tensor.floats()).isFinite
    }?.name
  }
}
