internal import Checkpoints
internal import Elements
internal import Tensors

/// The tensors of an input as weights: which of them are only factors or notes that belong to
/// another, and what each weight's codes are multiplied by.
///
/// Source: Comfy-Org/ComfyUI, `comfy/ops.py`, `comfy/model_detection.py` (`scale_weight` and the
/// marker `scaled_fp8`), `comfy/quant_ops.py` (`weight_scale`, `comfy_quant`); kohya-ss/musubi-tuner,
/// `modules/fp8_optimization_utils.py`.
struct StoredWeights {
  /// The weights and everything else that stands for itself, in the input's order.
  let tensors: [StoredTensor]

  /// A tensor with its factor.
  struct StoredTensor {
    let view: TensorView
    let scale: StoredScale?
    /// What else goes with its codes; nil for a plain tensor.
    let side: StoredSide?

    /// The tensor and all that belongs to its codes.
    var all: [TensorView] { [view] + (side?.helpers ?? []) }
    /// Whether it only tells programs how to compute.
    var isPreference: Bool { WeightStorage.isPreference(view.description) }
  }

  /// Sorts the tensors of an input. Layers whose numbers are not read stay as they are.
  init(_ source: TensorSource, _ weights: WeightStorage) throws {
    let layers = weights.layers.filter(\.form.isRead)
    let layerOfWeight = TensorIndex(layers.lazy.map(\.weight))
    let helpers = TensorIndex(layers.flatMap(\.helpers) + weights.markers)
    var tensors: [StoredTensor] = []
    for view in source.tensors where helpers[view.name] == nil {
      guard let position = layerOfWeight[view.name] else {
        tensors.append(StoredTensor(view: view, scale: nil, side: nil))
        continue
      }
      let side = StoredSide(layers[position], in: source)
      tensors.append(
        StoredTensor(view: view, scale: try Self.scale(of: view, side, source), side: side))
    }
    self.tensors = tensors
  }

  private static func scale(
    of view: TensorView, _ side: StoredSide, _ source: TensorSource
  ) throws -> StoredScale? {
    guard let found = side.scale else { return nil }
    let scale = StoredScale(found, weight: view.shape)
    guard let scale, scale.isUsable else {
      throw RewritingError.unsupported(
        file: source.path,
        detail: "tensor '\(found.name)' \(found.shape) \(found.dtype.rawValue), expected one "
          + "finite factor other than 0, or one for every row of '\(view.name)' \(view.shape)")
    }
    return scale
  }
}

extension Array {
  /// Those for which something holds, and the others.
  func partitioned(_ holds: (Element) -> Bool) -> (those: [Element], others: [Element]) {
    (filter(holds), filter { !holds($0) })
  }
}
