internal import Elements
internal import SystemPackage
public import Tensors

/// The tensors of a checkpoint as weights: which of them are only factors or notes that belong to
/// another, and what each weight's codes are multiplied by.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ops.py`, `comfy/model_detection.py` (`scale_weight` and the
/// marker `scaled_fp8`), `comfy/quant_ops.py` (`weight_scale`, `comfy_quant`); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py`; and those of ``StoredScale``.
public struct StoredTensors: Sendable {
  /// The weights and everything else that stands for itself, in the checkpoint's order.
  public let tensors: [Entry]

  /// A tensor with what belongs to its codes.
  public struct Entry: Sendable {
    /// The tensor, under the weight's name.
    public let view: TensorView
    /// What its codes are multiplied by; nil for plain numbers.
    public let scale: StoredScale?
    /// The layer that its codes and what goes with them make; nil for a plain tensor.
    public let layer: StoredLayer?

    /// What the file calls the tensor: not ``view``'s name for codes that aren't called as their weight.
    package var storedName: String { layer?.weight ?? view.name }
    /// The numbers that it stands for.
    public var weight: StoredWeight { StoredWeight(view, scale: scale) }
    /// Whether it only tells programs how to compute.
    package var isPreference: Bool { WeightStorage.isPreference(view.description) }
  }

  /// Sorts the tensors of a checkpoint. Layers whose numbers are not read stay as they are.
  ///
  /// - Parameters:
  ///   - source: the checkpoint.
  ///   - weights: how its weights are stored.
  ///   - views: which of its tensors; nil for all.
  /// - Throws: ``CheckpointError/storedOtherwise(file:detail:)`` for a scale that doesn't go with its
  ///   weight, and codes that are no whole groups.
  public init(
    _ source: TensorSource, _ weights: WeightStorage, of views: [TensorView]? = nil
  ) throws {
    let layers = weights.layers.filter(\.form.isRead)
    let layerOfWeight = TensorIndex(layers.lazy.map(\.weight))
    let helpers = TensorIndex(layers.flatMap(\.helpers) + weights.markers)
    var tensors: [Entry] = []
    for view in views ?? source.tensors where helpers[view.name] == nil {
      guard let position = layerOfWeight[view.name] else {
        tensors.append(Entry(view: view, scale: nil, layer: nil))
        continue
      }
      let layer = layers[position]
      let codes = try Self.codes(view, layer, source)
      let scale = try Self.scale(of: codes, layer, source)
      tensors.append(Entry(view: codes.named(layer.parameter), scale: scale, layer: layer))
    }
    self.tensors = tensors
  }

  /// The elements of a layer's codes.
  private static func codes(
    _ view: TensorView, _ layer: StoredLayer, _ source: TensorSource
  ) throws -> TensorView {
    guard let type = layer.codes else { return view }
    // An empty tensor may have sizes that no row has.
    let row = view.elementCount == 0 ? 0 : view.dtype.byteCount(elements: view.shape.last ?? 1)
    guard row % type.byteCount == 0 else {
      throw CheckpointError.storedOtherwise(
        file: source.path,
        detail:
          "tensor '\(view.name)' \(view.shape) \(view.dtype.rawValue), expected rows of whole "
          + "groups of \(type.byteCount), as \(layer.form.title) stores them")
    }
    return view.unpacked(as: type)
  }

  private static func scale(
    of view: TensorView, _ layer: StoredLayer, _ source: TensorSource
  ) throws -> StoredScale? {
    var factors: [(tensor: TensorView, rule: ScaleRule)] = []
    for rule in layer.form.scales {
      guard let tensor = layer.helper(rule.name).flatMap(source.find) else {
        throw CheckpointError.missingTensor(
          file: source.path, tensor: "\(layer.path).\(rule.name)")
      }
      try tensor.makeWhole()
      factors.append((tensor, rule))
    }
    if factors.isEmpty { return nil }
    do {
      return try StoredScale(factors, weight: view.shape, of: view.name)
    } catch {
      throw CheckpointError.storedOtherwise(
        file: source.path,
        detail: "tensor '\(error.tensor.name)' \(error.tensor.shape) "
          + "\(error.tensor.dtype.rawValue), expected \(error.expected)"
          + (error.factor.map { ", found \($0)" } ?? ""))
    }
  }
}

extension TensorView {
  /// The elements that packed codes hold: as many times the columns as a block has bytes.
  fileprivate func unpacked(as type: BlockType) -> TensorView {
    let bytes = part(name: name, dtype: .u8, shape: [byteCount], range: 0..<byteCount)
    let elements = byteCount / type.byteCount * type.elementCount
    let rows = shape.dropLast()
    let width = rows.elementCount == 0 ? 0 : elements / rows.elementCount
    return TensorView(name: name, shape: rows + [width], codes: bytes, type: type)
  }
}
