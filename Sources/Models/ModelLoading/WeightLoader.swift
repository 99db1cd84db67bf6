public import Checkpoints
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
  private let parameters: StoredParameters

  /// A loader over the parameters of a checkpoint.
  public init(file: FilePath, _ parameters: StoredParameters) {
    self.init(file: file, prefix: "", parameters)
  }

  /// A loader over tensors, each under its name.
  public init(file: FilePath, tensors: [TensorView]) {
    self.init(file: file, StoredParameters(tensors))
  }

  private init(file: FilePath, prefix: String, _ parameters: StoredParameters) {
    self.file = file
    self.prefix = prefix
    self.parameters = parameters
  }

  /// The loader of a module inside this one: `loader.module("attn").vector("norm_q.weight", …)`.
  public func module(_ name: String) -> WeightLoader {
    WeightLoader(file: file, prefix: prefix + name + ".", parameters)
  }

  /// Whether there is a tensor of a name.
  public func has(_ name: String) -> Bool { parameters[prefix + name] != nil }

  /// A parameter as its file stores it; its numbers can be had as float32.
  public func stored(_ name: String, shape: [Int]) throws(ModelError) -> StoredWeight {
    let name = prefix + name
    guard let weight = parameters[name] else { throw .missingTensor(file: file, tensor: name) }
    guard weight.shape == shape else {
      throw .shapeMismatch(file: file, tensor: name, expected: shape, found: weight.shape)
    }
    guard weight.isWidenable else {
      let found = weight.encoding?.name ?? "several types"
      throw .unsupportedDType(file: file, tensor: name, found: found)
    }
    return weight
  }

  /// A small parameter, widened to float32 and kept in memory: a bias, the scale of a norm.
  public func floats(_ name: String, shape: [Int]) throws(ModelError) -> Tensor {
    let weight = try stored(name, shape: shape)
    let values: Tensor
    do { values = Tensor(shape: shape, try weight.floats()) } catch {
      throw .unreadable(file: file, detail: "tensor '\(prefix + name)': \(error)")
    }
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
      weight: Weight(try stored(name + ".weight", shape: [outFeatures, inFeatures])),
      bias: hasBias ? try floats(name + ".bias", shape: [outFeatures]) : nil)
  }

  /// The name of the first tensor that holds NaN or infinity; reads everything. For saying why a
  /// result is not finite.
  public func firstNotFinite() -> String? {
    let named = zip(parameters.names, parameters.weights).sorted { $0.0 < $1.0 }
    return named.first { _, weight in
      guard weight.isWidenable, let values = try? weight.floats() else { return false }
      return !Tensor(shape: weight.shape, values).isFinite
    }?.0
  }
}
