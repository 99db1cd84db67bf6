internal import Elements
public import Tensors
internal import Text

/// How the weights of a checkpoint are stored, layer by layer: the one place that decides which
/// numbers can be read.
///
/// A layer whose codes have few bits and something beside them that is not understood is stored in a
/// form that isn't known here. Its bytes can be copied; nothing may take the codes for numbers.
public struct WeightStorage: Sendable {
  /// Layers that are stored in another form than as plain numbers, in the order of their codes.
  public let layers: [StoredLayer]
  /// Every tensor as the model has it: codes under the weight's name and in its shape, and nothing
  /// that only belongs to codes.
  let parameters: [TensorDescription]
  /// Which of ``layers`` a parameter is the weight of.
  let layerOfParameter: [Int?]
  /// What each layer fits.
  let rules: [StorageRule?]
  /// Tensors that mark a component.
  public let markers: [String]

  /// Judges the layers of a checkpoint from its headers and notes.
  ///
  /// - Parameters:
  ///   - tensors: every tensor.
  ///   - notes: what the checkpoint's own notes say.
  ///   - configuration: the component's config.json.
  public init(
    _ tensors: [TensorDescription], notes: StorageNotes = StorageNotes(),
    configuration: Configuration? = nil
  ) {
    self.init(tensors, notes: notes, configuration: configuration, shapes: [:])
  }

  /// The same of a model that is known: `shapes` are those of its weights, by the names that these tensors have, with
  /// nil for axes that aren't known. They tell what codes alone don't.
  init(
    _ tensors: [TensorDescription], notes: StorageNotes, configuration: Configuration?,
    shapes: [String: [Int?]]
  ) {
    let judge = StorageJudge(
      tensors, notes: notes, configuration: configuration, shapes: shapes)
    // Most files have nothing but plain numbers.
    let mayHoldCodes = tensors.contains { judge.mayBeCodes($0.dtype) }
    let groups =
      mayHoldCodes ? StoredGroup.groups(of: tensors, where: judge.mayBeCodes) : []
    var layers: [StoredLayer] = []
    var rules: [StorageRule?] = []
    var weights: [Int: Int] = [:]
    var isHelper = Array(repeating: false, count: tensors.count)
    for group in groups {
      guard let (layer, weight, rule) = judge.layer(of: group) else { continue }
      weights[weight] = layers.count
      for member in group.members where layer.helpers.contains(tensors[member.tensor].name) {
        isHelper[member.tensor] = true
      }
      layers.append(layer)
      rules.append(rule)
    }
    for marker in judge.markers { isHelper[marker] = true }
    if mayHoldCodes {
      for (position, tensor) in tensors.enumerated() where Self.isPreference(tensor) {
        isHelper[position] = true
      }
    }
    self.layers = layers
    self.rules = rules
    markers = judge.markers.map { tensors[$0].name }
    let kept = tensors.indices.filter { !isHelper[$0] }
    layerOfParameter = kept.map { weights[$0] }
    parameters = kept.map { position in
      guard let layer = weights[position] else { return tensors[position] }
      return judge.parameter(tensors[position], of: layers[layer], rules[layer])
    }
  }

  /// The storage of a checkpoint.
  public init(_ source: TensorSource, configuration: Configuration? = nil) {
    self.init(
      source.tensors.map(\.description), notes: StorageNotes(source), configuration: configuration)
  }
}

extension WeightStorage {
  /// Whether a tensor only tells a program how to compute: text, no numbers.
  ///
  /// **Source:** Comfy-Org/ComfyUI, `QUANTIZATION.md`.
  package static func isPreference(_ tensor: TensorDescription) -> Bool {
    tensor.dtype == .u8 && tensor.name.utf8HasSuffix(Recognition.shared.storageWords.preferences)
  }

  /// Whether there are layers, of those whose names begin with these bytes, whose shape nothing tells, and would be told
  /// by a model's.
  public func lacksShapes(under prefix: String = "") -> Bool {
    layers(under: prefix).contains { $0.shape == [] }
  }

  /// The layer that a parameter is the weight of; nil for a plain one.
  func layer(ofParameter position: Int) -> StoredLayer? {
    layerOfParameter[position].map { layers[$0] }
  }

  /// Layers whose names begin with these bytes.
  func layers(under prefix: String) -> [StoredLayer] {
    prefix.isEmpty ? layers : layers.filter { $0.weight.utf8HasPrefix(prefix) }
  }

  /// Whether layers of the model were put together anew, so that its tensors aren't there.
  func isRestructured(under prefix: String) -> Bool {
    zip(layers, rules).contains { layer, rule in
      rule?.isRestructured == true && layer.weight.utf8HasPrefix(prefix)
    }
  }

  /// The forms under a prefix, each once, and how many layers have it; none where all are plain.
  public func forms(under prefix: String = "") -> [(form: StoredForm, layerCount: Int)] {
    var counts: [(form: StoredForm, layerCount: Int)] = []
    for layer in layers(under: prefix) {
      if let known = counts.firstIndex(where: { $0.form.name == layer.form.name }) {
        counts[known].layerCount += 1
      } else {
        counts.append((layer.form, 1))
      }
    }
    return counts
  }

  /// How many layers have which form, those in other forms than plain first, then plain matrices by
  /// their dtype: `nvfp4`, `mxfp8`, `BF16`. Empty where all are plain.
  public func layerCounts(under prefix: String = "") -> [(name: String, count: Int)] {
    let forms = forms(under: prefix)
    if forms.isEmpty { return [] }
    var counts = forms.map { (name: $0.form.name, count: $0.layerCount) }
    for (position, parameter) in parameters.enumerated()
    where layerOfParameter[position] == nil && parameter.shape.count == 2
      && parameter.name.utf8HasSuffix(".weight") && parameter.name.utf8HasPrefix(prefix)
    {
      let name = parameter.dtype.rawValue
      if let known = counts.firstIndex(where: { $0.name == name }) {
        counts[known].count += 1
      } else {
        counts.append((name, 1))
      }
    }
    return counts
  }
}

extension DType {
  /// Whether elements of this type may be codes that mean nothing without something beside them.
  var mayBeCodes: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .i64, .u64, .bool: false
    default: true
    }
  }

  /// Whether elements have eight bits or fewer.
  var isSmall: Bool { bitCount <= 8 && self != .bool }
}
