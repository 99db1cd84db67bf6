internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Elements
internal import SystemPackage
internal import Tensors

/// Prompts' states, one a prompt, and the negative prompts': one for all, one a prompt, or none.
struct EncodedPrompts {
  let prompts: [Conditioning]
  let negatives: [Conditioning]

  /// The negative states that go with a prompt.
  func negative(for prompt: Int) -> Conditioning? {
    negatives.count == 1 ? negatives[0] : negatives.isEmpty ? nil : negatives[prompt]
  }
}

extension EncodedPrompts {
  /// Reads prompts' states from a safetensors file whose tensors have the names of the diffusers
  /// pipelines' arguments: `prompt_embeds` `[prompts, tokens, channels]` (or without the first
  /// axis), `prompt_embeds_mask` `[prompts, tokens]`, `pooled_prompt_embeds` `[prompts, channels]`,
  /// and the same with `negative_` before them; those may have one row for all prompts.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - model: who is told the states.
  ///   - cfg: classifier-free guidance scale; other than 1 it needs the negative states.
  /// - Throws: when a tensor is missing or not what the model takes.
  init(reading file: FilePath, for model: any DiffusionTransformer, cfg: Double) throws {
    let source = EmbeddingsFile(try TensorSource(openingAny: file))
    guard let prompts = try source.conditionings("", for: model) else {
      throw DrawingError.invalid(
        source: "\(file)", expected: "a tensor 'prompt_embeds'",
        found: source.names.isEmpty ? "no tensor" : source.names)
    }
    self.prompts = prompts
    guard cfg != 1 else {
      negatives = []
      return
    }
    guard let negatives = try source.conditionings("negative_", for: model) else {
      throw DrawingError.invalid(
        source: "\(file)", expected: "'negative_prompt_embeds' for --cfg \(cfg)",
        found: "none; give it, or --cfg 1")
    }
    guard negatives.count == 1 || negatives.count == prompts.count else {
      throw DrawingError.invalid(
        source: "\(file): tensor 'negative_prompt_embeds'",
        expected: "one row for all, or \(prompts.count), as 'prompt_embeds' has",
        found: "\(negatives.count)")
    }
    self.negatives = negatives
  }
}

/// A file with prompts' states.
private struct EmbeddingsFile {
  private let file: TensorSource

  init(_ file: TensorSource) { self.file = file }

  /// Some names of what is there.
  var names: String { file.tensors.prefix(5).map(\.name).joined(separator: ", ") }

  /// The states whose tensors have a prefix before their names; nil when there are none.
  func conditionings(
    _ prefix: String, for model: any DiffusionTransformer
  ) throws -> [Conditioning]? {
    let (textName, pooledName) = (prefix + "prompt_embeds", "\(prefix)pooled_prompt_embeds")
    guard let texts = try rows(textName, rank: 3) else { return nil }
    let lengths = try lengths(textName + "_mask", like: texts)
    let pooled = model.pooledChannels == nil ? nil : try rows(pooledName, rank: 2)
    if let pooled, pooled.count != 1, pooled.count != texts.count {
      throw invalid(
        pooledName, "one row for all, or \(texts.count), as '\(textName)' has", "\(pooled.count)")
    }
    let source = ConditioningSource(
      text: "\(file.path): tensor '\(textName)'", pooled: "\(file.path): tensor '\(pooledName)'")
    return try texts.enumerated().map { index, text in
      let conditioning = Conditioning(
        text: text.rows(0..<lengths[index]),
        pooled: pooled.map { $0.count == 1 ? $0[0] : $0[index] })
      try model.check(conditioning, from: source)
      return conditioning
    }
  }

  /// A tensor's rows, each a matrix; a tensor with one axis less is one row.
  private func rows(_ name: String, rank: Int) throws -> [Tensor]? {
    guard let view = view(name) else { return nil }
    guard view.dtype.isWidenable, view.shape.count == rank || view.shape.count == rank - 1,
      view.elementCount > 0
    else {
      throw invalid(name, "floats with \(rank) axes", "\(view.dtype.rawValue) \(view.shape)")
    }
    let shape = view.shape.count == rank ? view.shape : [1] + view.shape
    let whole = view.floats()
    guard whole.allSatisfy(\.isFinite) else {
      throw invalid(name, "finite numbers", "NaN or infinity")
    }
    let size = whole.count / shape[0]
    return (0..<shape[0]).map { row in
      Tensor(
        shape: rank == 3 ? Array(shape.dropFirst()) : [1, size],
        Array(whole[row * size..<(row + 1) * size]))
    }
  }

  /// Tokens of every row that a mask, of any type, lets pass: all without one.
  private func lengths(_ name: String, like texts: [Tensor]) throws -> [Int] {
    guard let view = view(name) else { return texts.map(\.rows) }
    let tokens = texts[0].rows
    guard view.dtype.groupLength == 1, view.shape == [texts.count, tokens] else {
      throw invalid(
        name, "shape [\(texts.count), \(tokens)]", "\(view.dtype.rawValue) \(view.shape)")
    }
    let (bytes, size) = (view.bytes, view.dtype.byteCount(elements: 1))
    return try texts.indices.map { row in
      let isSet = (0..<tokens).map { token in
        (0..<size).contains { byte in
          unsafe bytes.unsafeLoad(
            fromByteOffset: (row * tokens + token) * size + byte, as: UInt8.self) != 0
        }
      }
      let length = isSet.prefix { $0 }.count
      guard length > 0, !isSet[length...].contains(true) else {
        throw invalid(name, "ones, then zeros, in every row", "others in row \(row)")
      }
      return length
    }
  }

  private func view(_ name: String) -> TensorView? { file.tensors.first { $0.name == name } }

  private func invalid(_ name: String, _ expected: String, _ found: String) -> DrawingError {
    .invalid(source: "\(file.path): tensor '\(name)'", expected: expected, found: found)
  }
}
