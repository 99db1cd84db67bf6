internal import Elements
internal import SystemPackage
public import Tensors

/// The tensors of a checkpoint as weights: which of them are only factors or notes that belong to
/// another, and what each weight's codes are multiplied by.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ops.py`, `comfy/model_detection.py` (`scale_weight` and the
/// marker `scaled_fp8`), `comfy/quant_ops.py` (`weight_scale`, `comfy_quant`); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py`.
public struct StoredTensors: Sendable {
  /// The weights and everything else that stands for itself, in the checkpoint's order.
  public let tensors: [Entry]

  /// A tensor with what belongs to its codes.
  public struct Entry: Sendable {
    /// The tensor.
    public let view: TensorView
    /// What its codes are multiplied by; nil for plain numbers.
    public let scale: StoredScale?
    /// The layer that its codes and what goes with them make; nil for a plain tensor.
    public let layer: StoredLayer?

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
  ///   weight.
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
      let codes = layer.form.codes.map { view.unpacked(as: $0) } ?? view
      tensors.append(
        Entry(view: codes, scale: try Self.scale(of: codes, layer, source), layer: layer))
    }
    self.tensors = tensors
  }

  private static func scale(
    of view: TensorView, _ layer: StoredLayer, _ source: TensorSource
  ) throws -> StoredScale? {
    guard let found = layer.scaleName.flatMap(source.find) else { return nil }
    try found.makeWhole()
    let scale = StoredScale(found, weight: view.shape)
    let unusable = scale?.unusable
    guard let scale, unusable == nil else {
      throw CheckpointError.storedOtherwise(
        file: source.path,
        detail: "tensor '\(found.name)' \(found.shape) \(found.dtype.rawValue), expected one "
          + "finite factor other than 0, or one for every row of '\(view.name)' \(view.shape)"
          + (unusable.map { ", found \($0)" } ?? ""))
    }
    return scale
  }
}

extension StoredLayer {
  /// The tensor that holds what its codes are multiplied by.
  package var scaleName: String? { form.scale.flatMap(helper) }
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
