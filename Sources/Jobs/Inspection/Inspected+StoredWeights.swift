internal import Checkpoints
internal import Elements
internal import GGUF
internal import Tensors

/// What is to be known of weights that are stored in another form than as plain numbers.
extension Inspected {
  /// Which layers' numbers are not read, and what programs that load scaled weights would stumble on.
  func storageFindings(_ description: CheckpointDescription) -> [Finding] {
    let weights = description.weights
    // Where config.json says what codes are, and they are none that are read, a check must not call them sound.
    let unread = weights.unreadForms(under: description.prefix).map {
      Finding($0.isStated ? .error : .warning, $0.text)
    }
    var texts: [String] = []
    let scaled = weights.layers.compactMap { layer in
      layer.form.isScaledFloat
        ? layer.helper("weight_scale").map { (layer: layer, scale: $0) } : nil
    }
    let narrow = scaled.filter { source?.find($0.scale)?.dtype != .f32 }
    if let first = narrow.first {
      texts.append(
        "'\(first.scale)' is no F32, as ComfyUI expects scales"
          + Self.more(narrow.count) + "; glance-convert --scaled writes them so")
    }
    let bare = scaled.filter { $0.layer.note == nil && $0.layer.helper("comfy_quant") == nil }
    if let first = bare.first, configuration?.quantizationKeys.isEmpty ?? true {
      texts.append(
        "'\(first.layer.weight)' has a scale and no note ('\(first.layer.path).comfy_quant')"
          + Self.more(bare.count)
          + ", without which ComfyUI doesn't apply it; glance-convert --scaled writes it")
    }
    return sideFaults(description) + unread + texts.map { Finding(.warning, $0) }
  }

  /// The first tensor beside codes that doesn't go with them, as whatever reads their numbers would meet it.
  private func sideFaults(_ description: CheckpointDescription) -> [Finding] {
    guard let source, description.weights.layers.contains(where: \.form.isRead) else { return [] }
    do { _ = try StoredTensors(source, description.weights) } catch CheckpointError.storedOtherwise(
      _, let detail)
    {
      return [Finding(.error, detail)]
    } catch {
      // What can't be had, as of a difference without its base, is told of where it is asked for.
    }
    return []
  }

  private static func more(_ count: Int) -> String {
    count > 1 ? ", nor are \(count - 1) more" : ""
  }

  /// Refuses tensors whose numbers are not read, wherever they would be spoken of.
  func requireNumbers(of tensors: [TensorView]) throws {
    for part in parts { try part.requireNumbers(of: tensors) }
    guard parts.isEmpty else { return }
    for tensor in tensors {
      guard let blocks = tensor.blocks, !blocks.type.isDecodable else { continue }
      throw GGUFError.cannotDecode(
        file: tensor.file ?? path, tensor: tensor.name, type: blocks.type)
    }
    try description?.weights.requireNumbers(in: path, of: tensors.map(\.name))
  }
}
