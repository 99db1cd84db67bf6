internal import Checkpoints
internal import JSON
internal import Safetensors
internal import SystemPackage
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
  /// Tensors that belong to others, or mark the file.
  let helpers: [TensorView]

  /// A tensor with its factor.
  struct StoredTensor {
    let view: TensorView
    let scale: StoredScale?
    /// The factor of a layer's inputs, which is carried along.
    let inputScale: TensorView?
  }

  /// Endings of a weight's scale, in place of `weight`.
  private static let scaleEndings = ["weight_scale", "scale_weight"]
  private static let inputScaleEndings = ["input_scale", "scale_input"]
  private static let marker = "scaled_fp8"
  /// What a layer's note must say for its codes times its scale to be the weight.
  private static let knownFormats = ["float8_e4m3fn", "float8_e5m2"]

  /// Sorts the tensors of an input.
  init(_ source: TensorSource, prefix: String) throws(ConversionError) {
    try Self.checkNotes(source)
    var tensors: [StoredTensor] = []
    var helpers: [TensorView] = []
    for view in source.tensors {
      if Self.isHelper(view, in: source, prefix: prefix) {
        helpers.append(view)
        continue
      }
      guard let layer = view.name.droppingSuffix(".weight") else {
        tensors.append(StoredTensor(view: view, scale: nil, inputScale: nil))
        continue
      }
      let found = Self.scaleEndings.lazy.compactMap { source.find("\(layer).\($0)") }.first
      var scale: StoredScale?
      let isNoted = [layer + ".comfy_quant", prefix + Self.marker].contains {
        source.find($0) != nil
      }
      if found == nil, isNoted, view.dtype.isEightBitFloat {
        throw .unsupported(
          file: source.path,
          detail: "tensor '\(view.name)': eight-bit codes without their scale, expected "
            + "'\(layer).\(Self.scaleEndings[0])'; download or copy the file again")
      }
      if let found {
        guard view.dtype.isWidenable else {
          throw .unsupported(
            file: source.path,
            detail: "tensor '\(view.name)' is stored as \(view.dtype.rawValue) with a scale, "
              + "which is not read; its elements can only be copied")
        }
        scale = StoredScale(found, weight: view.shape)
        guard let scale, scale.isUsable else {
          throw .unsupported(
            file: source.path,
            detail: "tensor '\(found.name)' \(found.shape) \(found.dtype.rawValue), expected one "
              + "finite factor other than 0, or one for every row of '\(view.name)' \(view.shape)")
        }
      }
      tensors.append(
        StoredTensor(
          view: view, scale: scale,
          inputScale: Self.inputScaleEndings.lazy.compactMap { source.find("\(layer).\($0)") }.first
        ))
    }
    self.tensors = tensors
    self.helpers = helpers
  }

  /// The form of ComfyUI's scaled weights that the input has; nil when nothing is scaled.
  var generation: ConversionRequest.ScaledForm? {
    if helpers.contains(where: { $0.name.droppingSuffix(".weight_scale") != nil }) {
      return .generation2
    }
    return tensors.contains { $0.scale != nil } ? .generation1 : nil
  }

  /// Whether a tensor belongs to a weight beside it, or only marks the file.
  private static func isHelper(
    _ view: TensorView, in source: TensorSource, prefix: String
  ) -> Bool {
    if view.name.utf8.elementsEqual((prefix + marker).utf8) { return true }
    for ending in scaleEndings + inputScaleEndings + ["comfy_quant"] {
      guard let layer = view.name.droppingSuffix("." + ending) else { continue }
      return source.find(layer + ".weight") != nil
    }
    return false
  }

  /// Refuses layers whose note names another way of packing.
  static func checkNotes(_ source: TensorSource) throws(ConversionError) {
    for view in source.tensors where view.name.droppingSuffix(".comfy_quant") != nil {
      guard view.dtype == .u8, view.byteCount <= 4096 else { continue }
      let note = try? JSONValue(parsing: view.bytes)
      try check(note?["format"]?.string, of: view.name, source)
    }
    let key = "_quantization_metadata"
    guard let text = source.metadata.first(where: { $0.key == key })?.value,
      let layers = (try? JSONValue(parsing: text))?["layers"]?.object
    else { return }
    for layer in layers.members { try check(layer.value["format"]?.string, of: layer.key, source) }
  }

  private static func check(
    _ format: String?, of layer: String, _ source: TensorSource
  ) throws(ConversionError) {
    guard let format, !knownFormats.contains(format) else { return }
    throw .unsupported(
      file: source.path,
      detail: "'\(layer)' is stored as '\(format)', expected one of "
        + "\(knownFormats.joined(separator: ", ")); convert it with the program that wrote it")
  }
}

extension String {
  /// The text before a suffix, compared by bytes; nil when it ends otherwise.
  func droppingSuffix(_ suffix: String) -> String? {
    guard utf8.count >= suffix.utf8.count, utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    else { return nil }
    return String(decoding: utf8.dropLast(suffix.utf8.count), as: UTF8.self)
  }
}
